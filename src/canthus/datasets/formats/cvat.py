"""CVAT for images 1.1: one XML file of pictures with skeletons, or with sets of points.

CVAT's coordinates are continuous: the picture's corner is (0, 0), the center of its top-left pixel
(0.5, 0.5). Read, half a pixel is taken off; written, it is added. `outside="1"` is an unknown
point, `occluded="1"` one that is not to be seen. A skeleton's points are labeled by the scheme's
names, or by index, from 0, or from 1 if the last index is used and 0 is not. A box of the same
`group_id` is the face's. Pictures are named from the file's folder. Other shapes are left out.
"""

from collections.abc import Sequence
from pathlib import Path
from xml.sax.saxutils import quoteattr

import numpy as np

from canthus.datasets.formats.faces import (
    Row,
    around,
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
    size_of,
    some,
)
from canthus.datasets.formats.parsing import Element, read_xml
from canthus.datasets.sample import Sample
from canthus.datasets.trust import number
from canthus.errors import DatasetError
from canthus.faces import LandmarkScheme
from canthus.geometry import Box
from canthus.storage import write_whole

HALF = 0.5  # pixels from a pixel's corner to its center
NO_GROUP = "0"


def read(path: Path, scheme: LandmarkScheme) -> list[Sample]:
    """The faces of a file, in its order; those without a known point are left out.

    Raises:
        DatasetError: naming the line that is not as it should be, or if there is no face.
    """
    root = read_xml(path, "annotations")
    images = root.all("image")
    if tracks := root.all("track"):
        raise DatasetError(
            f"{tracks[0].where}: expected CVAT for images, found a track of CVAT for video; "
            "export it for images"
        )
    skeletons = [shape for image in images for shape in image.all("skeleton")]
    labels = {point.text("label") for shape in skeletons for point in shape.all("points")}
    first = first_index(labels, scheme.num_landmarks)
    found, annotations = [], 0
    for image in images:
        named = picture(path.parent, image.text("name"), image.where)
        boxes = _boxes(image)
        shapes = image.all("skeleton", "points")
        annotations += len(shapes)
        for shape in shapes:
            if sample := _face(shape, named, scheme, first=first, boxes=boxes):
                found.append(sample)
    return some(found, path, annotations)


def write(samples: Sequence[Sample], path: Path) -> None:
    """Write faces as skeletons, with their boxes; pictures are opened for their size.

    Raises:
        DatasetError: if two pictures would have one name.
        ImageError: if a picture is there, but cannot be read.
        StorageError: if the disk refuses.
    """
    scheme_of_all(samples, path)
    lines = ['<?xml version="1.0" encoding="utf-8"?>', "<annotations>", "  <version>1.1</version>"]
    for number_, (name, faces) in enumerate(by_picture(samples, path.parent).items()):
        size = size_of(faces[0])
        sides = "" if size is None else f' width="{size[0]}" height="{size[1]}"'
        lines.append(f'  <image id="{number_}" name={quoteattr(name)}{sides}>')
        for group, sample in enumerate(faces, 1):
            lines += _lines(sample, group)
        lines.append("  </image>")
    lines += ["</annotations>", ""]
    write_whole(path, "\n".join(lines).encode())


def _boxes(image: Element) -> dict[str, Box]:
    """The boxes of an image by their group."""
    found: dict[str, Box] = {}
    for shape in image.all("box"):
        group = shape.attributes.get("group_id", NO_GROUP)
        if group == NO_GROUP:
            continue
        if group in found:
            raise DatasetError(f"{shape.where}: expected one box of group {group:.60}, found more")
        edges = [shape.number(key) - HALF for key in ("xtl", "ytl", "xbr", "ybr")]
        found[group] = box_of(edges, shape.where)
    return found


def _face(
    shape: Element,
    named: tuple[Path, str],
    scheme: LandmarkScheme,
    *,
    first: int,
    boxes: dict[str, Box],
) -> Sample | None:
    if shape.tag == "skeleton":
        rows, hidden = _skeleton(shape, scheme, first)
    else:
        rows, hidden = _set(shape, scheme)
    if not rows:
        return None
    points = points_of(rows, scheme)
    seen = np.array([i in rows and i not in hidden for i in range(scheme.num_landmarks)])
    box = boxes.get(shape.attributes.get("group_id", NO_GROUP))
    return face(named, points, scheme, box=box or around(points, shape.where), visible=seen)


def _skeleton(
    shape: Element, scheme: LandmarkScheme, first: int
) -> tuple[dict[int, Row], set[int]]:
    """The places of a skeleton by index, and which are hidden."""
    rows: dict[int, Row] = {}
    hidden: set[int] = set()
    taken: set[int] = set()
    for point in shape.all("points"):
        index = index_of(point.text("label"), scheme, point.where, first=first)
        if index in taken:
            raise DatasetError(f"{point.where}: expected each landmark once, found {index} again")
        taken.add(index)
        if point.flag("outside"):
            continue
        rows[index] = _places(point, 1)[0]
        if point.flag("occluded"):
            hidden.add(index)
    return rows, hidden


def _set(shape: Element, scheme: LandmarkScheme) -> tuple[dict[int, Row], set[int]]:
    """The places of a set of points, all of them hidden or none."""
    rows = dict(enumerate(_places(shape, scheme.num_landmarks)))
    return rows, set(rows) if shape.flag("occluded") else set()


def _places(shape: Element, count: int) -> list[Row]:
    pairs = [pair.split(",") for pair in shape.text("points").split(";")]
    if len(pairs) != count:
        raise DatasetError(f"{shape.where}: expected {count} points, found {len(pairs)}")
    if wrong := [pair for pair in pairs if len(pair) != 2]:
        raise DatasetError(f"{shape.where}: expected 'x,y', found {','.join(wrong[0])!r:.60}")
    return [(number(x, shape.where) - HALF, number(y, shape.where) - HALF) for x, y in pairs]


def _lines(sample: Sample, group: int) -> list[str]:
    x0, y0, x1, y1 = (place(edge + HALF) for edge in edges_of(sample))
    places = known(sample)
    points = []
    for i in range(sample.landmarks.num_landmarks):
        x, y = places.get(i, (0.0, 0.0))
        hidden = sample.visible is not None and i in places and not sample.visible[i]
        points.append(
            f'      <points label="{i}" outside="{int(i not in places)}" '
            f'occluded="{int(hidden)}" points="{place(x + HALF)},{place(y + HALF)}"/>'
        )
    return [
        f'    <box label="face" occluded="0" xtl="{x0}" ytl="{y0}" xbr="{x1}" ybr="{y1}" '
        f'group_id="{group}"/>',
        f'    <skeleton label="face" group_id="{group}">',
        *points,
        "    </skeleton>",
    ]
