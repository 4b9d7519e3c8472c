"""Conversions keep their promises: weights, mirrors, round trips, and the routes through 98."""

import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.faces import CONVERSIONS, Conversion, find_conversion, scheme_of
from canthus.faces.conversions import DIRECT, _tables

every_conversion = pytest.mark.parametrize("ends", list(CONVERSIONS), ids="-".join)

Weights = NDArray[np.float64]


def weights(source: str, target: str) -> Weights:
    return find_conversion(source, target).weights


def picking(indices: list[int], size: int) -> Weights:
    return np.eye(size)[indices]


def test_the_direct_conversions_are_those_of_the_table() -> None:
    direct = {(source, target) for source, targets in DIRECT.items() for target in targets}
    assert direct == set(_tables())


@every_conversion
def test_the_weights_of_a_point_add_up_to_one(ends: tuple[str, str]) -> None:  # rule 6
    sums = CONVERSIONS[ends].weights.sum(axis=1)
    np.testing.assert_allclose(sums[~np.isnan(sums)], 1, atol=1e-12)


@every_conversion
def test_converting_and_mirroring_commute(ends: tuple[str, str]) -> None:  # rule 7
    source, target = map(scheme_of, ends)
    way = CONVERSIONS[ends].weights
    mirrored_first = way @ picking(list(source.mirror), source.num_landmarks)
    np.testing.assert_allclose(mirrored_first, way[list(target.mirror)], atol=1e-12)


@every_conversion
def test_only_some_kinds_leave_points_unknown(ends: tuple[str, str]) -> None:
    way = CONVERSIONS[ends]
    assert way.kind not in ("exact", "blend") or not np.isnan(way.weights).any()


@pytest.mark.parametrize("ends", [("106jd", "106if"), ("98", "106jd")], ids="-".join)
def test_there_and_back_is_the_identity(ends: tuple[str, str]) -> None:  # rule 8
    source, target = ends
    way = weights(target, source) @ np.nan_to_num(weights(source, target))
    np.testing.assert_array_equal(way, np.eye(scheme_of(source).num_landmarks))


@pytest.mark.parametrize(
    ("source", "middle", "target"),
    [
        ("106jd", "98", "68"),
        ("106jd", "98", "29"),
        ("106jd", "98", "19"),
        ("106jd", "98", "5"),
        ("106if", "106jd", "98"),
        ("106if", "106jd", "68"),
        ("106if", "106jd", "29"),
        ("106if", "106jd", "19"),
        ("106if", "106jd", "5"),
        ("68", "21", "19"),
    ],
)
def test_a_route_and_the_direct_way_agree(source: str, middle: str, target: str) -> None:  # rule 8
    route = weights(middle, target) @ weights(source, middle)
    np.testing.assert_allclose(route, weights(source, target), atol=1e-12)


def test_five_points_of_68_are_eye_means_nose_tip_and_mouth_corners() -> None:
    points = np.random.default_rng(0).uniform(0, 100, (68, 2))
    eyes = points[36:42].mean(axis=0), points[42:48].mean(axis=0)
    expected = np.stack([*eyes, points[30], points[48], points[54]])
    np.testing.assert_allclose(find_conversion("68", "5").convert(points), expected)


def test_the_lid_point_of_68_lies_a_third_of_the_way_to_the_middle_of_the_98_lid() -> None:
    points = np.zeros((98, 2))
    points[61], points[62] = (30, 0), (60, 9)
    converted = find_conversion("98", "68").convert(points)
    np.testing.assert_allclose(converted[37], (40, 3))


def test_the_nose_base_of_68_is_jd_58_to_62() -> None:
    np.testing.assert_array_equal(weights("106jd", "68")[31:36].argmax(axis=1), range(58, 63))


def test_the_chin_of_478_is_vertex_152() -> None:
    assert weights("478", "68")[8].argmax() == 152


def test_a_point_that_the_source_does_not_hold_is_unknown() -> None:
    converted = find_conversion("68", "29").convert(np.ones((68, 2)))
    assert np.flatnonzero(np.isnan(converted).any(axis=1)).tolist() == [5, 7]


def test_an_unknown_point_spoils_only_the_mixes_that_use_it() -> None:
    points = np.ones((68, 2))
    points[37] = np.nan
    converted = find_conversion("68", "21").convert(points)
    assert np.flatnonzero(np.isnan(converted).any(axis=1)).tolist() == [7]


def test_a_mix_is_as_sure_as_its_least_sure_point() -> None:
    scores = np.full(68, 0.9)
    scores[38] = 0.2
    converted = find_conversion("68", "5").convert_scores(scores)
    np.testing.assert_array_equal(converted, [0.2, 0.9, 0.9, 0.9, 0.9])


def test_a_point_that_the_source_does_not_hold_scores_nothing() -> None:
    converted = find_conversion("68", "29").convert_scores(np.ones(68))
    assert converted[[5, 7]].tolist() == [0, 0]


def test_a_scheme_converts_to_itself_exactly() -> None:
    way = find_conversion("98", "98")
    assert (way.kind, way.weights.tolist()) == ("exact", np.eye(98).tolist())


@pytest.mark.parametrize(
    ("source", "target", "kind"),
    [
        ("106if", "98", "exact"),
        ("98", "106jd", "partial"),
        ("106jd", "68", "blend"),
        ("106jd", "29", "approx"),
        ("478", "68", "approx"),
    ],
)
def test_a_conversion_says_how_far_to_trust_it(source: str, target: str, kind: str) -> None:
    assert find_conversion(source, target).kind == kind


def test_where_there_is_no_way_the_error_names_those_there_are() -> None:
    with pytest.raises(ValueError, match=r"no conversion from scheme 68 to 98; .* 29, 21, 19, 5"):
        find_conversion("68", "98")


def test_an_unknown_scheme_is_named_before_its_missing_way() -> None:
    with pytest.raises(ValueError, match="unknown landmark scheme '66'"):
        find_conversion("68", "66")


def test_the_wrong_number_of_points_is_refused() -> None:
    with pytest.raises(ValueError, match="expected the 68 points of scheme 68, found 49"):
        find_conversion("68", "5").convert(np.zeros((49, 2)))


def test_weights_of_the_wrong_shape_are_refused() -> None:
    with pytest.raises(ValueError, match=r"expected weights of shape \(5, 68\), found \(68, 5\)"):
        Conversion("68", "5", "exact", np.zeros((68, 5)))
