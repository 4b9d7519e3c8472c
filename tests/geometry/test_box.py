import math

import numpy as np
import pytest

from canthus.geometry import Box, BoxRelation

NAN, INF = math.nan, math.inf


def test_a_box_knows_its_width_height_center_and_sizes() -> None:
    box = Box(1, 2, 5, 11)
    found = (box.width, box.height, box.center, box.size, box.side)
    assert found == (4, 9, (3, 6.5), 6, 9)


def test_a_box_from_its_corner_and_its_size() -> None:
    assert Box.from_xywh(1, 2, 4, 9) == Box(1, 2, 5, 11)


def test_the_box_around_points_ends_at_the_outermost() -> None:
    assert Box.around([(3, 1), (2, 5), (4, 3)]) == Box(2, 1, 4, 5)


def test_the_box_around_points_leaves_out_those_not_known() -> None:
    assert Box.around([(3, 1), (NAN, NAN), (4, 3)]) == Box(3, 1, 4, 3)


def test_the_box_around_points_takes_no_notice_of_their_depth() -> None:
    assert Box.around([(3, 1, -50), (4, 3, 50)]) == Box(3, 1, 4, 3)


@pytest.mark.parametrize(
    ("points", "message"),
    [
        ([(1, 1)], "two known points at least, found 1"),
        ([(1, 1), (NAN, NAN)], "two known points at least, found 1"),
        (np.zeros((0, 2)), "two known points at least, found 0"),
        ([(1, 1), (1, 5)], "x0 < x1"),
    ],
)
def test_points_that_span_no_area_have_no_box(
    points: list[tuple[float, float]], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Box.around(points)


@pytest.mark.parametrize("edges", [(0, 0, NAN, 1), (-INF, 0, 1, 1), (0, 0, INF, 1)])
def test_edges_are_finite(edges: tuple[float, float, float, float]) -> None:
    with pytest.raises(ValueError, match="finite edges"):
        Box(*edges)


@pytest.mark.parametrize("edges", [(4, 0, 2, 1), (0, 3, 1, 3)])
def test_a_box_without_area_suggests_the_likely_mistake(
    edges: tuple[float, float, float, float],
) -> None:
    with pytest.raises(ValueError, match=r"use Box\.from_xywh"):
        Box(*edges)


def test_scaling_keeps_the_center() -> None:
    assert Box(2, 2, 4, 8).scaled(2) == Box(1, -1, 5, 11)


def test_moving_counts_in_longer_sides() -> None:
    assert Box(0, 0, 2, 10).moved(0.1, -0.2) == Box(1, -2, 3, 8)


def test_squaring_keeps_the_center_and_the_longer_side() -> None:
    assert Box(0, 0, 2, 10).squared() == Box(-4, 0, 6, 10)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (Box(0, 0, 2, 2), 1),
        (Box(1, 1, 3, 3), 1 / 7),
        (Box(0, 0, 1, 1), 1 / 4),
        (Box(2, 0, 4, 2), 0),
        (Box(5, 5, 6, 6), 0),
    ],
)
def test_intersection_over_union(other: Box, expected: float) -> None:
    assert Box(0, 0, 2, 2).iou(other) == pytest.approx(expected)


def test_the_edges_in_order() -> None:
    assert Box(1, 2, 3, 4).as_tuple() == (1, 2, 3, 4)


def test_a_box_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Box(1, 2, 3, 4).x0 = 0  # type: ignore[misc]


def test_a_relation_says_where_the_source_draws_its_square() -> None:
    relation = BoxRelation(right=0.1, down=-0.2, scale=1.5)
    # tight: center (5, 10), longer side 20; the source's: center (7, 6), side 30
    assert relation.from_tight(Box(0, 0, 10, 20)).as_tuple() == pytest.approx((-8, -9, 22, 21))


@pytest.mark.parametrize("relation", [BoxRelation(), BoxRelation(-0.02, -0.18, 1.09)])
def test_from_the_source_and_to_the_source_are_inverse(relation: BoxRelation) -> None:
    tight = Box(12.3, 4.5, 60.1, 66.6)
    found = relation.to_tight(relation.from_tight(tight))
    assert found.as_tuple() == pytest.approx(tight.squared().as_tuple(), abs=1e-9)
