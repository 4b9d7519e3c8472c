"""How much a wrong box costs: the error as boxes grow, shrink and move, and as faces are turned.

Landmarks are found inside a box that somebody else draws. A model that is accurate in the truth's
own boxes may fail a detector's, so how the error grows as the box departs from the truth is a
figure of its own: the question that progressive re-initialization was invented for (Shao et al.,
DPR).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from canthus.datasets.pictures import read_picture
from canthus.errors import DatasetError
from canthus.evaluation.benchmarks import Benchmark, evenly
from canthus.evaluation.evaluate import Aligns, Track
from canthus.evaluation.report import Json, plain
from canthus.evaluation.scoring import Answers, errors_of, mean_of_found
from canthus.faces import Face
from canthus.geometry import Box, BoxRelation, Similarity
from canthus.images.warp import crop
from canthus.metrics import auc, failure_rate, nme

Array = NDArray[np.float64]
Picture = NDArray[np.uint8]
Kind = Literal["scale", "shift", "roll"]

SCHEMA = 1
SETTINGS: Mapping[Kind, tuple[float, ...]] = {
    "scale": (0.7, 0.8, 0.9, 1.0, 1.1, 1.25, 1.5, 1.75, 2.0),  # of the box's sides
    "shift": (0.0, 0.05, 0.10, 0.15, 0.20, 0.25),  # of the box's longer side
    # degrees that the face is turned, either way
    "roll": (0.0, 15.0, 30.0, 45.0, 60.0, 75.0, 90.0),
}
LABELS: Mapping[Kind, str] = {
    "scale": "side of the box, in sides of the true one",
    "shift": "shift of the box, in sides of it",
    "roll": "turn of the face, degrees to either side",
}
SLANT = 0.5**0.5
SHIFTS: Mapping[str, tuple[float, float]] = {  # right and down, as seen in the picture
    "right": (1.0, 0.0),
    "right and down": (SLANT, SLANT),
    "down": (0.0, 1.0),
    "left and down": (-SLANT, SLANT),
    "left": (-1.0, 0.0),
    "left and up": (-SLANT, -SLANT),
    "up": (0.0, -1.0),
    "right and up": (SLANT, -SLANT),
}
TURNS: Mapping[str, int] = {"clockwise": 1, "counterclockwise": -1}  # as seen in the picture
WAYS: Mapping[Kind, tuple[str, ...]] = {"scale": (), "shift": tuple(SHIFTS), "roll": tuple(TURNS)}
AROUND = 3.0  # sides of the box that are turned with the face


@dataclass(frozen=True)
class Series:
    """The errors along one kind of departure; at each setting over faces and ways to depart.

    Attributes:
        settings: how far the box, or the face, departs.
        nme: mean error of those found; NaN if none was.
        failure_rate: share above the benchmark's threshold.
        auc: exact area under the curve up to it.
        apart: `nme` of each way by itself: of `SHIFTS`, or of `TURNS`.
    """

    settings: tuple[float, ...]
    nme: tuple[float, ...]
    failure_rate: tuple[float, ...]
    auc: tuple[float, ...]
    apart: Mapping[str, tuple[float, ...]] = field(default_factory=dict)


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
class Case:
    """A box that a model is given, and where the truth is then.

    Attributes:
        kind: of departure.
        setting: how far.
        way: one of `WAYS`; empty where there is only one.
        box: given.
        truth: (L, 2) in pixels of the picture that is shown; NaN where not known.
        turn: from the picture to the square part of it that is shown; None if it is shown whole.
        size: of that part's side, in pixels.
    """

    kind: Kind
    setting: float
    way: str
    box: Box
    truth: Array
    turn: Similarity | None = None
    size: int = 0

    def shown(self, image: Picture) -> Picture:
        """What the model sees of a picture."""
        return image if self.turn is None else crop(image, self.turn, self.size)


def measure(
    aligner: Aligns, benchmark: Benchmark, *, faces: int = 100, track: Track = iter
) -> Sweep:
    """Give a model ever worse boxes.

    Boxes depart from the samples' own. Nothing is random.

    Args:
        aligner: what to measure.
        benchmark: where the faces come from, evenly chosen.
        faces: how many; all if there are no more.
        track: yields the samples it is given, and may tell somebody how far that has come.

    Raises:
        DatasetError: if a face has no length to divide by, or its landmarks span no box.
        ImageError: if a picture cannot be read.
        ValueError: if no face is asked for, or there is no way from the aligner's scheme to the
            benchmark's.
    """
    benchmark.lengths(benchmark.normalizer)  # before the work, so that it fails early
    rows = evenly(benchmark, faces)
    cases = [_cases(benchmark, row) for row in rows]
    samples = track([benchmark.samples[row] for row in rows])
    answers = [
        _answers(aligner, read_picture(sample), some)
        for sample, some in zip(samples, cases, strict=True)
    ]
    errors = _errors(benchmark, rows, cases, answers)
    return Sweep(
        benchmark=benchmark.name,
        faces=len(rows),
        normalizer=benchmark.normalizer,
        threshold=benchmark.threshold,
        series={kind: _series(kind, cases[0], errors, benchmark.threshold) for kind in SETTINGS},
    )


def cases_of(box: Box, truth: Array) -> Iterator[Case]:
    """Everything that one face is put to, in an order that is the same for each.

    Args:
        box: the true one.
        truth: (L, 2) landmarks.
    """
    for scale in SETTINGS["scale"]:
        yield Case("scale", scale, "", box.scaled(scale), truth)
    for shift in SETTINGS["shift"]:
        for way, (right, down) in SHIFTS.items() if shift else [("", (0.0, 0.0))]:
            yield Case("shift", shift, way, box.moved(shift * right, shift * down), truth)
    for roll in SETTINGS["roll"]:
        for way, sign in TURNS.items() if roll else [("", 1)]:
            yield replace(turned(box, truth, sign * roll), setting=roll, way=way)


def turned(box: Box, truth: Array, roll_deg: float) -> Case:
    """A face turned clockwise about its box's center, at its own size, with a box about it.

    What is shown is three sides of the box wide, and bilinear at every angle, 0 among them. The
    new box is the square that lies about the tight box of the turned landmarks as the true box
    lies about theirs: a data set's boxes are seldom tight.

    Raises:
        ValueError: if the known landmarks span no area.
    """
    size = int(np.ceil(AROUND * box.side))
    middle = ((size - 1) / 2, (size - 1) / 2)
    turn = Similarity.about(box.center, middle, roll_deg=roll_deg)
    points = turn.apply(truth)
    drawn = _about(Box.around(truth), box).from_tight(Box.around(points))
    return Case("roll", roll_deg, "", drawn, points, turn, size)


def _cases(benchmark: Benchmark, row: int) -> list[Case]:
    """What a face of a benchmark is put to."""
    try:
        return list(cases_of(benchmark.samples[row].box, benchmark.truth[row]))
    except ValueError as error:
        where = f"benchmark {benchmark.name}: {benchmark.picture_names[row]}"
        raise DatasetError(f"{where}: cannot be turned: {error}") from None


def _about(tight: Box, box: Box) -> BoxRelation:
    """How a box lies about the tight one."""
    (x, y), (tight_x, tight_y), side = box.center, tight.center, tight.side
    return BoxRelation((x - tight_x) / side, (y - tight_y) / side, box.side / side)


def _answers(aligner: Aligns, image: Picture, cases: Sequence[Case]) -> list[Face | None]:
    """The answer to each case; the whole picture is given once, with all of its boxes."""
    whole = [case for case in cases if case.turn is None]
    groups = [whole, *([case] for case in cases if case.turn is not None)]
    pictures = (group[0].shown(image) for group in groups)
    answered = aligner.many(pictures, [[case.box for case in group] for group in groups])
    found: list[Face | None] = []
    for faces, group in zip(answered, groups, strict=True):
        found += faces if len(faces) == len(group) else [None] * len(group)
    return found


def _errors(
    benchmark: Benchmark,
    rows: Sequence[int],
    cases: Sequence[Sequence[Case]],
    answers: Sequence[Sequence[Face | None]],
) -> Array:
    """The errors (faces, cases), as a fraction of the face's own length; a miss is infinite."""
    scheme = benchmark.scheme
    lost = np.full((scheme.num_landmarks, 2), np.nan)
    known = next((face.landmarks.scheme.name for some in answers for face in some if face), "")
    chosen = replace(
        benchmark, samples=tuple(benchmark.samples[row] for row in rows), subsets={}, given=None
    )
    lengths = benchmark.lengths(benchmark.normalizer)[list(rows)]
    errors = []
    for put, said in zip(zip(*cases, strict=True), zip(*answers, strict=True), strict=True):
        mapped = [face.landmarks.map(scheme.name).points[:, :2] if face else lost for face in said]
        now = replace(chosen, points=np.array([case.truth for case in put]))
        away = errors_of(now, Answers(np.array(mapped, np.float64), scheme=known))
        errors.append(nme(away, lengths))
    return np.stack(errors, axis=1)


def _series(kind: Kind, cases: Sequence[Case], errors: Array, threshold: float) -> Series:
    """The figures of one kind, from the errors (faces, cases)."""

    def at(setting: float, way: str = "") -> Array:
        """The errors at a setting: of one way, or of all."""
        held = [
            case.kind == kind and case.setting == setting and (not way or case.way in ("", way))
            for case in cases
        ]
        return errors[:, held].ravel()

    settings = SETTINGS[kind]
    return Series(
        settings=settings,
        nme=tuple(mean_of_found(at(setting)) for setting in settings),
        failure_rate=tuple(failure_rate(at(setting), threshold) for setting in settings),
        auc=tuple(auc(at(setting), threshold) for setting in settings),
        apart={
            way: tuple(mean_of_found(at(setting, way)) for setting in settings)
            for way in WAYS[kind]
        },
    )
