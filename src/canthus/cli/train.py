"""`canthus train RECIPE`: faces in, a weights file out."""

import logging
from pathlib import Path
from typing import Annotated

import typer


def train(
    recipe: Annotated[str, typer.Argument(help="A recipe's file, or the name of one inside.")],
    data: Annotated[Path, typer.Option(help="The folder that holds the recipe's data sets.")],
    out: Annotated[Path, typer.Option(help="Where the run goes: state, log, weights.")],
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the state in OUT.")] = False,
    seed: Annotated[int | None, typer.Option(help="Instead of the recipe's.")] = None,
    threads: Annotated[int | None, typer.Option(help="Cores to use; all by default.")] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="key.path=value, over the recipe's.")
    ] = None,
) -> None:
    """Train a model by a recipe."""
    from canthus.recipes import find_recipe
    from canthus.training import finish, fit, read_recipe, read_sets

    logging.basicConfig(level=logging.INFO, format="%(asctime)s  %(message)s", datefmt="%H:%M:%S")
    overrides = [*(set_ or []), *([] if seed is None else [f"schedule.seed={seed}"])]
    written = read_recipe(find_recipe(recipe), overrides)
    trained = fit(read_sets(written, data), written, out, resume=resume, threads=threads)
    if not trained.finished:
        raise typer.Exit(1)
    print(finish(trained, written))
