"""What `compare_models.py` has measured of each model, in one file of JSON."""

import json
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

from canthus import config
from canthus.errors import CanthusError, RecipeError
from canthus.evaluation.report import plain
from canthus.runtime.manifest import Figure
from canthus.storage import write_whole

SCHEMA, KIND = 1, "models"
DATA = "data"  # what commands call the folder of the data sets

COVERED = "mean of 10 to 40 % of the face covered"
BOXES = (  # how the places of a sweep end that are kept
    *(f"box scaled by {scale}" for scale in ("0.7", "1", "1.5", "2")),
    "box shifted by 0.25 of its side",
    "face turned by 45 degrees",
)

Figures = dict[str, tuple[Figure, ...]]  # by the part of the measuring that they are of


@dataclass(frozen=True)
class Measured:
    """What was measured of one model, but for its times.

    Attributes:
        digest: of its weights file, SHA-256.
        machine: on what.
        figures: by part.
        errors: of each face (N,), by benchmark; None where it was missed.
        threshold: above which a face has failed, by benchmark.
        notes: why a part has no figures, by part, or by the first word of several.
    """

    digest: str
    machine: Mapping[str, str] = field(default_factory=dict)
    figures: Figures = field(default_factory=dict)
    errors: dict[str, tuple[float | None, ...]] = field(default_factory=dict)
    threshold: dict[str, float] = field(default_factory=dict)
    notes: dict[str, str] = field(default_factory=dict)

    def note(self, part: str) -> str:
        """Why a part has no figures; empty if nothing speaks against them."""
        return self.notes.get(part, self.notes.get(part.partition(" ")[0], ""))


@dataclass(frozen=True)
class Taken:
    """The time of one thing: of a round, or of all.

    Attributes:
        metric: with its unit.
        on: of what.
        command: that takes it alone.
        median: over runs, or over the rounds' medians.
        least: of all runs.
    """

    metric: str
    on: str
    command: str
    median: float
    least: float


@dataclass(frozen=True)
class Times:
    """Times of models that took turns.

    Attributes:
        digests: of the weights files, by model.
        machine: on what.
        rounds: the times of each round, by model and part.
    """

    digests: Mapping[str, str] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    rounds: tuple[Mapping[str, Mapping[str, tuple[Taken, ...]]], ...] = ()

    def of(self, model: str) -> dict[str, tuple[Taken, ...]]:
        """The medians over all rounds and the least of all, by part."""
        if not self.rounds:
            return {}
        return {
            part: tuple(
                _over([each[model][part][i] for each in self.rounds]) for i in range(len(times))
            )
            for part, times in self.rounds[0].get(model, {}).items()
        }


@dataclass(frozen=True)
class Store:
    """The file's contents: models by name, and their times."""

    models: Mapping[str, Measured] = field(default_factory=dict)
    times: Times = field(default_factory=Times)

    def write(self, path: Path) -> None:
        """Write the file, wholly or not at all."""
        values = {"schema": SCHEMA, "kind": KIND, **asdict(self)}
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, f"{json.dumps(plain(values), allow_nan=False)}\n".encode())


def read(path: Path) -> Store:
    """Read what was measured so far; nothing, if there is no such file.

    Raises:
        CanthusError: if it is another file.
    """
    if not path.exists():
        return Store()
    try:
        values = json.loads(path.read_text(encoding="utf-8"), object_hook=_valued)
        if (values["schema"], values["kind"]) != (SCHEMA, KIND):
            raise ValueError(f"it is of schema {values['schema']}, kind {values['kind']!r}")
        return config.parse(Store, values, "its figures")
    except (OSError, ValueError, KeyError, TypeError, RecipeError) as error:
        raise CanthusError(
            f"{path}: expected the figures of compare_models.py, schema {SCHEMA}, found another "
            f"file ({error!r}); move it away, and they are measured anew"
        ) from None


def _valued(row: dict[str, object]) -> dict[str, object]:
    """An object of JSON; a figure's value that it cannot hold is NaN."""
    return row | {"value": math.nan} if row.get("value", 0) is None else row


def _over(taken: Sequence[Taken]) -> Taken:
    first = taken[0]
    median = statistics.median(each.median for each in taken)
    least = min(each.least for each in taken)
    return Taken(first.metric, first.on, first.command, median, least)
