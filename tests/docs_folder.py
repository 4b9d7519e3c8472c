"""A folder with what the pages of the docs take to be there, drawn or made up, and little of it."""

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from tests.cli.test_face_model import write_lifted
from tests.cli.test_import import PUBLISHED, written
from tests.datasets import test_records, test_wflw
from tests.datasets.conftest import ring, write_pair
from tests.images.test_video import record
from tests.importing import test_ict
from tests.importing.test_basel import write_v1
from tests.models.lgrn_recipes import filled

from canthus.datasets import ibug, synthetic
from canthus.datasets.formats import FORMATS
from canthus.faces import SCHEMES, Landmarks
from canthus.faces.scheme_files import scheme_from
from canthus.images.files import read_image, write_image
from canthus.importing import ict, lgrn

ROOT = Path(__file__).parents[1]
SIDE = 160  # pixels of a drawn picture
FACES = 8  # of a drawn data set, of which
KEPT = 3  # are for validation
MORE = 7  # faces of 300-W, so that they are enough to export with integers
YAW = (10, 45, 80)  # degrees that the faces of AFLW are said to be turned by, in turn
OWN_DATA = ROOT / "docs" / "howto" / "own-data.md"


def fill(folder: Path) -> None:
    """Put there what the pages take to be there before their first command."""
    generator = np.random.default_rng(0)
    _photos(folder)
    _data(folder / "data", generator)
    _published(folder, generator)
    _annotations(folder)
    _predictions(folder)
    _checkpoints(folder)
    write_lifted(folder / "lifted.npz", folder / "marked")


def _photos(folder: Path) -> None:
    portrait = ROOT / "docs" / "pictures" / "astronaut.jpg"
    (folder / "docs" / "pictures").mkdir(parents=True)
    shutil.copy(portrait, folder / "docs" / "pictures")
    shutil.copy(portrait, folder / "photo.jpg")
    (folder / "scripts").symlink_to(ROOT / "scripts")
    frame = read_image(portrait)[::2, ::2, ::-1]
    record(folder / "clip.mp4", [frame] * 3)
    np.save(folder / "clip.npy", 100 + np.tile(ring(68), (3, 1, 1)))


def _data(folder: Path, generator: np.random.Generator) -> None:
    """The data sets of the recipes."""
    synthetic.write(folder / "300w" / "afw", FACES + MORE, generator, size=SIDE)
    kept = [f"afw/face_{number:04d}.png\n" for number in range(KEPT)]
    (folder / "300w" / "val.txt").write_text("".join(kept))
    _table(folder / "ytf68", "68", generator)
    _table(folder / "aflw21", "21", generator)


def _table(folder: Path, scheme: str, generator: np.random.Generator) -> None:
    synthetic.write(folder / "images", FACES, generator, size=SIDE)
    names = [f"{axis}{number}" for number in range(int(scheme)) for axis in "xy"]
    lines = [",".join(["image", "split", "yaw_deg", *names])]
    for number, sample in enumerate(ibug.read(folder / "images")):
        points = sample.landmarks.map(scheme).points.ravel()
        cells = ["" if np.isnan(value) else f"{value:.3f}" for value in points]
        split = "val" if number < KEPT else "train"
        yaw = str(YAW[number % len(YAW)]) if scheme == "21" and number < KEPT else ""
        lines.append(",".join([sample.image.name, split, yaw, *cells]))
    (folder / "landmarks.csv").write_text("\n".join(lines))


def _published(folder: Path, generator: np.random.Generator) -> None:
    """WFLW and 300-W as they are published, and pictures of the latter as photos."""
    lists = folder / "WFLW" / test_wflw.LISTS
    lists.mkdir(parents=True)
    for split in ("train", "test"):
        line = test_wflw.line(picture=f"{split}.png")
        (lists / f"list_98pt_rect_attr_{split}.txt").write_text(line)
        write_pair(folder / "WFLW" / "WFLW_images" / f"{split}.png", ring(98))
    for number, name in enumerate(("helen/testset", "lfpw/testset", "ibug")):
        synthetic.write(folder / "300W" / name, 1, generator, size=SIDE)
        for drawn in (folder / "300W" / name).iterdir():
            drawn.rename(drawn.with_stem(f"photo_{number}"))
    shutil.copytree(folder / "300W" / "ibug", folder / "photos")
    write_image(folder / "a.jpg", np.full((48, 48, 3), 90, np.uint8))
    face = test_records.content((folder / "a.jpg").read_bytes())
    test_records.put(folder, [test_records.part(face)]).rename(folder / "ibug.rec")


def _annotations(folder: Path) -> None:
    """Somebody's own faces, and a scheme of their own as its page has it."""
    drawn = ibug.read(folder / "data" / "300w")
    named = [replace(face, name=face.image.relative_to(folder).as_posix()) for face in drawn]
    FORMATS["coco"].write(named, folder / "faces.json")
    FORMATS["cvat"].write(named, folder / "annotations.xml")
    cats = [replace(face, image=folder / f"cat_{number}.png") for number, face in enumerate(named)]
    FORMATS["csv"].write(cats, folder / "cats.csv")
    text = re.search(r"^```yaml\n(name: mine\nnames.*?)^```", OWN_DATA.read_text(), re.M | re.S)
    assert text
    (folder / "mine.yaml").write_text(text[1])
    for name, scheme in (("98", SCHEMES["98"]), ("mine", scheme_from(str(folder / "mine.yaml")))):
        points = Landmarks(ring(scheme.num_landmarks), scheme)
        faces = [replace(face, landmarks=points) for face in named]
        FORMATS["csv"].write(faces, folder / f"of-{name}.csv")


def _predictions(folder: Path) -> None:
    """Of somebody else: with their truth, and of a benchmark's faces."""
    for name, count in (("theirs", 68), ("of-mine", 5)):
        truth = np.tile(ring(count), (3, 1, 1))
        np.savez(folder / f"{name}.npz", truth=truth, prediction=truth + 1)
    np.savez(folder / "of-wflw.npz", image=["test.png"], prediction=ring(98)[None])


def _checkpoints(folder: Path) -> None:
    """What others have published, as far as it can be made up."""
    (folder / "bfm").mkdir()
    write_v1(folder / "bfm")
    meshes = folder / "ICT-FaceKit" / "FaceXModel"
    meshes.mkdir(parents=True)
    (meshes / ict.NEUTRAL).write_text(test_ict.obj(test_ict.NEUTRAL))
    for name, vertices in test_ict.MESHES.items():
        (meshes / f"{name}.obj").write_text(test_ict.obj(vertices))
    said = {"expressions": ["jawOpen"], "idx_to_landmark_verts": test_ict.LANDMARKS}
    (meshes / ict.INDICES).write_text(json.dumps(said))
    written(folder, PUBLISHED)
    small = replace(lgrn.PUBLISHED, backbone="mobilenet_c", size=64, width=8, blocks=1)
    torch.save({"state_dict": filled(small, 3, 0.7)[1]}, folder / "checkpoint.pth.tar")
