"""`canthus calibrate MODEL`: measure anew how far a model's landmarks may be off."""

from pathlib import Path
from typing import Annotated

import typer

from canthus.cli.outputs import prepare


def calibrate(
    model: Annotated[str, typer.Argument(help="A weights file, or the name of a model inside.")],
    data: Annotated[Path, typer.Option(help="The folder that holds its recipe's data sets.")],
    out: Annotated[Path, typer.Option(help="The .safetensors file to write.")],
) -> None:
    """Fit a model's ellipses and scores anew, on faces that it did not learn from."""
    from canthus.runtime import weights
    from canthus.storage import write_whole
    from canthus.training import calibrate as fitted

    if out.suffix.lower() != ".safetensors":
        raise typer.BadParameter("expected a name that ends with .safetensors", param_hint="--out")
    content = fitted(weights.find(model), data)
    prepare(out.parent)
    write_whole(out, content)
    print(out)
