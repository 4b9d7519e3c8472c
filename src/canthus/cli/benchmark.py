"""`canthus benchmark`: how wrong, how fast and how steady the models are on this machine."""

import shlex
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Annotated, Literal

import typer

from canthus.cli.outputs import to_line
from canthus.cli.progress import track
from canthus.detection import Mtcnn
from canthus.errors import WeightsError
from canthus.evaluation.figures import Result, results_to_plain, results_to_text
from canthus.evaluation.speed import machine
from canthus.evaluation.suite import Suite
from canthus.runtime import Aligner, load, weights
from canthus.runtime.manifest import Figure

Part = Literal["accuracy", "speed", "start", "stability", "detector", "all"]


def benchmark(
    part: Annotated[Part, typer.Argument(help="What to measure.")] = "all",
    data: Annotated[
        Path, typer.Option(help="The folder that holds the data sets; speed needs none.")
    ] = Path(),
    model: Annotated[
        list[str] | None, typer.Option(help="A name or a file; all models inside by default.")
    ] = None,
    photo: Annotated[
        Path | None, typer.Option(help="For the cold start; one of the data by default.")
    ] = None,
    runs: Annotated[int, typer.Option(min=1, help="Of whatever is timed.")] = 100,
    json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure speed, cold start and accuracy on this machine."""
    command = shlex.join(["canthus", *sys.argv[1:]])
    suite = Suite(root=data, command=command, runs=runs, track=track)
    results = list(_measured(suite, part, model or weights.names(), photo))
    if json:
        print(to_line(results_to_plain(results, command=command, machine=machine())))
    else:
        print(results_to_text(results))
        print("\n" + ", ".join(f"{name} {value}" for name, value in machine().items()))


def _measured(suite: Suite, part: Part, models: list[str], photo: Path | None) -> Iterable[Result]:
    """The results of the parts that are wanted, the quick ones first."""

    def wanted(name: Part) -> bool:
        return part in (name, "all")

    each: dict[Part, Callable[[Aligner], list[Figure]]] = {
        "speed": suite.speed,
        "accuracy": suite.accuracy,
        "stability": suite.stability,
    }
    if part != "detector" and not models:
        raise WeightsError("there is no model inside this package; name one with --model")
    if wanted("start"):
        for name in models:
            figures = suite.start(photo or suite.photo(), name)
            yield Result(load(name).manifest.name, tuple(figures))
    asked = {key: measure for key, measure in each.items() if wanted(key)}
    for name in models if asked else ():
        aligner = load(name)
        for key, measure in asked.items():
            print(f"{aligner.manifest.name}: {key}", file=sys.stderr)
            yield Result(aligner.manifest.name, tuple(measure(aligner)))
    if wanted("detector"):
        yield Result("", tuple(suite.detector(Mtcnn())))
