"""Menpo's `.ljson`, version 2 and 3: one file per picture, beside it, or a single one.

Its points are `[y, x]`, `[null, null]` where unknown. Pixels count from 0: the center of the
top-left pixel is (0, 0). In version 3 each group of landmarks is a face. It holds no box and no
visibility.
"""

import json
from collections.abc import Sequence
from pathlib import Path

from canthus.datasets.formats.faces import (
    Row,
    around,
    beside,
    face,
    known,
    place,
    points_of,
    scheme_of_all,
    some,
)
from canthus.datasets.formats.parsing import Node, read_json
from canthus.datasets.ibug import picture_of
from canthus.datasets.sample import Sample
from canthus.errors import DatasetError
from canthus.faces import LandmarkScheme
from canthus.storage import write_whole

SUFFIX = ".ljson"
GROUP = "LJSON"  # what Menpo calls the only group


def read(path: Path, scheme: LandmarkScheme) -> list[Sample]:
    """The faces of a folder, in the order of their files' paths, or of one file.

    Raises:
        DatasetError: naming the value that is not as it should be, or the file that has no
            picture beside it.
    """
    single = path.is_file()
    files = [path] if single else sorted(path.rglob(f"*{SUFFIX}"))
    root = path.parent if single else path
    found, annotations = [], 0
    for file in files:
        image = picture_of(file)
        named = image, image.relative_to(root).as_posix()
        groups = _groups(file)
        annotations += len(groups)
        found += [sample for group in groups if (sample := _face(group, named, scheme))]
    return some(found, path, annotations)


def write(samples: Sequence[Sample], path: Path) -> None:
    """Write faces to a folder, and copy their pictures there; version 3.

    Raises:
        DatasetError: if two pictures differ in nothing but their suffix, or one is not there.
        StorageError: if the disk refuses.
    """
    scheme_of_all(samples, path)
    for file, _, faces in beside(samples, path, SUFFIX):
        names = [GROUP] if len(faces) == 1 else [f"face_{i}" for i in range(len(faces))]
        groups = {name: _group(sample) for name, sample in zip(names, faces, strict=True)}
        values = {"version": 3, "groups": groups}
        write_whole(file, f"{json.dumps(values, allow_nan=False)}\n".encode())


def _groups(file: Path) -> list[Node]:
    root = read_json(file)
    version = root.child("version")
    if version.value == 2:
        return [root]
    if version.value == 3:
        return [group for _, group in root.child("groups").fields()]
    raise version.wrong("version 2 or 3")


def _face(group: Node, named: tuple[Path, str], scheme: LandmarkScheme) -> Sample | None:
    node = group.child("landmarks").child("points")
    entries = node.items()
    if len(entries) != scheme.num_landmarks:
        raise DatasetError(
            f"{node.where}: expected the {scheme.num_landmarks} points of scheme {scheme.name}, "
            f"found {len(entries)}"
        )
    rows: dict[int, Row] = {}
    for index, entry in enumerate(entries):
        if entry.value is not None and entry.value != [None, None]:
            y, x = entry.numbers(2)
            rows[index] = x, y
    if not rows:
        return None
    points = points_of(rows, scheme)
    return face(named, points, scheme, box=around(points, node.where))


def _group(sample: Sample) -> dict[str, object]:
    places = known(sample)
    points: list[list[float | None]] = [
        [place(places[i][1]), place(places[i][0])] if i in places else [None, None]
        for i in range(sample.landmarks.num_landmarks)
    ]
    scheme = sample.landmarks.scheme
    return {
        "labels": [{"label": name, "mask": list(part)} for name, part in scheme.parts.items()],
        "landmarks": {"connectivity": [list(edge) for edge in scheme.edges], "points": points},
    }
