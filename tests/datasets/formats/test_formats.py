"""What is written is read again; what other tools write is read right."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from canthus.datasets import Sample
from canthus.datasets.formats import FORMATS, detect, meant
from canthus.errors import DatasetError
from canthus.faces import SCHEMES, Landmarks
from canthus.geometry import Box
from canthus.images.files import write_image

Make = Callable[..., Sample]
FIVE = SCHEMES["5"]
WRITTEN = [name for name in FORMATS if name != "records"]
MIDDLE = [[10, 20], [30, 20], [20, 30], [12, 40], [28, 40]]  # what all files below say

LJSON = '"landmarks": {"connectivity": [[0, 1]], "points": [[20,10],[20,30],%s,[40,12],[40,28]]}'
CVAT = "".join(
    f'<points label="{i}" outside="{int(i == 2)}" occluded="{int(i == 4)}" '
    f'points="{x + 0.5},{y + 0.5}"/>'
    for i, (x, y) in enumerate(MIDDLE)
)
LABELME = ",".join(
    f'{{"label":"{i}","points":[[{x + 0.5},{y + 0.5}]],"shape_type":"point","group_id":null}}'
    for i, (x, y) in enumerate(MIDDLE)
    if i != 2
)
DLIB = "".join(
    f'<part name="{i:02}" x="{x}" y="{y}"/>' for i, (x, y) in enumerate(MIDDLE) if i != 2
)

# by format: the name of the file, and its text, as other tools write it; point 2 is unknown
FOREIGN = [
    (
        "csv",
        "a.csv",
        "image,who,x0,y0,x1,y1,x2,y2,x3,y3,x4,y4\na.png,me,10,20,30,20,,,12,40,28,40\n",
    ),
    (
        "coco",
        "a.json",
        '{"images":[{"id":7,"file_name":"a.png","width":9,"height":9}],\n"annotations":['
        '{"image_id":7,"category_id":1,"bbox":[5,6,30,40],"num_keypoints":4,"keypoints":'
        '[10,20,2,30,20,2,0,0,0,12,40,2,28,40,1]},\n{"image_id":7,"bbox":[0,0,4,4]}]}',
    ),
    (
        "dlib",
        "a.xml",
        "<?xml version='1.0' encoding='ISO-8859-1'?>\n"
        "<?xml-stylesheet type='text/xsl' href='image_metadata_stylesheet.xsl'?>\n"
        "<dataset><name>x</name><images><image file='a.png'>\n"
        f"<box top='6' left='5' width='30' height='40'>{DLIB}</box></image></images></dataset>",
    ),
    ("ljson", "a.ljson", '{"version":2,"labels":[],\n%s}' % (LJSON % "null")),
    (
        "ljson",
        "a.ljson",
        '{"version":3,"groups":{"LJSON":{"labels":[],\n%s}}}' % (LJSON % "[null,null]"),
    ),
    (
        "cvat",
        "a.xml",
        '<?xml version="1.0" encoding="utf-8"?>\n<annotations><version>1.1</version>\n'
        '<image id="0" name="a.png" width="9" height="9"><polygon label="hat" points="1,1;2,2"/>'
        f'<skeleton label="face" z_order="0">{CVAT}</skeleton></image></annotations>',
    ),
    (
        "labelme",
        "a.json",
        '{"version":"5.2","imagePath":"a.png","imageData":null,\n"shapes":['
        f'{{"label":"hat","points":[[1,1],[2,2]],"shape_type":"line"}},{LABELME}]}}',
    ),
]


def put(folder: Path, name: str, text: str) -> Path:
    """A file beside a picture `a.png`."""
    write_image(folder / "a.png", np.full((90, 120, 3), 90, np.uint8))
    (folder / name).write_bytes(text.encode())
    return folder / name


def close(found: Sequence[Sample], wanted: Sequence[Sample]) -> None:
    assert len(found) == len(wanted)
    for one, other in zip(found, wanted, strict=True):
        np.testing.assert_allclose(one.landmarks.points, other.landmarks.points, atol=1e-3)
        assert one.name == other.name


@pytest.mark.parametrize("name", WRITTEN)
def test_what_is_written_is_read_again(name: str, make: Make, tmp_path: Path) -> None:
    form = FORMATS[name]
    gaps = () if name == "pts" else (2,)
    faces = [make("a.png", gaps, [3] if name != "pts" else ()), make("deep/b&'1.png")]
    out = tmp_path / ("out" if form.folder else f"in/out{form.suffix}")
    form.write(faces, out)
    found = form.read(out, FIVE)
    close(found, faces)
    assert detect(out) == name
    if "box" not in form.loses:
        assert found[0].box == faces[0].box
    if "visibility" not in form.loses:
        assert found[0].visible is not None
        assert found[0].visible.tolist() == [True, True, False, False, True]
    assert all(face.image.is_file() for face in found)


@pytest.mark.parametrize("name", [name for name in WRITTEN if name != "pts"])
def test_a_picture_may_have_several_faces(name: str, make: Make, tmp_path: Path) -> None:
    form = FORMATS[name]
    faces = [make(unknown=[0]), make(unknown=[4]), make()]
    out = tmp_path / ("out" if form.folder else f"in/out{form.suffix}")
    form.write(faces, out)
    close(form.read(out, FIVE), faces)


@pytest.mark.parametrize("name", WRITTEN)
def test_known_points_of_every_scheme_go_round(name: str, make: Make, tmp_path: Path) -> None:
    form, scheme = FORMATS[name], SCHEMES["106jd"]
    points = np.random.default_rng(0).uniform(-20, 4000, (106, 2))
    face = replace(make(), landmarks=Landmarks(points, scheme), visible=None)
    out = tmp_path / ("out" if form.folder else f"in/out{form.suffix}")
    form.write([face], out)
    close(form.read(out, scheme), [face])


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize(("name", "file", "text"), FOREIGN)
def test_files_of_other_tools(
    name: str, file: str, text: str, mark: str, ending: str, tmp_path: Path
) -> None:
    if "ISO-8859-1" in text:
        mark = ""
    path = put(tmp_path, file, mark + text.replace("\n", ending))
    assert detect(path) == name
    (face,) = FORMATS[name].read(path, FIVE)
    wanted = np.array(MIDDLE, np.float32)
    wanted[2] = np.nan
    np.testing.assert_array_equal(face.landmarks.points, wanted)
    assert face.image == tmp_path / "a.png"
    assert face.name == "a.png"
    if face.visible is not None:
        assert face.visible.tolist() == [True, True, False, True, False]


def test_pts_count_from_one(tmp_path: Path) -> None:
    rows = "\r\n".join(f"{x + 1} {y + 1}" for x, y in MIDDLE)
    put(tmp_path, "a.pts", f"\ufeffversion: 1\r\nn_points: 5\r\n{{\r\n{rows}\r\n}}\r\n")
    assert detect(tmp_path) == "pts"
    (face,) = FORMATS["pts"].read(tmp_path, FIVE)
    np.testing.assert_array_equal(face.landmarks.points, MIDDLE)


def test_boxes_of_files_are_in_pixels(tmp_path: Path) -> None:
    texts = {name: (file, text) for name, file, text in FOREIGN}
    (coco,) = FORMATS["coco"].read(put(tmp_path, *texts["coco"]), FIVE)
    (dlib,) = FORMATS["dlib"].read(put(tmp_path, *texts["dlib"]), FIVE)
    assert (coco.box.x0, coco.box.y0, coco.box.x1, coco.box.y1) == (5, 6, 35, 46)
    assert (dlib.box.x0, dlib.box.y0, dlib.box.x1, dlib.box.y1) == (4.5, 5.5, 34.5, 45.5)


def test_cvat_points_may_be_one_set(tmp_path: Path) -> None:
    places = ";".join(f"{x + 0.5},{y + 0.5}" for x, y in MIDDLE)
    shape = f'<points label="face" occluded="1" points="{places}"/>'
    text = f'<annotations><image name="a.png">{shape}</image></annotations>'
    (face,) = FORMATS["cvat"].read(put(tmp_path, "a.xml", text), FIVE)
    np.testing.assert_array_equal(face.landmarks.points, MIDDLE)
    assert face.visible is not None
    assert not face.visible.any()


def test_labels_may_count_from_one(tmp_path: Path) -> None:
    shapes = "".join(
        f'<points label="{i}" points="{x + 0.5},{y + 0.5}"/>' for i, (x, y) in enumerate(MIDDLE, 1)
    )
    text = f'<annotations><image name="a.png"><skeleton>{shapes}</skeleton></image></annotations>'
    (face,) = FORMATS["cvat"].read(put(tmp_path, "a.xml", text), FIVE)
    np.testing.assert_array_equal(face.landmarks.points, MIDDLE)


def test_names_of_dlib_parts_are_in_the_order_of_the_alphabet(tmp_path: Path) -> None:
    named = zip("edcba", MIDDLE[::-1], strict=True)
    parts = "".join(f'<part name="{name}" x="{x}" y="{y}"/>' for name, (x, y) in named)
    box = f'<box top="1" left="1" width="9" height="9">{parts}</box>'
    text = f'<dataset><images><image file="a.png">{box}</image></images></dataset>'
    (face,) = FORMATS["dlib"].read(put(tmp_path, "a.xml", text), FIVE)
    np.testing.assert_array_equal(face.landmarks.points, MIDDLE)


NAMED = replace(FIVE, name="mine", names=("re", "le", "nose", "rm", "lm"))


def named(name: str) -> tuple[str, str]:
    """A file in which another tool has labeled the points by name, not in the scheme's order."""
    pairs = list(zip(NAMED.names, MIDDLE, strict=True))[::-1]
    if name == "labelme":
        shapes = ",".join(
            f'{{"label":"{label}","points":[[{x + 0.5},{y + 0.5}]],"shape_type":"point"}}'
            for label, (x, y) in pairs
        )
        return "a.json", f'{{"imagePath":"a.png","shapes":[{shapes}]}}'
    if name == "cvat":
        points = "".join(
            f'<points label="{label}" points="{x + 0.5},{y + 0.5}"/>' for label, (x, y) in pairs
        )
        image = f'<image name="a.png"><skeleton>{points}</skeleton></image>'
        return "a.xml", f"<annotations>{image}</annotations>"
    parts = "".join(f'<part name="{label}" x="{x}" y="{y}"/>' for label, (x, y) in pairs)
    box = f'<box top="1" left="1" width="9" height="9">{parts}</box>'
    return "a.xml", f'<dataset><images><image file="a.png">{box}</image></images></dataset>'


