"""`canthus profiles`: turn the faces of a data set out of the plane, to train on."""

from pathlib import Path
from typing import Annotated

import typer

from canthus.cli.layouts import training_faces
from canthus.cli.progress import track
from canthus.faces.face_model import OPEN, read_face_model


def profiles(
    root: Annotated[Path, typer.Option(help="The folder of the data set.")],
    layout: Annotated[str, typer.Option(help="How it lies on disk, as in recipes.")],
    fits: Annotated[Path, typer.Option(help="The table of fits to its training faces.")],
    out: Annotated[Path, typer.Option(help="The folder to write, of layout `table`.")],
    face_model: Annotated[Path, typer.Option(help="The face model of the fits.")] = Path(OPEN),
    limit: Annotated[
        int | None, typer.Option(min=1, help="Turn so many faces, spread over the set.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the yaws.")] = 0,
) -> None:
    """Turn training faces step by step to 90 degrees of yaw, as 300W-LP was made."""
    import numpy as np

    from canthus.datasets import fitted
    from canthus.training.profile_sets import profiles_of, write

    model = read_face_model(face_model)
    if not len(model.triangles):
        raise typer.BadParameter(
            f"{face_model} has points and no triangles", param_hint="--face-model"
        )
    samples = fitted.read(fits, training_faces(layout, root))
    if limit is not None and limit < len(samples):
        chosen = np.linspace(0, len(samples) - 1, limit).astype(int)
        samples = [samples[number] for number in chosen]
    generator = np.random.default_rng(seed)
    each = (profiles_of(sample, model, generator) for sample in track(samples, "faces"))
    count = write(out, (profile for found in each for profile in found))
    print(f"{out}: {count} pictures of {len(samples)} faces")
