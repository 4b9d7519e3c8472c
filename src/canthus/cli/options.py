"""Options that several verbs have."""

from typing import Annotated

import typer

from canthus.cli.opening import Mode, mode_of, open_model
from canthus.runtime import Aligner

Once = Annotated[
    bool, typer.Option("--once", help="No second look where a box turns out to be off.")
]
Reinitialize = Annotated[
    bool, typer.Option("--reinitialize", help="Cut faces out anew after a first look.")
]
Flip = Annotated[
    bool,
    typer.Option(
        "--flip", help="Look at faces in the mirror too, and average; twice the network's time."
    ),
]
Parity = Annotated[
    bool, typer.Option("--parity", help="Run weights imported from DPR as they were published.")
]


def asked_mode(*, once: bool, reinitialize: bool, parity: bool) -> Mode | None:
    """The one way to look that these options ask for.

    Raises:
        BadParameter: if they ask for several.
    """
    try:
        return mode_of(once=once, reinitialize=reinitialize, parity=parity)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def asked_for(
    model: str, mode: Mode | None, *, device: str = "cpu", threads: int = 1, flip: bool = False
) -> Aligner:
    """The model that these options ask for.

    Raises:
        BadParameter: if there is no such device here, or flip and parity are asked for.
        CanthusError: as `open_model`.
    """
    try:
        return open_model(model, device=device, threads=threads, mode=mode, flip=flip)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
