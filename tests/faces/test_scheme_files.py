"""Scheme files: read, refused with the key, checked."""

import pickle
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from canthus.errors import DatasetError
from canthus.faces import SCHEMES
from canthus.faces.scheme_files import (
    SchemeFile,
    check,
    open_scheme,
    read_scheme,
    scheme_from,
    to_yaml,
)

MINE = """\
name: mine
names: [right_eye, left_eye, nose, right_mouth, left_mouth]
parts: {right_eye: [0], left_eye: [1], nose: [2], mouth: [3, 4]}
mirror: [[0, 1], [3, 4]]
lines: {open: [[3, 4]], closed: []}
normalizers: {inter_pupil: [[0], [1]]}
mean_face: [[3, 4], [7, 4], [5, 6], [3.5, 8], [6.5, 8]]
conversions: {"5": {kind: exact, points: [0, 1, 2, 3, 4]}}
"""


def put(folder: Path, text: str) -> Path:
    path = folder / "mine.yaml"
    path.write_text(text)
    return path


def test_a_file_says_all_of_a_scheme(tmp_path: Path) -> None:
    file = read_scheme(put(tmp_path, MINE))
    assert file.scheme.name == "mine"
    assert file.scheme.mirror == (1, 0, 2, 4, 3)
    assert file.scheme.edges == ((3, 4),)
    assert file.called(2) == "2 (nose)"
    assert file.conversions["5"].kind == "exact"
    np.testing.assert_array_equal(file.conversions["5"].weights, np.eye(5))
    assert check(file) == []
    assert scheme_from(str(tmp_path / "mine.yaml")) == file.scheme


def test_edges_may_be_named_one_by_one(tmp_path: Path) -> None:
    text = MINE.replace("lines: {open: [[3, 4]], closed: []}", "edges: [[0, 2], [1, 2]]")
    assert read_scheme(put(tmp_path, text)).scheme.edges == ((0, 2), (1, 2))


def test_a_wrong_pair_is_found_by_the_mean_face(tmp_path: Path) -> None:
    file = read_scheme(put(tmp_path, MINE.replace("[0, 1], [3, 4]", "[0, 4], [1, 3]")))
    findings = check(file)
    assert any("is this a pair?" in finding and "0 (right_eye)" in finding for finding in findings)


def test_two_neighbors_paired_crosswise_are_found() -> None:
    right = np.array([[-6, 0], [-4, -1], [-3, -1], [-2, 0]])  # corners and upper lid of an eye
    face = np.concatenate([right, right * (-1, 1), [[0, 8.0]]])
    names = tuple(f"{side}_{i}" for side in ("right", "left") for i in range(4))
    scheme = replace(
        SCHEMES["5"],
        num_landmarks=9,
        mirror=(4, 6, 5, 7, 0, 2, 1, 3, 8),
        parts={"eyes": tuple(range(8)), "chin": (8,)},
        edges=(),
        normalizers={"inter_ocular": ((0,), (4,))},
        names=(*names, "chin"),
    )
    findings = check(SchemeFile(scheme, face))
    assert findings == [
        "in the mean face 1 (right_1) pairs better with 5 (left_1), and 2 (right_2) with "
        "6 (left_2): are they exchanged?",
        "in the mean face 5 (left_1) pairs better with 1 (right_1), and 6 (left_2) with "
        "2 (right_2): are they exchanged?",
    ]
    sound = replace(scheme, mirror=(4, 5, 6, 7, 0, 1, 2, 3, 8))
    assert check(SchemeFile(sound, face)) == []


def test_names_go_with_the_scheme(tmp_path: Path) -> None:
    scheme = read_scheme(put(tmp_path, MINE)).scheme
    assert scheme.names == ("right_eye", "left_eye", "nose", "right_mouth", "left_mouth")
    assert pickle.loads(pickle.dumps(scheme)) == scheme
    assert read_scheme(put(tmp_path, to_yaml(scheme))).scheme == scheme


@pytest.mark.parametrize("names", [("a", "b"), ("a", "b", "c", "d", "a")])
def test_names_are_one_for_each_landmark(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="its names must be one for each landmark"):
        replace(SCHEMES["5"], names=names)


def test_an_exact_conversion_holds_every_point(tmp_path: Path) -> None:
    file = read_scheme(put(tmp_path, MINE.replace("points: [0, 1, 2", "points: [0, 1, null")))
    assert check(file) == [
        "the conversion to 5 is exact, but not all of its points are: say partial"
    ]


def test_aliases_are_refused_at_once(tmp_path: Path) -> None:
    lols = "".join(f"  - &l{i} [{', '.join([f'*l{i - 1}'] * 10)}]\n" for i in range(1, 9))
    start = time.monotonic()
    with pytest.raises(DatasetError, match=r"mine\.yaml:\d+: .*found an anchor with an alias"):
        read_scheme(put(tmp_path, f"name:\n  - &l0 [x, x]\n{lols}"))
    assert time.monotonic() - start < 1


