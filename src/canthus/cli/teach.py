"""`canthus teach MODELS`: models' landmarks on training faces, for another one to learn from."""

from pathlib import Path
from typing import Annotated

import typer

from canthus.cli.layouts import training_faces
from canthus.cli.outputs import prepare


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
    threads: Annotated[int, typer.Option(help="Cores to use.", min=1)] = 1,
) -> None:
    """Let models put their landmarks on the training faces of a data set."""
    import numpy as np

    from canthus.datasets import taught
    from canthus.faces import scheme_of
    from canthus.runtime import load
    from canthus.training.teacher import teach as ask
    from canthus.training.teacher import together

    aligners = [load(model, threads=threads) for model in models]
    first, *others = [aligner.manifest.scheme for aligner in aligners]
    if odd := sorted({scheme for scheme in others if scheme != first}):
        raise typer.BadParameter(
            f"expected models of one scheme, found {first} and {', '.join(odd)}",
            param_hint="MODELS",
        )
    samples = training_faces(layout, root)
    found = together([ask(aligner, samples, meet=meet) for aligner in aligners])
    prepare(out.parent)
    taught.write(out, samples, found.points, scheme_of(first))
    known = np.isfinite(found.points[..., 0])
    print(
        f"{out}: {known.any(axis=1).sum()} of {len(samples)} faces, "
        f"{100 * known[known.any(axis=1)].mean():.1f} % of their landmarks; "
        f"{found.wrong.sum()} faces left out, on which models and annotation part"
    )
