"""From a picture to its faces: find them, cut them out, run the network, map the points back."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import repeat
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from canthus.errors import CanthusError, WeightsError
from canthus.faces import Face, Fit, Landmarks
from canthus.faces.face import camera_through, corners_of
from canthus.geometry import Box, Similarity
from canthus.images.arrays import as_image
from canthus.images.files import read_image
from canthus.images.warp import crop
from canthus.runtime import looks, weights
from canthus.runtime.backend import Arrays, Backend, open_weights
from canthus.runtime.looks import Boxes, Look
from canthus.runtime.manifest import Manifest

if TYPE_CHECKING:
    from canthus.detection import Detector
    from canthus.faces.face_model import FaceModel

Picture = ArrayLike | str | PathLike[str]
Answer = list[Face] | CanthusError | ValueError

FAR_OFF = 3.0  # times that a box may be too large or too small where a model stands faces up
REINITIALIZER = "dpr-gsr"  # the model that looks first where reinitialization is asked for
BATCH_SIZE = 8  # more is no faster on one core, and takes 2 MB more for each face
AGAIN = 2  # further looks at most, where a box is off
WAITING = 16 * 2**20  # bytes of pictures that may wait until there is a batch of faces


@dataclass(frozen=True, eq=False)
class _Cut:
    """What is to be looked at of one picture.

    Attributes:
        image: the picture, (H, W, 3).
        found: where its faces are.
        drawn: whether a detector drew the boxes: they jump with the pixels of its windows, which
            landmarks do not.
        crops: (N, S, S, 3).
        maps: from the picture to each crop.
    """

    image: NDArray[np.uint8]
    found: list[Look]
    drawn: bool
    crops: NDArray[np.uint8]
    maps: list[Similarity]


class Aligner:
    """Finds the landmarks of the faces in pictures.

    Args:
        manifest: what the weights say of themselves.
        backend: what runs them.
        detector: what finds the faces where no boxes are given; `detection.Mtcnn` by default,
            which is loaded when first needed.
        first: a model that looks at each face before this one does; the landmarks that it finds
            say where to look, and how far the face is turned.
        once: look once, in the boxes as they are. By default a face is looked at again where its
            landmarks say that its box was off (`looks.is_off`) or where a detector drew it; if
            another model has looked first, it is not.
        face_model: by whose mesh to say which landmarks are seen; see `runtime.face_models`.
    """

    def __init__(
        self,
        manifest: Manifest,
        backend: Backend,
        detector: "Detector | None" = None,
        first: "Aligner | None" = None,
        *,
        once: bool = False,
        face_model: "FaceModel | None" = None,
    ) -> None:
        self.manifest = manifest
        self.backend = backend
        self._detector = detector
        self._first = first
        self._once = once
        self.face_model = face_model

    @property
    def detector(self) -> "Detector":
        """What finds the faces where no boxes are given."""
        if self._detector is None:
            from canthus.detection import Mtcnn  # it has weights of its own to load

            self._detector = Mtcnn()
        return self._detector

    def __call__(
        self, image: Picture, boxes: Boxes | None = None, boxes_from: str = "tight"
    ) -> list[Face]:
        """Find the landmarks of every face in a picture.

        A face's `box` is the tight box around the landmarks found, and its `score` the
        detector's, or 1 where the box was given. How far to trust the landmarks is told by the
        mean of `landmarks.scores`, and how far each may be off by `landmarks.covariances`, from
        models that know.

        Args:
            image: RGB, uint8 (H, W, 3) or what `images.arrays.as_image` makes that of; or a file.
            boxes: where the faces are, as boxes or (N, 4) rows of x0, y0, x1, y1; all faces that
                the detector finds by default.
            boxes_from: who drew the boxes: "tight" around the landmarks, or a detector by name.

        Returns:
            The faces in the order of the boxes, or the surest first. Empty where nobody is.

        Raises:
            ImageError: if the file cannot be read as a picture.
            ValueError: if the array is no picture, or a box is none or not in the picture.
        """
        cut = self._cut(opened(image), boxes, boxes_from)
        return self._faces([cut], BATCH_SIZE)[0]

    def many(
        self,
        images: Iterable[Picture],
        boxes: Iterable[Boxes | None] | None = None,
        boxes_from: str = "tight",
        *,
        batch_size: int = BATCH_SIZE,
    ) -> list[list[Face]]:
        """Find the faces of many pictures; faces of several pictures share a batch.

        Args:
            images: as one picture each in a call; read one by one, so a generator is fine.
            boxes: for each picture its boxes, or None for the detector's.
            boxes_from: who drew the boxes.
            batch_size: how many faces the network sees at once.

        Raises:
            ImageError: at the first file that cannot be read.
            ValueError: at the first array or box that is wrong, or if there are not as many boxes
                as pictures.
        """
        faces = []
        for answer in self.stream(images, boxes, boxes_from, batch_size=batch_size):
            if isinstance(answer, Exception):
                raise answer
            faces.append(answer)
        return faces

    def stream(
        self,
        images: Iterable[Picture],
        boxes: Iterable[Boxes | None] | None = None,
        boxes_from: str = "tight",
        *,
        batch_size: int = BATCH_SIZE,
    ) -> Iterator[Answer]:
        """Yield for each of many pictures its faces, or the error that it alone has met.

        As `many`, for as many pictures as there may be: at most a batch of faces is held.

        Raises:
            ValueError: if there are not as many boxes as pictures.
        """
        if batch_size < 1:
            raise ValueError(f"expected a batch_size of 1 or more, found {batch_size}")
        waiting: list[_Cut | CanthusError | ValueError] = []
        pairs = zip(images, repeat(None)) if boxes is None else zip(images, boxes, strict=True)
        for image, drawn in pairs:
            try:
                waiting.append(self._cut(opened(image), drawn, boxes_from))
            except (CanthusError, ValueError) as error:
                waiting.append(error)
            cuts = [cut for cut in waiting if isinstance(cut, _Cut)]
            faces = sum(len(cut.maps) for cut in cuts)
            held = sum(cut.image.nbytes for cut in cuts)
            if max(faces, len(waiting)) >= batch_size or held >= WAITING:
                yield from self._answers(waiting, batch_size)
                waiting = []
        yield from self._answers(waiting, batch_size)

    def _cut(self, image: NDArray[np.uint8], boxes: Boxes | None, boxes_from: str) -> _Cut:
        found = self._looks(image, boxes, boxes_from)
        if self._first is not None:
            found = self._first._stood_up(image, found)
        return self._crops(image, found, drawn=boxes is None)

    def _looks(self, image: NDArray[np.uint8], boxes: Boxes | None, boxes_from: str) -> list[Look]:
        """Where to look at first."""
        if boxes is None:
            return looks.from_detections(self.detector(image), self.detector.relation)
        return looks.from_boxes(boxes, (image.shape[1], image.shape[0]), boxes_from)

    def _crops(self, image: NDArray[np.uint8], found: list[Look], *, drawn: bool = False) -> _Cut:
        size, scale = self.manifest.crop_size, self.manifest.crop_scale
        maps = [look.to_crop(size, scale) for look in found]
        crops = np.empty((len(maps), size, size, 3), np.uint8)
        for place, to_crop in zip(crops, maps, strict=True):
            place[:] = crop(image, to_crop, size)
        return _Cut(image, found, drawn, crops, maps)

    def _faces(self, cuts: list[_Cut], batch_size: int) -> list[list[Face]]:
        """The faces of each picture, with all that is said of them."""
        found = self._found(cuts, batch_size)
        model = self.face_model
        if model is None:
            return found
        from canthus.runtime.face_models import visible_of  # not needed for landmarks alone

        return [
            [replace(face, visible=visible_of(face, model)) if face.fit else face for face in faces]
            for faces in found
        ]

    def _found(self, cuts: list[_Cut], batch_size: int, again: int = AGAIN) -> list[list[Face]]:
        """The faces of each picture, after further looks where they are due."""
        faces = self._locate(cuts, batch_size)
        if self._once or self._first is not None or again == 0:
            return faces
        due = [self._due(cut, seen) for cut, seen in zip(cuts, faces, strict=True)]
        if not any(due):
            return faces
        cuts = [
            self._crops(cut.image, list(better.values()))
            for cut, better in zip(cuts, due, strict=True)
        ]
        for seen, better, found in zip(
            faces, due, self._found(cuts, batch_size, again - 1), strict=True
        ):
            for place, face in zip(better, found, strict=True):
                seen[place] = face
        return faces

    def _due(self, cut: _Cut, seen: list[Face]) -> dict[int, Look]:
        """Where to look again, for the faces by their place in a picture that need it."""
        after = [
            looks.from_landmarks(face.landmarks, look)
            for face, look in zip(seen, cut.found, strict=True)
        ]
        return {
            place: look
            for place, (look, before) in enumerate(zip(after, cut.found, strict=True))
            if look is not before and (cut.drawn or looks.is_off(before, look))
        }

    def _stood_up(self, image: NDArray[np.uint8], found: list[Look]) -> list[Look]:
        """Where another model is to look: about the landmarks that this one finds, upright."""
        (faces,) = self._found([self._crops(image, found)], BATCH_SIZE)
        pairs = zip(found, faces, strict=True)
        return [looks.from_landmarks(face.landmarks, look, most=FAR_OFF) for look, face in pairs]

    def _answers(
        self, waiting: list[_Cut | CanthusError | ValueError], batch_size: int
    ) -> Iterator[Answer]:
        """The answers of pictures and errors that wait, in their order."""
        found = iter(self._faces([cut for cut in waiting if isinstance(cut, _Cut)], batch_size))
        for cut in waiting:
            yield next(found) if isinstance(cut, _Cut) else cut

    def _locate(self, cuts: list[_Cut], batch_size: int) -> list[list[Face]]:
        """The faces of each picture; the network sees `batch_size` crops at once."""
        if not any(cut.maps for cut in cuts):
            return [[] for _ in cuts]
        crops = np.concatenate([cut.crops for cut in cuts])
        starts = range(0, len(crops), batch_size)
        parts = [self.backend.run(crops[i : i + batch_size]) for i in starts]
        found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        answers = ({name: rows[i] for name, rows in found.items()} for i in range(len(crops)))
        return [
            [
                self._face(_in_picture(next(answers), to_crop), look.score)
                for to_crop, look in zip(cut.maps, cut.found, strict=True)
            ]
            for cut in cuts
        ]

    def _face(self, answer: Arrays, score: float) -> Face:
        """A face, from what was found of it in pixels of the picture."""
        try:
            box = Box.around(answer["points"])
        except ValueError:
            raise WeightsError(f"{self.manifest.name}: all landmarks are at one place") from None
        scheme, points = self.manifest.landmark_scheme, answer["points"]
        if "depths" in answer:
            points = np.column_stack([points, answer["depths"]])
        landmarks = Landmarks(points, scheme, answer.get("scores"), answer.get("covariances"))
        error = float(answer["errors"]) if "errors" in answer else None
        steps = int(answer["steps"]) if "steps" in answer else None
        if "cameras" not in answer:
            attention, patches = answer.get("attention"), answer.get("patches")
            return Face(
                box,
                score,
                landmarks,
                expected_error=error,
                steps=steps,
                attention=attention,
                patches=patches,
            )
        fit = Fit(answer["cameras"], answer["shapes"])
        return Face(box, score, landmarks, fit.pose, error, fit, steps=steps)


def load(
    name_or_path: str | PathLike[str] | None = None,
    *,
    device: str = "cpu",
    threads: int = 1,
    detector: "Detector | None" = None,
    reinitialize: bool = False,
    once: bool = False,
    face_model: str | PathLike[str] | None = None,
    budget: str | None = None,
    flip: bool = False,
) -> Aligner:
    """Load a model: the default one, another by its name, or a weights file.

    Args:
        name_or_path: a name that `canthus models` lists, or an `.onnx` or `.safetensors` file.
        device: "cpu" or "cuda".
        threads: how many cores the network may use; with one face at a time, one is best.
        detector: what finds the faces where no boxes are given; MTCNN by default.
        reinitialize: let the model `REINITIALIZER` look at each face before, and cut it out
            anew, upright and as large as it is: for boxes that are drawn badly and for faces
            that are turned. It costs a run of that network a face, or more where a box is off.
        once: look once, in the boxes as they are; see `Aligner`.
        face_model: the file of the face model that the weights were made for, by whose mesh each
            face's `visible` and `aligner.face_model` are known; by default the one inside the
            package, for weights made for it.
        budget: of a model that takes steps (MuSiCa), of which faces then take no more than it
            allows: milliseconds of the network a face on average, such as "1.5ms", for which the
            steps are timed here; or the error at which a face is done, in percent of its longer
            side, such as "4%".
        flip: look at each face in the mirror too, and average both answers; see
            `runtime.flips.Flipped`. It costs twice the network's time; `REINITIALIZER` looks
            without it.

    Raises:
        WeightsError: naming the file, if it is missing, damaged or not of Canthus.
        CanthusError: if the face model does not fit the weights, they cannot keep the budget, or
            their answers cannot be averaged with those in the mirror: of faces that quit, and of
            a face model that is not known or not symmetric.
        ValueError: if there is no such device here, both `reinitialize` and `once` are asked
            for, or the budget is none.
    """
    if reinitialize and once:
        raise ValueError("reinitialize means to look again; expected it or once, not both")
    path = weights.find(name_or_path)
    manifest, backend = open_weights(path, device=device, threads=threads)
    if budget is not None:
        from canthus.runtime import budgets  # few ask for it

        budgets.keep(budgets.parse(budget), manifest, backend)
    mesh = _face_model(manifest, face_model)
    if flip:
        from canthus.runtime.flips import flipped  # few ask for it

        backend = flipped(backend, manifest, mesh)
        manifest = replace(manifest, name=f"{manifest.name} with flip")
    if not reinitialize:
        return Aligner(manifest, backend, detector, once=once, face_model=mesh)
    first = load(REINITIALIZER, device=device, threads=threads)
    named = replace(manifest, name=f"{manifest.name} behind {REINITIALIZER}")
    return Aligner(named, backend, detector, first, face_model=mesh)


def _face_model(manifest: Manifest, given: str | PathLike[str] | None) -> "FaceModel | None":
    """The face model of weights, read if there is one to read."""
    model = manifest.recipe.get("model")
    if given is None and not (isinstance(model, dict) and model.get("face_model")):
        return None
    from canthus.runtime.face_models import face_model_of  # not needed for landmarks alone

    return face_model_of(manifest, None if given is None else Path(given))


def _in_picture(answer: Arrays, to_crop: Similarity) -> Arrays:
    """What the network answers about a crop, in pixels of the picture."""
    to_picture = to_crop.inverse()
    found = answer | {"points": to_picture.apply(answer["points"]).astype(np.float32)}
    if "covariances" in answer:
        covariances = to_picture.apply_covariances(answer["covariances"])
        found["covariances"] = covariances.astype(np.float32)
    if "depths" in answer:
        found["depths"] = to_picture.scale * answer["depths"]
    if "patches" in answer:
        found["patches"] = to_picture.apply(corners_of(answer["patches"])).astype(np.float32)
    if "cameras" in answer:
        found["cameras"] = camera_through(answer["cameras"], to_picture)
    return found


def opened(image: Picture) -> NDArray[np.uint8]:
    """A picture as an array, (H, W, 3); read if it is a file."""
    if isinstance(image, (str, PathLike)):
        return read_image(image)
    return np.ascontiguousarray(as_image(image))  # OpenCV takes no negative strides
