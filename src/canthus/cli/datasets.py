"""`canthus datasets`: which public data sets and benchmarks are known, and where they come from."""

from typing import Annotated

import typer

from canthus.cli.outputs import to_line
from canthus.datasets.catalog import DATASETS, DataSet
from canthus.evaluation.protocols import BENCHMARKS, Protocol

SCHEMA = 1


def datasets(
    benchmarks: Annotated[
        bool, typer.Option("--benchmarks", help="List how each benchmark is scored instead.")
    ] = False,
    json: Annotated[bool, typer.Option("--json", help="Print a line of JSON each.")] = False,
) -> None:
    """List the public data sets: what to download from where, under which terms."""
    if benchmarks:
        for name, protocol in BENCHMARKS.items():
            plain = _protocol(name, protocol)
            print(to_line({"schema": SCHEMA, **plain}) if json else _text(name, plain))
        return
    for name, entry in DATASETS.items():
        plain = _dataset(entry)
        print(to_line({"schema": SCHEMA, **plain}) if json else _text(name, plain))


def _dataset(entry: DataSet) -> dict[str, object]:
    return {
        "name": entry.name,
        "title": entry.title,
        "scheme": entry.scheme,
        "splits": dict(entry.splits),
        "source": entry.source,
        "files": entry.files,
        "terms": entry.terms,
    }


def _protocol(name: str, protocol: Protocol) -> dict[str, object]:
    return {
        "name": name,
        "title": protocol.title,
        "faces": protocol.faces,
        "subsets": list(protocol.order),
        "normalizer": protocol.normalizer,
        "threshold": protocol.threshold,
        "beside": list(protocol.beside),
        "boxes": protocol.boxes,
    }


def _text(name: str, plain: dict[str, object]) -> str:
    rows = {key: _shown(value) for key, value in plain.items() if key != "name"}
    return "\n".join([name, *(f"  {key:<11}{value}" for key, value in rows.items() if value)])


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{name} {count or '(not fixed)'}" for name, count in value.items())
    if isinstance(value, list):
        return ", ".join(map(str, value))
    return f"{value:g}" if isinstance(value, float) else str(value or "")
