"""Single figures, as manifests and the benchmark command carry them, and where they come from."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from canthus.errors import CanthusError
from canthus.evaluation.report import ALL, SCHEMA, Report, plain
from canthus.evaluation.tables import table
from canthus.runtime.manifest import Figure

OVERALL = ("failure_rate", "auc")  # what is said of all faces, besides the mean error


@dataclass(frozen=True)
class Result:
    """The figures of one model, or of what needs none: the detector, an import."""

    model: str
    figures: tuple[Figure, ...]


def figures_of(report: Report) -> list[Figure]:
    """The figures of an evaluation that are worth keeping; those without a value are left out."""
    return _from_values(report.to_plain())


def read_figures(path: Path) -> list[Figure]:
    """The figures in a JSON file of `canthus evaluate` or `canthus benchmark`.

    Raises:
        CanthusError: if the file is neither, or speaks of more than one model.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise CanthusError(f"{path}: cannot be read as a report: {error}") from None
    if not isinstance(values, dict) or values.get("schema") != SCHEMA:
        raise CanthusError(f"{path}: expected a report of schema {SCHEMA}, found another file")
    try:
        if values["kind"] == "evaluation":
            return _from_values(values)
        if values["kind"] == "benchmark":
            return _of_one_model(values["results"], path)
    except (KeyError, TypeError) as error:
        raise CanthusError(f"{path}: not a whole report: {error}") from None
    raise CanthusError(f"{path}: expected an evaluation or a benchmark, found {values['kind']!r}")


def results_to_plain(
    results: Sequence[Result], *, command: str, machine: Mapping[str, str]
) -> dict[str, object]:
    """The results of `canthus benchmark` as JSON has them, with a versioned schema."""
    return {
        "schema": SCHEMA,
        "kind": "benchmark",
        "command": command,
        "machine": dict(machine),
        "results": plain([asdict(result) for result in results]),
    }


def results_to_text(results: Sequence[Result]) -> str:
    """The results of `canthus benchmark` as a table to read."""
    rows = [
        (figure.metric, (shown(figure), result.model or "-", figure.benchmark))
        for result in results
        for figure in result.figures
    ]
    return "\n".join(table(("value", "model", "on"), rows)) if rows else ""


def shown(figure: Figure) -> str:
    """A figure's value for people: fractions in percent, the rest in its own unit."""
    if not math.isfinite(figure.value):
        return "-"
    word = figure.metric.split()[0]
    if word.endswith("_count"):
        return _counted(figure.value)
    for suffix, unit in (("_ms", "ms"), ("_mb", "MB")):
        if word.endswith(suffix):
            return f"{figure.value:.2f} {unit}"
    return f"{100 * figure.value:.2f} %"


def _counted(value: float) -> str:
    """A count for people; from 100,000 on in millions, from 10^9 on in thousands of them."""
    for unit, size, least in (("G", 1e9, 1e9), ("M", 1e6, 1e5)):
        if value >= least:
            return f"{value / size:.2f} {unit}"
    return f"{value:.2f}"


def _from_values(values: Mapping[str, Any]) -> list[Figure]:
    """The figures of an evaluation, from its plain values."""
    where = f"{values['benchmark']}, {values['boxes']} boxes"
    metric, command = f"nme {values['normalizer']}", values["command"]
    every = values["subsets"][ALL]
    found = [(metric, where, every["nme"])]
    found += [(f"{name} at {values['threshold']:g}", where, every[name]) for name in OVERALL]
    found += [
        (metric, f"{where}, {name}", summary["nme"])
        for name, summary in values["subsets"].items()
        if name != ALL
    ]
    return [
        Figure(metric=name, benchmark=place, value=value, command=command)
        for name, place, value in found
        if value is not None and math.isfinite(value)
    ]


def _of_one_model(results: Sequence[Mapping[str, Any]], path: Path) -> list[Figure]:
    models = {result["model"] for result in results if result["model"]}
    if len(models) > 1:
        raise CanthusError(f"{path}: speaks of {', '.join(sorted(models))}; benchmark one of them")
    return [
        Figure(**figure)
        for result in results
        for figure in result["figures"]
        if figure["value"] is not None
    ]
