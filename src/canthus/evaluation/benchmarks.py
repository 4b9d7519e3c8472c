"""Which faces are scored, and how: every known benchmark is one entry of one table.

A figure means nothing without its normalizer, its threshold and whose boxes the model was given,
so a benchmark names the first two and an evaluation the third.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import Sample, ibug, tables
from canthus.errors import DatasetError
from canthus.faces import LandmarkScheme
from canthus.geometry import Box
from canthus.metrics import distances

Boxes = Literal["truth", "jitter", "detector"]
JITTER = 0.05


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
        subsets: indices of the samples in each.

    Raises:
        DatasetError: if there are no samples, or they are of several schemes.
    """

    name: str
    title: str
    samples: tuple[Sample, ...]
    normalizer: str
    threshold: float
    beside: tuple[str, ...] = ()
    subsets: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        schemes = {sample.landmarks.scheme.name for sample in self.samples}
        if len(schemes) != 1:
            raise DatasetError(
                f"benchmark {self.name}: expected faces of one scheme, found "
                f"{', '.join(sorted(schemes)) or 'no faces'}"
            )

    @property
    def scheme(self) -> LandmarkScheme:
        """The scheme of the truth."""
        return self.samples[0].landmarks.scheme

    @cached_property
    def truth(self) -> NDArray[np.float64]:
        """The true landmarks (N, L, 2) in pixels; NaN where they are not known."""
        return np.array([sample.landmarks.points[:, :2] for sample in self.samples], np.float64)

    def lengths(self, normalizer: str) -> NDArray[np.float64]:
        """The length of each face by a normalizer, (N,) in pixels.

        Raises:
            DatasetError: naming the benchmark and the faces that have none.
        """
        boxes = [sample.box for sample in self.samples]
        try:
            return distances(normalizer, self.truth, self.scheme, boxes)
        except ValueError as error:
            raise DatasetError(f"benchmark {self.name}: {error}") from None


@dataclass(frozen=True)
class Protocol:
    """How a known benchmark is made from the data set on disk.

    Attributes:
        title: what is scored, in words.
        folder: of the data set, if the root given holds several.
        read: its samples, from that folder.
        normalizer: of the headline figure.
        beside: further normalizers to print.
        threshold: of failure rate and area under the curve.
        subset: the name of the subset a sample belongs to; empty if to none.
    """

    title: str
    folder: str
    read: Callable[[Path], list[Sample]]
    normalizer: str
    beside: tuple[str, ...]
    threshold: float
    subset: Callable[[Sample], str] = lambda _: ""


def _tag(sample: Sample) -> str:
    return min(sample.tags, default="")


def _yaw_bin(sample: Sample) -> str:
    """3DDFA's bins: up to 30 degrees, above 30 up to 60, and above, to either side."""
    if sample.yaw_deg is None:
        return ""
    yaw = abs(sample.yaw_deg)
    return "yaw 0-30" if yaw <= 30 else "yaw 30-60" if yaw <= 60 else "yaw 60-90"


BENCHMARKS: Mapping[str, Protocol] = {
    "300w-val": Protocol(
        title="AFW and HELEN training pictures of 300-W that val.txt keeps for validation",
        folder="300w",
        read=partial(ibug.read, split="val"),
        normalizer="inter_ocular",
        beside=("inter_pupil", "box_size"),
        threshold=0.08,
        subset=_tag,
    ),
    "ytf68-val": Protocol(
        title="YouTube Faces frames of people whom the training set does not hold",
        folder="ytf68",
        read=partial(tables.read, split="val"),
        normalizer="inter_ocular",
        beside=("inter_pupil", "box_size"),
        threshold=0.08,
    ),
    # 3DDFA divides by sqrt(w * h) of the box around 68 fitted points, in a file that was never
    # published. Its crops were made sqrt(2) times as wide as the longer side of that box, so 120
    # pixels stand for a box of 120 / sqrt(2) = 84.9, which is the sample's box: the headline
    # figure, as others who lack the file report it; on AFLW2000-3D it is 2 to 5 % longer than
    # the true one. The tight box around the visible points alone is beside it: it is shorter,
    # most of all for faces of which little is seen, and its figures are about a fifth higher.
    "aflw21-val": Protocol(
        title="AFLW crops, evenly over yaw: visible points of 21, by the crop's own box",
        folder="aflw21",
        read=partial(tables.read, split="val"),
        normalizer="given_box_size",
        beside=("box_size",),
        threshold=0.08,
        subset=_yaw_bin,
    ),
}


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
    return Benchmark(
        name=name,
        title=protocol.title,
        samples=samples,
        normalizer=protocol.normalizer,
        threshold=protocol.threshold,
        beside=protocol.beside,
        subsets=_grouped([protocol.subset(sample) for sample in samples]),
    )


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


def _grouped(names: Sequence[str]) -> dict[str, tuple[int, ...]]:
    found = sorted({name for name in names if name})
    return {name: tuple(i for i, other in enumerate(names) if other == name) for name in found}
