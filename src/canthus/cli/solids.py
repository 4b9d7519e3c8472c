"""What `canthus align --write` makes of faces in 3-D: meshes, and pictures of them."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.cli import outputs
from canthus.errors import CanthusError
from canthus.faces import Face, Fit
from canthus.faces.face_model import OPEN, read_face_model
from canthus.faces.meshes import Mesh, to_obj, to_ply
from canthus.images.files import write_image
from canthus.images.mesh_pictures import color_picture, depth_picture, face_codes, overlay
from canthus.images.raster import Raster, rasterize
from canthus.images.shading import phong, vertex_normals
from canthus.runtime import Aligner
from canthus.storage import write_whole

Image = NDArray[np.uint8]

MESHES = {"obj": to_obj, "ply": to_ply}  # a file for each face
PICTURES = ("depth", "pncc", "overlay")  # one for all faces of a picture
APART = 0.02  # sides of a face's box that the landmarks and the mesh may be apart
WHITE = 0.9  # of the faces that are laid over a picture


class Solids:
    """Writes what is wanted of the faces of pictures.

    Args:
        given: the face model's file; by default the one that the network was trained with.
        kinds: which of `request.KINDS`.
        aligner: whose faces they will be.

    Raises:
        WeightsError: if the face model's file is missing or damaged.
        CanthusError: if the model does not fit faces, or by another face model.
    """

    def __init__(self, given: Path | None, kinds: Sequence[str], aligner: Aligner) -> None:
        counts = _counts_of(aligner)
        path = given or _face_model_of(aligner)
        try:
            self._model = read_face_model(path).reduced(*counts)
        except ValueError as error:
            name = aligner.manifest.name
            raise CanthusError(f"{path}: {error}; {name} was made for another model") from None
        if not len(self._model.triangles):
            raise CanthusError(
                f"{path}: has points and no triangles; convert the face model without --sparse"
            )
        self._kinds, self._path, self._name = kinds, path, aligner.manifest.name
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
        places = [self._places(face) for face in faces]
        for number, vertices in enumerate(places, 1):
            mesh = Mesh(vertices, self._model.triangles, _colors(image, vertices))
            for kind in self._kinds:
                if kind in MESHES:
                    write_whole(folder / f"face-{number}.{kind}", MESHES[kind](mesh))
        if set(self._kinds) & set(PICTURES):
            for kind, picture in self._pictures(places, image).items():
                if kind in self._kinds:
                    write_image(folder / f"{kind}.png", picture)

    def _places(self, face: Face) -> NDArray[np.float32]:
        assert isinstance(face.fit, Fit)
        count = len(self._model.identity)
        shape = face.fit.shape
        places = face.fit.in_picture(self._model.vertices(shape[:count], shape[count:]))
        away = self._model.keypoints_of(places)[:, :2] - face.landmarks.points[:, :2]
        if np.linalg.norm(away, axis=1).mean() > APART * face.box.side:
            raise CanthusError(
                f"{self._path}: its points are not where {self._name} has found them; expected "
                "the face model that it was made for"
            )
        return places

    def _pictures(self, places: list[NDArray[np.float32]], image: Image) -> dict[str, Image]:
        """Depth and PNCC on black, and the faces lit over the picture; larger ones in front."""
        found = {kind: np.zeros_like(image) for kind in PICTURES}
        found["overlay"] = image.copy()
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
            "overlay": overlay(image, raster, WHITE * light),
        }


def _counts_of(aligner: Aligner) -> tuple[int, int]:
    """How many coefficients of identity and of expression a model says."""
    model = aligner.manifest.recipe.get("model")
    counts = [
        value if isinstance(model, dict) and isinstance(value := model.get(name), int) else None
        for name in ("identities", "expressions")
    ]
    side = aligner.manifest.crop_size
    answer = aligner.backend.run(np.zeros((1, side, side, 3), np.uint8))
    if "shapes" not in answer or counts[0] is None or counts[1] is None:
        raise CanthusError(
            f"{aligner.manifest.name}: finds landmarks and no mesh; --write needs a model that "
            "fits a face model, such as `canthus import tddfa` makes"
        )
    return counts[0], counts[1]


def _face_model_of(aligner: Aligner) -> Path:
    """The face model that a network was trained with, if that is inside the package."""
    model = aligner.manifest.recipe.get("model")
    name = model.get("face_model") if isinstance(model, dict) else None
    if name != OPEN:
        raise CanthusError(
            f"{aligner.manifest.name}: --write needs the face model that it was made for: "
            "--face-model FILE"
        )
    return Path(name)


def _colors(image: Image, vertices: NDArray[np.float32]) -> Image:
    """The picture's colors at vertices; at its edge, for those outside."""
    last = np.array([image.shape[1] - 1, image.shape[0] - 1])
    x, y = np.clip(np.rint(vertices[:, :2]), 0, last).astype(int).T
    return image[y, x]
