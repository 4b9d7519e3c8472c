"""Files that are not as they should be end in an error that says where."""

import os
import time
from pathlib import Path

import pytest

from canthus.datasets.formats import FORMATS, detect, parsing
from canthus.errors import DatasetError
from canthus.faces import SCHEMES

FIVE = SCHEMES["5"]
FILES = {name: f"a{form.suffix}" for name, form in FORMATS.items()}
KEYPOINTS = "[1,1,2, 9,1,2, 5,5,2, 2,9,2, 8,9,2]"
POINTS = "[[1,1],[1,9],[5,5],[9,2],[9,8]]"
COLUMNS = "image,x0,y0,x1,y1,x2,y2,x3,y3,x4,y4"
CELLS = "a.png,1,1,9,1,5,5,2,9,8,9"
SHAPE = '{"label":"%s","points":%s,"shape_type":"point"}'


def coco(keypoints: str = KEYPOINTS, name: str = '"a.png"', more: str = "") -> str:
    annotation = f'{{"image_id":1,"keypoints":{keypoints}{more}}}'
    return f'{{"images":[{{"id":1,"file_name":{name}}}],"annotations":[{annotation}]}}'


def ljson(points: str = POINTS, version: str = "2") -> str:
    return f'{{"version":{version},"landmarks":{{"points":{points}}}}}'


def labelme(shapes: str, name: str = '"a.png"') -> str:
    return f'{{"imagePath":{name},"shapes":[{shapes}]}}'


def dlib(parts: str, name: str = "a.png", sides: str = "top='0' left='0' width='9'") -> str:
    box = f"<box {sides} height='9'>\n{parts}</box>"
    return f"<dataset><images><image file='{name}'>\n{box}</image></images></dataset>"


def cvat(points: str, name: str = "a.png") -> str:
    skeleton = f"<skeleton>\n{points}</skeleton>"
    return f"<annotations><image name='{name}'>{skeleton}</image></annotations>"


