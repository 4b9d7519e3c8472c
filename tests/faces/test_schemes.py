"""Every scheme keeps the rules of a landmark scheme; numbered as in the house's list of rules."""

import pickle
from itertools import chain

import pytest

from canthus.faces import SCHEMES, LandmarkScheme, scheme_of

COUNTS = {"5": 5, "19": 19, "21": 21, "29": 29, "68": 68, "98": 98}
COUNTS |= {"106jd": 106, "106if": 106, "478": 478}

every_scheme = pytest.mark.parametrize("scheme", SCHEMES.values(), ids=list(SCHEMES))


def swapped_side(part: str) -> str:
    side, _, rest = part.partition("_")
    return {"right": f"left_{rest}", "left": f"right_{rest}"}.get(side, part)


def small(**changes: object) -> LandmarkScheme:
    """A scheme of two eyes and a nose, with some fields changed."""
    fields: dict[str, object] = {
        "name": "small",
        "num_landmarks": 3,
        "mirror": (1, 0, 2),
        "parts": {"right_eye": (0,), "left_eye": (1,), "nose": (2,)},
        "edges": ((0, 2), (1, 2)),
        "normalizers": {"inter_pupil": ((0,), (1,))},
    }
    return LandmarkScheme(**(fields | changes))  # type: ignore[arg-type]


def test_the_nine_schemes_have_the_counts_that_their_names_promise() -> None:
    assert {name: scheme.num_landmarks for name, scheme in SCHEMES.items()} == COUNTS


@every_scheme
def test_mirroring_twice_is_the_identity(scheme: LandmarkScheme) -> None:  # rule 1
    there_and_back = [scheme.mirror[scheme.mirror[i]] for i in range(scheme.num_landmarks)]
    assert there_and_back == list(range(scheme.num_landmarks))


@every_scheme
def test_the_parts_hold_every_index_once(scheme: LandmarkScheme) -> None:  # rule 2
    indices = sorted(chain.from_iterable(scheme.parts.values()))
    assert indices == list(range(scheme.num_landmarks))


@every_scheme
def test_the_mirror_exchanges_right_parts_and_left_parts(scheme: LandmarkScheme) -> None:  # rule 3
    for name, part in scheme.parts.items():
        mirrored = {scheme.mirror[i] for i in part}
        assert mirrored == set(scheme.parts[swapped_side(name)]), name


@every_scheme
def test_the_edges_are_the_same_in_the_mirror(scheme: LandmarkScheme) -> None:  # rule 4
    edges = {frozenset(edge) for edge in scheme.edges}
    mirrored = {frozenset(scheme.mirror[i] for i in edge) for edge in edges}
    assert mirrored == edges


@every_scheme
def test_no_edge_is_drawn_twice(scheme: LandmarkScheme) -> None:
    assert len({frozenset(edge) for edge in scheme.edges}) == len(scheme.edges)


@every_scheme
def test_the_anchors_of_a_normalizer_swap_in_the_mirror(scheme: LandmarkScheme) -> None:  # rule 5
    for name, (right, left) in scheme.normalizers.items():
        assert {scheme.mirror[i] for i in right} == set(left), name


@every_scheme
def test_every_scheme_can_say_how_far_apart_the_pupils_are(scheme: LandmarkScheme) -> None:
    assert "inter_pupil" in scheme.normalizers


@pytest.mark.parametrize(
    ("name", "part", "first"),
    [
        ("68", "right_eye", 36),
        ("68", "left_eye", 42),
        ("68", "right_brow", 17),
        ("98", "right_eye", 60),
        ("98", "right_pupil", 96),
        ("29", "left_pupil", 17),
        ("21", "right_ear", 12),
        ("106jd", "left_brow", 42),
        ("478", "right_iris", 468),
    ],
)
def test_sides_are_the_subjects_own(name: str, part: str, first: int) -> None:
    assert scheme_of(name).parts[part][0] == first


def test_the_right_eye_of_68_is_36_to_41() -> None:
    assert scheme_of("68").parts["right_eye"] == (36, 37, 38, 39, 40, 41)


@pytest.mark.parametrize(
    ("name", "right", "left"),
    [("68", (36,), (45,)), ("98", (60,), (72,)), ("29", (8,), (9,)), ("106jd", (66,), (79,))],
)
def test_inter_ocular_joins_the_outer_corners(
    name: str, right: tuple[int, ...], left: tuple[int, ...]
) -> None:
    assert scheme_of(name).normalizers["inter_ocular"] == (right, left)


def test_the_edges_of_68_close_the_eye() -> None:
    assert (41, 36) in scheme_of("68").edges


@every_scheme
def test_a_scheme_survives_the_way_to_another_process(scheme: LandmarkScheme) -> None:
    assert pickle.loads(pickle.dumps(scheme)) == scheme


def test_equal_schemes_have_equal_hashes() -> None:
    assert hash(small()) == hash(small())


def test_the_parts_of_a_scheme_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        scheme_of("68").parts["nose"] = (1,)  # type: ignore[index]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mirror": (1, 2, 0)}, "exchange points in pairs"),
        ({"mirror": (1, 0)}, "name each of the 3 indices once"),
        ({"parts": {"eyes": (0, 1)}}, "cover each index exactly once"),
        ({"parts": {"eyes": (0, 1), "nose": (1, 2)}}, "cover each index exactly once"),
        ({"edges": ((0, 3),)}, "outside 0 to 2"),
        ({"normalizers": {"inter_pupil": ((0,), (-1,))}}, "outside 0 to 2"),
    ],
)
def test_a_scheme_that_contradicts_itself_is_refused(
    changes: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        small(**changes)


def test_an_unknown_scheme_is_answered_with_the_known_ones() -> None:
    with pytest.raises(ValueError, match="unknown landmark scheme '70'; known are 5, 19, 21"):
        scheme_of("70")


def test_106_alone_is_ambiguous() -> None:
    with pytest.raises(ValueError, match=r"say '106jd'.*or '106if'"):
        scheme_of("106")


def test_asking_the_schemes_for_what_they_do_not_hold_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        SCHEMES["66"]
