"""Reports to look at: the cumulative error curve, and the faces that went wrong."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from canthus.evaluation.report import FaceResult, Report, percent, picture_names
from canthus.geometry import Similarity
from canthus.images.drawing import LEFT, RIGHT, draw_landmarks
from canthus.images.files import read_image
from canthus.images.plots import contact_sheet, draw_curves
from canthus.images.warp import crop

Array = NDArray[np.float64]

TILE = 320  # pixels of a tile's side
VIEW = 1.9  # sides of the face's box that a tile shows
COLUMNS = 5
TRUTH, FOUND = RIGHT, LEFT  # sky and orange: told apart by people of any color vision


def draw_ced(reports: Sequence[Report]) -> NDArray[np.uint8]:
    """The cumulative error curves of models, up to the threshold of the first report.

    Raises:
        ValueError: if there is no report, or they are of different benchmarks or normalizers.
    """
    scored = {(report.benchmark, report.normalizer) for report in reports}
    if len(scored) != 1:
        raise ValueError(
            f"expected reports of one benchmark and normalizer, found {scored or 'none'}"
        )
    first = reports[0]
    curves = {_legend(report): steps_of(report, first.threshold) for report in reports}
    label = f"error by {first.normalizer}, %"
    return draw_curves(curves, label, f"faces of {first.benchmark}", x_limit=100 * first.threshold)


def steps_of(report: Report, limit: float) -> tuple[Array, Array]:
    """The curve's corners up to a limit: errors in percent, and shares of the faces."""
    errors, shares = report.curve
    inside = errors <= limit
    errors, shares = errors[inside], shares[inside]
    x = np.append(np.repeat(errors, 2)[1:], limit)
    return 100 * x, np.repeat(shares, 2)


def draw_worst(report: Report, count: int) -> NDArray[np.uint8]:
    """The faces with the largest errors: the truth in blue, what was found in orange.

    Raises:
        ImageError: if a picture cannot be read.
        ValueError: if `count` is below 1.
    """
    worst = report.worst(count)
    names = picture_names([face.sample.image for face in report.faces])
    known = {id(face): name for face, name in zip(report.faces, names, strict=True)}
    captions = [f"{_error(face)}  {known[id(face)]}" for face in worst]
    return contact_sheet([draw_face(face) for face in worst], COLUMNS, captions)


def draw_face(face: FaceResult) -> NDArray[np.uint8]:
    """A tile (320, 320, 3) around a face's box, with truth and prediction drawn."""
    sample = face.sample
    to_tile = Similarity.crop(sample.box.scaled(VIEW), TILE)
    tile = crop(read_image(sample.image), to_tile, TILE)
    draw_landmarks(tile, sample.landmarks, color=TRUTH, similarity=to_tile)
    if face.found is not None:
        draw_landmarks(tile, face.found, color=FOUND, similarity=to_tile)
    return tile


def _error(face: FaceResult) -> str:
    return f"{percent(face.error)} %" if np.isfinite(face.error) else "missed"


def _legend(report: Report) -> str:
    return f"{report.model or 'model'}, {report.boxes} boxes: AUC {percent(report.headline.auc)} %"
