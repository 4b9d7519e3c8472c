"""`canthus export MODEL --out FILE.onnx`: a trained model for every runtime."""

from pathlib import Path
from typing import Annotated

import typer


def export(
    model: Annotated[Path, typer.Argument(help="The .safetensors file that a training wrote.")],
    out: Annotated[Path, typer.Option(help="The .onnx file to write.")],
    report: Annotated[
        list[Path] | None,
        typer.Option(help="A report of `canthus evaluate`; its figures go into the manifest."),
    ] = None,
) -> None:
    """Write a trained model as an ONNX file, and prove it equal."""
    from canthus.evaluation import read_figures
    from canthus.export import export_onnx

    figures = tuple(figure for path in report or () for figure in read_figures(path))
    proof = export_onnx(model, out, figures=figures)
    print(f"{out}  {out.stat().st_size / 1e6:.1f} MB, within {proof.points:.1g} px of torch")
