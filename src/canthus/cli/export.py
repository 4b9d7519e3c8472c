"""`canthus export MODEL --out FILE.onnx`: a trained model for every runtime."""

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from canthus.cli.progress import clear, track
from canthus.runtime import weights

Model = Annotated[
    str,
    typer.Argument(
        help="The .safetensors file that a training wrote; for --int8 also an .onnx file, or the "
        "name of a model inside."
    ),
]
Int8 = Annotated[
    Path | None,
    typer.Option(
        "--int8",
        metavar="FOLDER",
        help="Put convolutions on 8-bit integers, whose ranges are chosen by the faces of this "
        "folder: of a data set, whose training part is taken, or of pictures.",
    ),
]

QuitBelow = Annotated[
    float | None,
    typer.Option(
        min=0,
        help="Let a face be done after a step of which less error is expected, in longer sides of "
        "its tight box, where `canthus align --budget` says nothing else; of MuSiCa.",
    ),
]
Steps = Annotated[
    Literal["all", "needed"],
    typer.Option(help="Of MuSiCa: all, in a graph without branches, or as many as a face needs."),
]


def export(
    model: Model,
    out: Annotated[Path, typer.Option(help="The .onnx file to write.")],
    int8: Int8 = None,
    quit_below: QuitBelow = None,
    steps: Steps = "needed",
    report: Annotated[
        list[Path] | None,
        typer.Option(help="A report of `canthus evaluate`; its figures go into the manifest."),
    ] = None,
) -> None:
    """Write a trained model as an ONNX file, and prove it equal."""
    if int8 is not None and quit_below is not None:
        raise typer.BadParameter("tell the float file when to quit", param_hint="--quit-below")
    if int8 is not None and report:
        raise typer.BadParameter(
            "its figures are of the float file; evaluate the new one", param_hint="--report"
        )
    if steps == "all" and quit_below:
        raise typer.BadParameter("not with --steps all", param_hint="--quit-below")
    source = weights.find(model)
    if int8 is not None:
        _export_int8(source, out, int8, all_steps=steps == "all")
        return
    if source.suffix.lower() == ".onnx":
        raise typer.BadParameter(
            f"{source} is an ONNX file already; --int8 FOLDER makes a smaller one of it",
            param_hint="MODEL",
        )
    from canthus.evaluation import read_figures
    from canthus.export import export_onnx

    figures = tuple(figure for path in report or () for figure in read_figures(path))
    proof = export_onnx(
        source, out, figures=figures, quit_below=quit_below, all_steps=steps == "all"
    )
    print(f"{out}  {_megabytes(out)}, within {proof.points:.1g} px of torch")


def _export_int8(source: Path, out: Path, folder: Path, *, all_steps: bool) -> None:
    from canthus.export.int8 import export_int8

    told = partial(track, what="pictures")
    shift = export_int8(source, out, folder, all_steps=all_steps, track=told)
    clear()
    print(
        f"{out}  {_megabytes(out)}, ranges from the faces of {shift.calibration_pictures} "
        f"pictures; in {shift.proof_pictures} others its points are {shift.mean:.2f} px from the "
        f"float file's on average, {shift.largest:.1f} px at most (crops of {shift.crop_size} px)"
    )


def _megabytes(path: Path) -> str:
    return f"{path.stat().st_size / 1e6:.2f} MB"
