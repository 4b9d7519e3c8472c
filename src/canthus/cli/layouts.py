"""Option `--layout` of the verbs that go through training faces."""

from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from canthus.datasets import Sample


def training_faces(layout: str, root: Path) -> "list[Sample]":
    """The training faces of a data set, or an error that names the layouts that are known."""
    from canthus.datasets import LAYOUTS

    if layout not in LAYOUTS:
        raise typer.BadParameter(
            f"{layout!r} is none of {', '.join(LAYOUTS)}", param_hint="--layout"
        )
    return LAYOUTS[layout](root, "train")
