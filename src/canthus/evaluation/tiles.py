"""The faces with the largest errors as tiles of a page: their pictures, or their points alone."""

import base64
import io
import math
from collections.abc import Sequence

import numpy as np
from matplotlib.image import imsave
from numpy.typing import NDArray

from canthus.errors import CanthusError
from canthus.evaluation.pictures import FOUND, TRUTH, VIEW, draw_face
from canthus.evaluation.report import FaceResult, Report, names_of
from canthus.evaluation.sections import Tile
from canthus.evaluation.tables import percent
from canthus.faces import Landmarks
from canthus.geometry import Similarity
from canthus.images.warp import resize

SIDE = 240  # pixels of a tile on a page
BYTES = 20_000  # that a tile's JPEG should stay below
QUALITIES = (90, 80, 65, 45)  # tried in this order
SKETCH = 100  # units of a drawn tile's side


def worst_tiles(report: Report, count: int, *, pictures: bool = True) -> list[Tile]:
    """Tiles of the faces with the largest errors, the worst first.

    Args:
        report: of the faces.
        count: how many tiles at most.
        pictures: whether to show the faces; their points alone otherwise, and where a picture
            is not there or cannot be read.
    """
    names = names_of([face.sample for face in report.faces])
    by_face = {id(face): name for face, name in zip(report.faces, names, strict=True)}
    worst = report.worst(count)
    return [tile_of(face, by_face[id(face)], pictures=pictures) for face in worst]


def tile_of(face: FaceResult, name: str, *, pictures: bool = True) -> Tile:
    """The tile of one face, see `worst_tiles`."""
    missed = math.isinf(face.error)
    source, absent = _photo(face) if pictures else ("", "")
    return Tile(
        headline="" if missed else f"{percent(face.error)} %",
        name=name,
        alt=f"{name}: the true landmarks" + ("" if missed else ", and those found"),
        source=source,
        svg="" if source else sketch(face),
        side=SIDE,
        missed=missed,
        note=", ".join([*sorted(face.sample.tags), *filter(None, [absent])]),
    )


def sketch(face: FaceResult) -> str:
    """The points of a face as `<svg>` text: the truth in blue, what was found in orange."""
    to_tile = Similarity.crop(face.sample.box.scaled(VIEW), SKETCH)
    drawn = _sketched(face.sample.landmarks, to_tile, TRUTH)
    if face.found is not None:
        drawn += _sketched(face.found, to_tile, FOUND)
    return (
        f'<svg viewBox="-0.5 -0.5 {SKETCH} {SKETCH}" fill="none" '
        f'stroke-linecap="round">{drawn}</svg>'
    )


def _photo(face: FaceResult) -> tuple[str, str]:
    """The face's picture as a `data:` address, or why there is none."""
    if not face.sample.image.is_file():
        return "", "no picture at hand"
    try:
        tile = draw_face(face)
    except CanthusError:
        return "", "its picture cannot be read"
    data = _jpeg(resize(tile, SIDE / len(tile)))
    return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}", ""


def _jpeg(tile: NDArray[np.uint8]) -> bytes:
    """The tile as JPEG, as good as its room allows."""
    for quality in QUALITIES:
        data = io.BytesIO()
        imsave(data, tile, format="jpg", pil_kwargs={"quality": quality})
        if data.tell() <= BYTES:
            break
    return data.getvalue()


def _sketched(landmarks: Landmarks, to_tile: Similarity, color: Sequence[int]) -> str:
    """Lines and dots; a dot is a line of no length with round ends."""
    points = np.clip(to_tile.apply(landmarks.points[:, :2]), -10 * SKETCH, 10 * SKETCH)
    known = np.flatnonzero(landmarks.known)
    joined = [(a, b) for a, b in landmarks.scheme.edges if {a, b} <= set(known.tolist())]
    lines = "".join(f"M{_place(points[a])}L{_place(points[b])}" for a, b in joined)
    dots = "".join(f"M{_place(points[index])}h0" for index in known)
    stroke = f'stroke="rgb({", ".join(map(str, color))})"'
    return (
        f'<path d="{lines}" {stroke} stroke-width="0.5" opacity="0.6"/>'
        f'<path d="{dots}" {stroke} stroke-width="1.6"/>'
    )


def _place(point: NDArray[np.float64]) -> str:
    return f"{point[0]:.1f} {point[1]:.1f}"
