"""`canthus train RECIPE`: faces in, a weights file out."""

import logging
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Device(StrEnum):
    """Where a network is trained."""

    AUTO = "auto"
    CPU = "cpu"
    CUDA = "cuda"


def train(
    recipe: Annotated[str, typer.Argument(help="A recipe's file, or the name of one inside.")],
    data: Annotated[Path, typer.Option(help="The folder that holds the recipe's data sets.")],
    out: Annotated[Path, typer.Option(help="Where the run goes: state, log, weights.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the state in OUT.")] = False,
    seed: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    threads: Annotated[int | None, typer.Option(help="Cores to use; all by default.")] = None,
    device: Annotated[
        Device, typer.Option(help="Where to train: on a GPU if there is one, else on the CPU.")
    ] = Device.AUTO,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that prepare faces; a thread by default.")
    ] = 0,
    limit_minutes: Annotated[
        float | None, typer.Option(min=0, help="End after the step in which so many are over.")
    ] = None,
    lenient: Annotated[
        bool, typer.Option("--lenient", help="Leave out faces whose pictures cannot be read.")
    ] = False,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="key.path=value, over the recipe's.")
    ] = None,
) -> None:
    """Train a model by a recipe."""
    from canthus.recipes import find_recipe
    from canthus.training import Hardware, finish, fit, processes, read_recipe, read_sets

    overrides = [*(set_ or []), *([] if seed is None else [f"schedule.seed={seed}"])]
    with processes.joined() as first:
        level = logging.INFO if first else logging.ERROR
        logging.basicConfig(level=level, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S")
        written = read_recipe(find_recipe(recipe), overrides)
        sets, limit = read_sets(written, data), limit_minutes
        hardware = Hardware(device.value, threads, workers)
        trained = fit(
            sets, written, out, resume=resume, minutes=limit, lenient=lenient, hardware=hardware
        )
    if not trained.finished:
        raise typer.Exit(1)
    if first:
        print(finish(trained, written))
