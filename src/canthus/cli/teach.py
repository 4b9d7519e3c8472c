"""`canthus teach MODELS`: models' landmarks on training faces, for another one to learn from."""

from pathlib import Path
from typing import Annotated

import typer

from canthus.cli.layouts import training_faces
from canthus.cli.options import asked_for
from canthus.cli.outputs import prepare

AT_ONCE = {"cpu": 1, "cuda": 32}  # faces, eight crops each


def teach(
    models: Annotated[
        list[str],
        typer.Argument(help="Weights files, or names of models inside; of several the mean."),
    ],
    root: Annotated[Path, typer.Option(help="The folder of the data set.")],
    layout: Annotated[str, typer.Option(help="How it lies on disk, as in recipes.")],
    out: Annotated[Path, typer.Option(help="The table to write, for a recipe's `labels`.")],
    meet: Annotated[
        bool, typer.Option("--meet", help="Keep what people marked, and move the rest along.")
    ] = False,
    device: Annotated[str, typer.Option(help="cpu or cuda.")] = "cpu",
    threads: Annotated[int, typer.Option(help="Cores to use.", min=1)] = 1,
) -> None:
    """Let models put their landmarks on the training faces of a data set."""
    import numpy as np

    from canthus.datasets import taught
    from canthus.errors import DatasetError
    from canthus.faces import scheme_of
    from canthus.training.teacher import teach as ask
    from canthus.training.teacher import together

    aligners = [asked_for(model, None, device=device, threads=threads) for model in models]
    scheme = _scheme_of_all([aligner.manifest.scheme for aligner in aligners])
    samples = training_faces(layout, root)
    found = together([ask(each, samples, meet=meet, at_once=AT_ONCE[device]) for each in aligners])
    known = np.isfinite(found.points[..., 0])
    if not known.any():
        raise DatasetError(
            f"{root}: of {len(samples)} faces none is left to learn from: on {found.wrong.sum()} "
            "models and annotation part, of the others no model is sure; take better models"
        )
    prepare(out.parent)
    taught.write(out, samples, found.points, scheme_of(scheme))
    print(
        f"{out}: {known.any(axis=1).sum()} of {len(samples)} faces, "
        f"{100 * known[known.any(axis=1)].mean():.1f} % of their landmarks; "
        f"{found.wrong.sum()} faces left out, on which models and annotation part"
    )


def _scheme_of_all(schemes: list[str]) -> str:
    """The scheme of all models."""
    first, *others = schemes
    if odd := sorted({scheme for scheme in others if scheme != first}):
        raise typer.BadParameter(
            f"expected models of one scheme, found {first} and {', '.join(odd)}",
            param_hint="MODELS",
        )
    return first
