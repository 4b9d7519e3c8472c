"""Tools of others, dlib and MediaPipe, asked as a model of ours is: on the same faces and boxes.

Neither belongs to this package. Whoever wants to compare installs them, and brings their files.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from canthus.errors import CanthusError
from canthus.evaluation.benchmarks import Benchmark, given_boxes
from canthus.evaluation.evaluate import Aligns, Track, answer, closest
from canthus.evaluation.offsets import without_offsets
from canthus.evaluation.report import Report
from canthus.evaluation.scoring import score
from canthus.faces import Face, Landmarks, scheme_of
from canthus.geometry import Box, BoxRelation, Similarity
from canthus.images.warp import crop

Picture = NDArray[np.uint8]
Points = NDArray[np.float64]

PREDICTOR, TASK = "shape_predictor_68_face_landmarks.dat", "face_landmarker.task"
NUM_PARTS = 68
# dlib's frontal HOG detector on training faces of 300-W and YouTube Faces, 142 that it found, by
# `detection.boxes.measured`: the mean of the two sets, which are 0.03 apart.
DRAWN = BoxRelation(right=-0.01, down=-0.07, scale=1.02)
SEEN = 2.0  # sides of the given box that MediaPipe is shown, since it looks for the face anew,
SIZE = 320  # as a square of so many pixels: its networks look at 192 or 256 of them
FACES = 3  # in that square, of which the one that fits the given box best is taken
SURE_ENOUGH = 0.3  # of its detector: somebody has said that there is a face


class Peer(ABC):
    """A tool that is asked about given boxes.

    Attributes:
        name: what figures call it.
    """

    name: ClassVar[str]

    def many(
        self,
        images: Iterable[Picture],
        boxes: Iterable[Sequence[Box] | None] | None = None,
    ) -> list[list[Face]]:
        """Find the faces of each picture's boxes; those that are missed are left out.

        Raises:
            ValueError: if there are no boxes.
        """
        if boxes is None:
            raise ValueError("other tools are asked about given boxes; expected some, found none")
        seen = []
        for image, some in zip(images, boxes, strict=True):
            faces = [self._look(image, box) for box in some or ()]
            seen.append([face for face in faces if face is not None])
        return seen

    @abstractmethod
    def _look(self, image: Picture, box: Box) -> Face | None:
        """The face in a box; None if it is missed."""


class Dlib(Peer):
    """dlib's shape predictor: a cascade of regression trees (Kazemi and Sullivan, 2014).

    It learned from boxes of dlib's detector, so the given tight box becomes the box that this
    would draw, by `DRAWN`. dlib counts as we do: pixel (0, 0) has its center there. Its
    rectangles name the first and the last pixel inside, and its points are whole pixels.

    Args:
        predictor: the file that it is read from, of 68 points.

    Raises:
        CanthusError: if dlib is not installed, or the file is no predictor of 68 points.
    """

    name = "dlib"

    def __init__(self, predictor: Path) -> None:
        self._dlib = _imported("dlib", "pip install dlib-bin")
        _check_there(predictor, PREDICTOR)
        try:
            self._predictor = self._dlib.shape_predictor(str(predictor))
        except RuntimeError as error:
            raise CanthusError(f"{predictor}: dlib cannot read it: {error}") from None
        blank = np.zeros((9, 9, 3), np.uint8)
        count = self._predictor(blank, self._dlib.rectangle(0, 0, 8, 8)).num_parts
        if count != NUM_PARTS:
            raise CanthusError(
                f"{predictor}: expected a predictor of {NUM_PARTS} points, found one of {count}; "
                f"give {PREDICTOR}"
            )

    def _look(self, image: Picture, box: Box) -> Face:
        drawn = DRAWN.from_tight(box)
        edges = (drawn.x0 + 0.5, drawn.y0 + 0.5, drawn.x1 - 0.5, drawn.y1 - 0.5)
        inside = self._dlib.rectangle(*map(round, edges))
        parts = self._predictor(np.ascontiguousarray(image), inside).parts()
        points = np.array([(part.x, part.y) for part in parts], np.float64)
        return Face(Box.around(points), 1.0, Landmarks(points, scheme_of("68")))


class MediaPipe(Peer):
    """MediaPipe's face landmarker, or the older face mesh: 478 points, its own detector first.

    It is shown a square about the given box, `SEEN` times as wide, and of the faces that it finds
    there the one that fits the box best is taken; the face is missed if none is enough like it.
    Its coordinates are fractions of the square from edge to edge: u is u * SIZE - 0.5 in pixels
    whose first center is 0.

    Args:
        model: the file of its face landmarker; None for the models inside MediaPipe's own wheel,
            which it carried up to version 0.10.21.

    Raises:
        CanthusError: if MediaPipe is not installed, carries no model, or cannot read the file.
    """

    name = "mediapipe"

    def __init__(self, model: Path | None = None) -> None:
        mediapipe = _imported("mediapipe", "pip install mediapipe")
        self._find = _of_wheel(mediapipe) if model is None else _of_task(mediapipe, model)

    def _look(self, image: Picture, box: Box) -> Face | None:
        cut = Similarity.crop(box.squared().scaled(SEEN), SIZE)
        found = self._find(np.ascontiguousarray(crop(image, cut, SIZE)))
        return closest([_meshed(cut.inverse().apply(SIZE * each - 0.5)) for each in found], box)


@dataclass(frozen=True, eq=False)
class BothWays:
    """The same answers, scored twice.

    Attributes:
        as_it_is: as they were given.
        removed: after removing what the tool means otherwise (`without_offsets`).
    """

    as_it_is: Report
    removed: Report


def measure(
    aligner: Aligns, benchmark: Benchmark, *, seed: int = 0, track: Track = iter
) -> BothWays:
    """Score anybody on a benchmark, in jittered boxes, with and without the offset of conventions.

    Args:
        aligner: what to score.
        benchmark: the faces.
        seed: of the jitter.
        track: as in `evaluate`.

    Raises:
        DatasetError: if a face has no length to divide by, or all are of one person.
        ImageError: if a picture cannot be read.
        ValueError: if there is no way from the tool's scheme to the benchmark's.
    """
    benchmark.lengths(benchmark.normalizer)  # before the work, so that it fails early
    answers = answer(aligner, benchmark, given_boxes(benchmark, "jitter", seed=seed), track)
    moved = without_offsets(answers.points, benchmark.truth, benchmark.groups)
    return BothWays(
        score(benchmark, answers, boxes="jitter", seed=seed),
        score(benchmark, replace(answers, points=moved), boxes="jitter", seed=seed),
    )


def _of_wheel(mediapipe: ModuleType) -> Callable[[Picture], list[Points]]:
    """Finds faces by the models in MediaPipe's wheel: points (478, 2) in [0, 1] each."""
    if not hasattr(mediapipe, "solutions"):
        raise CanthusError(
            f"this version of MediaPipe carries no model; give its {TASK}, or "
            "`pip install mediapipe==0.10.21`, the last one that does"
        )
    network = mediapipe.solutions.face_mesh.FaceMesh(
        static_image_mode=True,
        max_num_faces=FACES,
        refine_landmarks=True,
        min_detection_confidence=SURE_ENOUGH,
    )

    def find(image: Picture) -> list[Points]:
        faces = network.process(image).multi_face_landmarks or ()
        return [_fractions(face.landmark) for face in faces]

    return find


