"""What `canthus align --write` makes of faces in 3-D: meshes, and pictures of them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.cli import outputs
from canthus.errors import CanthusError
from canthus.faces import Face
from canthus.faces.meshes import Mesh, to_obj, to_ply
from canthus.images.drawing import draw_pose
from canthus.images.files import write_image
from canthus.images.mesh_pictures import (
    color_picture,
    depth_picture,
    face_codes,
    overlay,
    wireframe,
)
from canthus.images.raster import Raster, rasterize
from canthus.images.shading import phong, vertex_normals
from canthus.runtime import Aligner
from canthus.runtime.face_models import mesh_of
from canthus.storage import write_whole

Image = NDArray[np.uint8]

MESHES = {"obj": to_obj, "ply": to_ply}  # a file for each face
SURFACES = ("depth", "pncc", "mesh", "overlay")  # one for all faces of a picture
PHOTOS = ("mesh", "overlay")  # those of them that are drawn over the photo
POSE = "pose"
VEIL = 0.3  # how far a lit face below its lines covers the photo
WHITE = 0.9  # of the faces that are laid over a picture


class Solids:
    """Writes what is wanted of the faces of pictures.

    Args:
        kinds: which of `request.KINDS`.
        aligner: whose faces they will be.

    Raises:
        CanthusError: if the model does not fit faces, or its face model is not known.
    """

    def __init__(self, kinds: Sequence[str], aligner: Aligner) -> None:
        name = aligner.manifest.name
        if aligner.face_model is None:
            _check_fits(aligner)
            raise CanthusError(
                f"{name}: --write needs the face model that it was made for: --face-model FILE"
            )
        self._model, self._kinds = aligner.face_model, kinds
        self._codes = face_codes(self._model.neutral)

    def write(self, folder: Path, image: Image, faces: Sequence[Face]) -> None:
        """Write all that is wanted of a picture's faces into a folder.

        Raises:
            CanthusError: if the face model is another than the network's.
            StorageError: if a file cannot be written; each is written wholly or not at all.
        """
        if not faces:
            return
        outputs.prepare(folder)
        places = [mesh_of(face, self._model) for face in faces]
        for number, vertices in enumerate(places, 1):
            mesh = Mesh(vertices, self._model.triangles, _colors(image, vertices))
            for kind in self._kinds:
                if kind in MESHES:
                    write_whole(folder / f"face-{number}.{kind}", MESHES[kind](mesh))
        if set(self._kinds) & set(SURFACES):
            for kind, picture in self._pictures(places, image).items():
                if kind in self._kinds:
                    write_image(folder / f"{kind}.png", picture)
        if POSE in self._kinds:
            drawn = image.copy()
            for face in faces:
                draw_pose(drawn, face)
            write_image(folder / f"{POSE}.png", drawn)

    def _pictures(self, places: list[NDArray[np.float32]], image: Image) -> dict[str, Image]:
        """Depth and PNCC on black, the others over the picture; larger faces are in front."""
        found = {
            kind: image.copy() if kind in PHOTOS else np.zeros_like(image) for kind in SURFACES
        }
        for vertices in sorted(places, key=lambda each: float(np.ptp(each[:, 1]))):
            raster = rasterize(vertices, self._model.triangles, (image.shape[1], image.shape[0]))
            for kind, shown in self._shown(raster, vertices, image).items():
                found[kind][raster.covered] = shown[raster.covered]
        return found

    def _shown(
        self, raster: Raster, vertices: NDArray[np.float32], image: Image
    ) -> dict[str, Image]:
        depths = vertices[:, 2]
        gray = depth_picture(
            raster.depth, nearest=float(depths.min()), farthest=float(depths.max())
        )
        light = phong(vertices, vertex_normals(vertices, self._model.triangles))
        return {
            "depth": np.repeat(gray[..., None], 3, axis=-1),
            "pncc": color_picture(raster, self._codes),
            "mesh": wireframe(
                overlay(image, raster, WHITE * light, opacity=VEIL), raster, vertices
            ),
            "overlay": overlay(image, raster, WHITE * light),
        }


def _check_fits(aligner: Aligner) -> None:
    """Make sure that a model answers meshes: seen by what it says of an empty crop."""
    side = aligner.manifest.crop_size
    if "shapes" not in aligner.backend.run(np.zeros((1, side, side, 3), np.uint8)):
        raise CanthusError(
            f"{aligner.manifest.name}: finds landmarks and no mesh; --write needs a model that "
            "fits a face model, such as `canthus import tddfa` makes"
        )


def _colors(image: Image, vertices: NDArray[np.float32]) -> Image:
    """The picture's colors at vertices; at its edge, for those outside."""
    last = np.array([image.shape[1] - 1, image.shape[0] - 1])
    x, y = np.clip(np.rint(vertices[:, :2]), 0, last).astype(int).T
    return image[y, x]
