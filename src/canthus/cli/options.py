"""Options that several verbs have."""

from typing import Annotated

import typer

from canthus.cli.opening import open_model
from canthus.runtime import Aligner

Reinitialize = Annotated[
    bool, typer.Option("--reinitialize", help="Cut faces out anew after a first look.")
]
Parity = Annotated[
    bool, typer.Option("--parity", help="Run weights imported from DPR as they were published.")
]


def asked_for(
    model: str, reinitialize: bool, parity: bool, *, device: str = "cpu", threads: int = 1
) -> Aligner:
    """The model that these options ask for.

    Raises:
        BadParameter: if they make no sense together, or there is no such device here.
        WeightsError: as `open_model`.
    """
    try:
        return open_model(
            model, device=device, threads=threads, reinitialize=reinitialize, parity=parity
        )
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
