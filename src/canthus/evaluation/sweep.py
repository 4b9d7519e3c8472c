"""How much a wrong box costs: the error as boxes grow, shrink and move, and as faces are turned.

Landmarks are found inside a box that somebody else draws. A model that is accurate in the truth's
own boxes may fail a detector's, so how the error grows as the box departs from the truth is a
figure of its own: the question that progressive re-initialization was invented for (Shao et al.,
DPR).
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import Sample
from canthus.datasets.pictures import read_picture
from canthus.evaluation.benchmarks import Benchmark
from canthus.evaluation.evaluate import Aligns
from canthus.evaluation.report import Json, plain
from canthus.evaluation.scoring import Answers, errors_of
from canthus.faces import Face, Landmarks
from canthus.geometry import Box, Similarity
from canthus.images.warp import crop
from canthus.metrics import auc, failure_rate, nme

Array = NDArray[np.float64]
Kind = Literal["scale", "shift", "roll"]
Track = Callable[[Sequence[Sample]], Iterable[Sample]]

SCHEMA = 1
SETTINGS: Mapping[Kind, tuple[float, ...]] = {
    "scale": (0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0),  # of the box's sides
    "shift": (0.0, 0.05, 0.10, 0.15, 0.20, 0.25),  # of the box's longer side
    "roll": (0.0, 15.0, 30.0, 45.0, 60.0),  # degrees that the face is turned, either way
}
LABELS: Mapping[Kind, str] = {
    "scale": "side of the box, in sides of the true one",
    "shift": "shift of the box, in sides of it",
    "roll": "turn of the face, degrees to either side",
}
DIRECTIONS = 8  # that a box is shifted to
AROUND = 3.0  # sides of the box that are turned with the face


@dataclass(frozen=True)
class Series:
    """The errors along one kind of departure; at each setting over faces and directions.

    Attributes:
        settings: how far the box, or the face, departs.
        nme: mean error of those found; NaN if none was.
        failure_rate: share above the benchmark's threshold.
        auc: exact area under the curve up to it.
    """

    settings: tuple[float, ...]
    nme: tuple[float, ...]
    failure_rate: tuple[float, ...]
    auc: tuple[float, ...]


@dataclass(frozen=True)
class Sweep:
    """How much wrong boxes cost a model.

    Attributes:
        benchmark: where the faces come from.
        faces: how many of them, evenly chosen.
        normalizer: of the errors; the length is that of the face as it was, also when turned.
        threshold: of failure rate and area.
        series: by kind.
        model: its name.
    """

    benchmark: str
    faces: int
    normalizer: str
    threshold: float
    series: Mapping[Kind, Series]
    model: str = ""

    def to_plain(self) -> dict[str, Json]:
        """The sweep as JSON holds it, with a versioned schema."""
        values = {"schema": SCHEMA, "kind": "sweep", **asdict(self)}
        return {name: plain(value) for name, value in values.items()}


@dataclass(frozen=True, eq=False)
class _Case:
    """A picture, the box that the model is given in it, and where the truth is then.

    Attributes:
        image: uint8 RGB.
        box: given.
        truth: (L, 2) in the picture's pixels; NaN where not known.
    """

    image: NDArray[np.uint8]
    box: Box
    truth: Array


def measure(
    aligner: Aligns, benchmark: Benchmark, *, faces: int = 100, track: Track = iter
) -> Sweep:
    """Give a model ever worse boxes.

    Args:
        aligner: what to measure.
        benchmark: where the faces come from, evenly chosen.
        faces: how many; all if there are no more.
        track: yields the samples it is given, and may tell somebody how far that has come.

    Raises:
        DatasetError: if a face has no length to divide by.
        ImageError: if a picture cannot be read.
    """
    lengths = benchmark.lengths(benchmark.normalizer)
    last = len(lengths) - 1
    rows = np.unique(np.linspace(0, last, min(faces, last + 1)).round().astype(np.int64)).tolist()
    found: dict[tuple[Kind, float], list[float]] = {
        (kind, setting): [] for kind, settings in SETTINGS.items() for setting in settings
    }
    for row, sample in zip(rows, track([benchmark.samples[row] for row in rows]), strict=True):
        cases = list(cases_of(read_picture(sample), sample.box, benchmark.truth[row]))
        answers = _answers(aligner, [case for _, _, case in cases])
        for (kind, setting, case), face in zip(cases, answers, strict=True):
            found[kind, setting].append(_error(benchmark, row, case, face, lengths))
    return Sweep(
        benchmark=benchmark.name,
        faces=len(rows),
        normalizer=benchmark.normalizer,
        threshold=benchmark.threshold,
        series={kind: _series(kind, found, benchmark.threshold) for kind in SETTINGS},
    )


def cases_of(
    image: NDArray[np.uint8], box: Box, truth: Array
) -> Iterable[tuple[Kind, float, _Case]]:
    """Everything that one face is put to: kind, setting and case.

    Args:
        image: uint8 RGB (H, W, 3).
        box: the true one.
        truth: (L, 2) landmarks.
    """
    for scale in SETTINGS["scale"]:
        yield "scale", scale, _Case(image, box.scaled(scale), truth)
    for shift in SETTINGS["shift"]:
        for turn in 2 * np.pi * np.arange(DIRECTIONS if shift else 1) / DIRECTIONS:
            moved = box.moved(shift * float(np.cos(turn)), shift * float(np.sin(turn)))
            yield "shift", shift, _Case(image, moved, truth)
    for roll in SETTINGS["roll"]:
        for roll_deg in (roll, -roll) if roll else (roll,):
            yield "roll", roll, turned(image, box, truth, roll_deg)


def turned(image: NDArray[np.uint8], box: Box, truth: Array, roll_deg: float) -> _Case:
    """A face turned clockwise about its box's center, at its own size, with a box about it.

    The part of the picture that is turned along is three sides of the box wide; the new box is as
    large as the old one against the tight box of the landmarks.
    """
    size = int(np.ceil(AROUND * box.side))
    middle = (size - 1) / 2
    turn = Similarity.about(box.center, (middle, middle), roll_deg=roll_deg)
    points = turn.apply(truth)
    upright = Similarity.about(box.center, (middle, middle)).apply(truth)
    before, after = Box.around(upright), Box.around(points)
    square = Similarity.about(box.center, (middle, middle))
    (x0, y0), (x1, y1) = square.apply([(box.x0, box.y0), (box.x1, box.y1)]).tolist()
    drawn = Box(
        after.x0 + x0 - before.x0,
        after.y0 + y0 - before.y0,
        after.x1 + x1 - before.x1,
        after.y1 + y1 - before.y1,
    )
    return _Case(crop(image, turn, size), drawn, points)


def named(sweep: Sweep, model: str) -> Sweep:
    """A sweep with its model's name."""
    return replace(sweep, model=model)


