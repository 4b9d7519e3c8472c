"""LabelMe: one JSON file per picture, in a folder, or a single one.

LabelMe's coordinates are continuous: the picture's corner is (0, 0), the center of its top-left
pixel (0.5, 0.5). Read, half a pixel is taken off; written, it is added. A point's label is the
landmark's index, from 0, or its name in the scheme, and its `group_id` the face; a rectangle
labeled `face` of the same group is the face's box. Landmarks that are not there are unknown. Other
shapes are left out. It holds no visibility.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from canthus.datasets.formats.faces import (
    Row,
    around,
    beside,
    box_of,
    edges_of,
    face,
    index_of,
    known,
    picture,
    place,
    points_of,
    scheme_of_all,
    size_of,
    some,
)
from canthus.datasets.formats.parsing import Node, read_json
from canthus.datasets.sample import Sample
from canthus.faces import LandmarkScheme
from canthus.geometry import Box
from canthus.storage import write_whole

SUFFIX = ".json"
HALF = 0.5  # pixels from a pixel's corner to its center
BOX = "face"  # the label of a rectangle that is a face's box
VERSION = "5.0.0"  # of LabelMe, whose files these are like


def read(path: Path, scheme: LandmarkScheme) -> list[Sample]:
    """The faces of a folder, in the order of their files' paths, or of one file.

    Raises:
        DatasetError: naming the value that is not as it should be, or if there is no face.
    """
    single = path.is_file()
    files = [path] if single else sorted(path.rglob(f"*{SUFFIX}"))
    top = path.parent if single else path
    found = [sample for file in files for sample in _faces(file, top, scheme)]
    return some(found, path)


def write(samples: Sequence[Sample], path: Path) -> None:
    """Write faces to a folder, and copy their pictures there.

    Raises:
        DatasetError: if two pictures differ in nothing but their suffix, or one is not there.
        ImageError: if a picture cannot be read.
        StorageError: if the disk refuses.
    """
    scheme_of_all(samples, path)
    for file, image, faces in beside(samples, path, SUFFIX):
        width, height = size_of(faces[0]) or (None, None)
        shapes = [shape for i, sample in enumerate(faces) for shape in _shapes(sample, i)]
        values: dict[str, object] = {
            "version": VERSION,
            "flags": {},
            "shapes": shapes,
            "imagePath": image,
            "imageData": None,
            "imageHeight": height,
            "imageWidth": width,
        }
        write_whole(file, f"{json.dumps(values, allow_nan=False)}\n".encode())


def _faces(file: Path, top: Path, scheme: LandmarkScheme) -> list[Sample]:
    root = read_json(file)
    path = root.child("imagePath")
    image, _ = picture(file.parent, path.text(), path.where)
    named = image, image.relative_to(top).as_posix()
    places: dict[object, dict[int, Row]] = {}
    boxes: dict[object, Box] = {}
    for shape in root.child("shapes").items():
        _take(shape, scheme, places, boxes)
    samples = []
    for group, rows in places.items():
        points = points_of(rows, scheme)
        box = boxes.get(group) or around(points, str(file))
        samples.append(face(named, points, scheme, box=box))
    return samples


def _take(
    shape: Node,
    scheme: LandmarkScheme,
    places: dict[object, dict[int, Row]],
    boxes: dict[object, Box],
) -> None:
    """Put a shape where it belongs: to the places or the boxes of its group."""
    kind, label, points = (shape.child(key) for key in ("shape_type", "label", "points"))
    group = shape.child("group_id")
    if isinstance(group.value, bool) or not isinstance(group.value, (int, str, type(None))):
        raise group.wrong("a number, or null")
    if kind.value == "rectangle" and label.value == BOX:
        if group.value in boxes:
            raise group.wrong("one box of each group")
        boxes[group.value] = _box(points)
    elif kind.value == "point":
        index = index_of(label.text(), scheme, label.where)
        rows = places.setdefault(group.value, {})
        if index in rows:
            raise label.wrong("each landmark once in a group")
        x, y = _places(points, 1)[0]
        rows[index] = x, y


def _places(points: Node, count: int) -> list[Row]:
    entries = points.items()
    if len(entries) != count:
        raise points.wrong(f"{count} points [x, y]")
    pairs = [entry.numbers(2) for entry in entries]
    return [(x - HALF, y - HALF) for x, y in pairs]


def _box(points: Node) -> Box:
    """The box of two opposite corners, whichever they are."""
    (ax, ay), (bx, by) = _places(points, 2)
    return box_of((min(ax, bx), min(ay, by), max(ax, bx), max(ay, by)), points.where)


def _shapes(sample: Sample, group: int) -> list[dict[str, object]]:
    x0, y0, x1, y1 = (place(edge + HALF) for edge in edges_of(sample))
    shapes: list[dict[str, object]] = [
        {"label": BOX, "points": [[x0, y0], [x1, y1]], "shape_type": "rectangle"}
    ]
    shapes += [
        {"label": str(i), "points": [[place(x + HALF), place(y + HALF)]], "shape_type": "point"}
        for i, (x, y) in known(sample).items()
    ]
    return [{**shape, "group_id": group, "flags": {}} for shape in shapes]
