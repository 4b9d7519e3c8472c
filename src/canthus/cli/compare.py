"""`canthus compare REPORT REPORT...`: models on the same faces, side by side and face by face."""

import shlex
import sys
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from canthus import __version__
from canthus.cli import outputs
from canthus.evaluation.comparison import compare_models, read_scored
from canthus.storage import write_whole

COMPARISON, PAGE = "comparison.json", "comparison.html"


def compare(
    reports: Annotated[list[Path], typer.Argument(help="The report.json of two models or more.")],
    out: Annotated[
        Path | None, typer.Option(help="Folder for comparison.json and comparison.html.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the comparison as JSON.")] = False,
) -> None:
    """Compare models on the same faces."""
    if len(reports) < 2:
        raise typer.BadParameter("needs two reports at least", param_hint="REPORTS")
    if out is not None:
        from canthus.evaluation import pages  # needs what the extra brings, so before the work

        outputs.prepare(out)
    found = compare_models([read_scored(path) for path in reports])
    command = shlex.join(["canthus", *sys.argv[1:]])
    compared = replace(found, command=command, version=__version__)
    print(outputs.to_line(compared.to_plain()) if json else compared.to_text())
    if out is not None:
        outputs.write_json(out / COMPARISON, compared.to_plain())
        write_whole(out / PAGE, pages.of_comparison(compared).encode())
        print(f"wrote {COMPARISON}, {PAGE} into {out}", file=sys.stderr)
