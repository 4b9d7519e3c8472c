"""A training's log as a picture."""

import csv
from importlib.util import find_spec
from pathlib import Path

import numpy as np

from canthus.storage import write_whole


def draw_log(log: Path, picture: Path) -> None:
    """Draw a training's log: the terms of the loss, and the error of the faces kept apart.

    Without matplotlib, which comes with the extra `evaluate`, nothing is drawn.

    Args:
        log: a CSV as `fit` writes it.
        picture: an SVG file to write.

    Raises:
        StorageError: if the disk refuses.
    """
    if find_spec("matplotlib") is None:
        return
    from canthus.evaluation.charts import Line, learning_chart
    from canthus.evaluation.svg import alone

    with log.open(newline="") as file:
        names, *rows = csv.reader(file)
    values = np.array([[float(cell or "nan") for cell in row] for row in rows])
    step, _, *columns, errors = values.T
    terms = [Line(name, step, column) for name, column in zip(names[2:-1], columns, strict=True)]
    error = Line("held-out error, %", step, 100 * errors)
    write_whole(picture, alone(learning_chart(terms, error)).encode())
