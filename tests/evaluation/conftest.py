"""Pictures that say which they are, the faces in them, and an aligner that is as wrong as told."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.datasets import Sample
from canthus.evaluation import Benchmark
from canthus.faces import SCHEMES, Face, Landmarks
from canthus.geometry import Box
from canthus.images.files import write_image

EYES = 40.0  # pixels between the outer corners of every face's eyes
FACES = 6
SIDE = 128


def shape(index: int) -> NDArray[np.float32]:
    """The points of a face whose eyes' outer corners are `EYES` apart."""
    points = np.random.default_rng(index).uniform(30, 90, (68, 2)).astype(np.float32)
    points[36], points[45] = (40, 50), (80, 50)
    return points


@dataclass
class FakeAligner:
    """Finds the true faces of the pictures above, moved by an offset.

    Attributes:
        offset: pixels right and down.
        lost: pictures in which it finds nobody.
        score: of every landmark; none by default.
        variance: of every landmark's error along x and y; not known by default.
        strangers: boxes of further faces, which come first.
        expected: what error it expects of each picture's face; not known by default.
        scheme: it answers in.
        given: the boxes it was given so far.
    """

    offset: tuple[float, float] = (0.0, 0.0)
    lost: tuple[int, ...] = ()
    score: float | None = None
    variance: float | None = None
    strangers: tuple[Box, ...] = ()
    expected: tuple[float, ...] = ()
    scheme: str = "68"
    given: list[Sequence[Box] | None] = field(default_factory=list)

    def many(
        self,
        images: Iterable[NDArray[np.uint8]],
        boxes: Iterable[Sequence[Box] | None] | None = None,
    ) -> list[list[Face]]:
        pictures = list(images)
        self.given += [None] * len(pictures) if boxes is None else list(boxes)
        return [self._faces(int(image[64, 64, 0])) for image in pictures]

    def _faces(self, index: int) -> list[Face]:
        if index in self.lost:
            return []
        points = shape(index) + np.array(self.offset, np.float32)
        strangers = [self._face(self._inside(box)) for box in self.strangers]
        face = self._face(points)
        if self.expected:
            face = replace(face, expected_error=self.expected[index])
        return [*strangers, face]

    def _inside(self, box: Box) -> NDArray[np.float32]:
        low, high = (box.x0, box.y0), (box.x1, box.y1)
        return np.linspace(low, high, 68).astype(np.float32)

    def _face(self, points: NDArray[np.float32]) -> Face:
        scores = None if self.score is None else np.full(68, self.score, np.float32)
        variance = self.variance
        covariances = None if variance is None else np.tile(variance * np.eye(2), (68, 1, 1))
        landmarks = Landmarks(points, SCHEMES["68"], scores, covariances).map(self.scheme)
        return Face(Box.around(points), 1.0, landmarks)


@pytest.fixture
def fake() -> Callable[..., FakeAligner]:
    """Makes a `FakeAligner`."""
    return FakeAligner


@pytest.fixture(scope="session")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Gray pictures whose brightness is their index."""
    folder = tmp_path_factory.mktemp("pictures")
    paths = [folder / f"{index}.png" for index in range(FACES)]
    for index, path in enumerate(paths):
        write_image(path, np.full((SIDE, SIDE, 3), index, np.uint8))
    return paths


@pytest.fixture
def benchmark(pictures: list[Path]) -> Benchmark:
    """Six faces of 68 points, the first two of them hard ones."""
    samples = tuple(
        Sample(path, Box.around(shape(index)), Landmarks(shape(index), SCHEMES["68"]))
        for index, path in enumerate(pictures)
    )
    return Benchmark(
        name="drawn",
        title="six faces",
        samples=samples,
        normalizer="inter_ocular",
        threshold=0.08,
        beside=("box_size",),
        subsets={"hard": (0, 1), "easy": (2, 3, 4, 5)},
    )
