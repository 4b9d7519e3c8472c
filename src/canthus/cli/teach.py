"""`canthus teach MODEL`: a model's landmarks on training faces, for another one to learn from."""

from pathlib import Path
from typing import Annotated

import typer

from canthus.cli.layouts import training_faces
from canthus.cli.outputs import prepare


def teach(
    model: Annotated[str, typer.Argument(help="A weights file, or the name of a model inside.")],
    root: Annotated[Path, typer.Option(help="The folder of the data set.")],
    layout: Annotated[str, typer.Option(help="How it lies on disk, as in recipes.")],
    out: Annotated[Path, typer.Option(help="The table to write, for a recipe's `labels`.")],
    meet: Annotated[
        bool, typer.Option("--meet", help="Keep what people marked, and move the rest along.")
    ] = False,
    threads: Annotated[int, typer.Option(help="Cores to use.", min=1)] = 1,
) -> None:
    """Let a model put its landmarks on the training faces of a data set."""
    import numpy as np

    from canthus.datasets import taught
    from canthus.faces import scheme_of
    from canthus.runtime import load
    from canthus.training.teacher import teach as ask

    aligner = load(model, threads=threads)
    samples = training_faces(layout, root)
    found = ask(aligner, samples, meet=meet)
    prepare(out.parent)
    taught.write(out, samples, found.points, scheme_of(aligner.manifest.scheme))
    known = np.isfinite(found.points[..., 0])
    print(
        f"{out}: {known.any(axis=1).sum()} of {len(samples)} faces, "
        f"{100 * known[known.any(axis=1)].mean():.1f} % of their landmarks; "
        f"{found.wrong.sum()} faces left out, on which the model and the annotation part"
    )