def _answers(aligner: Aligns, cases: Sequence[_Case]) -> list[Face | None]:
    """The answer to each case; pictures that are the same one are given once."""
    given: list[NDArray[np.uint8]] = []
    boxes: list[list[Box]] = []
    for case in cases:
        if not given or given[-1] is not case.image:
            given.append(case.image)
            boxes.append([])
        boxes[-1].append(case.box)
    answered = aligner.many(given, boxes)
    found: list[Face | None] = []
    for faces, asked in zip(answered, boxes, strict=True):
        whole = len(faces) == len(asked)
        found += list(faces) if whole else [None] * len(asked)
    return found


def _error(benchmark: Benchmark, row: int, case: _Case, face: Face | None, lengths: Array) -> float:
    """The error of one answer; infinite if there is none."""
    if face is None:
        return float("inf")
    mapped = face.landmarks.map(benchmark.scheme.name).points[None, :, :2].astype(np.float64)
    one = replace(
        benchmark,
        samples=(replace(benchmark.samples[row], landmarks=_as_landmarks(case, benchmark)),),
        subsets={},
        points=case.truth[None],
        given=None,
    )
    errors = errors_of(one, Answers(mapped, scheme=face.landmarks.scheme.name))
    return float(nme(errors, lengths[row : row + 1])[0])


def _as_landmarks(case: _Case, benchmark: Benchmark) -> Landmarks:
    return Landmarks(case.truth, benchmark.scheme)


def _series(
    kind: Kind, found: Mapping[tuple[Kind, float], Sequence[float]], threshold: float
) -> Series:
    each = [np.array(found[kind, setting]) for setting in SETTINGS[kind]]
    means = [errors[np.isfinite(errors)] for errors in each]
    return Series(
        settings=SETTINGS[kind],
        nme=tuple(float(some.mean()) if len(some) else float("nan") for some in means),
        failure_rate=tuple(failure_rate(errors, threshold) for errors in each),
        auc=tuple(auc(errors, threshold) for errors in each),
    )
