"""Which faces are scored, and how: a benchmark is a split of a data set with its protocol.

A figure means nothing without its normalizer, its threshold and whose boxes the model was given,
so a benchmark names the first two and an evaluation the third.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import Sample
from canthus.errors import DatasetError
from canthus.evaluation.protocols import BENCHMARKS, Boxes, Protocol
from canthus.evaluation.report import names_of
from canthus.faces import LandmarkScheme
from canthus.geometry import Box
from canthus.metrics import distances

JITTER = 0.05
OF_BOXES = ("box_size", "box_diagonal", "box_side")  # normalizers of the box around the truth

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Benchmark:
    """A split of a data set and how it is scored.

    Attributes:
        name: what commands and reports call it.
        title: what is scored, in words.
        samples: the faces, all of one scheme.
        normalizer: the one of `metrics.NORMALIZERS` that the headline figure uses.
        threshold: of failure rate and area under the curve, in that normalizer.
        beside: further normalizers whose figures are printed beside.
        subsets: indices of the samples in each; a sample may be in several.
        bins: the subsets over which a mean is printed besides the mean over faces.
        points: the truth (N, L, 2) in float64, where it is known finer than the samples say it.
        given: lengths (N,) for the normalizer `given`, in pixels.
        visible_only: whether hidden landmarks are taken as unknown, for errors and lengths.
        notes: what a reader of its figures must know.

    Raises:
        DatasetError: if there are no samples, they are of several schemes, or do not say which
            landmarks are visible where only those are to be scored.
    """

    name: str
    title: str
    samples: tuple[Sample, ...]
    normalizer: str
    threshold: float
    beside: tuple[str, ...] = ()
    subsets: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    bins: tuple[str, ...] = ()
    points: Array | None = None
    given: Array | None = None
    visible_only: bool = False
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        schemes = {sample.landmarks.scheme.name for sample in self.samples}
        if len(schemes) != 1:
            raise DatasetError(
                f"benchmark {self.name}: expected faces of one scheme, found "
                f"{', '.join(sorted(schemes)) or 'no faces'}"
            )
        if self.visible_only and self.visible is None:
            raise DatasetError(
                f"benchmark {self.name}: expected to be told which landmarks are visible, since "
                "only those are to be scored"
            )

    @property
    def scheme(self) -> LandmarkScheme:
        """The scheme of the truth."""
        return self.samples[0].landmarks.scheme

    @cached_property
    def marked(self) -> Array:
        """The landmarks as annotated, (N, L, 2) in pixels; NaN where they are not known."""
        points = self.points
        if points is None:
            points = np.array([sample.landmarks.points for sample in self.samples], np.float64)
        return points[:, :, :2]

    @cached_property
    def truth(self) -> Array:
        """The landmarks to score, (N, L, 2) in pixels; NaN where they are not known."""
        if self.visible_only and self.visible is not None:
            return np.where(self.visible[:, :, None], self.marked, np.nan)
        return self.marked

    @cached_property
    def visible(self) -> NDArray[np.bool_] | None:
        """Which landmarks are to be seen, (N, L); None if the data set does not say."""
        flags = [sample.visible for sample in self.samples]
        known = [flag for flag in flags if flag is not None]
        return np.array(known) if len(known) == len(flags) else None

    @cached_property
    def groups(self) -> tuple[str, ...] | None:
        """The photo or person of each face; None if each face has its own."""
        names = tuple(sample.group for sample in self.samples)
        return names if all(names) and len(set(names)) < len(names) else None

    @cached_property
    def picture_names(self) -> tuple[str, ...]:
        """What the data set calls the picture of each face."""
        return tuple(names_of(self.samples))

    def lengths(self, normalizer: str) -> Array:
        """The length of each face by a normalizer, (N,) in pixels.

        A hidden eye is where its annotation says; a box is around the landmarks to score.

        Raises:
            DatasetError: naming the benchmark and the faces that have none.
        """
        boxes = [sample.box for sample in self.samples]
        points = self.truth if normalizer in OF_BOXES else self.marked
        try:
            return distances(normalizer, points, self.scheme, boxes, given=self.given)
        except ValueError as error:
            raise DatasetError(f"benchmark {self.name}: {error}") from None


def open_benchmark(name: str, root: Path) -> Benchmark:
    """A known benchmark, read from disk.

    Args:
        name: one of `BENCHMARKS`.
        root: the data set's folder, or the folder that holds it under its usual name.

    Raises:
        ValueError: naming the known benchmarks, if it is none of them.
        DatasetError: if the root is not there or not in the layout of the data set.
    """
    if name not in BENCHMARKS:
        raise ValueError(f"unknown benchmark {name!r}; known are {', '.join(BENCHMARKS)}")
    protocol = BENCHMARKS[name]
    folder = root / protocol.folder if (root / protocol.folder).is_dir() else root
    if not folder.is_dir():
        raise DatasetError(f"{folder}: expected the folder of {name}, found none")
    samples = tuple(protocol.read(folder))
    subsets = subsets_of([protocol.subsets(sample) for sample in samples], protocol.order)
    if protocol.bins and not set(protocol.bins) & set(subsets):
        raise DatasetError(
            f"{folder}: expected faces in the bins {', '.join(protocol.bins)}, found none; "
            f"`canthus datasets` says which files {name} needs"
        )
    return Benchmark(
        name=name,
        title=protocol.title,
        samples=samples,
        normalizer=protocol.normalizer,
        threshold=protocol.threshold,
        beside=protocol.beside,
        subsets=subsets,
        bins=protocol.bins,
        notes=_counted(protocol, len(samples)),
    )


def subsets_of(
    names: Sequence[Sequence[str]], order: Sequence[str] = ()
) -> dict[str, tuple[int, ...]]:
    """The indices of the faces in each subset.

    Args:
        names: the subsets of each face.
        order: which subsets to keep, and in what order; all by name if empty.
    """
    found: dict[str, list[int]] = {}
    for index, each in enumerate(names):
        for name in each:
            found.setdefault(name, []).append(index)
    wanted = order or sorted(found)
    return {name: tuple(found[name]) for name in wanted if name in found}


def evenly(benchmark: Benchmark, count: int | None) -> list[int]:
    """The indices of so many faces of a benchmark, evenly spread; of all for None.

    Raises:
        ValueError: if no face is asked for.
    """
    if count is not None and count < 1:
        raise ValueError(f"expected one face at least, found {count}")
    number = len(benchmark.samples)
    places = np.linspace(0, number - 1, min(number if count is None else count, number))
    return [int(place) for place in np.unique(places.round())]


def jittered(box: Box, generator: np.random.Generator, amount: float = JITTER) -> Box:
    """A box as an uncertain detector would draw it.

    The center is shifted in x and in y by up to `amount` of the longer side, the sides scaled by
    up to `amount` either way, all uniform.
    """
    right, down, larger = generator.uniform(-amount, amount, 3).tolist()
    return box.moved(right, down, 1 + larger)


def given_boxes(benchmark: Benchmark, boxes: Boxes, *, seed: int = 0) -> list[Box] | None:
    """The box of each face that a model is given; None if it has to find the faces itself.

    The jitter of a face depends on the seed and on its index alone.
    """
    if boxes == "detector":
        return None
    truth = [sample.box for sample in benchmark.samples]
    if boxes == "truth":
        return truth
    return [jittered(box, np.random.default_rng([seed, i])) for i, box in enumerate(truth)]


def _counted(protocol: Protocol, faces: int) -> tuple[str, ...]:
    """A warning where a copy holds another number of faces than the official split."""
    if protocol.faces in (0, faces):
        return ()
    return (
        f"The official split has {protocol.faces} faces and this copy {faces}: not to be compared "
        "with published figures.",
    )
