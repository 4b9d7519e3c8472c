"""What a 3-D fit gives of a photo, on one sheet: python THIS PHOTO OUT.png.

Landmarks, mesh, lit faces, depth, PNCC and pose, cut out around the faces, each with its name
below it.

    python scripts/draw_tddfa.py photo.jpg sheet.png --model mb05.onnx --face-model FILE
"""

import argparse
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import canthus
from canthus.cli.solids import Solids
from canthus.faces import Face
from canthus.images.drawing import draw_landmarks
from canthus.images.files import write_image
from canthus.images.sheets import contact_sheet

KINDS = {
    "mesh": "--write mesh",
    "overlay": "--write overlay",
    "depth": "--write depth",
    "pncc": "--write pncc",
    "pose": "--write pose",
}
AROUND = 0.45  # sides of the faces' box that are shown on each side of it
SIDE = 360  # pixels of a tile's longer side, at least
COLUMNS = 3

Image = NDArray[np.uint8]


def main() -> None:
    """Align the photo, draw the sheet, and say how the faces look."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path, metavar="PHOTO")
    parser.add_argument("out", type=Path, metavar="OUT.png")
    parser.add_argument("--model", default="tddfa", metavar="NAME|FILE")
    parser.add_argument("--face-model", type=Path, metavar="FILE")
    asked = parser.parse_args()
    aligner = canthus.load(asked.model, face_model=asked.face_model)
    image = canthus.read_image(asked.photo)
    faces = aligner(image)
    if not faces:
        raise SystemExit(f"{asked.photo}: expected a face, found none")
    solids = Solids(tuple(KINDS), aligner)
    tiles = dict(pictures(solids, image, faces))
    write_image(asked.out, contact_sheet(list(tiles.values()), COLUMNS, list(tiles)))
    for face in faces:
        assert face.visible is not None
        print(face.pose, f"{face.visible.sum()} of {len(face.visible)} landmarks are seen")


def pictures(solids: Solids, image: Image, faces: Sequence[Face]) -> Iterator[tuple[str, Image]]:
    """The tiles by their captions."""
    x, y = window(image, faces)
    times = -(-SIDE // max(x.stop - x.start, y.stop - y.start))
    drawn = image.copy()
    for face in faces:
        draw_landmarks(drawn, face.landmarks, visible=face.visible)
    yield "landmarks; hidden ones faint", enlarged(drawn[y, x], times)
    with tempfile.TemporaryDirectory() as folder:
        solids.write(Path(folder), image, faces)
        for kind, caption in KINDS.items():
            picture = canthus.read_image(Path(folder) / f"{kind}.png")
            yield caption, enlarged(picture[y, x], times)


def window(image: Image, faces: Sequence[Face]) -> tuple[slice, slice]:
    """The columns and rows around all faces."""
    boxes = np.array([face.box.as_tuple() for face in faces])
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    margin = AROUND * (high - low).max()
    limits = image.shape[1::-1]
    x0, y0 = np.clip(np.floor(low - margin), 0, limits).astype(int).tolist()
    x1, y1 = np.clip(np.ceil(high + margin) + 1, 0, limits).astype(int).tolist()
    return slice(x0, x1), slice(y0, y1)


def enlarged(picture: Image, times: int) -> Image:
    """A picture whose pixels are repeated."""
    return picture.repeat(times, axis=0).repeat(times, axis=1)


if __name__ == "__main__":
    main()
