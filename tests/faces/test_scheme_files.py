"""Scheme files: read, refused with the key, checked."""

from pathlib import Path

import numpy as np
import pytest

from canthus.errors import DatasetError
from canthus.faces import SCHEMES
from canthus.faces.scheme_files import check, open_scheme, read_scheme, scheme_from, to_yaml

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


def test_left_and_right_exchanged_is_found(tmp_path: Path) -> None:
    file = read_scheme(put(tmp_path, MINE.replace("[[0], [1]]", "[[1], [0]]")))
    assert any("subject's right is not at the picture's left" in each for each in check(file))


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
        ("name: mine", "name: a\ncolor: 3", "unknown key 'color'"),
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
