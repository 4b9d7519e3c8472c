"""Pictures with `.pts` files beside, as iBUG publishes them.

A `.pts` file is one face: `version: 1`, `n_points: N`, then `x y` a line between braces. Pixels
count from 1: the center of the top-left pixel is (1, 1). It holds no box, no visibility and no
unknown points.
"""

from collections.abc import Sequence
from pathlib import Path

from canthus.datasets.formats.faces import around, beside, face, known, place, scheme_of_all, some
from canthus.datasets.ibug import picture_of, read_points
from canthus.datasets.sample import Sample
from canthus.errors import DatasetError
from canthus.faces import LandmarkScheme
from canthus.storage import write_whole

SUFFIX = ".pts"


def read(path: Path, scheme: LandmarkScheme) -> list[Sample]:
    """The faces of a folder, in the order of their files' paths.

    Raises:
        DatasetError: if there are none, a file is malformed, has not as many points as the
            scheme, or has no picture beside it.
    """
    return some([_face(file, path, scheme) for file in sorted(path.rglob(f"*{SUFFIX}"))], path)


def write(samples: Sequence[Sample], path: Path) -> None:
    """Write faces to a folder, and copy their pictures there.

    Raises:
        DatasetError: if a face has unknown points, a picture has several faces, two pictures
            differ in nothing but their suffix, or one is not there.
        StorageError: if the disk refuses.
    """
    scheme_of_all(samples, path)
    for sample in samples:
        if not sample.landmarks.known.all():
            raise DatasetError(
                f"{sample.image}: expected points that are all known, as .pts files need, found "
                f"{sample.landmarks.num_landmarks - int(sample.landmarks.known.sum())} unknown"
            )
    seen: set[tuple[Path, int | None]] = set()
    for sample in samples:
        if (picture := (sample.image, sample.entry)) in seen:
            raise DatasetError(f"{sample.image}: expected one face, as .pts files need, found more")
        seen.add(picture)
    for file, _, faces in beside(samples, path, SUFFIX):
        write_whole(file, _text(faces[0]).encode())


def _text(sample: Sample) -> str:
    rows = [f"{place(x + 1)} {place(y + 1)}" for x, y in known(sample).values()]
    return "\n".join(["version: 1", f"n_points: {len(rows)}", "{", *rows, "}", ""])


def _face(file: Path, root: Path, scheme: LandmarkScheme) -> Sample:
    points = read_points(file)
    if len(points) != scheme.num_landmarks:
        raise DatasetError(
            f"{file}: expected the {scheme.num_landmarks} points of scheme {scheme.name}, "
            f"found {len(points)}"
        )
    image = picture_of(file)
    named = image, image.relative_to(root).as_posix()
    return face(named, points, scheme, box=around(points, str(file)))
