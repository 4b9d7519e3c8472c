"""What is no face with landmarks is left out, and counted."""

import json
import logging
from pathlib import Path

import pytest

from canthus.datasets.formats import FORMATS
from canthus.faces import SCHEMES

FIVE = SCHEMES["5"]
POINTS = ((10, 10), (30, 10), (20, 20), (12, 30), (28, 30))


def coco(folder: Path) -> Path:
    """A face, a crowd, and a face of which nothing is labeled."""
    known = [value for x, y in POINTS for value in (x, y, 2)]
    annotations = [
        {"image_id": 1, "iscrowd": 0, "keypoints": known},
        {"image_id": 1, "iscrowd": 1, "keypoints": known},
        {"image_id": 1, "iscrowd": 0, "keypoints": [0] * 15},
    ]
    images = [{"id": 1, "file_name": "a.jpg"}]
    path = folder / "faces.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations}))
    return path


def dlib(folder: Path) -> Path:
    """A face, a box to ignore, and a box without parts."""
    parts = "".join(f'<part name="0{i}" x="{x}" y="{y}"/>' for i, (x, y) in enumerate(POINTS))
    box = '<box top="5" left="5" width="30" height="30"'
    boxes = f'{box}>{parts}</box>{box} ignore="1">{parts}</box>{box}/>'
    path = folder / "faces.xml"
    path.write_text(f'<dataset><images><image file="a.jpg">{boxes}</image></images></dataset>')
    return path


def cvat(folder: Path) -> Path:
    """A face, and two skeletons that lie wholly outside."""
    face, outside = (
        "".join(
            f'<points label="{i}" outside="{flag}" occluded="0" points="{x},{y}"/>'
            for i, (x, y) in enumerate(POINTS)
        )
        for flag in (0, 1)
    )
    shapes = "".join(
        f'<skeleton label="face">{points}</skeleton>' for points in (face, outside, outside)
    )
    path = folder / "faces.xml"
    path.write_text(f'<annotations><image id="0" name="a.jpg">{shapes}</image></annotations>')
    return path


def ljson(folder: Path) -> Path:
    """A face, and two groups of unknown points."""
    (folder / "a.jpg").touch()
    known, unknown = [[y, x] for x, y in POINTS], [[None, None]] * 5
    points = {"a": known, "b": unknown, "c": unknown}
    groups = {name: {"landmarks": {"points": each}} for name, each in points.items()}
    path = folder / "a.ljson"
    path.write_text(json.dumps({"version": 3, "groups": groups}))
    return path


@pytest.mark.parametrize(
    ("name", "write"), [("coco", coco), ("dlib", dlib), ("cvat", cvat), ("ljson", ljson)]
)
def test_what_is_left_out_is_counted(
    name: str, write: object, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert callable(write)
    with caplog.at_level(logging.WARNING):
        faces = FORMATS[name].read(write(tmp_path), FIVE)
    assert len(faces) == 1
    assert "left out 2 annotations" in caplog.text