@pytest.mark.parametrize("name", ["labelme", "cvat", "dlib"])
def test_points_may_be_labeled_by_the_schemes_names(name: str, tmp_path: Path) -> None:
    path = put(tmp_path, *named(name))
    (face,) = FORMATS[name].read(path, NAMED)
    np.testing.assert_array_equal(face.landmarks.points, MIDDLE)


@pytest.mark.parametrize("name", ["labelme", "cvat", "dlib"])
def test_names_that_the_scheme_does_not_have_are_refused(name: str, tmp_path: Path) -> None:
    file, text = named(name)
    path = put(tmp_path, file, text.replace('"nose"', '"snout"'))
    with pytest.raises(DatasetError, match="expected a landmark's index or name, found 'snout'"):
        FORMATS[name].read(path, NAMED)


def test_a_category_in_another_order_is_refused(make: Make, tmp_path: Path) -> None:
    face = make()
    face = replace(face, landmarks=Landmarks(face.landmarks.points, NAMED))
    path = tmp_path / "in" / "a.json"
    FORMATS["coco"].write([face], path)
    close(FORMATS["coco"].read(path, NAMED), [face])
    path.write_text(path.read_text().replace('"re", "le"', '"le", "re"'))
    with pytest.raises(DatasetError, match=r"categories\[0\].keypoints\[0\]: expected 're', as"):
        FORMATS["coco"].read(path, NAMED)


