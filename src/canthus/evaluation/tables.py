"""Figures as people read them: in percent, below each other."""

import math
from collections.abc import Iterable, Sequence


def percent(value: float) -> str:
    """A fraction in percent with two digits; a dash if it is not finite."""
    return f"{100 * value:.2f}" if math.isfinite(value) else "-"


def table(
    heads: Sequence[str], rows: Sequence[tuple[str, Sequence[str]]], *, title: str = ""
) -> Iterable[str]:
    """Lines of a table whose numbers stand below each other.

    Args:
        heads: of the columns.
        rows: a name and its cells each.
        title: above the names.
    """
    first = max(len(title), *(len(name) for name, _ in rows))
    columns = [heads, *(cells for _, cells in rows)]
    widths = [max(map(len, column)) for column in zip(*columns, strict=True)]
    for name, cells in ((title, heads), *rows):
        line = "  ".join(f"{cell:>{width}}" for cell, width in zip(cells, widths, strict=True))
        yield f"{name:<{first}}  {line}"
