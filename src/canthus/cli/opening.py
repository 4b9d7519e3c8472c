"""A model as the words of a verb ask for it."""

from pathlib import Path

from canthus.runtime import Aligner, load


def open_model(
    model: str | Path | None,
    *,
    device: str = "cpu",
    threads: int = 1,
    reinitialize: bool = False,
    parity: bool = False,
) -> Aligner:
    """As `canthus.load`, or imported weights run as they were published.

    Raises:
        WeightsError: naming the file, if it is missing, damaged, not of Canthus, or has no mode of
            parity.
        ValueError: if there is no such device here, or both modes are asked for.
    """
    if reinitialize and parity:
        raise ValueError("give --reinitialize or --parity, not both")
    if parity:
        from canthus.importing.dpr_pipeline import load_published  # it needs torch

        return load_published(model, device=device, threads=threads)
    return load(model, device=device, threads=threads, reinitialize=reinitialize)
