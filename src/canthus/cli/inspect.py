"""`canthus inspect DATASET ROOT`: whether a copy of a data set is whole."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, cast

import typer

from canthus.cli.outputs import to_line
from canthus.cli.progress import clear, track
from canthus.datasets import LAYOUTS, Sample, Split, annotations
from canthus.datasets.catalog import DATASETS, NO_COUNTS
from canthus.datasets.inspection import Inspection, sheet
from canthus.datasets.inspection import inspect as look
from canthus.errors import DatasetError, StorageError
from canthus.faces.scheme_files import scheme_from
from canthus.images.files import write_image

SCHEMA = 1
SHEETS = (".png", ".jpg", ".jpeg")
SHOWN = 20  # names of a list that is printed
OWN = "annotations"  # in any format that is read
KNOWN = tuple(dict.fromkeys((*DATASETS, *LAYOUTS, OWN)))  # some are both
PARTS = {"train": 0, "val": 0}  # of a layout that trainings read; nobody says how many there are


def inspect(
    dataset: Annotated[str, typer.Argument(help=f"One of {', '.join(KNOWN)}.")],
    root: Annotated[Path, typer.Argument(help="The folder as published; or annotations.")],
    split: Annotated[str | None, typer.Option(help="Only this one; all by default.")] = None,
    out: Annotated[
        Path | None, typer.Option(help="A .png or .jpg: a sheet of faces with their points.")
    ] = None,
    faces: Annotated[int, typer.Option(min=1, help="How many are on the sheet.")] = 30,
    scheme: Annotated[
        str | None, typer.Option(help="What the points of annotations are: a name or a .yaml.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Check a copy of a data set: counts, pictures, points. Nothing in it is changed."""
    if dataset not in KNOWN:
        raise typer.BadParameter(f"{dataset!r} is none of {', '.join(KNOWN)}", param_hint="DATASET")
    splits = _splits(dataset, root, split)
    if (scheme is None) is (dataset == OWN):
        raise typer.BadParameter(f"needed with {OWN}, and with nothing else", param_hint="--scheme")
    if dataset != OWN and not root.is_dir():
        raise DatasetError(f"{root}: expected the folder of a data set, found none")
    if out is not None:
        _refuse(out, root)
    counts = DATASETS[dataset].counts if dataset in DATASETS else NO_COUNTS
    tell = partial(track, what="faces")
    found = look(_reader(dataset, scheme), root, splits, counts=counts, track=tell)
    clear()
    print(to_line(_plain(found, dataset)) if json else "\n".join(_lines(found)))
    if out is not None and found.samples:
        write_image(out, sheet(found.samples, faces))
    if not found.whole:
        raise typer.Exit(1)


def _splits(dataset: str, root: Path, split: str | None) -> Mapping[str, int]:
    """The splits to look at, and how many faces each officially has."""
    known = DATASETS[dataset].splits if dataset in DATASETS else PARTS
    known = {"all": 0} if dataset == OWN else known
    if split is None:
        return known
    if split in known:
        return {split: known[split]}
    if dataset in DATASETS:
        with suppress(ValueError):  # which says no more than the line below
            DATASETS[dataset].read(root, split)  # may have a reason of its own to refuse it
    raise typer.BadParameter(f"{split!r} is none of {', '.join(known)}", param_hint="--split")


def _refuse(out: Path, root: Path) -> None:
    """Make sure, before a long work, that the sheet can be written, and changes no data set."""
    if out.resolve().is_relative_to(root.resolve()):
        raise StorageError(f"{out}: is in the data set; choose another place to write")
    if out.suffix.lower() not in SHEETS or not out.parent.is_dir():
        raise StorageError(
            f"{out}: expected a name that ends in {', '.join(SHEETS)}, in a folder that is there"
        )


def _reader(dataset: str, scheme: str | None) -> Callable[[Path, str], list[Sample]]:
    """What reads a data set, a layout that trainings read, or annotations of a scheme."""
    if scheme is not None:
        points = scheme_from(scheme)
        return lambda root, split: annotations.read(root, points)
    if dataset in DATASETS:
        return DATASETS[dataset].read
    layout = LAYOUTS[dataset]
    return lambda root, split: layout(root, cast(Split, split))


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
                "subsets": {
                    tag: {"faces": faces, "official": official}
                    for tag, (faces, official) in report.subsets.items()
                },
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
        counted = f"{report.faces} faces, {_verdict(report.faces, report.official)}"
        lines.append(f"{report.split}: {report.problem or counted}")
        lines += [
            f"  {tag}: {faces} faces, {_verdict(faces, official)}"
            for tag, (faces, official) in report.subsets.items()
        ]
    lines.append(f"{found.pictures} pictures opened, {len(found.unreadable)} cannot be read")
    lines += [f"  {reason}" for reason in list(found.unreadable.values())[:SHOWN]]
    if len(found.unreadable) > SHOWN:
        lines.append(f"  ... and {len(found.unreadable) - SHOWN} more; --json lists them all")
    if found.outside:
        some = ", ".join(found.outside[:SHOWN])
        lines.append(f"{len(found.outside)} faces have points far outside of their picture: {some}")
    lines.append("whole" if found.whole else "not whole")
    return lines


def _verdict(faces: int, official: int) -> str:
    if not official:
        return "no official count"
    return "as it should" if faces == official else f"expected {official}"