@pytest.mark.parametrize("name", FORMATS)
def test_depth_is_not_dropped(name: str, make: Make, tmp_path: Path) -> None:
    face = make()
    deep = Landmarks(np.column_stack([face.landmarks.points, np.ones(5)]), FIVE)
    with pytest.raises(DatasetError, match="no format here holds depth, found 3 coordinates"):
        FORMATS[name].write([replace(face, landmarks=deep)], tmp_path / "in" / "out")
    assert not (tmp_path / "in" / "out").exists()


def test_backslashes_lead_to_a_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    text = FOREIGN[0][2].replace("a.png", "in\\a.png")
    (face,) = FORMATS["csv"].read(put(tmp_path, "a.csv", text), FIVE)
    assert face.image == tmp_path / "in" / "a.png"


def test_dlib_boxes_grow_to_whole_pixels(make: Make, tmp_path: Path) -> None:
    path = tmp_path / "in" / "a.xml"
    FORMATS["dlib"].write([replace(make(), box=Box(10.2, 20.4, 30.6, 41))], path)
    (face,) = FORMATS["dlib"].read(path, FIVE)
    assert face.box == Box(9.5, 19.5, 31.5, 41.5)


def test_pts_files_refuse_what_they_cannot_hold(make: Make, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"a\.png: expected points that are all known"):
        FORMATS["pts"].write([make(unknown=[1])], tmp_path / "out")
    with pytest.raises(DatasetError, match=r"a\.png: expected one face"):
        FORMATS["pts"].write([make(), make()], tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("name", FORMATS)
def test_no_faces_are_nothing_to_write(name: str, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected faces of one scheme to write, found 0"):
        FORMATS[name].write([], tmp_path / "out")


def test_files_of_one_stem_are_not_mixed_up(make: Make, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"b\.jpg: shares b\.ljson with another picture"):
        FORMATS["ljson"].write([make("b.png"), make("b.jpg")], tmp_path / "out")


def test_names_are_those_below_the_folder_of_the_file(make: Make, tmp_path: Path) -> None:
    FORMATS["csv"].write([make("deep/a.png")], tmp_path / "faces.csv")
    (face,) = FORMATS["csv"].read(tmp_path / "faces.csv", FIVE)
    assert face.name == "in/deep/a.png"
    assert face.image.is_file()


@pytest.mark.parametrize(
    ("name", "wanted"), [("a.csv", "csv"), ("a.JSON", "coco"), ("folder", "pts")]
)
def test_a_name_means_a_format(name: str, wanted: str) -> None:
    assert meant(Path(name)) == wanted


@pytest.mark.parametrize(("name", "said"), [("a.xml", "say one of cvat, dlib"), ("a.txt", "coco")])
def test_a_name_that_means_nothing(name: str, said: str) -> None:
    with pytest.raises(DatasetError, match=said):
        meant(Path(name))
