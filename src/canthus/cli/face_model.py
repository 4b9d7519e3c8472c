"""`canthus face-model convert` and `show`: face models, each from one's own copy of it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from canthus.cli.outputs import prepare
from canthus.faces.face_model import FaceModel, read_face_model, write_face_model


class Source(StrEnum):
    """Of which face models can be converted."""

    BFM = "bfm"
    ICT = "ict"


def convert(
    source: Annotated[Source, typer.Argument(help="Which model it is.")],
    path: Annotated[
        Path,
        typer.Argument(
            metavar="PATH",
            help="Of bfm a folder of 3DDFA, of 3DDFA_V2 or of the Basel Face Model 2009 itself; "
            "of ict the folder FaceXModel of ICT-FaceKit.",
        ),
    ],
    out: Annotated[Path, typer.Option(help="The .safetensors file to write.")],
    identities: Annotated[
        int | None, typer.Option(min=0, help="Directions of identity to keep; all if not given.")
    ] = None,
    expressions: Annotated[
        int | None, typer.Option(min=0, help="Directions of expression to keep, likewise.")
    ] = None,
    sparse: Annotated[bool, typer.Option("--sparse", help="Keep the 68 points alone.")] = False,
) -> None:
    """Write a face model that one has as a file of ours; nothing in the old one is run."""
    from canthus.importing import basel, ict

    if out.suffix.lower() != ".safetensors":
        raise typer.BadParameter("expected a name that ends with .safetensors", param_hint="--out")
    if source is Source.BFM:
        model = basel.read(path)
    else:
        model = ict.read(path, identities=ict.IDENTITIES if identities is None else identities)
    try:
        model = model.reduced(
            len(model.identity) if identities is None else identities,
            len(model.expression) if expressions is None else expressions,
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    prepare(out.parent)
    write_face_model(model.sparse() if sparse else model, out)
    show(out)


def show(
    path: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .safetensors file that `convert` has written.")
    ],
) -> None:
    """Say what is in a face model's file: name, license, counts and sizes."""
    model = read_face_model(path)
    rows = {"size": f"{path.stat().st_size / 1e6:.1f} MB", "license": model.license}
    print("\n".join([model.name, *(f"  {label:<12}{text}" for label, text in rows.items())]))
    print("\n".join(f"  {label:<12}{text}" for label, text in _counts(model).items()))


def _counts(model: FaceModel) -> dict[str, str]:
    width, height, depth = model.unit_mm * (model.neutral.max(axis=0) - model.neutral.min(axis=0))
    mesh = f"{len(model.neutral)} vertices, {len(model.triangles)} triangles"
    corners = model.keypoints.indices.shape[1]
    return {
        "mesh": mesh if model.uv is None else f"{mesh}, with places in a texture",
        "face": f"{width:.0f} x {height:.0f} x {depth:.0f} mm (width, height, depth)",
        "points": f"68, {'vertices' if corners == 1 else f'blends of up to {corners} vertices'}",
        "identity": f"{len(model.identity)} directions",
        "expression": f"{len(model.expression)} directions",
    }


face_model = {"convert": convert, "show": show}
