"""`canthus schemes`: the landmark schemes there are, and whether one's own is consistent."""

from typing import Annotated, Literal

import typer

from canthus.faces import SCHEMES
from canthus.faces.scheme_files import check, open_scheme, to_yaml


def schemes(
    action: Annotated[
        Literal["list", "check", "show"], typer.Argument(help="list, check or show.")
    ] = "list",
    name: Annotated[str | None, typer.Argument(help="A scheme, or its .yaml file.")] = None,
) -> None:
    """List the landmark schemes, check one's own, or show one as a file."""
    if action == "list":
        if name is not None:
            raise typer.BadParameter("list takes no name", param_hint="NAME")
        print("\n".join(_listed()))
        return
    if name is None:
        raise typer.BadParameter(f"{action} needs a name or a file", param_hint="NAME")
    file = open_scheme(name)
    if action == "show":
        print(to_yaml(file.scheme), end="")
        return
    findings = check(file)
    print("\n".join(findings) or "consistent")
    if findings:
        raise typer.Exit(1)


def _listed() -> list[str]:
    return [
        f"{name:<7}{scheme.num_landmarks:>4} points: {', '.join(scheme.parts)}"
        for name, scheme in SCHEMES.items()
    ]