@pytest.mark.parametrize("name", ["none.yaml", "."])
def test_what_is_no_file_is_said(name: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected a scheme file, found none"):
        read_scheme(tmp_path / name)


def test_left_and_right_exchanged_is_found(tmp_path: Path) -> None:
    file = read_scheme(put(tmp_path, MINE.replace("[[0], [1]]", "[[1], [0]]")))
    assert any("subject's right is not at the picture's left" in each for each in check(file))


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "right_eye: [0], left_eye: [1]",
            "left_eye: [0], right_eye: [1]",
            "part right_eye: in the mean face it is not at the picture's left",
        ),
        (
            "names: [right_eye, left_eye",
            "names: [left_eye, right_eye",
            "right_eye: in the mean face it is not at the picture's left",
        ),
        (
            "right_eye, left_eye, nose, right_mouth",
            "right_eye, right_mouth, nose, left_eye",
            "0 (right_eye) mirrors to 1 (right_mouth), which is of the same side",
        ),
    ],
)
def test_names_of_the_wrong_side_are_found(old: str, new: str, said: str, tmp_path: Path) -> None:
    assert old in MINE
    assert said in check(read_scheme(put(tmp_path, MINE.replace(old, new))))


def test_a_conversion_that_is_not_symmetric_is_found(tmp_path: Path) -> None:
    file = read_scheme(put(tmp_path, MINE.replace("points: [0, 1, 2", "points: [0, 2, 2")))
    assert any("the conversion to 5 is not the same mirrored" in each for each in check(file))


def test_points_are_mixed_by_weights_and_lists(tmp_path: Path) -> None:
    text = MINE.replace("points: [0, 1,", "points: [{0: 0.75, 2: 0.25}, [1, 2],")
    file = read_scheme(put(tmp_path, text.replace("2, 3, 4]}}", "null, 3, 4]}}")))
    weights = file.conversions["5"].weights
    assert weights[0].tolist() == [0.75, 0, 0.25, 0, 0]
    assert weights[1].tolist() == [0, 0.5, 0.5, 0, 0]
    assert np.isnan(weights[2]).all()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("name: mine", "name: '68'", "name: expected a name that no known scheme has"),
        ("name: mine", "name: 3", "name: expected a text"),
        ("name: mine", "name: a\ncolor: 3", "yaml:2: unknown key 'color'"),
        ("nose: [2]", "nose: [7]", "parts.nose: expected indices from 0 to 4, found 7"),
        ("nose: [2], ", "", "parts: expected each landmark in a part"),
        ("nose: [2]", "nose: [2, 3]", "parts: expected each landmark in one part"),
        ("[3, 4]]\nlines", "[3, 3]]\nlines", r"mirror\[1\]: expected two landmarks"),
        ("open: [[3, 4]]", "open: [[3, 5]]", r"lines.open\[0\]: expected indices"),
        ("[[0], [1]]", "[[0]]", "normalizers.inter_pupil: expected two lists"),
        ("[3, 4], [7, 4]", "[3, 4]", "mean_face: expected 5 points"),
        ('"5"', '"6"', "conversions.6: expected one of 5, 19"),
        ("exact", "sure", "conversions.5: expected a kind"),
        ("[0, 1, 2, 3, 4]}}", "[0, 1]}}", "conversions.5.points: expected 5 entries, found 2"),
        ("[0, 1, 2, 3, 4]}}", "[0, 1, 2, 3, 9]}}", r"conversions.5.points\[4\]: expected ind"),
        ("[0, 1, 2, 3, 4]}}", "[{0: 2}, 1, 2, 3, 4]}}", r"points\[0\]: expected weights that add"),
        ("right_mouth, left", "nose, left", "names: expected names that differ"),
        ("name: mine", "name: [", "cannot be read as YAML"),
        ("name: mine", "name: 2020-13-45", "cannot be read as YAML: month"),
        ("name: mine", "name: mine\nname: mine", r"yaml:2: expected each key once, found 'name'"),
        ("nose: [2]", "nose: [2], nose: [2]", r"yaml:3: expected each key once, found 'nose'"),
        ("name: mine", 'name: "a\\nb"', "name: expected a text on one line"),
        ("open: [[3, 4]]", "open: 5", "yaml:5: lines.open: expected a list of lines, found 5"),
        ("[3, 4], [7", f"[1{'0' * 400}, 4], [7", "yaml:7: expected at most 200 characters"),
        ("[3, 4], [7", "[.nan, 4], [7", r"mean_face: expected 5 points .*, found \[\[nan"),
        ("name: mine", 'name: "106"', "yaml:1: name: expected a name that no known scheme has"),
        ("[3, 4], [7", "[1.0e+200, 4], [7", "mean_face: expected 5 points"),
        ("exact,", "exact, color: 3,", "conversions.5: expected a kind and points, found 'color'"),
        ("points: [0,", "points: [[0, 0],", r"points\[0\]: expected each index once"),
        ("points: [0,", "points: [{0: .nan, 1: 1},", r"points\[0\]: expected weights by index"),
        ("points: [0,", "points: [{0: .inf, 1: 1},", r"points\[0\]: expected weights by index"),
    ],
)
def test_what_is_wrong_is_said_with_its_key(old: str, new: str, said: str, tmp_path: Path) -> None:
    assert old in MINE
    with pytest.raises(DatasetError, match=said):
        read_scheme(put(tmp_path, MINE.replace(old, new, 1)))


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(DatasetError, match=r"known are 5, 19.*a scheme file ends in \.yaml"):
        open_scheme("67")


@pytest.mark.parametrize("name", SCHEMES)
def test_known_schemes_are_consistent_as_files(name: str, tmp_path: Path) -> None:
    text = to_yaml(SCHEMES[name])
    path = put(tmp_path, "\n".join(["name: copy", *text.splitlines()[1:]]))
    file = read_scheme(path)
    assert check(file) == []
    assert file.scheme.mirror == SCHEMES[name].mirror
    assert file.scheme.parts == SCHEMES[name].parts
    assert set(file.scheme.edges) == set(SCHEMES[name].edges)
