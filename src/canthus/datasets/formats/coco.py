"""COCO keypoints: one JSON file of images, annotations and categories.

A keypoint is `x, y, v`; v is 0 where it is not labeled (unknown here), 1 where it is labeled but
hidden, 2 where it is to be seen. COCO counts pixels from 0, but does not say whether a whole number
is a pixel's center or its corner; it is taken as MMPose takes it, as the center: that of the
top-left pixel is (0, 0). If the scheme has names, a category that has the same names must have
them in the same order.
Pictures are named from the file's folder. Crowds, and annotations without a labeled keypoint, are
left out.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from canthus.datasets.formats.faces import (
    around,
    box_of,
    by_picture,
    edges_of,
    face,
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
from canthus.errors import DatasetError
from canthus.faces import LandmarkScheme
from canthus.storage import write_whole

UNKNOWN, HIDDEN, SEEN = 0, 1, 2


def read(path: Path, scheme: LandmarkScheme) -> list[Sample]:
    """The faces of a file, in the order of its annotations.

    Raises:
        DatasetError: naming the value that is not as it should be, or if there is no face.
    """
    root = read_json(path)
    pictures: dict[object, tuple[Path, str]] = {}
    for image in root.child("images").items():
        name = image.child("file_name")
        key = image.child("id")
        if _id(key) in pictures:
            raise key.wrong("ids that differ")
        pictures[_id(key)] = picture(path.parent, name.text(), name.where)
    _check_order(root, scheme)
    found = []
    annotations = root.child("annotations").items()
    for annotation in annotations:
        if sample := _face(annotation, pictures, scheme):
            found.append(sample)
    return some(found, path, len(annotations))


def write(samples: Sequence[Sample], path: Path) -> None:
    """Write faces as one file; pictures that are there are opened for their size.

    Raises:
        DatasetError: if two pictures would have one name.
        ImageError: if a picture is there, but cannot be read.
        StorageError: if the disk refuses.
    """
    scheme = scheme_of_all(samples, path)
    images: list[dict[str, object]] = []
    annotations: list[dict[str, object]] = []
    for number, (name, faces) in enumerate(by_picture(samples, path.parent).items(), 1):
        size = size_of(faces[0])
        sides = {} if size is None else {"width": size[0], "height": size[1]}
        images.append({"id": number, "file_name": name, **sides})
        for sample in faces:
            ids = {"id": len(annotations) + 1, "image_id": number, "category_id": 1}
            annotations.append({**ids, **_annotation(sample)})
    values = {"images": images, "annotations": annotations, "categories": [_category(scheme)]}
    write_whole(path, f"{json.dumps(values, allow_nan=False)}\n".encode())


def _check_order(root: Node, scheme: LandmarkScheme) -> None:
    """Refuse a category that has the scheme's names in another order."""
    if not scheme.names or not root.has("categories"):
        return
    for category in root.child("categories").items():
        if not category.has("keypoints"):
            continue
        keypoints = category.child("keypoints")
        names = [each.text() for each in keypoints.items()]
        for index, (name, wanted) in enumerate(zip(names, scheme.names, strict=False)):
            if name != wanted and sorted(names) == sorted(scheme.names):
                raise keypoints.items()[index].wrong(f"{wanted!r}, as the scheme orders its names")


def _id(node: Node) -> object:
    """What tells a picture from the others: a number or a text."""
    if isinstance(node.value, bool) or not isinstance(node.value, (int, str)):
        raise node.wrong("a number or a text")
    return node.value


def _face(
    node: Node, pictures: dict[object, tuple[Path, str]], scheme: LandmarkScheme
) -> Sample | None:
    if not node.has("keypoints") or node.child("iscrowd").value == 1:
        return None
    wanted = node.child("image_id")
    if _id(wanted) not in pictures:
        raise wanted.wrong("the id of one of the images")
    count = scheme.num_landmarks
    keypoints = node.child("keypoints")
    if (found := len(keypoints.items())) != 3 * count:
        raise DatasetError(
            f"{keypoints.where}: expected {3 * count} numbers, x, y and v for each of the {count} "
            f"points of scheme {scheme.name}, found {found}"
        )
    triples = np.array(keypoints.numbers(3 * count)).reshape(count, 3)
    if wrong := np.flatnonzero(~np.isin(triples[:, 2], (UNKNOWN, HIDDEN, SEEN))).tolist():
        raise keypoints.items()[3 * wrong[0] + 2].wrong("0, 1 or 2")
    rows = {i: (x, y) for i, (x, y, v) in enumerate(triples.tolist()) if v != UNKNOWN}
    if not rows:
        return None
    points = points_of(rows, scheme)
    if node.has("bbox"):
        bbox = node.child("bbox")
        x, y, width, height = bbox.numbers(4)
        box = box_of((x, y, x + width, y + height), bbox.where)
    else:
        box = around(points, keypoints.where)
    seen = triples[:, 2] == SEEN
    return face(pictures[wanted.value], points, scheme, box=box, visible=seen)


def _annotation(sample: Sample) -> dict[str, object]:
    places = known(sample)
    keypoints: list[float] = []
    for i in range(sample.landmarks.num_landmarks):
        if i not in places:
            keypoints += [0, 0, UNKNOWN]
            continue
        hidden = sample.visible is not None and not sample.visible[i]
        keypoints += [*map(place, places[i]), HIDDEN if hidden else SEEN]
    x0, y0, x1, y1 = edges_of(sample)
    return {
        "bbox": [place(x0), place(y0), place(x1 - x0), place(y1 - y0)],
        "area": place((x1 - x0) * (y1 - y0)),
        "iscrowd": 0,
        "num_keypoints": len(places),
        "keypoints": keypoints,
    }


def _category(scheme: LandmarkScheme) -> dict[str, object]:
    """The one category: landmarks by name, or index; its skeleton counts from 1, as in COCO."""
    return {
        "id": 1,
        "name": "face",
        "supercategory": "person",
        "keypoints": list(scheme.names) or [str(i) for i in range(scheme.num_landmarks)],
        "skeleton": [[i + 1, j + 1] for i, j in scheme.edges],
    }
