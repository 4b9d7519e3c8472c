"""Models on the same faces: their reports side by side, and face by face."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.errors import DatasetError
from canthus.evaluation.report import SCHEMA, Json, Report, Summary, names_of, plain
from canthus.evaluation.scoring import summarize
from canthus.evaluation.tables import percent, table
from canthus.metrics import Paired, compare

Array = NDArray[np.float64]

SAME = 1e-4  # of a length: files hold points in one precision or another


@dataclass(frozen=True, eq=False)
class Scored:
    """What a report says of each face.

    Attributes:
        where: the report's file.
        model: its name.
        benchmark: its name.
        boxes: whose the model was given.
        normalizer: of the errors.
        threshold: of failure rate and area.
        images: the picture of each face, N names.
        groups: the photo or person of each; empty where each has its own.
        errors: (N,); infinite where the face was missed.
        lengths: (N,) that divided them, in pixels; NaN where the report does not say.
    """

    where: Path
    model: str
    benchmark: str
    boxes: str
    normalizer: str
    threshold: float
    images: tuple[str, ...]
    groups: tuple[str, ...]
    errors: Array
    lengths: Array

    @property
    def label(self) -> str:
        """The model and whose boxes it was given."""
        return self.model if self.boxes == "file" else f"{self.model}, {self.boxes} boxes"

    def same_faces(self, other: "Scored") -> None:
        """Make sure that another report is of the same faces, scored alike.

        Files that carry their own truth are benchmarks of different names, though their pictures
        and truths be the same: there the lengths tell.

        Raises:
            DatasetError: naming what differs.
        """
        alike = self.images == other.images and np.allclose(self.lengths, other.lengths, SAME)
        for name in (*(() if alike else ("benchmark",)), "normalizer", "threshold", "images"):
            mine, its = getattr(self, name), getattr(other, name)
            if mine != its:
                raise DatasetError(
                    f"{other.where}: expected the {name} of {self.where}, {mine!s:.60}, found "
                    f"{its!s:.60}; only reports on the same faces can be compared"
                )


@dataclass(frozen=True, eq=False)
class Comparison:
    """Models on the same faces.

    Attributes:
        scored: the reports.
        summaries: the figures of each, with intervals.
        pairs: the indices of two models, and how they compare face by face.
        command: that made the comparison.
        version: of Canthus.
    """

    scored: tuple[Scored, ...]
    summaries: tuple[Summary, ...]
    pairs: tuple[tuple[int, int, Paired], ...]
    command: str = ""
    version: str = ""

    def to_plain(self) -> dict[str, Json]:
        """The comparison as JSON holds it, with a versioned schema."""
        first = self.scored[0]
        labels = [each.label for each in self.scored]
        return {
            "schema": SCHEMA,
            "kind": "comparison",
            "command": self.command,
            "version": self.version,
            "benchmark": first.benchmark,
            "normalizer": first.normalizer,
            "threshold": first.threshold,
            "models": [
                {"model": label, **_object(asdict(summary))}
                for label, summary in zip(labels, self.summaries, strict=True)
            ],
            "pairs": [
                {"first": labels[i], "second": labels[j], **_object(asdict(paired))}
                for i, j, paired in self.pairs
            ],
        }

    def to_text(self) -> str:
        """The comparison as tables to read; errors in percent."""
        first = self.scored[0]
        heads = ("faces", "missed", "NME %", "95 %", "fail %", "AUC %")
        rows = [
            (each.label, _cells(summary))
            for each, summary in zip(self.scored, self.summaries, strict=True)
        ]
        limit = f"failed above {100 * first.threshold:g}%"
        lines = [f"{first.benchmark}, errors by {first.normalizer}, {limit}", ""]
        lines += [*table(heads, rows), ""]
        lines += [self.sentence(i, j, paired) for i, j, paired in self.pairs]
        return "\n".join([*lines, *(["", f"made by: {self.command}"] if self.command else [])])

    def sentence(self, i: int, j: int, paired: Paired) -> str:
        """How two models compare, in words."""
        low, high = paired.intervals["nme"]
        pair = f"{self.scored[i].label} minus {self.scored[j].label}"
        return (
            f"{pair}: NME {_signed(paired.nme)} points "
            f"(95 %: {_signed(low)} to {_signed(high)}; p = {paired.p_value:.2g}), better on "
            f"{paired.first_better:.0%} of the faces, worse on {paired.second_better:.0%}"
        )


def read_scored(path: Path) -> Scored:
    """What the report of `canthus evaluate` in a file says of each face.

    Raises:
        DatasetError: if it is no such report.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise DatasetError(
            f"{path}: expected the report.json that `canthus evaluate --out` wrote, found: {error}"
        ) from None
    kind = values.get("kind") if isinstance(values, dict) else None
    if kind != "evaluation" or values.get("schema") != SCHEMA:
        raise DatasetError(f"{path}: expected the report.json of an evaluation, found {kind!r}")
    try:
        faces = values["faces"]
        errors = [math.inf if face["missed"] else float(face["error"]) for face in faces]
        return Scored(
            where=path,
            model=values["model"],
            benchmark=values["benchmark"],
            boxes=values["boxes"],
            normalizer=values["normalizer"],
            threshold=float(values["threshold"]),
            images=tuple(face["image"] for face in faces),
            groups=tuple(face.get("group", "") for face in faces),
            errors=np.array(errors, np.float64),
            lengths=np.array([face.get("length", math.nan) for face in faces], np.float64),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DatasetError(f"{path}: not a whole report: {error!r}") from None


def scored_of(report: Report) -> Scored:
    """What a report that was just made says of each face."""
    return Scored(
        where=Path("this report"),
        model=report.model,
        benchmark=report.benchmark,
        boxes=report.boxes,
        normalizer=report.normalizer,
        threshold=report.threshold,
        images=tuple(names_of([face.sample for face in report.faces])),
        groups=tuple(face.sample.group for face in report.faces),
        errors=np.array([face.error for face in report.faces]),
        lengths=np.array([face.length for face in report.faces]),
    )


def on_same_faces(report: Report, others: Sequence[Scored]) -> None:
    """Make sure that others were scored on the same faces as a report, by the same measure.

    Raises:
        DatasetError: naming the first that was not, and what differs.
    """
    mine = scored_of(report)
    for other in others:
        mine.same_faces(other)


def compare_models(scored: Sequence[Scored]) -> Comparison:
    """Compare models, each with each, on the same faces.

    Raises:
        DatasetError: if they were not scored on the same faces by the same measure.
        ValueError: if there are less than two.
    """
    if len(scored) < 2:
        raise ValueError(f"expected two reports at least, found {len(scored)}")
    for other in scored[1:]:
        scored[0].same_faces(other)
    groups = _groups(scored[0])
    threshold = scored[0].threshold
    pairs = [
        (i, j, compare(scored[i].errors, scored[j].errors, threshold, groups=groups))
        for i, j in combinations(range(len(scored)), 2)
    ]
    summaries = [summarize(each.errors, threshold, groups) for each in scored]
    return Comparison(tuple(scored), tuple(summaries), tuple(pairs))


def _groups(scored: Scored) -> list[str] | None:
    names = scored.groups
    return list(names) if all(names) and len(set(names)) < len(names) else None


def _cells(summary: Summary) -> tuple[str, ...]:
    low, high = summary.intervals["nme"]
    return (
        str(summary.faces),
        str(summary.missed),
        percent(summary.nme),
        f"{percent(low)} to {percent(high)}",
        percent(summary.failure_rate),
        percent(summary.auc),
    )


def _object(values: dict[str, object]) -> dict[str, Json]:
    return {name: plain(value) for name, value in values.items()}


def _signed(value: float) -> str:
    return f"{100 * value:+.2f}"
