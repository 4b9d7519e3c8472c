"""`canthus evaluate MODEL BENCHMARK --data ROOT`: how wrong a model is, and on which faces."""

import shlex
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from canthus import __version__
from canthus.cli import outputs
from canthus.cli.progress import track
from canthus.evaluation import BENCHMARKS, Report, open_benchmark
from canthus.evaluation import evaluate as score
from canthus.evaluation.pictures import draw_ced, draw_worst
from canthus.images.files import write_image
from canthus.runtime import load

REPORT = "report.json"
CURVE = "ced.png"
WORST = "worst.png"


def evaluate(
    model: Annotated[str, typer.Argument(help="A model's name or its weights file.")],
    benchmark: Annotated[str, typer.Argument(help=f"One of {', '.join(BENCHMARKS)}.")],
    data: Annotated[Path, typer.Option(help="The data set's folder, or the one that holds it.")],
    boxes: Annotated[
        Literal["truth", "jitter", "detector"],
        typer.Option(help="Whose: the data set's, those moved at random, or the detector's."),
    ] = "jitter",
    worst: Annotated[int, typer.Option(min=0, help="Draw so many worst faces into OUT.")] = 0,
    out: Annotated[
        Path | None, typer.Option(help="Folder for the report and its pictures.")
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    seed: Annotated[int, typer.Option(help="Of the random boxes.")] = 0,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    threads: Annotated[int, typer.Option(min=1, help="Cores for the network.")] = 1,
) -> None:
    """Measure how wrong a model is on annotated faces."""
    if benchmark not in BENCHMARKS:
        raise typer.BadParameter(
            f"{benchmark!r} is none of {', '.join(BENCHMARKS)}", param_hint="BENCHMARK"
        )
    if worst and out is None:
        raise typer.BadParameter("needs --out, the folder to draw into", param_hint="--worst")
    if out is not None:
        outputs.prepare(out)
    faces = open_benchmark(benchmark, data)
    aligner = load(model, device=device, threads=threads)
    found = score(aligner, faces, boxes=boxes, seed=seed, track=partial(track, what="faces"))
    report = replace(
        found,
        model=aligner.manifest.name,
        command=shlex.join(["canthus", *sys.argv[1:]]),
        version=__version__,
    )
    print(report.to_json() if json else report.to_text())
    if out is not None:
        _write(report, out, worst)


def _write(report: Report, out: Path, worst: int) -> None:
    outputs.write_json(out / REPORT, report.to_plain())
    write_image(out / CURVE, draw_ced([report]))
    written = [REPORT, CURVE]
    if worst:
        write_image(out / WORST, draw_worst(report, worst))
        written.append(WORST)
    print(f"wrote {', '.join(written)} into {out}", file=sys.stderr)
