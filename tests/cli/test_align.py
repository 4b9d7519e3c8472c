"""`canthus align`, with the network that finds the bright spot in its crop."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canthus.images.files import read_image, write_image

Command = Callable[..., Any]
BOX = "60,40,100,80"


@pytest.fixture
def align(command: Command, spot_weights: Path) -> Command:
    """Runs the verb with the spot network."""
    return lambda *arguments: command("align", "--model", spot_weights, *arguments)


def test_a_picture_gives_its_landmarks_and_a_drawing(
    align: Command, photo: Path, tmp_path: Path
) -> None:
    done = align(photo, "--box", BOX, "--out", tmp_path / "faces")
    assert (done.code, done.err) == (0, "")
    assert done.out == f"{photo}: 1 face -> {tmp_path / 'faces' / 'photo'}.json, .png\n"
    assert sorted(os.listdir(tmp_path / "faces")) == ["photo.json", "photo.png"]


def test_the_json_is_of_schema_1(align: Command, photo: Path, tmp_path: Path) -> None:
    align(photo, "--box", BOX, "--out", tmp_path)
    said = json.loads((tmp_path / "photo.json").read_text())
    (face,) = said.pop("faces")
    expected = {"schema": 1, "image": str(photo), "width": 200, "height": 150, "model": "spot"}
    assert said == expected
    assert list(face) == ["box", "score", "landmarks"]
    assert face["landmarks"]["scheme"] == "68"
    assert np.array(face["landmarks"]["scores"]).shape == (68,)
    points = np.array(face["landmarks"]["points"])
    np.testing.assert_allclose(points.mean(axis=0), (81, 62), atol=0.02)
    edges = [*points.min(axis=0), *points.max(axis=0)]
    np.testing.assert_allclose(face["box"], edges, atol=2e-3)


def test_the_drawing_shows_the_picture_with_something_on_it(
    align: Command, photo: Path, tmp_path: Path
) -> None:
    align(photo, "--box", BOX, "--out", tmp_path)
    drawn = read_image(tmp_path / "photo.png")
    scale = drawn.shape[1] / 200  # small pictures are drawn enlarged
    assert drawn.shape[0] == round(150 * scale)
    colored = drawn.max(axis=2) > drawn.min(axis=2)  # the picture is gray
    x0, y0, x1, y1 = (int(scale * edge) for edge in (60, 40, 102, 85))
    assert colored[y0:y1, x0:x1].any()
    assert not colored[int(scale * 120) :, int(scale * 150) :].any()


def test_without_boxes_the_detector_finds_the_faces(align: Command, tmp_path: Path) -> None:
    data = pytest.importorskip("skimage.data")
    write_image(tmp_path / "astronaut.png", data.astronaut())
    done = align(tmp_path / "astronaut.png", "--json")
    (face,) = json.loads(done.out)["faces"]
    x0, y0, x1, y1 = face["box"]
    assert (170 < (x0 + x1) / 2 < 280) & (60 < (y0 + y1) / 2 < 180)
    assert 0.9 < face["score"] < 1


def test_where_nobody_is_the_answer_has_the_same_form(align: Command, tmp_path: Path) -> None:
    write_image(tmp_path / "black.png", np.zeros((100, 100, 3), np.uint8))
    done = align(tmp_path / "black.png", "--out", tmp_path / "out")
    assert (done.code, done.err) == (0, "")
    assert ": no face -> " in done.out
    assert json.loads((tmp_path / "out" / "black.json").read_text())["faces"] == []
    assert (tmp_path / "out" / "black.png").is_file()


def test_json_alone_prints_a_line_per_picture(align: Command, photo: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.png"
    shutil.copy(photo, other)
    boxes = tmp_path / "boxes.json"
    boxes.write_text(json.dumps({"photo.png": [[60, 40, 100, 80]] * 2, "other.png": []}))
    done = align(photo, other, "--boxes", boxes, "--json")
    first, second = map(json.loads, done.out.splitlines())
    assert (first["image"], len(first["faces"])) == (str(photo), 2)
    assert (second["image"], second["faces"]) == (str(other), [])


def test_json_beside_files_says_the_same(align: Command, photo: Path, tmp_path: Path) -> None:
    done = align(photo, "--box", BOX, "--json", "--out", tmp_path)
    assert done.out == (tmp_path / "photo.json").read_text()


def test_boxes_are_answered_in_their_order(align: Command, photo: Path) -> None:
    done = align(photo, "--box", "70,50,90,70", "--box", "41,22,121,102", "--json")
    first, second = json.loads(done.out)["faces"]
    assert first["box"][2] - first["box"][0] < second["box"][2] - second["box"][0]


def test_a_csv_of_boxes_does_as_well(align: Command, photo: Path, tmp_path: Path) -> None:
    boxes = tmp_path / "boxes.csv"
    boxes.write_text("image,x0,y0,x1,y1\nphoto.png,60,40,100,80\nphoto.png,61,41,101,81\n")
    done = align(photo, "--boxes", boxes, "--json")
    assert len(json.loads(done.out)["faces"]) == 2


def test_boxes_from_a_named_detector_are_made_tight(align: Command, photo: Path) -> None:
    tight = json.loads(align(photo, "--box", BOX, "--json").out)
    drawn = json.loads(align(photo, "--box", BOX, "--boxes-from", "mtcnn", "--json").out)
    assert drawn["faces"][0]["box"] != tight["faces"][0]["box"]


def test_a_folder_means_the_pictures_in_it(align: Command, photo: Path, tmp_path: Path) -> None:
    shutil.copy(photo, photo.with_name("again.png"))
    boxes = tmp_path / "boxes.json"
    boxes.write_text(json.dumps({"photo.png": [], "again.png": []}))
    done = align(photo.parent, "--boxes", boxes, "--json")
    names = [Path(json.loads(line)["image"]).name for line in done.out.splitlines()]
    assert names == ["again.png", "photo.png"]


@pytest.mark.parametrize("name", ["Grüße 你好.png", "a b'c.png", "-dash.png", "new\nline.png"])
def test_any_file_name_works(
    align: Command, photo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shutil.copy(photo, photo.with_name(name))
    monkeypatch.chdir(photo.parent)
    done = align("--box", BOX, "--json", "--out", tmp_path / "out", "--", name)
    assert done.code == 0
    assert json.loads(done.out)["image"] == name
    assert (tmp_path / "out" / name).is_file()


def test_pictures_of_one_stem_do_not_overwrite_each_other(
    align: Command, photo: Path, tmp_path: Path
) -> None:
    pictures = [tmp_path / name for name in ("a/x.png", "b/x.png", "b/x.jpg")]
    for picture in pictures:
        picture.parent.mkdir(exist_ok=True)
        write_image(picture, read_image(photo))
    boxes, out = tmp_path / "boxes.csv", tmp_path / "out"
    boxes.write_text("".join(f"{picture},60,40,100,80\n" for picture in pictures))
    assert align(*pictures, "--boxes", boxes, "--out", out).code == 0
    said = {path.stem: json.loads(path.read_text())["image"] for path in out.glob("*.json")}
    assert said == dict(zip(("x", "x-2", "x-3"), map(str, pictures), strict=True))


def test_a_picture_is_never_overwritten_by_its_drawing(align: Command, photo: Path) -> None:
    before = photo.read_bytes()
    assert align(photo, "--box", BOX, "--out", photo.parent).code == 0
    assert photo.read_bytes() == before
    assert photo.with_name("photo-2.png").is_file()


def test_a_strange_file_in_the_folder_is_not_overwritten(
    align: Command, photo: Path, tmp_path: Path
) -> None:
    precious = tmp_path / "photo.png"
    precious.write_bytes(b"another picture")
    done = align(photo, "--box", BOX, "--out", tmp_path)
    assert done.code == 1
    assert "choose another folder" in done.err
    assert precious.read_bytes() == b"another picture"


def test_an_earlier_answer_is_replaced(align: Command, photo: Path, tmp_path: Path) -> None:
    align(photo, "--box", BOX, "--out", tmp_path)
    assert align(photo, "--box", "41,22,121,102", "--out", tmp_path).code == 0
    assert len(list(tmp_path.glob("photo*.json"))) == 1


def test_one_bad_picture_does_not_stop_the_others(
    align: Command, photo: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_text("this is no picture")
    boxes = tmp_path / "boxes.json"
    boxes.write_text(json.dumps({"photo.png": [[60, 40, 100, 80]], "bad.jpg": []}))
    done = align(bad, photo, "--boxes", boxes, "--json")
    assert done.code == 1
    assert json.loads(done.out)["image"] == str(photo)
    assert "bad.jpg" in done.err
    assert "1 of 2 pictures failed" in done.err


@pytest.mark.parametrize(
    ("box", "said"),
    [("300,40,350,80", "outside the picture"), ("10,40,1e9,80", "times as large")],
)
def test_a_box_that_is_not_in_the_picture_ends_with_1(
    align: Command, photo: Path, box: str, said: str
) -> None:
    done = align(photo, "--box", box, "--json")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith(f"canthus: {photo}: box 0")
    assert said in done.err


def test_a_box_that_looks_like_width_and_height_is_warned_of(align: Command, photo: Path) -> None:
    done = align(photo, "--box", "55,10,60,70", "--json")
    assert done.code == 0
    assert "warning: box 0" in done.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["--box", "1,2,3", "--json"],
        ["--box", "a,b,c,d", "--json"],
        ["--box", "60,40,60,80", "--json"],
        ["--box", "nan,40,60,80", "--json"],
        ["--box", BOX],
        ["--boxes-from", "mtcnn", "--json"],
        ["--box", BOX, "--boxes-from", "wizard", "--json"],
        ["--box", BOX, "--boxes", "boxes.json", "--json"],
        ["--box", BOX, "--json", "--device", "tpu"],
        ["--box", BOX, "--json", "--threads", "0"],
        ["--json", "--nonsense"],
        ["--jso"],
    ],
)
def test_misuse_ends_with_2_and_says_why(align: Command, photo: Path, arguments: list[str]) -> None:
    done = align(photo, *arguments)
    assert (done.code, done.out) == (2, "")
    assert "usage: canthus align" in done.err


def test_a_box_is_for_one_picture(align: Command, photo: Path) -> None:
    done = align(photo, photo, "--box", BOX, "--json")
    assert done.code == 2
    assert "--boxes FILE" in done.err


def test_answers_do_not_go_among_the_pictures_of_a_folder(align: Command, photo: Path) -> None:
    done = align(photo.parent, "--out", photo.parent)
    assert done.code == 2
    assert "another folder" in done.err


def test_a_missing_picture_ends_with_1(align: Command, tmp_path: Path) -> None:
    done = align(tmp_path / "none.jpg", "--box", BOX, "--json")
    assert done.code == 1
    assert "none.jpg" in done.err
    assert "Traceback" not in done.err


def test_a_missing_model_ends_with_1(command: Command, photo: Path) -> None:
    done = command("align", photo, "--model", "none.onnx", "--json")
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("canthus: none.onnx: no such file")


def test_a_folder_that_cannot_be_made_ends_with_1(align: Command, photo: Path) -> None:
    done = align(photo, "--box", BOX, "--out", photo / "below")
    assert done.code == 1
    assert "cannot be written" in done.err


def test_one_picture_shows_no_progress(align: Command, photo: Path) -> None:
    assert align(photo, "--box", BOX, "--json").err == ""


@pytest.mark.parametrize(
    "arguments",
    [
        ["PHOTO", "--json", "--box", "-5,-6,120,119"],
        ["--json", "--box=-5,-6,120,119", "PHOTO"],
        ["--box", "-5,-6,120,119", "--json", "--", "PHOTO"],
    ],
)
def test_a_box_may_begin_with_a_minus(align: Command, photo: Path, arguments: list[str]) -> None:
    done = align(*(str(photo) if word == "PHOTO" else word for word in arguments))
    assert done.code == 0
    assert len(json.loads(done.out)["faces"]) == 1


def test_options_and_pictures_may_be_mixed(align: Command, photo: Path) -> None:
    boxes = photo.with_name("boxes.csv")
    boxes.write_text(f"{photo}\n")
    done = align(photo, "--json", photo, "--boxes", boxes, photo, "--", photo)
    assert (done.code, done.out.count("\n")) == (0, 4)


def test_a_verb_without_pictures_is_misuse(align: Command) -> None:
    done = align("--json")
    assert done.code == 2
    assert "name a picture" in done.err


def test_uncertainty_is_drawn_and_said(
    command: Command, photo: Path, doubtful_weights: Path, tmp_path: Path
) -> None:
    words = ["align", photo, "--model", doubtful_weights, "--once", "--box", BOX, "--out"]
    assert command(*words, tmp_path / "plain").code == 0
    assert command(*words, tmp_path / "shown", "--show", "uncertainty").code == 0
    plain, shown = (
        read_image(tmp_path / folder / "photo.png").astype(int) for folder in ("plain", "shown")
    )
    assert (np.abs(plain - shown).max(axis=2) > 20).sum() > 100
    said = json.loads((tmp_path / "shown" / "photo.json").read_text())["faces"][0]["landmarks"]
    xx, xy, yy = said["covariances"][0]
    assert (xx / yy, xy / yy) == pytest.approx((2, 0.5), rel=1e-4)


def test_uncertainty_that_a_model_does_not_know_cannot_be_shown(
    align: Command, photo: Path, tmp_path: Path
) -> None:
    done = align(photo, "--box", BOX, "--out", tmp_path, "--show", "uncertainty")
    assert done.code == 1
    assert "spot: does not say how far its landmarks may be off" in done.err


def test_attention_is_drawn_and_said(
    command: Command, photo: Path, attentive_weights: Path, tmp_path: Path
) -> None:
    words = ["align", photo, "--model", attentive_weights, "--once", "--box", BOX, "--out"]
    assert command(*words, tmp_path / "plain").code == 0
    assert command(*words, tmp_path / "shown", "--show", "attention").code == 0
    plain, shown = (
        read_image(tmp_path / folder / "photo.png").astype(int) for folder in ("plain", "shown")
    )
    assert (np.abs(plain - shown).max(axis=2) > 20).sum() > 100
    (face,) = json.loads((tmp_path / "shown" / "photo.json").read_text())["faces"]
    assert face["attention"] == [0.25, 0.75]
    assert np.shape(face["patches"]) == (2, 4, 2)


def test_attention_that_a_model_does_not_have_cannot_be_shown(
    align: Command, photo: Path, tmp_path: Path
) -> None:
    done = align(photo, "--box", BOX, "--out", tmp_path, "--show", "attention")
    assert done.code == 1
    assert "spot: says of no patches how much they counted" in done.err
    assert not list(tmp_path.glob("*.png"))


def test_nothing_can_be_shown_without_a_drawing(align: Command, photo: Path) -> None:
    done = align(photo, "--box", BOX, "--json", "--show", "uncertainty")
    assert done.code == 2
    assert "--show" in done.err


def test_what_cannot_be_shown_is_misuse(align: Command, photo: Path, tmp_path: Path) -> None:
    done = align(photo, "--box", BOX, "--out", tmp_path, "--show", "age")
    assert done.code == 2
    assert "uncertainty" in done.err


def test_parity_and_reinitialization_exclude_each_other(align: Command, photo: Path) -> None:
    done = align(photo, "--json", "--parity", "--reinitialize")
    assert done.code == 2
    assert "not both" in done.err


def test_a_face_can_be_looked_at_in_the_mirror_too(align: Command, photo: Path) -> None:
    done = align(photo, "--box", BOX, "--json", "--flip")
    said = json.loads(done.out)
    assert said["model"] == "spot with flip"
    points = np.array(said["faces"][0]["landmarks"]["points"])
    np.testing.assert_allclose(points.mean(axis=0), (81, 62), atol=0.02)


def test_parity_and_flip_exclude_each_other(align: Command, photo: Path) -> None:
    done = align(photo, "--json", "--parity", "--flip")
    assert done.code == 2
    assert "give --parity or --flip, not both" in done.err


def test_parity_is_for_imported_weights(align: Command, photo: Path) -> None:
    done = align(photo, "--json", "--parity")
    assert done.code == 1
    assert "parity is about the .safetensors file of an import" in done.err