BAD = [
    ("csv", "", ":1: expected a line of column names"),
    ("csv", "image,x0,y0\na.png,1,1\n", ":1: expected 10 columns for the 5 points of scheme 5"),
    ("csv", f"{COLUMNS},x5,y5\n", "scheme 5, found 12, the last of them ['y5']"),
    ("csv", COLUMNS.replace("x1", "x7"), ":1: expected a column 'x1'"),
    ("csv", f"{COLUMNS},image\n", ":1: expected columns that differ, found 'image' twice"),
    ("csv", f"{COLUMNS},box_x0\n", ":1: expected a column 'box_y0'"),
    ("csv", f"{COLUMNS}\n{CELLS},3\n", ":2: expected 11 columns, found 12"),
    ("csv", f"{COLUMNS}\n{CELLS}\n{CELLS.replace('9', 'nan')}\n", ":3: x1: expected a place"),
    ("csv", f"{COLUMNS}\n{CELLS.replace(',5,5', ',5,')}\n", ":2: expected x2 and y2 both"),
    ("csv", f"{COLUMNS}\n", ": expected faces with landmarks, found none"),
    ("csv", f"{COLUMNS}\na.png,1,1{',' * 8}\n", ":2: a box needs two known points"),
    ("csv", f"{COLUMNS}\n{'a' * 200000}\n", ": cannot be read as a table"),
    ("coco", "{", ":1: expected JSON"),
    ("coco", "[" * 200000, "nested too deep"),
    ("coco", "[]", ": expected an object of keys and values"),
    ("coco", '{"images":3}', ": images: expected a list, found 3"),
    ("coco", coco(name="3"), ": images[0].file_name: expected a text, found 3"),
    ("coco", coco("[1,2,3]"), "0].keypoints: expected 15 numbers, x, y and v for each of the 5"),
    ("coco", coco(KEYPOINTS.replace("5,5", "5,NaN")), "annotations[0].keypoints[7]: expected a f"),
    ("coco", coco(KEYPOINTS.replace("5,5", "5,1e308")), "annotations[0].keypoints[7]: expected"),
    ("coco", coco(KEYPOINTS.replace("5,5", f"5,1{'0' * 400}")), "annotations[0].keypoints[7]: exp"),
    ("coco", coco(KEYPOINTS.replace("5,5", f"5,1{'0' * 9000}")), ": cannot be read as JSON"),
    ("coco", coco(KEYPOINTS.replace("5,5", "5,true")), "annotations[0].keypoints[7]: expected a f"),
    ("coco", coco(KEYPOINTS.replace("8,9,2", "8,9,7")), "keypoints[14]: expected 0, 1 or 2"),
    (
        "coco",
        coco(more=',"bbox":[1,2,0,3]'),
        "annotations[0].bbox: expected a box of some width and height, found one from (1, 2) to",
    ),
    ("coco", coco().replace('_id":1', '_id":2'), "[0].image_id: expected the id of one of the"),
    ("coco", coco().replace('_id":1', '_id":[]'), "[0].image_id: expected a number or a text"),
    (
        "coco",
        coco().replace("}],", '},{"id":1,"file_name":"b.png"}],'),
        "[1].id: expected ids that d",
    ),
    ("ljson", ljson(version="1"), ": version: expected version 2 or 3, found 1"),
    ("ljson", ljson("[[1,2]]"), ": landmarks.points: expected the 5 points of scheme 5, found 1"),
    ("ljson", ljson(POINTS.replace("[5,5]", "[5,null]")), "landmarks.points[2][1]: expected a fin"),
    ("ljson", ljson(POINTS.replace("[5,5]", "7")), "landmarks.points[2]: expected a list, found 7"),
    ("ljson", '{"version":3,"groups":[]}', ": groups: expected an object"),
    ("labelme", labelme(SHAPE % ("nose", "[[1,1]]")), "shapes[0].label: expected a landmark's in"),
    ("labelme", labelme(SHAPE % ("5", "[[1,1]]")), "[0].label: expected an index from 0 to 4"),
    ("labelme", labelme(SHAPE % ("4", "[[1]]")), "shapes[0].points[0]: expected 2 numbers"),
    ("labelme", labelme(SHAPE % ("4", "[]")), "shapes[0].points: expected 1 points"),
    ("labelme", labelme(",".join([SHAPE % ("4", "[[1,1]]")] * 2)), "[1].label: expected each land"),
    ("dlib", "<dataset>", ":1: expected XML"),
    ("dlib", "<annotations/>", ":1: expected <dataset>, found <annotations>"),
    ("dlib", "<a>" * 100, ":1: expected at most 32 elements within each other"),
    ("dlib", "<?xml version='1.0' encoding='no-such'?><dataset/>", ": "),
    ("dlib", dlib("<part name='00' x='1'/>"), ":3: expected <part y=...>"),
    ("dlib", dlib("<part name='00' x='1' y='inf'/>"), ":3: y: expected a place in a picture"),
    ("dlib", dlib("<part name='7' x='1' y='1'/>"), ":3: expected an index from 0 to 4, found 7"),
    ("dlib", dlib("<part name='a' x='1' y='1'/>"), ": expected the 5 parts of scheme 5, found 1"),
    ("dlib", dlib("<part name='1' x='1' y='1'/>" * 2), ":3: expected each part once, found 1"),
    ("dlib", dlib("<part name='1' x='1' y='1'/>", sides=""), ":2: expected <box left=...>"),
    ("cvat", "<annotations>\n<track id='0'/></annotations>", ":2: expected CVAT for images, found"),
    ("cvat", cvat("<points label='0' points='1;2'/>"), ":2: expected 1 points, found 2"),
    ("cvat", cvat("<points label='0' points='1'/>"), ":2: expected 'x,y', found '1'"),
    ("cvat", cvat("<points label='0' points='1,nan'/>"), ":2: expected a place in a picture"),
    ("cvat", cvat("<points label='0' points='1,2' outside='no'/>"), ":2: expected outside of 0"),
    ("cvat", cvat("<points label='0' points='1,2'/>" * 2), ":2: expected each landmark once"),
    ("cvat", cvat(f"<points label='{'9' * 5000}' points='1,2'/>"), ":2: expected a landmark's ind"),
    ("cvat", cvat("<points label='9' points='1,2'/>"), ":2: expected an index from 0 to 4"),
    ("cvat", "<annotations/>", ": expected faces with landmarks, found none"),
]


