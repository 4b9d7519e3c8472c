"""Real faces, as a network meets them: what the ranges of its 8-bit numbers are chosen by.

No picture that a data set keeps for validation or for testing is looked at.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import Sample, Split, ibug, records, tables
from canthus.datasets.pictures import read_picture
from canthus.errors import DatasetError
from canthus.evaluation.benchmarks import jittered
from canthus.images.files import list_images
from canthus.runtime import Aligner, Backend, Manifest
from canthus.runtime.backend import Arrays

MOST, FEWEST = 320, 10  # pictures with faces
APART = 5  # every so-manieth of them is kept for the proof
ABOVE = 2  # folders above the given one in which a data set's list may lie
# The file that tells training faces of a data set from those for validation, and who reads it.
LISTS: Mapping[str, Callable[[Path, Split], list[Sample]]] = {
    tables.TABLE: tables.read,
    ibug.HOLD_OUT: ibug.read,
    records.FILES["train"]: records.read,
}
# What public data sets call the folders of pictures that are for tests.
TESTS = {"01_indoor", "02_outdoor", "ibug", "test", "testset", "val", "validation"}

Place = Sample | Path  # an annotated face, or a picture whose faces are to be found
Track = Callable[[Sequence[Place]], Iterable[Place]]


@dataclass(frozen=True, eq=False)
class Seen:
    """What a network was shown, and what it answered.

    Attributes:
        pictures: how many.
        crops: (N, S, S, 3) of the faces in them, RGB.
        points: (N, L, 2), in pixels of the crops.
    """

    pictures: int
    crops: NDArray[np.uint8]
    points: NDArray[np.float32]


@dataclass(frozen=True)
class Faces:
    """The faces to calibrate on, and those of other pictures, to prove the outcome on."""

    calibration: Seen
    proof: Seen


def look(folder: Path, manifest: Manifest, backend: Backend, *, track: Track = iter) -> Faces:
    """Show a network the faces of a folder, as `Aligner` does.

    Args:
        folder: of a data set, whose training faces are taken, or of pictures, in which the
            detector looks for faces.
        manifest: of the network.
        backend: what runs it.
        track: yields what it is given, and may tell somebody how far that has come.

    Raises:
        DatasetError: if there is no such folder, or too few faces are in it.
        ImageError: if there is no picture, or one cannot be read.
    """
    places = find(folder)
    chosen = np.linspace(0, len(places) - 1, min(MOST, len(places))).astype(int)
    watched = _Watched(backend)
    generator = np.random.default_rng(0)
    finding, given = Aligner(manifest, watched), Aligner(manifest, watched, once=True)
    seen = []
    for place in track([places[i] for i in chosen]):
        _show(place, finding if isinstance(place, Path) else given, generator)
        seen += watched.take()
    if len(seen) < FEWEST:
        raise DatasetError(
            f"{folder}: expected {FEWEST} pictures with faces or more, found {len(seen)} in "
            f"{len(chosen)}; some hundreds are best"
        )
    return Faces(
        calibration=_together([each for i, each in enumerate(seen) if i % APART]),
        proof=_together(seen[::APART]),
    )


def find(folder: Path) -> Sequence[Place]:
    """The annotated training faces of a folder, or else the pictures right in it.

    Raises:
        DatasetError: if there is no such folder, or all its faces are for validation or tests.
        ImageError: if nothing is annotated and there is no picture either.
    """
    if not folder.is_dir():
        raise DatasetError(f"{folder}: expected a folder with pictures of faces, found none")
    folder = folder.resolve()
    lists = _lists(folder)
    if not lists and not any(folder.rglob("*.pts")):
        return list_images([folder])
    samples = [sample for file in lists for sample in LISTS[file.name](file.parent, "train")]
    samples = samples if lists else ibug.read(folder, "train")
    kept = [sample for sample in samples if _may_be_seen(sample.image, folder)]
    if not kept:
        raise DatasetError(
            f"{folder}: expected faces for training, found only those for validation or tests"
        )
    return kept


def _lists(folder: Path) -> list[Path]:
    """The lists that say which pictures of a folder are for training: in, above or below it."""
    for place in (folder, *folder.parents[:ABOVE]):
        here = [place / name for name in LISTS if (place / name).is_file()]
        if here := [file for file in here if place == folder or _is_of(file, folder)]:
            return here
    return sorted(file for name in LISTS for file in folder.rglob(name))


def _is_of(file: Path, folder: Path) -> bool:
    """Whether a list that lies above a folder is of pictures in it."""
    inside = folder.relative_to(file.parent)
    if file.name == tables.TABLE:
        return inside.parts[0] == "images"
    return f"{inside.as_posix()}/" in file.read_text(encoding="utf-8", errors="replace")


def _may_be_seen(picture: Path, folder: Path) -> bool:
    """Whether a picture is in a folder, and in none for tests inside it."""
    picture = picture.resolve()
    if not picture.is_relative_to(folder):
        return False
    return not {part.lower() for part in picture.relative_to(folder).parts[:-1]} & TESTS


class _Watched:
    """A backend that keeps what it is shown, and what it answers."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._runs: list[tuple[NDArray[np.uint8], NDArray[np.float32]]] = []

    def run(self, crops: NDArray[np.uint8]) -> Arrays:
        answer = self._backend.run(crops)
        self._runs.append((crops, answer["points"]))
        return answer

    def take(self) -> list[Seen]:
        """What was seen since the last time, which is of one picture; empty if it has no face."""
        runs, self._runs = self._runs, []
        if not runs:
            return []
        crops, points = zip(*runs, strict=True)
        return [Seen(1, np.concatenate(crops), np.concatenate(points))]


def _show(place: Place, aligner: Aligner, generator: np.random.Generator) -> None:
    """Let an aligner look at an annotated face, or at all that the detector finds."""
    if isinstance(place, Path):
        aligner(place)
        return
    try:
        aligner(read_picture(place), [jittered(place.box, generator)])
    except ValueError as error:
        raise DatasetError(f"{place.image}: {error}") from None


def _together(seen: Sequence[Seen]) -> Seen:
    return Seen(
        pictures=sum(each.pictures for each in seen),
        crops=np.concatenate([each.crops for each in seen]),
        points=np.concatenate([each.points for each in seen]),
    )
