"""A model inside as the pages see it: its file's manifest, its figures, and what is said of it."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from model_figures import BOXES, COVERED, Figures, Measured, Store

from canthus.errors import CanthusError
from canthus.evaluation.figures import shown
from canthus.runtime import Manifest, open_weights, weights
from canthus.runtime.manifest import Figure

Words = Mapping[str, Any]  # as models.yaml has them

SAME = 5e-5  # fractions that differ by no more are the same, but for rounding
NONE = "-"
MEASURE = "measure it: python scripts/compare_models.py DATA"
TITLES = {"300w-val": "300-W", "ytf68-val": "YouTube Faces", "aflw21-val": "AFLW"}


@dataclass(frozen=True)
class Column:
    """A column of a table: which figure of a model it shows.

    Attributes:
        head: of the column.
        part: of the measuring.
        metric: how the figure's metric begins.
        ending: how its benchmark ends.
    """

    head: str
    part: str
    metric: str
    ending: str


ACCURACY = (
    Column("300-W", "accuracy 300w-val", "nme", "jitter boxes"),
    Column("fail", "accuracy 300w-val", "failure_rate", "jitter boxes"),
    Column("YouTube Faces", "accuracy ytf68-val", "nme", "jitter boxes"),
    Column("fail", "accuracy ytf68-val", "failure_rate", "jitter boxes"),
    Column("AFLW, to 30", "accuracy aflw21-val", "nme", "yaw 0-30"),
    Column("60", "accuracy aflw21-val", "nme", "yaw 30-60"),
    Column("90 degrees", "accuracy aflw21-val", "nme", "yaw 60-90"),
    Column("fail", "accuracy aflw21-val", "failure_rate", "jitter boxes"),
)
SIZE = (
    Column("file", "size", "file_mb", ""),
    Column("parameters", "size", "parameters_count", ""),
    Column("multiply-adds", "size", "multiply_adds_count", ""),
)
TIME = (
    Column("one face at a time", "times", "face_ms", "batch of 1"),
    Column("32 at a time, each", "times", "face_ms", "batch of 32"),
    Column("whole process", "start", "start_ms", "whole process"),
)
COVERING = (
    Column("300-W", "occlusion 300w-val", "nme", COVERED),
    Column("at 40 %", "occlusion 300w-val", "nme", ", 40 % of the face covered"),
    Column("YouTube Faces", "occlusion ytf68-val", "nme", COVERED),
    Column("at 40 %", "occlusion ytf68-val", "nme", ", 40 % of the face covered"),
)
SWEEP = tuple(
    Column(head, "boxes", "nme", ending)
    for head, ending in zip(
        ("0.7", "1", "1.5", "2 boxes", "shift 0.25", "turn 45"), BOXES, strict=True
    )
)
STEADY = (
    Column("moved", "stability", "stray_rms", "box follows"),
    Column("detector's box", "stability", "stray_rms", "detector's box"),
    Column("noise", "stability", "stray_rms", "noise of 5 gray levels"),
    Column("JPEG", "stability", "stray_rms", "JPEG of quality 50"),
)
INTEGERS = (
    Column("file", "int8 size", "file_mb", ""),
    Column("300-W", "int8 300w-val", "nme", "jitter boxes, int8"),
    Column("YouTube Faces", "int8 ytf68-val", "nme", "jitter boxes, int8"),
    Column("one face at a time", "int8 times", "face_ms", "batch of 1"),
    Column("32 at a time, each", "int8 times", "face_ms", "batch of 32"),
)
EVERY = (*ACCURACY, *SIZE, *TIME, *COVERING, *SWEEP, *STEADY, *INTEGERS)


@dataclass(frozen=True, eq=False)
class Entry:
    """A model.

    Attributes:
        name: inside the package.
        manifest: of its file.
        measured: beside the others.
        figures: all of them, times too, by part.
        least: the least times, by part and place.
        where: they come from, for errors.
    """

    name: str
    manifest: Manifest
    measured: Measured
    figures: Figures
    least: Mapping[tuple[str, str], float]
    where: Path

    @property
    def also(self) -> str:
        """Whether it is the default, and its other names, for people."""
        notes = ["default"] if self.name == weights.DEFAULT else []
        notes += [f"`{alias}`" for alias, meant in weights.ALIASES.items() if meant == self.name]
        return f" ({', '.join(notes)})" if notes else ""

    def figure(self, column: Column) -> Figure | None:
        """The figure of a column; None where there can be none, as the notes say.

        Raises:
            CanthusError: naming what is missing.
        """
        for figure in self.figures.get(column.part, ()):
            fits = figure.metric.startswith(column.metric)
            if fits and figure.benchmark.endswith(column.ending):
                return figure
        if self.measured.note(column.part):
            return None
        raise CanthusError(
            f"{self.where}: expected {column.metric} of {self.name} ({column.part}, "
            f"{column.ending or 'all'}), found none; {MEASURE}"
        )

    def shown(self, column: Column) -> str:
        """The figure of a column for people, with the least where it is a time."""
        figure = self.figure(column)
        if figure is None:
            return NONE
        least = self.least.get((column.part, figure.benchmark))
        digits = "" if least is None else f" ({least:.2f})"
        return f"{shown(figure)}{digits}"

    def place(self, column: Column, entries: Sequence["Entry"]) -> str:
        """Which of the models it is by a figure, the least first."""
        found = [entry.figure(column) for entry in entries]
        known = [figure.value for figure in found if figure and math.isfinite(figure.value)]
        mine = self.figure(column)
        if mine is None or not math.isfinite(mine.value):
            return NONE
        return f"{1 + sum(value < mine.value for value in known)} of {len(known)}"

    def changed(self) -> list[tuple[Figure, Figure]]:
        """Figures of the file that are others today, each with today's."""
        today = {(f.metric, f.benchmark): f for part in self.figures.values() for f in part}
        pairs = [(f, today.get((f.metric, f.benchmark), f)) for f in self.manifest.figures]
        return [(then, now) for then, now in pairs if abs(then.value - now.value) > SAME]

    def errors(self, on: str) -> list[float]:
        """The error of each face of a benchmark, infinite where it was missed."""
        if on not in self.measured.errors:
            raise CanthusError(f"{self.where}: expected errors of {self.name} on {on}, found none")
        return [math.inf if error is None else error for error in self.measured.errors[on]]


def entries_of(store: Store, names: Sequence[str], where: Path) -> list[Entry]:
    """The models to write about.

    Raises:
        CanthusError: if one was not measured.
    """
    if missing := [name for name in names if name not in store.models]:
        raise CanthusError(
            f"{where}: expected figures of {', '.join(missing)}, found none; {MEASURE}"
        )
    return [_entry(store, name, where) for name in names]


def link(name: str) -> str:
    """To the card of a model inside."""
    return f"[`{name}`](models/{name}.md)"


def rows(heads: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """A table as Markdown has it."""
    lines = [heads, ["---"] * len(heads), *body]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def _entry(store: Store, name: str, where: Path) -> Entry:
    manifest, _ = open_weights(weights.find(name))
    measured, taken = store.models[name], store.times.of(name)
    times = {
        part: tuple(Figure(t.metric, t.on, t.median, t.command) for t in some)
        for part, some in taken.items()
    }
    least = {(part, t.on): t.least for part, some in taken.items() for t in some}
    return Entry(name, manifest, measured, {**measured.figures, **times}, least, where)