@pytest.mark.parametrize(("name", "text", "said"), BAD)
def test_what_is_wrong_is_said_with_its_place(
    name: str, text: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    path = tmp_path / FILES[name]
    path.write_text(text)
    with pytest.raises(DatasetError) as error:
        FORMATS[name].read(path, FIVE)
    assert str(path) in str(error.value)
    assert said in str(error.value)


@pytest.mark.parametrize("unsafe", ["/etc/a.png", "../a.png", "a/../../b.png", "C:/a.png", ""])
@pytest.mark.parametrize("name", ["csv", "coco", "labelme", "dlib", "cvat"])
def test_names_that_lead_away_are_refused(name: str, unsafe: str, tmp_path: Path) -> None:
    texts = {
        "csv": f"{COLUMNS}\n{CELLS.replace('a.png', unsafe)}\n",
        "coco": coco(name=f'"{unsafe}"'),
        "labelme": labelme(SHAPE % ("4", "[[1,1]]"), f'"{unsafe}"'),
        "dlib": dlib("<part name='1' x='1' y='1'/>", unsafe),
        "cvat": cvat("<points label='0' points='1,2'/>", unsafe),
    }
    path = tmp_path / FILES[name]
    path.write_text(texts[name])
    with pytest.raises(DatasetError, match="expected the name of a picture below"):
        FORMATS[name].read(path, FIVE)


@pytest.mark.parametrize("name", ["dlib", "cvat"])
def test_entities_are_refused_at_once(name: str, tmp_path: Path) -> None:
    lols = "".join(f'<!ENTITY l{i + 1} "{f"&l{i};" * 10}">' for i in range(9))
    root = {"dlib": "dataset", "cvat": "annotations"}[name]
    text = f'<!DOCTYPE x [<!ENTITY l0 "lol">{lols}]>\n<{root} a="&l9;">&l9;</{root}>'
    (tmp_path / "a.xml").write_text(text)
    start = time.monotonic()
    with pytest.raises(DatasetError, match=r"a\.xml:1: .*found a declared entity"):
        FORMATS[name].read(tmp_path / "a.xml", FIVE)
    with pytest.raises(DatasetError):
        detect(tmp_path / "a.xml")
    assert time.monotonic() - start < 1


@pytest.mark.parametrize("name", [name for name in FORMATS if name not in ("pts", "records")])
def test_files_too_large_or_absent_are_refused(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(DatasetError):
        FORMATS[name].read(tmp_path / "none", FIVE)
    (tmp_path / "a.png").write_bytes(b"")
    path = tmp_path / FILES[name]
    path.write_text("12345")
    monkeypatch.setattr(parsing, "LARGEST", 4)
    with pytest.raises(DatasetError, match="expected at most 4 bytes, found 5"):
        FORMATS[name].read(path, FIVE)


@pytest.mark.parametrize("name", FORMATS)
def test_bytes_that_are_no_text(name: str, tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    path = tmp_path / FILES[name]
    path.write_bytes(b"\xff\xfe\x00\x81" * 9)
    with pytest.raises(DatasetError, match=FILES[name]):
        FORMATS[name].read(tmp_path if name == "pts" else path, FIVE)


def test_a_file_of_another_number_of_points(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    (tmp_path / "a.pts").write_text("version: 1\nn_points: 1\n{\n1 1\n}\n")
    with pytest.raises(DatasetError, match=r"a\.pts: expected the 5 points of scheme 5, found 1"):
        FORMATS["pts"].read(tmp_path, FIVE)


@pytest.mark.parametrize("text", ["hello", '{"a":1}', "<html/>", "<", "{}", "\0"])
def test_files_of_no_known_format(text: str, tmp_path: Path) -> None:
    (tmp_path / "a").write_text(text)
    with pytest.raises(DatasetError, match="expected one of coco, csv"):
        detect(tmp_path / "a")


@pytest.mark.parametrize("text", ["", "\ufeff", " \r\n"])
def test_an_empty_file_is_called_so(text: str, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(text)
    with pytest.raises(DatasetError, match=r"a\.csv: expected annotations, found an empty file"):
        detect(tmp_path / "a.csv")


def test_a_file_that_is_not_there_is_called_so(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"a\.csv: expected a file or a folder, found none"):
        detect(tmp_path / "a.csv")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.csv")
    with pytest.raises(DatasetError, match=r"a\.csv: expected .*, found something else"):
        detect(tmp_path / "a.csv")
    os.mkfifo(tmp_path / "a.pts")
    with pytest.raises(DatasetError, match=r"a\.pts: expected this file, found something else"):
        FORMATS["pts"].read(tmp_path, SCHEMES["5"])


def test_declared_entities_are_named_before_the_format_is_known(tmp_path: Path) -> None:
    (tmp_path / "a").write_text('<!DOCTYPE x [<!ENTITY a "b">]><dataset/>')
    with pytest.raises(DatasetError, match="found a declared entity"):
        detect(tmp_path / "a")


@pytest.mark.parametrize("mark", [";", "\t"])
def test_columns_that_no_comma_separates_are_told(mark: str, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(mark.join(["image", *(f"{axis}{i}" for i in range(5) for axis in "xy")]))
    assert detect(path) == "csv"
    with pytest.raises(DatasetError, match=r"a\.csv:1: expected columns, separated by commas"):
        FORMATS["csv"].read(path, SCHEMES["5"])


def test_folders_of_none_or_several_formats(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="expected the files of one format, found none"):
        detect(tmp_path)
    for name in ("a.pts", "a.ljson"):
        (tmp_path / name).touch()
    with pytest.raises(DatasetError, match="found ljson, pts"):
        detect(tmp_path)
