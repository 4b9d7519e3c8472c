"""`canthus fit`: a face model's pose and shape in training faces, for 3DDFA to learn from."""

from pathlib import Path
from typing import Annotated

import typer

from canthus.cli.layouts import training_faces
from canthus.cli.outputs import prepare
from canthus.errors import DatasetError


def fit(
    root: Annotated[Path, typer.Option(help="The folder of the data set.")],
    layout: Annotated[str, typer.Option(help="How it lies on disk, as in recipes.")],
    out: Annotated[Path, typer.Option(help="The table to write, for a recipe's `fits`.")],
    face_model: Annotated[
        Path, typer.Option(help="A face model's file, or `open`: the one inside.")
    ] = Path("open"),
    lifted: Annotated[
        Path | None,
        typer.Option(help="The faces in 3-D, as `scripts/lift_faces.py` has written them."),
    ] = None,
    limit: Annotated[
        float, typer.Option(min=0, help="Leave faces out that are off by more sides of their box.")
    ] = 0.08,
) -> None:
    """Fit a face model to the training faces of a data set, by what people marked of them."""
    import numpy as np

    from canthus.datasets import fitted
    from canthus.faces.face_model import read_face_model
    from canthus.training import fitting, witnesses
    from canthus.training.lifted import read

    samples = training_faces(layout, root)
    faces = None if lifted is None else read(lifted)
    try:
        known = witnesses.of(samples, faces, root.parent)
        found = fitting.fit(read_face_model(face_model), known)
    except ValueError as error:
        raise DatasetError(f"{root}: {error}") from None
    kept = found.errors[found.errors <= limit]
    if not len(kept):
        raise DatasetError(f"{root}: expected a fit within {limit} sides of a face, found none")
    prepare(out.parent)
    fitted.write(out, samples, list(found.landmarks[..., :2]), found.within(limit))
    off, worse = 100 * np.quantile(kept, (0.5, 0.9))
    print(
        f"{out}: {len(kept)} of {len(samples)} faces, whose marks are off by {off:.1f} % of the "
        f"face's side in the median, by {worse:.1f} % in one of ten"
    )
