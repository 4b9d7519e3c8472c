"""`canthus import FAMILY FILE`: published weights of another project as a weights file of ours."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class Family(StrEnum):
    """Of which weights can be read."""

    HEATMAP = "heatmap"
    DPR = "dpr"
    LGRN = "lgrn"
    TDDFA = "tddfa"


class Conventions(StrEnum):
    """Whose pixels the landmarks of 3DDFA are in."""

    V1 = "v1"
    V2 = "v2"


Source = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="As published: of heatmap MXNet's .params, of dpr a folder, of lgrn a .pth.tar, "
        "of tddfa a .pth.",
    ),
]
Scheme = Annotated[str, typer.Option(help="Of a heatmap network's landmarks.")]
License = Annotated[str, typer.Option("--license", help="The terms that the weights came under.")]
Faces = Annotated[
    Path | None,
    typer.Option(
        "--face-model",
        metavar="FILE",
        help="Of tddfa: what `canthus face-model convert bfm` has written.",
    ),
]
Whitening = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE",
        help="Of tddfa: the means and standard deviations that came with the checkpoint, "
        "param_whitening.pkl or param_mean_std_62d_120x120.pkl.",
    ),
]
Pixels = Annotated[
    Conventions | None,
    typer.Option(help="Of tddfa: 3DDFA's or 3DDFA_V2's; by default as the checkpoint's names."),
]


def import_(
    family: Annotated[Family, typer.Argument(help="The family that the weights are of.")],
    source: Source,
    out: Annotated[Path, typer.Option(help="The .safetensors file to write.")],
    scheme: Scheme = "68",
    face_model: Faces = None,
    whitening: Whitening = None,
    conventions: Pixels = None,
    license_: License = "as published by their authors",
) -> None:
    """Read weights that another project has published."""
    if family is Family.TDDFA:
        described = _tddfa(source, out, face_model, whitening, conventions, license_)
    else:
        _refuse({"face-model": face_model, "whitening": whitening, "conventions": conventions})
        from canthus.importing import dpr, heatmap, lgrn

        if family is Family.DPR:
            described = dpr.convert(source, out, license=license_)
        elif family is Family.LGRN:
            described = lgrn.convert(source, out, license=license_)
        else:
            described = heatmap.convert(source, out, scheme=scheme, license=license_)
    print(f"{out}  {out.stat().st_size / 1e6:.1f} MB, {described}")


def _tddfa(
    source: Path,
    out: Path,
    face_model: Path | None,
    whitening: Path | None,
    conventions: Conventions | None,
    license_: str,
) -> str:
    for hint, given in (("face-model", face_model), ("whitening", whitening)):
        if given is None:
            raise typer.BadParameter(
                "needed for tddfa: without it nobody knows what the network's numbers mean",
                param_hint=f"--{hint}",
            )
    assert face_model is not None
    assert whitening is not None
    from canthus.importing import tddfa

    return tddfa.convert(
        source,
        out,
        face_model=face_model,
        whitening=whitening,
        license=license_,
        conventions=None if conventions is None else conventions.value,
    )


def _refuse(given: dict[str, object]) -> None:
    """Refuse options that another family needs."""
    for hint, value in given.items():
        if value is not None:
            raise typer.BadParameter("used by tddfa only", param_hint=f"--{hint}")
