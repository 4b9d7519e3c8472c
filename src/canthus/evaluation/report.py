"""What an evaluation found: figures, JSON, a table to read, the curve and the worst faces."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import Sample
from canthus.faces import Landmarks
from canthus.metrics import Coverage, OverBins, PoseErrors, ReliabilityBin, Visibility, ced

SCHEMA = 1
ALL = "all"  # the subset of all faces

# A value as JSON knows it; NaN and infinity become null.
Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True)
class Summary:
    """The figures of one set of faces; fractions, errors by the report's normalizer.

    Attributes:
        faces: how many there are.
        missed: how many of them the model did not find.
        nme: the mean error of those it found; NaN if none.
        failure_rate: the share of errors above the threshold, misses included.
        auc: the exact area under the cumulative error curve, misses included.
        median: and so on: percentiles of the errors; infinite among misses.
        p90: see median.
        p95: see median.
        p99: see median.
        intervals: of nme, failure_rate and auc: where 95 % of bootstrap samples fall.
        areas: the area under the curve, as others have defined it.
    """

    faces: int
    missed: int
    nme: float
    failure_rate: float
    auc: float
    median: float
    p90: float
    p95: float
    p99: float
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    areas: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Scores:
    """Whether a landmark's score is the chance that it lies near the truth.

    Attributes:
        radius: what near is, in longer sides of the face's box.
        gap: the expected calibration error.
        bins: what was promised, and kept.
    """

    radius: float
    gap: float
    bins: tuple[ReliabilityBin, ...]


@dataclass(frozen=True)
class ExpectedErrors:
    """Whether the errors that a model expects are those it makes; in longer sides of the box.

    Attributes:
        faces: how many were found.
        expected: the mean of what was expected of them.
        true: the mean of their true errors.
        spearman: how alike both rank the faces, from -1 to 1.
        aurc: the area under the risk-coverage curve: the mean error of the faces of which the
            least is expected, over all shares of them.
        least_aurc: the same if the true errors were known beforehand.
        scores_aurc: the same by the mean of each face's scores, which heatmaps have too; NaN
            without scores.
    """

    faces: int
    expected: float
    true: float
    spearman: float
    aurc: float
    least_aurc: float
    scores_aurc: float = math.nan


@dataclass(frozen=True)
class Tradeoff:
    """What a threshold of quitting does.

    Attributes:
        below: for each step but the last: a face is done if less error is expected after it, in
            longer sides of its box; 0: none is, infinite: all are.
        mean_steps: that a face took.
        shares: of the faces that took one step, two and so on.
        missed: how many faces were not found.
        nme: the mean error of the others, by the report's normalizer.
        multiply_adds: of a face, on average; NaN where the model's file does not say.
    """

    below: tuple[float, ...]
    mean_steps: float
    shares: tuple[float, ...]
    missed: int
    nme: float
    multiply_adds: float = math.nan


@dataclass(frozen=True, eq=False)
class FaceResult:
    """One face: its sample, its error (infinite if missed) and the landmarks found.

    Attributes:
        sample: the annotated face.
        error: by the report's normalizer.
        found: in the benchmark's scheme; None if it was missed.
        conditions: what is known of `yaw_deg`, `box_scale` (side of the box that the model was
            given, in sides of the data set's), `face_size` (side of that box in pixels) and
            `blur` (see `conditions`).
        length: what divided the error, in pixels.
    """

    sample: Sample
    error: float
    found: Landmarks | None
    conditions: Mapping[str, float] = field(default_factory=dict)
    length: float = math.nan


@dataclass(frozen=True, eq=False, kw_only=True)
class Report:
    """The outcome of an evaluation, and all one needs to make it again.

    Attributes:
        benchmark: its name.
        title: what was scored, in words.
        scheme: of the truth.
        model_scheme: of the model's answers; empty if it found nobody.
        conversion: how the answers came into the truth's scheme; empty if they were of it.
        boxes: whose the model was given.
        seed: of the jitter.
        normalizer: of all errors but those beside.
        threshold: of failure rate and area under the curve.
        subsets: the figures of all faces, and of each subset.
        beside: mean errors of the same sets by other normalizers.
        areas: the area under the curve of all faces, as others have defined it.
        over_bins: the mean over bins of faces, which is not the mean over faces.
        visibility: the errors of visible and of hidden landmarks apart.
        pose: the errors of head poses, in degrees; None where they are not known.
        notes: what a reader must know besides.
        parts: the mean error of each part of the face.
        landmarks: the mean error of each landmark; NaN where none was scored.
        scores: what the scores are worth, if there are any.
        ellipses: how many errors the ellipses of several levels hold, if there are any.
        expected: what expected errors are worth, if there are any.
        quitting: what thresholds from the least to the largest do, if faces can quit.
        ms_per_face: time to align, without reading the picture; None for answers from a file.
        faces: each face's result, in the order of the benchmark.
        model: its name or file.
        command: that made the report.
        version: of Canthus.
    """

    benchmark: str
    title: str
    scheme: str
    model_scheme: str
    conversion: str
    boxes: str
    seed: int
    normalizer: str
    threshold: float
    subsets: Mapping[str, Summary]
    beside: Mapping[str, Mapping[str, float]]
    parts: Mapping[str, float]
    landmarks: tuple[float, ...]
    scores: Scores | None
    ms_per_face: float | None
    faces: tuple[FaceResult, ...]
    areas: Mapping[str, float] = field(default_factory=dict)
    over_bins: OverBins | None = None
    visibility: Visibility | None = None
    pose: PoseErrors | None = None
    ellipses: tuple[Coverage, ...] | None = None
    expected: ExpectedErrors | None = None
    quitting: tuple[Tradeoff, ...] = ()
    notes: tuple[str, ...] = ()
    model: str = ""
    command: str = ""
    version: str = ""

    @property
    def headline(self) -> Summary:
        """The figures of all faces."""
        return self.subsets[ALL]

    @property
    def curve(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The cumulative error curve of all faces: errors, and shares up to there."""
        return ced([face.error for face in self.faces])

    def worst(self, count: int) -> list[FaceResult]:
        """The faces with the largest errors, the worst first; misses come before all."""
        return sorted(self.faces, key=lambda face: face.error, reverse=True)[:count]

    def to_plain(self) -> dict[str, Json]:
        """The report as JSON holds it, with a versioned schema; the faces' points are left out."""
        names = names_of([face.sample for face in self.faces])
        values: dict[str, object] = {
            "schema": SCHEMA,
            "kind": "evaluation",
            **{name: getattr(self, name) for name in PLAIN},
            "subsets": {name: asdict(summary) for name, summary in self.subsets.items()},
            **{
                name: None if value is None else asdict(value)
                for name, value in (
                    ("over_bins", self.over_bins),
                    ("visibility", self.visibility),
                    ("pose", self.pose),
                    ("scores", self.scores),
                    ("expected", self.expected),
                )
            },
            "ellipses": None if self.ellipses is None else [asdict(e) for e in self.ellipses],
            "quitting": [asdict(row) for row in self.quitting],
            "faces": [
                {
                    "image": name,
                    "group": face.sample.group,
                    "error": face.error,
                    "missed": math.isinf(face.error),
                    "length": face.length,
                }
                for name, face in zip(names, self.faces, strict=True)
            ],
        }
        return {name: plain(value) for name, value in values.items()}

    def to_json(self) -> str:
        """The report as one line of JSON."""
        return json.dumps(self.to_plain(), allow_nan=False)


# The fields that go into JSON as they are.
PLAIN = (
    "benchmark",
    "title",
    "model",
    "command",
    "version",
    "scheme",
    "model_scheme",
    "conversion",
    "boxes",
    "seed",
    "normalizer",
    "threshold",
    "beside",
    "areas",
    "parts",
    "landmarks",
    "ms_per_face",
    "notes",
)


def plain(value: object) -> Json:
    """A value that JSON can hold: tuples become lists, what is not finite becomes null.

    Raises:
        TypeError: if the value has no such form.
    """
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if value is None or isinstance(value, (bool, int, str)):
        return value
    raise TypeError(f"expected a value that JSON can hold, found {type(value).__name__}")


def names_of(samples: Sequence[Sample]) -> list[str]:
    """What the data set calls each sample's picture, or else its path below the common folder."""
    missing = [sample.image for sample in samples if not sample.name]
    paths = iter(picture_names(missing))
    return [sample.name or next(paths) for sample in samples]


def picture_names(pictures: Sequence[Path]) -> list[str]:
    """The pictures' paths below their common folder, so that no report names a machine's own."""
    if not pictures:
        return []
    common = Path(os.path.commonpath([picture.parent for picture in pictures]))
    return [picture.relative_to(common).as_posix() for picture in pictures]
