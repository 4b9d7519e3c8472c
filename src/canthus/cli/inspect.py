"""`canthus inspect DATASET ROOT`: whether a copy of a data set is whole."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from canthus.cli.outputs import to_line
from canthus.cli.progress import clear, track
from canthus.datasets.catalog import DATASETS
from canthus.datasets.inspection import Inspection, sheet
from canthus.datasets.inspection import inspect as look
from canthus.images.files import write_image

SCHEMA = 1
SHOWN = 20  # names of a list that is printed


def inspect(
    dataset: Annotated[str, typer.Argument(help=f"One of {', '.join(DATASETS)}.")],
    root: Annotated[Path, typer.Argument(help="The folder as published.")],
    split: Annotated[str | None, typer.Option(help="Only this one; all by default.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="A .png or .jpg: a sheet of faces with their points.")
    ] = None,
    faces: Annotated[int, typer.Option(min=1, help="How many are on the sheet.")] = 30,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a copy of a data set: counts, pictures, points. Nothing in it is changed."""
    if dataset not in DATASETS:
        raise typer.BadParameter(
            f"{dataset!r} is none of {', '.join(DATASETS)}", param_hint="DATASET"
        )
    entry = DATASETS[dataset]
    splits = entry.splits if split is None else {split: entry.splits.get(split, 0)}
    if split is not None and split not in entry.splits:
        raise typer.BadParameter(
            f"{split!r} is none of {', '.join(entry.splits)}", param_hint="--split"
        )
    found = look(entry.read, root, splits, track=partial(track, what="faces"))
    clear()
    print(to_line(_plain(found, dataset)) if json else "\n".join(_lines(found)))
    if out is not None and found.samples:
        write_image(out, sheet(found.samples, faces))
    if not found.whole:
        raise typer.Exit(1)


def _plain(found: Inspection, dataset: str) -> dict[str, object]:
    return {
        "schema": SCHEMA,
        "kind": "inspection",
        "dataset": dataset,
        "whole": found.whole,
        "splits": [
            {
                "split": report.split,
                "faces": report.faces,
                "official": report.official or None,
                "problem": report.problem,
            }
            for report in found.splits
        ],
        "pictures": found.pictures,
        "unreadable": dict(found.unreadable),
        "outside": list(found.outside),
    }


def _lines(found: Inspection) -> list[str]:
    lines = []
    for report in found.splits:
        verdict = "as it should" if report.whole else f"expected {report.official}"
        counted = f"{report.faces} faces, {verdict if report.official else 'no official count'}"
        lines.append(f"{report.split}: {report.problem or counted}")
    lines.append(f"{found.pictures} pictures opened, {len(found.unreadable)} cannot be read")
    lines += [f"  {reason}" for reason in list(found.unreadable.values())[:SHOWN]]
    if len(found.unreadable) > SHOWN:
        lines.append(f"  ... and {len(found.unreadable) - SHOWN} more; --json lists them all")
    if found.outside:
        some = ", ".join(found.outside[:SHOWN])
        lines.append(f"{len(found.outside)} faces have points far outside of their picture: {some}")
    lines.append("whole" if found.whole else "not whole")
    return lines
