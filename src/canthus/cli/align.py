"""`canthus align`: pictures in, landmarks out, as JSON and as pictures to look at."""

import sys
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray

from canthus.cli import boxes as given
from canthus.cli import outputs, progress
from canthus.errors import CanthusError
from canthus.faces import Face
from canthus.geometry import Box
from canthus.images.files import list_images, read_image, write_image
from canthus.runtime import Aligner, load
from canthus.runtime.answer import answer
from canthus.runtime.looks import relation_of

Boxes = list[Box] | CanthusError | None


@dataclass(frozen=True)
class _Job:
    """One picture: what is known of its faces, and the name of its answer."""

    picture: Path
    boxes: Boxes
    name: str


def align(
    pictures: Annotated[
        list[Path], typer.Argument(help="Pictures, or folders of them.", metavar="PICTURE")
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="Folder for a .json and a drawn .png of each picture.", metavar="FOLDER"),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print a line of JSON per picture.")] = False,
    model: Annotated[
        str | None,
        typer.Option(help="One that `canthus models` lists, or a file.", metavar="NAME"),
    ] = None,
    box: Annotated[
        list[str] | None,
        typer.Option(help="The box of a face; may be given again.", metavar="X0,Y0,X1,Y1"),
    ] = None,
    boxes: Annotated[
        Path | None,
        typer.Option(help="JSON or CSV with every picture's boxes.", metavar="FILE"),
    ] = None,
    boxes_from: Annotated[
        str | None,
        typer.Option(
            help="Who drew the boxes: tight (around the landmarks) or a detector.", metavar="NAME"
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="Where to run.", metavar="cpu|cuda")] = "cpu",
    threads: Annotated[int, typer.Option(min=1, help="Cores for the network.")] = 1,
) -> None:
    """Find the landmarks of every face in pictures.

    A picture that fails is reported and the others go on.
    """
    if out is None and not json:
        raise typer.BadParameter("say where to: --out FOLDER, --json, or both")
    if boxes_from is not None and not (box or boxes):
        raise typer.BadParameter("--boxes-from needs --box or --boxes")
    files = list_images(pictures)
    jobs = _plan(files, _boxes_of(files, box or [], boxes), out)
    if out is not None:
        if any(picture.is_dir() and out.resolve() == picture.resolve() for picture in pictures):
            raise typer.BadParameter(f"{out} holds the pictures; choose another folder for --out")
        outputs.prepare(out)
    try:
        relation_of(boxes_from or "tight")
        aligner = load(model, device=device, threads=threads)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    work = _Work(aligner, boxes_from or "tight", out, json)
    failed = sum(not work.done(job) for job in progress.track(jobs, "pictures"))
    if failed:
        if len(jobs) > 1:
            print(f"canthus: {failed} of {len(jobs)} pictures failed", file=sys.stderr)
        raise typer.Exit(1)


@dataclass(frozen=True)
class _Work:
    """What is to be done with each picture."""

    aligner: Aligner
    boxes_from: str
    out: Path | None
    as_json: bool

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
        if self.out is not None:
            from canthus.images.drawing import draw_faces  # not needed for JSON alone

            json_path, picture_path = outputs.paths_for(self.out, job.name)
            outputs.write_json(json_path, values)
            write_image(picture_path, draw_faces(image, faces))
        if self.as_json:
            print(outputs.to_line(values), flush=True)
        elif self.out is not None:
            print(_summary(job.picture, faces, self.out / job.name), flush=True)

    def _find(self, picture: Path, image: NDArray[np.uint8], boxes: list[Box] | None) -> list[Face]:
        with warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always")
            try:
                faces = self.aligner(image, boxes, self.boxes_from)
            except ValueError as error:  # a box that is not in this picture
                raise CanthusError(f"{picture}: {error}") from None
        for warning in told:
            _complain(f"{picture}: warning: {warning.message}")
        return faces


def _plan(files: Sequence[Path], boxes: Sequence[Boxes], out: Path | None) -> list[_Job]:
    names = [""] * len(files) if out is None else outputs.names_of(files, out)
    return [_Job(*job) for job in zip(files, boxes, names, strict=True)]


def _boxes_of(files: Sequence[Path], texts: Sequence[str], file: Path | None) -> Sequence[Boxes]:
    """The boxes given for each picture; None where the detector is to look."""
    if texts and file:
        raise typer.BadParameter("give --box or --boxes, not both")
    if texts and len(files) > 1:
        raise typer.BadParameter("--box is for one picture; for more, use --boxes FILE")
    if file:
        return given.BoxesFile(file).find(files)
    if not texts:
        return [None] * len(files)
    try:
        return [[given.parse(text) for text in texts]]
    except ValueError as error:
        raise typer.BadParameter(f"--box: {error}") from None


def _summary(picture: Path, faces: Sequence[Face], target: Path) -> str:
    count = {0: "no face", 1: "1 face"}.get(len(faces), f"{len(faces)} faces")
    return f"{picture}: {count} -> {target}.json, .png"


def _complain(message: str) -> None:
    progress.clear()
    print(f"canthus: {message}", file=sys.stderr)
