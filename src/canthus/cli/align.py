"""`canthus align`: pictures in, landmarks out, as JSON and as pictures to look at."""

import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from canthus.cli import boxes as given
from canthus.cli import outputs, progress
from canthus.cli.opening import mode_of, open_model
from canthus.cli.request import ATTENTION, UNCERTAINTY, Request, make_parser, read
from canthus.errors import CanthusError
from canthus.faces import Face
from canthus.geometry import Box
from canthus.images.files import list_images, read_image, write_image
from canthus.runtime import Aligner
from canthus.runtime.answer import answer
from canthus.runtime.looks import relation_of
from canthus.runtime.quitting import marked

if TYPE_CHECKING:
    from canthus.cli.solids import Solids

Boxes = list[Box] | CanthusError | None  # None where the detector is to look


class _MisuseError(Exception):
    """Arguments that make no sense together."""


@dataclass(frozen=True)
class _Job:
    """One picture: what is known of its faces, and the name of its answer."""

    picture: Path
    boxes: Boxes
    name: str


def align(arguments: Sequence[str]) -> None:
    """Find the landmarks of every face in pictures.

    Exits with 1 if a picture has failed, and with 2 if the arguments make no sense.

    Args:
        arguments: the words behind the verb.

    Raises:
        CanthusError: if the work could not begin.
    """
    parser = make_parser()
    request = read(parser, arguments)
    try:
        jobs = _plan(request)
        aligner = _load(request)
        work = _Work(aligner, request, _solids(aligner, request))
    except _MisuseError as error:
        parser.error(str(error))
    if request.out is not None:
        outputs.prepare(request.out)
    failed = sum(not work.done(job) for job in progress.track(jobs, "pictures"))
    if failed:
        if len(jobs) > 1:
            print(f"canthus: {failed} of {len(jobs)} pictures failed", file=sys.stderr)
        sys.exit(1)


@dataclass(frozen=True)
class _Work:
    """What is to be done with each picture."""

    aligner: Aligner
    request: Request
    solids: "Solids | None"

    def done(self, job: _Job) -> bool:
        """Whether a picture could be aligned; what went wrong is said on stderr."""
        try:
            self._align(job)
        except CanthusError as error:
            _complain(str(error))
            return False
        return True

    def _align(self, job: _Job) -> None:
        if isinstance(job.boxes, CanthusError):
            raise job.boxes
        image = read_image(job.picture)
        faces = self._find(job.picture, image, job.boxes)
        size = (image.shape[1], image.shape[0])
        model = self.aligner.manifest.name
        values = answer(faces, image=str(job.picture), size=size, model=model)
        out = self.request.out
        if out is not None:
            from canthus.images.drawing import draw_faces  # not needed for JSON alone

            json_path, picture_path = outputs.paths_for(out, job.name)
            outputs.write_json(json_path, values)
            show = self.request.show
            drawn = draw_faces(
                image, faces, uncertainty=show == UNCERTAINTY, attention=show == ATTENTION
            )
            write_image(picture_path, drawn)
            if self.solids is not None:
                self.solids.write(out / job.name, image, faces)
        if self.request.json:
            print(outputs.to_line(values), flush=True)
        elif out is not None:
            print(_summary(job.picture, faces, out / job.name), flush=True)

    def _find(self, picture: Path, image: NDArray[np.uint8], boxes: list[Box] | None) -> list[Face]:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                faces = self.aligner(image, boxes, self.request.boxes_from or "tight")
            except ValueError as error:  # a box that is not in this picture
                raise CanthusError(f"{picture}: {error}") from None
        for warning in told:
            _complain(f"{picture}: warning: {warning.message}")
        return faces if self.request.reject is None else marked(faces, self.request.reject)


def _plan(request: Request) -> list[_Job]:
    files, out = list_images(request.pictures), request.out
    boxes = _boxes_of(files, request)
    if out is None:
        return [_Job(file, given, "") for file, given in zip(files, boxes, strict=True)]
    if any(path.is_dir() and out.resolve() == path.resolve() for path in request.pictures):
        raise _MisuseError(f"{out} holds the pictures; choose another folder for --out")
    names = outputs.names_of(files, out)
    return [_Job(*job) for job in zip(files, boxes, names, strict=True)]


def _boxes_of(files: Sequence[Path], request: Request) -> Sequence[Boxes]:
    """The boxes given for each picture; None where the detector is to look."""
    if request.boxes:
        return given.BoxesFile(request.boxes).find(files)
    if not request.box:
        return [None] * len(files)
    if len(files) > 1:
        raise _MisuseError("--box is for one picture; for more, use --boxes FILE")
    return [request.box]


def _load(request: Request) -> Aligner:
    try:
        relation_of(request.boxes_from or "tight")
        aligner = open_model(
            request.model,
            device=request.device,
            threads=request.threads,
            mode=mode_of(
                once=request.once, reinitialize=request.reinitialize, parity=request.parity
            ),
            face_model=request.face_model,
            budget=request.budget,
            flip=request.flip,
        )
    except ValueError as error:
        raise _MisuseError(str(error)) from None
    _check_knows(aligner, request)
    return aligner


def _check_knows(aligner: Aligner, request: Request) -> None:
    """Whether a model says what is asked of it, seen by its answer about an empty crop."""
    if request.show is None and request.reject is None:
        return
    side, name = aligner.manifest.crop_size, aligner.manifest.name
    said = aligner.backend.run(np.zeros((1, side, side, 3), np.uint8))
    if request.show == UNCERTAINTY and "covariances" not in said:
        raise CanthusError(
            f"{name}: does not say how far its landmarks may be off, so there is "
            "no uncertainty to show; models trained before that was measured do not know"
        )
    if request.show == ATTENTION and "attention" not in said:
        raise CanthusError(
            f"{name}: says of no patches how much they counted, so there is no attention to show; "
            "musica does, with model.attention: export its ONNX file again if that is older"
        )
    if request.reject is not None and "errors" not in said:
        raise CanthusError(
            f"{name}: does not say how much error it expects of a face, so there "
            "is nothing to --reject by; musica does"
        )


def _solids(aligner: Aligner, request: Request) -> "Solids | None":
    """What writes the faces in 3-D, if that is asked for."""
    if request.write is None:
        return None
    from canthus.cli.solids import Solids  # not needed for landmarks alone

    return Solids(request.write, aligner)


def _summary(picture: Path, faces: Sequence[Face], target: Path) -> str:
    count = {0: "no face", 1: "1 face"}.get(len(faces), f"{len(faces)} faces")
    failed = sum(face.failed is True for face in faces)
    count += f", {failed} failed" if failed else ""
    return f"{picture}: {count} -> {target}.json, .png"


def _complain(message: str) -> None:
    progress.clear()
    print(f"canthus: {message}", file=sys.stderr)
