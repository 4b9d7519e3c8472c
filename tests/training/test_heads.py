"""Heads around faces."""

import numpy as np
import pytest

from canthus.faces.face_model import open_face_model
from canthus.images.raster import rasterize
from canthus.training.heads import INWARD, RIM, SIZES, Head, outline_of

SQUARE = [[0, 1, 4], [1, 2, 4], [2, 3, 4], [3, 0, 4]]  # its middle is vertex 4


def test_an_outline_goes_around_a_mesh() -> None:
    found = outline_of(SQUARE).tolist()
    first = found.index(0)
    assert found[first:] + found[:first] == [0, 1, 2, 3]


def test_of_several_outlines_the_longest_counts() -> None:
    assert set(outline_of([[10, 11, 12], *SQUARE])) == {0, 1, 2, 3}


@pytest.mark.parametrize("triangles", [[], [[0, 1, 2], [2, 1, 0]]])
def test_without_an_outline_there_is_no_head(triangles: list[list[int]]) -> None:
    with pytest.raises(ValueError, match="expected a face's mesh with an outline"):
        outline_of(triangles)


def test_a_photo_from_ahead_sees_every_place_of_the_rim() -> None:
    model = open_face_model()
    head = Head.of(model)
    around = head.around(model.neutral)

    rings = around[len(model.neutral) :].reshape(len(SIZES), -1, 3)
    assert np.array_equal(around[: len(model.neutral)], model.neutral.astype(float))
    rim = np.concatenate([around[head.outline][None], rings[:RIM]])
    sizes = np.linalg.norm(rim[..., :2] - head.axis(model.neutral)[:2], axis=-1)
    assert (np.diff(sizes, axis=0) > 0).all()
    assert (np.diff(rim[..., 2], axis=0) <= 0).all()


def test_a_head_has_no_holes_from_the_side() -> None:
    model = open_face_model()
    head = Head.of(model)
    z_right = head.around(model.neutral)[:, [2, 1, 0]] * [1, -1, 1] + [180, 150, 0]

    covered = rasterize(z_right, head.triangles, (260, 320)).covered

    rows = covered[70:225]
    first, last = rows.argmax(axis=1), 259 - rows[:, ::-1].argmax(axis=1)
    assert (rows.sum(axis=1) == last - first + 1).all()


def test_hidden_places_of_the_skull_take_colors_from_the_rim() -> None:
    model = open_face_model()
    head = Head.of(model)
    around = head.around(model.neutral)
    places = around * [1, -1, -1]

    own, other = (head.colored(around, places, share) for share in (0.0, 1.0))

    skull = len(model.neutral) + RIM * len(head.outline)
    assert np.allclose(own, places[:, :2], atol=1e-3)
    inward = head.inward(around)[:skull, None]
    middle = own[head.outline].mean(axis=0)
    assert np.allclose(other[:skull], own[:skull] + inward * (middle - own[:skull]), atol=1e-3)
    assert inward[: len(model.neutral)].max() == pytest.approx(INWARD[0])
    top = np.abs(model.neutral[head.outline, 0]) < 30  # of the outline, above and below
    lifted = other[skull:].reshape(-1, len(head.outline), 2)
    assert (np.abs(lifted[:, ~top, 0]) <= np.abs(own[head.outline][~top, 0]) * 1.2).all()
