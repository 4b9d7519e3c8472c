"""A model as the words of a verb ask for it."""

from pathlib import Path

from canthus.runtime import Aligner, load


def opened(
    model: str | Path | None,
    *,
    device: str = "cpu",
    threads: int = 1,
    reinitialize: bool = False,
    parity: bool = False,
) -> Aligner:
    """As `canthus.load`, or imported weights run as they were published.

    Raises:
        WeightsError: naming the file, if it is missing, damaged or not of Canthus.
        ValueError: if there is no such device here, or the weights have no mode of parity.
    """
    if parity:
        from canthus.importing.dpr_pipeline import load_published  # it needs torch

        return load_published(model, device=device, threads=threads)
    return load(model, device=device, threads=threads, reinitialize=reinitialize)
