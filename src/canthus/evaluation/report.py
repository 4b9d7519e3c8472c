"""What an evaluation found: figures, JSON, a table to read, the curve and the worst faces."""

import json
import math
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import Sample
from canthus.faces import Landmarks
from canthus.metrics import ReliabilityBin, ced

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


@dataclass(frozen=True, eq=False)
class FaceResult:
    """One face: its sample, its error (infinite if missed) and the landmarks found."""

    sample: Sample
    error: float
    found: Landmarks | None


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
        parts: the mean error of each part of the face.
        landmarks: the mean error of each landmark; NaN where none was scored.
        scores: what the scores are worth, if there are any.
        ms_per_face: time to align, without reading the picture.
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
    ms_per_face: float
    faces: tuple[FaceResult, ...]
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
        names = picture_names([face.sample.image for face in self.faces])
        values: dict[str, object] = {
            "schema": SCHEMA,
            "kind": "evaluation",
            **{name: getattr(self, name) for name in PLAIN},
            "subsets": {name: asdict(summary) for name, summary in self.subsets.items()},
            "scores": None if self.scores is None else asdict(self.scores),
            "faces": [
                {"image": name, "error": face.error, "missed": math.isinf(face.error)}
                for name, face in zip(names, self.faces, strict=True)
            ],
        }
        return {name: plain(value) for name, value in values.items()}

    def to_json(self) -> str:
        """The report as one line of JSON."""
        return json.dumps(self.to_plain(), allow_nan=False)

    def to_text(self) -> str:
        """The report as tables to read; errors in percent."""
        return "\n".join([*self._head(), *self._tables(), *self._foot()])

    def _head(self) -> Iterable[str]:
        model = f"{self.model or 'model'} ({self.model_scheme or 'nothing found'})"
        boxes = f"{self.boxes} boxes" + (f" (seed {self.seed})" if self.boxes == "jitter" else "")
        yield f"{self.benchmark}: {self.title}"
        yield f"{model}, {boxes}, errors by {self.normalizer}, failed above {self.threshold:.0%}"
        if self.conversion:
            yield (
                f"answers converted from scheme {self.model_scheme} to {self.scheme} "
                f"({self.conversion}): not to be compared with native ones"
            )
        yield ""

    def _tables(self) -> Iterable[str]:
        heads = ("faces", "missed", "NME %", "fail %", "AUC %", "median", "p90", "p95", "p99")
        rows = [
            (name, (str(s.faces), str(s.missed), *map(percent, list(asdict(s).values())[2:])))
            for name, s in self.subsets.items()
        ]
        yield from table(heads, rows)
        if self.beside:
            yield ""
            beside = [
                (name, tuple(map(percent, means.values()))) for name, means in self.beside.items()
            ]
            yield from table(tuple(self.subsets), beside, title="NME % by")
        yield ""
        parts = [(name, (percent(error),)) for name, error in self.parts.items()]
        yield from table(("NME %",), parts, title="part")
        if self.scores is not None:
            yield from self._reliability(self.scores)

    def _reliability(self, scores: Scores) -> Iterable[str]:
        yield ""
        yield (
            f"scores: chance of an error below {scores.radius:.1%} of the box's longer side; "
            f"mean gap {scores.gap:.1%}"
        )
        rows = [
            (f"{b.low:.1f} to {b.high:.1f}", (str(b.count), percent(b.score), percent(b.hits)))
            for b in scores.bins
            if b.count
        ]
        yield from table(("landmarks", "said %", "was %"), rows, title="score")

    def _foot(self) -> Iterable[str]:
        yield ""
        yield f"{self.ms_per_face:.1f} ms a face"
        if self.command:
            yield f"made by: {self.command}"


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
    "parts",
    "landmarks",
    "ms_per_face",
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


def percent(value: float) -> str:
    """A fraction in percent with two digits; a dash if it is not finite."""
    return f"{100 * value:.2f}" if math.isfinite(value) else "-"


def table(
    heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]], *, title: str = ""
) -> Iterable[str]:
    """Lines of a table whose numbers stand below each other.

    Args:
        heads: of the columns.
        rows: a name and its cells each.
        title: above the names.
    """
    first = max(len(title), *(len(name) for name, _ in rows))
    columns = [heads, *(cells for _, cells in rows)]
    widths = [max(map(len, column)) for column in zip(*columns, strict=True)]
    for name, cells in ((title, heads), *rows):
        line = "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        yield f"{name:<{first}}  {line}"


def picture_names(pictures: Sequence[Path]) -> list[str]:
    """The pictures' paths below their common folder, so that no report names a machine's own."""
    if not pictures:
        return []
    common = Path(os.path.commonpath([picture.parent for picture in pictures]))
    return [picture.relative_to(common).as_posix() for picture in pictures]
