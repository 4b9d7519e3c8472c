"""`canthus import FAMILY FILE`: published weights of another project as a weights file of ours."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Family(StrEnum):
    """Of which weights can be read."""

    HEATMAP = "heatmap"
    DPR = "dpr"


def import_(
    family: Annotated[Family, typer.Argument(help="The family that the weights are of.")],
    source: Annotated[
        Path,
        typer.Argument(
            metavar="FILE", help="As published: of heatmap MXNet's .params, of dpr a folder."
        ),
    ],
    out: Annotated[Path, typer.Option(help="The .safetensors file to write.")],
    scheme: Annotated[str, typer.Option(help="Of a heatmap network's landmarks.")] = "68",
    license_: Annotated[
        str, typer.Option("--license", help="The terms that the weights came under.")
    ] = "as published by their authors",
) -> None:
    """Read weights that another project has published."""
    from canthus.importing import dpr, heatmap

    if family is Family.DPR:
        described = dpr.convert(source, out, license=license_)
    else:
        described = heatmap.convert(source, out, scheme=scheme, license=license_)
    print(f"{out}  {out.stat().st_size / 1e6:.1f} MB, {described}")
