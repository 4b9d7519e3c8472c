"""The XML of dlib's imglab: pictures, boxes, and the parts in them.

Pixels count from 0: the center of the top-left pixel is (0, 0). A box is the whole pixels that it
covers: `left` and `top` are the first ones, `left + width - 1` and `top + height - 1` the last.
Parts are named by index, from 00; or as the scheme names its landmarks; or, if it does not, by any
names, which are then taken in the order of the alphabet, as dlib does. A part that a box does not
have is unknown. Boxes without parts, and boxes to ignore, are left out. Written, boxes grow to
whole pixels and parts keep their decimals; imglab and dlib themselves read the whole number only.
It holds no visibility.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

from canthus.datasets.formats.faces import (
    Row,
    box_of,
    by_picture,
    edges_of,
    face,
    first_index,
    index_of,
    known,
    picture,
    place,
    points_of,
    scheme_of_all,
    some,
)
from canthus.datasets.formats.parsing import Element, read_xml
from canthus.datasets.sample import Sample
from canthus.errors import DatasetError
from canthus.faces import LandmarkScheme
from canthus.storage import write_whole

Order = dict[str, int]


def read(path: Path, scheme: LandmarkScheme) -> list[Sample]:
    """The faces of a file, in its order.

    Raises:
        DatasetError: naming the line that is not as it should be, or if there is no face.
    """
    root = read_xml(path, "dataset")
    images = [image for group in root.all("images") for image in group.all("image")]
    order = _order([box for image in images for box in image.all("box")], scheme, path)
    found, annotations = [], 0
    for image in images:
        named = picture(path.parent, image.text("file"), image.where)
        boxes = [box for box in image.all("box") if box.all("part") and not box.flag("ignore")]
        found += [_face(box, named, order, scheme) for box in boxes]
        annotations += len(image.all("box"))
    return some(found, path, annotations)


def write(samples: Sequence[Sample], path: Path) -> None:
    """Write faces as one file.

    Raises:
        DatasetError: if two pictures would have one name.
        StorageError: if the disk refuses.
    """
    digits = max(2, len(str(scheme_of_all(samples, path).num_landmarks - 1)))
    lines = ["<?xml version='1.0' encoding='UTF-8'?>", "<dataset>", "<images>"]
    for name, faces in by_picture(samples, path.parent).items():
        lines.append(f"  <image file={quoteattr(name)}>")
        for sample in faces:
            lines += _box(sample, digits)
        lines.append("  </image>")
    lines += ["</images>", "</dataset>", ""]
    write_whole(path, "\n".join(lines).encode())


def _order(boxes: list[Element], scheme: LandmarkScheme, path: Path) -> Order:
    """The index of each part's name."""
    parts = {part.text("name"): part for box in boxes for part in box.all("part")}
    count = scheme.num_landmarks
    if scheme.names or all(name.isascii() and name.isdigit() for name in parts):
        first = first_index(parts, count)
        return {n: index_of(n, scheme, part.where, first=first) for n, part in parts.items()}
    if len(parts) != count:
        raise DatasetError(
            f"{path}: expected the {count} parts of scheme {scheme.name}, found {len(parts)} names"
        )
    return {name: index for index, name in enumerate(sorted(parts))}


def _face(box: Element, named: tuple[Path, str], order: Order, scheme: LandmarkScheme) -> Sample:
    rows: dict[int, Row] = {}
    for part in box.all("part"):
        index = order[part.text("name")]
        if index in rows:
            raise DatasetError(f"{part.where}: expected each part once, found {index} again")
        rows[index] = part.number("x"), part.number("y")
    left, top = box.number("left") - 0.5, box.number("top") - 0.5
    edges = left, top, left + box.number("width"), top + box.number("height")
    return face(named, points_of(rows, scheme), scheme, box=box_of(edges, box.where))


def _box(sample: Sample, digits: int) -> list[str]:
    x0, y0, x1, y1 = edges_of(sample)
    left, top = math.floor(x0 + 0.5), math.floor(y0 + 0.5)
    width, height = math.ceil(x1 + 0.5) - left, math.ceil(y1 + 0.5) - top
    sides = f"top='{top}' left='{left}' width='{width}' height='{height}'"
    parts = [
        f"      <part name='{index:0{digits}}' x='{place(x)}' y='{place(y)}'/>"
        for index, (x, y) in known(sample).items()
    ]
    return [f"    <box {sides}>", *parts, "    </box>"]