def _of_task(mediapipe: ModuleType, model: Path) -> Callable[[Picture], list[Points]]:
    """Finds faces by a file of MediaPipe's face landmarker: points (478, 2) in [0, 1] each."""
    _check_there(model, TASK)
    tasks = import_module("mediapipe.tasks.python")
    options = tasks.vision.FaceLandmarkerOptions(
        base_options=tasks.BaseOptions(model_asset_path=str(model)),
        num_faces=FACES,
        min_face_detection_confidence=SURE_ENOUGH,
    )
    try:
        network = tasks.vision.FaceLandmarker.create_from_options(options)
    except (RuntimeError, ValueError) as error:
        raise CanthusError(f"{model}: MediaPipe cannot read it: {error}") from None

    def find(image: Picture) -> list[Points]:
        shown = mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=image)
        return [_fractions(face) for face in network.detect(shown).face_landmarks]

    return find


def _fractions(marks: Iterable[object]) -> Points:
    return np.array([(mark.x, mark.y) for mark in marks], np.float64)  # type: ignore[attr-defined]


def _meshed(points: Points) -> Face:
    """A face of 478 points; its box is about the 68 that are made from them, as ours are."""
    landmarks = Landmarks(points, scheme_of("478"))
    return Face(Box.around(landmarks.map("68").points), 1.0, landmarks)


def _imported(name: str, install: str) -> ModuleType:
    """A package that is no dependency of ours."""
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise CanthusError(f"{error.name} is not installed; `{install}` brings it") from None


def _check_there(file: Path, usual: str) -> None:
    if not file.is_file():
        raise CanthusError(f"{file}: expected the tool's own file, such as {usual}; found none")
