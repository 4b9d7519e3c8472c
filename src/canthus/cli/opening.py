"""A model as the words of a verb ask for it."""

from pathlib import Path
from typing import Literal

from canthus.runtime import Aligner, load

Mode = Literal["once", "reinitialize", "parity"]


def mode_of(*, once: bool, reinitialize: bool, parity: bool) -> Mode | None:
    """How to look at faces; None as the model does by itself.

    Raises:
        ValueError: if more than one way is asked for.
    """
    given: dict[Mode, bool] = {"once": once, "reinitialize": reinitialize, "parity": parity}
    modes = [mode for mode, wanted in given.items() if wanted]
    if len(modes) > 1:
        raise ValueError(f"give --{modes[0]} or --{modes[1]}, not both")
    return modes[0] if modes else None


def open_model(
    model: str | Path | None,
    *,
    device: str = "cpu",
    threads: int = 1,
    mode: Mode | None = None,
    face_model: Path | None = None,
    budget: str | None = None,
    flip: bool = False,
) -> Aligner:
    """As `canthus.load`, or imported weights run as they were published, without a face model.

    Raises:
        WeightsError: naming the file, if it is missing, damaged, not of Canthus, or has no mode of
            parity.
        CanthusError: as `canthus.load`.
        ValueError: if there is no such device here, or a mirror is asked for that was not
            published.
    """
    if mode == "parity" and flip:
        raise ValueError("give --parity or --flip, not both: what was published has no mirror")
    if mode == "parity":
        from canthus.importing.published import load_published  # it needs torch

        return load_published(model, device=device, threads=threads)
    return load(
        model,
        device=device,
        threads=threads,
        reinitialize=mode == "reinitialize",
        once=mode == "once",
        face_model=face_model,
        budget=budget,
        flip=flip,
    )
