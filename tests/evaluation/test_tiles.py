"""Tiles of faces: the picture where there is one, the points where there is none."""

import base64
import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from canthus.datasets import Sample
from canthus.datasets.synthetic import draw
from canthus.evaluation.pictures import FOUND, TRUTH
from canthus.evaluation.report import FaceResult
from canthus.evaluation.tiles import BYTES, SIDE, sketch, tile_of
from canthus.faces import SCHEMES, Landmarks
from canthus.geometry import Box
from canthus.images.files import decode_image, write_image

FACE = draw(np.random.default_rng(3))


@pytest.fixture
def result(tmp_path: Path) -> FaceResult:
    """A drawn face, found 10 pixels too far right."""
    path = tmp_path / "face.png"
    write_image(path, FACE.image)
    points = FACE.landmarks.points
    sample = Sample(path, Box.around(points), FACE.landmarks, tags=frozenset({"b", "a"}))
    return FaceResult(sample, 0.1234, Landmarks(points + np.array([10, 0]), SCHEMES["68"]))


def pixels(source: str) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    return decode_image(base64.b64decode(source.removeprefix("data:image/jpeg;base64,")))


def test_a_tile_is_a_small_picture(result: FaceResult) -> None:
    tile = tile_of(result, "x.png")
    assert pixels(tile.source).shape == (SIDE, SIDE, 3)
    assert len(base64.b64decode(tile.source.partition(",")[2])) <= BYTES


def test_a_tile_says_error_name_and_tags(result: FaceResult) -> None:
    tile = tile_of(result, "x.png")
    assert (tile.headline, tile.name, tile.note) == ("12.34 %", "x.png", "a, b")
    assert not tile.missed


def test_a_missed_face_has_a_mark_for_its_error(result: FaceResult) -> None:
    tile = tile_of(replace(result, error=math.inf, found=None), "x.png")
    assert (tile.headline, tile.missed, tile.alt) == ("", True, "x.png: the true landmarks")


def test_a_picture_of_much_detail_stays_small(result: FaceResult) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (256, 256, 3), np.uint8)
    write_image(result.sample.image, noise)
    tile = tile_of(result, "x.png")
    assert len(base64.b64decode(tile.source.partition(",")[2])) < 1.5 * BYTES


def test_without_pictures_the_points_are_drawn(result: FaceResult) -> None:
    tile = tile_of(result, "x.png", pictures=False)
    assert tile.source == ""
    assert tile.svg.startswith("<svg")
    assert tile.note == "a, b"


def test_a_picture_that_is_not_there_is_said_to_be_so(result: FaceResult) -> None:
    result.sample.image.unlink()
    tile = tile_of(result, "x.png")
    assert tile.svg
    assert tile.note == "a, b, no picture at hand"


def test_a_picture_that_is_damaged_is_said_to_be_so(result: FaceResult) -> None:
    result.sample.image.write_bytes(b"no picture")
    assert tile_of(result, "x.png").note == "a, b, its picture cannot be read"


def colors(svg: str) -> set[str]:
    return set(re.findall(r'stroke="(rgb\(.*?\))"', svg))


def test_a_sketch_shows_truth_and_prediction(result: FaceResult) -> None:
    assert colors(sketch(result)) == {f"rgb{TRUTH}", f"rgb{FOUND}"}


def test_a_sketch_of_a_missed_face_shows_the_truth_alone(result: FaceResult) -> None:
    assert colors(sketch(replace(result, found=None))) == {f"rgb{TRUTH}"}


def test_unknown_points_are_left_out_of_a_sketch(result: FaceResult) -> None:
    points = FACE.landmarks.points.copy()
    points[30:] = np.nan
    sample = replace(result.sample, landmarks=Landmarks(points, SCHEMES["68"]))
    svg = sketch(replace(result, sample=sample, found=None))
    assert svg.count("h0") == 30
    assert "nan" not in svg


def test_the_middle_of_the_box_is_the_middle_of_the_sketch(result: FaceResult) -> None:
    x, y = result.sample.box.center
    points = np.full((68, 2), np.nan)
    points[0] = x, y
    sample = replace(result.sample, landmarks=Landmarks(points, SCHEMES["68"]))
    assert "M49.5 49.5h0" in sketch(replace(result, sample=sample, found=None))
