"""`canthus face-model`: convert the one that one has, show what is in one, learn or mend one."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from canthus.cli.outputs import prepare
from canthus.errors import DatasetError
from canthus.faces.face_model import FaceModel, located, read_face_model, write_face_model

if TYPE_CHECKING:
    from canthus.training.lifted import Lifted
    from canthus.training.open_face import Figures

MARKED = "300w"  # the folder of faces whose points were marked by hand
TURNED = {"300w": "ibug", "ytf68": "table", "aflw21": "table"}  # where heads are turned, if there
WHOLE = {"300w": "ibug", "ytf68": "table"}  # where all 68 points are marked, likewise
TOLD = {"bridge of the nose": (27, 28, 29), "its tip": (30,), "brows' inner ends": (21, 22)}
FIRST = (1, 2, 5, 10, 20, 40)  # directions, of whose share of the variance is told


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
        Path,
        typer.Argument(
            metavar="FILE",
            help="A .safetensors file that `convert` or `learn` has written, or `open`.",
        ),
    ],
) -> None:
    """Say what is in a face model's file: name, license, counts and sizes."""
    model = read_face_model(path)
    size = located(path).stat().st_size / 1e6
    rows = {"size": f"{size:.1f} MB", "license": model.license}
    print("\n".join([model.name, *(f"  {label:<12}{text}" for label, text in rows.items())]))
    print("\n".join(f"  {label:<12}{text}" for label, text in _counts(model).items()))


def learn(
    faces: Annotated[
        Path, typer.Argument(metavar="LIFTED", help="What `scripts/lift_faces.py` has written.")
    ],
    data: Annotated[
        Path, typer.Option(help="The folder that holds 300w, and ytf68 and aflw21 if one has them.")
    ],
    out: Annotated[Path, typer.Option(help="The .safetensors file to write.")],
    identities: Annotated[int, typer.Option(min=1, help="Directions of identity to find.")] = 40,
    expressions: Annotated[int, typer.Option(min=1, help="Of expression, likewise.")] = 10,
) -> None:
    """Learn a face model from faces that were lifted from photos, and measure it."""
    from canthus.datasets import ibug
    from canthus.training import lifted, open_face

    if out.suffix.lower() != ".safetensors":
        raise typer.BadParameter("expected a name that ends with .safetensors", param_hint="--out")
    found = lifted.read(faces)
    samples = ibug.read(data / MARKED, "train")
    marked = {each.image.relative_to(data).as_posix(): each.landmarks.points for each in samples}
    unknown = np.full((68, 2), np.nan, np.float32)
    points = np.array([marked.get(str(name), unknown) for name in found.picture])
    try:
        model, figures = open_face.learn(found, points, counts=(identities, expressions))
    except ValueError as error:
        raise DatasetError(f"{faces}: {error}") from None
    prepare(out.parent)
    model, rim = _with_rim(model, found, data)
    model, inner = _mended(model, found, data)
    write_face_model(model, out)
    show(out)
    print("\n".join([*_told(figures), rim, inner]))


def mend(
    source: Annotated[
        Path, typer.Argument(metavar="FILE", help="A face model that was learned, or `open`.")
    ],
    faces: Annotated[
        Path, typer.Argument(metavar="LIFTED", help="What `scripts/lift_faces.py` has written.")
    ],
    data: Annotated[Path, typer.Option(help="The folder that holds 300w, and ytf68 if there.")],
    out: Annotated[Path, typer.Option(help="The .safetensors file to write.")],
) -> None:
    """Move a face model's inner points to where people mark them on heads of all poses.

    Its mesh and its directions stay, and with them fits and networks. `learn` does this too.
    """
    from canthus.training import lifted

    if out.suffix.lower() != ".safetensors":
        raise typer.BadParameter("expected a name that ends with .safetensors", param_hint="--out")
    model = read_face_model(source)
    try:
        model, told = _mended(model, lifted.read(faces), data)
    except ValueError as error:
        raise DatasetError(f"{data}: {error}") from None
    prepare(out.parent)
    write_face_model(model, out)
    print(told)


def _with_rim(model: FaceModel, faces: "Lifted", data: Path) -> tuple[FaceModel, str]:
    """The model with its outline as deep as turned heads say, and what is to be told of it."""
    from canthus.datasets import LAYOUTS
    from canthus.training import face_rim, fitting, witnesses

    seen = []
    for name, layout in TURNED.items():
        if (data / name).is_dir():
            known = witnesses.of(LAYOUTS[layout](data / name, "train"), faces, data, outline=False)
            seen.append((known, fitting.fit(model, known)))
    try:
        offsets = face_rim.offsets(model, seen)
    except ValueError as error:
        return model, f"the outline stays as deep as the mesh: {error}"
    deeper = ", ".join(f"{-each:.1f}" for each in offsets[: fitting.CHIN + 1, 2] * model.unit_mm)
    return face_rim.with_rim(
        model, offsets
    ), f"outline deeper than the mesh, ear to chin: {deeper} mm"


def _mended(model: FaceModel, faces: "Lifted", data: Path) -> tuple[FaceModel, str]:
    """The model with its inner points where marks are, and what is to be told of it."""
    from canthus.datasets import LAYOUTS
    from canthus.training import face_inner, witnesses

    known = [
        witnesses.of(LAYOUTS[layout](data / name, "train"), faces, data)
        for name, layout in WHOLE.items()
        if (data / name).is_dir()
    ]
    found = face_inner.mended(model, known)
    apart = found.keypoints_of(found.neutral) - model.keypoints_of(model.neutral)
    far = np.linalg.norm(apart, axis=1) * model.unit_mm
    parts = ", ".join(f"{name} {far[list(rows)].mean():.1f}" for name, rows in TOLD.items())
    inner = far[face_inner.INNER]
    return found, f"inner points moved by {inner.mean():.1f} mm in the mean: {parts}"


def _told(figures: "Figures") -> list[str]:
    """Figures of a model that was learned, as lines."""
    from canthus.training.open_face import EYES_MM

    lines = [f"learned from {figures.faces} faces of {figures.people} people or photos"]
    for name, shares in zip(("identity", "expression"), figures.shares, strict=True):
        steps = [f"{count}: {shares[count - 1]:.1%}" for count in FIRST if count <= len(shares)]
        lines.append(f"  variance of {name}, by its first directions: {', '.join(steps)}")
    lines.append(f"on {figures.held_out} faces of people held out, root mean square of a vertex")
    for name, error in zip(("mean", "identity", "all"), figures.mesh_mm, strict=True):
        lines.append(f"  {name:<12}{error:.2f} mm, {error / EYES_MM:.2%} of the eyes' distance")
    lines.append(f"on {figures.marked} marked faces held out, mean distance of the 68 points")
    lines += [f"  {name:<12}{error:.2%}" for name, error in figures.parts.items()]
    lines.append(f"from its mirror image at most {figures.asymmetry_mm:.2g} mm")
    return lines


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


face_model = {"convert": convert, "learn": learn, "mend": mend, "show": show}
