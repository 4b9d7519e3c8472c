"""`canthus models`: what is inside the package, and under which terms."""

import sys
from dataclasses import asdict
from typing import Annotated

import typer

from canthus.cli.outputs import to_line
from canthus.runtime import Manifest, open_weights, weights

SCHEMA = 1


def models(
    json: Annotated[bool, typer.Option("--json", help="Print a line of JSON per model.")] = False,
) -> None:
    """List the models inside, with size, license and figures."""
    for name in weights.names():
        path = weights.find(name)
        manifest, _ = open_weights(path)
        aliases = [alias for alias, meant in weights.ALIASES.items() if meant == name]
        megabytes = path.stat().st_size / 1e6
        if json:
            print(to_line(_plain(manifest, name, aliases, megabytes)))
        else:
            print(_text(manifest, name, aliases, megabytes))
    if not weights.names():
        print(f"canthus: there is no model in {weights.INSIDE}", file=sys.stderr)


def _plain(
    manifest: Manifest, name: str, aliases: list[str], megabytes: float
) -> dict[str, object]:
    own = {"model": name, "aliases": aliases, "megabytes": round(megabytes, 2)}
    own["default"] = name == weights.DEFAULT
    return {"schema": SCHEMA, **own, "manifest": asdict(manifest)}


def _text(manifest: Manifest, name: str, aliases: list[str], megabytes: float) -> str:
    notes = ["default"] if name == weights.DEFAULT else []
    notes += [f"also called {alias}" for alias in aliases]
    rows = {
        "size": f"{megabytes:.1f} MB",
        "family": manifest.family,
        "scheme": manifest.scheme,
        "crop": f"{manifest.crop_size} px, {manifest.crop_scale:g} times the box",
        "trained on": ", ".join(manifest.data) or "not said",
        "license": manifest.license or "not said",
    }
    lines = [f"{name} ({', '.join(notes)})" if notes else name]
    lines += [f"  {label:<11}{value}" for label, value in rows.items()]
    lines += [
        f"  {'figure':<11}{figure.metric}, {figure.benchmark}: {figure.value:g}"
        for figure in manifest.figures
    ]
    return "\n".join(lines)
