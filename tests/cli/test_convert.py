"""`canthus convert`, called as from a shell."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canthus.datasets import Sample
from canthus.datasets.formats import FORMATS
from canthus.datasets.formats.mapping import mapped
from canthus.faces import SCHEMES, Landmarks, find_conversion
from canthus.geometry import Box
from canthus.images.files import write_image

Command = Callable[..., Any]

MINE = """\
name: mine
num_landmarks: 5
parts: {right_eye: [0], left_eye: [1], nose: [2], mouth: [3, 4]}
mirror: [[0, 1], [3, 4]]
conversions: {"5": {kind: partial, points: [0, 1, null, 3, 4]}}
"""


def spread(count: int) -> np.ndarray[Any, np.dtype[np.float64]]:
    return np.random.default_rng(0).uniform(10, 80, (count, 2))


def sample_of(folder: Path, scheme: str, visible: bool = True) -> Sample:
    image = folder / "a.png"
    folder.mkdir(exist_ok=True)
    write_image(image, np.full((90, 120, 3), 90, np.uint8))
    count = SCHEMES[scheme].num_landmarks
    flags = np.ones(count, np.bool_)
    flags[0] = False
    landmarks = Landmarks(spread(count), SCHEMES[scheme])
    box = Box(10, 10, 80, 80)
    return Sample(image, box, landmarks, visible=flags if visible else None, name="a.png")


@pytest.fixture
def cvat(tmp_path: Path) -> Path:
    """A CVAT file of a face of 98 points, beside its picture."""
    path = tmp_path / "in" / "a.xml"
    FORMATS["cvat"].write([sample_of(tmp_path / "in", "98")], path)
    return path


def test_formats_are_told_by_themselves(command: Command, cvat: Path) -> None:
    out = cvat.with_name("b.csv")
    done = command("convert", cvat, out, "--scheme", "98")
    assert done.code == 0, done.err
    assert "1 faces in 1 pictures, from cvat (98 points) to csv (98 points)" in done.out
    assert "csv does not hold: visibility" in done.out
    (face,) = FORMATS["csv"].read(out, SCHEMES["98"])
    np.testing.assert_allclose(face.landmarks.points, spread(98), atol=1e-3)


def test_schemes_are_mapped(command: Command, cvat: Path) -> None:
    out = cvat.with_name("b.json")
    options = ("--scheme", "98", "--to-scheme", "68", "--approximate", "--json")
    done = command("convert", cvat, out, *options)
    assert done.code == 0, done.err
    values = json.loads(done.out)
    way = find_conversion("98", "68")
    assert values["schema"] == 1
    assert values["map"]["kind"] == way.kind
    assert sum(values["map"][key] for key in ("copied", "mixed", "unknown")) == 68
    assert values["map"]["points"]["mixed"] == [37, 38, 40, 41, 43, 44, 46, 47]  # the lids
    (face,) = FORMATS["coco"].read(out, SCHEMES["68"])
    np.testing.assert_allclose(face.landmarks.points, way.convert(spread(98)), atol=1e-3)


def test_estimates_need_a_word(command: Command, tmp_path: Path) -> None:
    guessed = [
        (source, target)
        for source, target in (("98", "68"), ("98", "106jd"), ("68", "29"), ("98", "29"))
        if find_conversion(source, target).kind in ("blend", "approx")
    ]
    source, target = guessed[0]
    path = tmp_path / "in" / "a.csv"
    FORMATS["csv"].write([sample_of(tmp_path / "in", source)], path)
    words = ("convert", path, tmp_path / "out.csv", "--scheme", source, "--to-scheme", target)
    done = command(*words)
    assert done.code == 1
    assert "--approximate" in done.err
    assert not (tmp_path / "out.csv").exists()
    assert command(*words, "--approximate").code == 0


def test_a_scheme_of_ones_own_is_mapped_as_its_file_says(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "in" / "a.csv"
    FORMATS["csv"].write([sample_of(tmp_path / "in", "5")], path)
    (tmp_path / "mine.yaml").write_text(MINE)
    words = ("convert", path, tmp_path / "in" / "b.csv", "--scheme", tmp_path / "mine.yaml")
    done = command(*words, "--to-scheme", "5")
    assert done.code == 0, done.err
    assert "map: partial; 4 copied, 0 mixed, 1 unknown\n  unknown: 2\n" in done.out
    (face,) = FORMATS["csv"].read(tmp_path / "in" / "b.csv", SCHEMES["5"])
    assert face.landmarks.known.tolist() == [True, True, False, True, True]
    other = command(*words[:2], tmp_path / "c.csv", *words[3:], "--to-scheme", "68")
    assert other.code == 1
    assert "no conversion from scheme mine to 68; its file has: 5" in other.err
    unclear = command(*words[:2], tmp_path / "c.csv", *words[3:], "--to-scheme", "106")
    assert "scheme '106' is ambiguous: say '106jd'" in unclear.err


def test_a_mixed_point_is_visible_if_all_its_points_are(tmp_path: Path) -> None:
    way = find_conversion("68", "5")
    (face,) = mapped([sample_of(tmp_path / "in", "68")], way)
    assert face.visible is not None
    assert face.visible.all()  # point 0 of 68 is of the jaw
    sample = sample_of(tmp_path / "in", "68")
    assert sample.visible is not None
    sample.visible[36] = False
    (face,) = mapped([sample], way)
    assert face.visible is not None
    assert face.visible.tolist() == (way.weights[:, 36] == 0).tolist()
    assert not face.visible.all()


def test_folders_come_with_their_pictures(command: Command, cvat: Path, tmp_path: Path) -> None:
    done = command("convert", cvat, tmp_path / "out", "--scheme", "98")
    assert done.code == 0, done.err
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.png", "a.pts"]
    again = command("convert", tmp_path / "out", tmp_path / "out" / "a.csv", "--scheme", "98")
    assert again.code == 0, again.err


def test_record_files_are_unpacked(command: Command, tmp_path: Path) -> None:
    picture = sample_of(tmp_path / "in", "68").image.read_bytes()
    points = spread(68).astype("<f4")
    record = struct.pack("<IfQQ", 136, 0, 0, 0) + points[:, ::-1].tobytes() + picture
    frame = struct.pack("<II", 0xCED7230A, len(record))
    path = tmp_path / "faces.rec"
    path.write_bytes((frame + record + bytes(-len(record) % 4)) * 2)
    done = command("convert", path, tmp_path / "out")
    assert done.code == 0, done.err
    assert "2 faces in 2 pictures, from records (68 points) to pts (68 points)" in done.out
    faces = FORMATS["pts"].read(tmp_path / "out", SCHEMES["68"])
    for face in faces:
        np.testing.assert_allclose(face.landmarks.points, points, atol=1e-4)
        assert face.image.read_bytes() == picture
    for other in ("a.csv", "b.rec"):
        refused = command("convert", path, tmp_path / other)
        assert refused.code == 1
        assert not (tmp_path / other).exists()


def test_nothing_that_is_there_is_written_over(
    command: Command, cvat: Path, tmp_path: Path
) -> None:
    before = cvat.read_bytes()
    for target, said in ((cvat, "is the input"), (cvat.parent, "is there already")):
        done = command("convert", cvat, target, "--to", "cvat", "--scheme", "98")
        assert done.code == 1
        assert said in done.err
    assert cvat.read_bytes() == before
    command("convert", cvat, tmp_path / "out", "--to", "labelme", "--scheme", "98")
    for name in ("more", "more.json"):
        done = command("convert", tmp_path / "out", tmp_path / "out" / name, "--scheme", "98")
        assert done.code == 1
        assert "is in the input" in done.err


@pytest.mark.parametrize("words", [("--from", "xml"), ("--to", "xml")])
def test_unknown_formats_are_misuse(command: Command, cvat: Path, words: tuple[str, str]) -> None:
    done = command("convert", cvat, cvat.with_name("b.csv"), *words)
    assert done.code == 2


@pytest.mark.parametrize(
    "words", [("--scheme", "67"), ("--scheme", "68"), ("--scheme", "98", "--to-scheme", "67")]
)
def test_schemes_that_do_not_fit_are_reasons(
    command: Command, cvat: Path, words: tuple[str, ...]
) -> None:
    done = command("convert", cvat, cvat.with_name("b.csv"), *words)
    assert done.code == 1
    assert "Traceback" not in done.err
    assert not cvat.with_name("b.csv").exists()
