"""Frames of a clip: a video file, or a folder of pictures."""

import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from canthus.errors import ImageError
from canthus.images.files import SUFFIXES, read_image

DIGITS = re.compile(r"(\d+)")


def read_frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    """The frames of a clip, uint8 RGB (H, W, 3), one at a time, so that memory stays flat.

    Args:
        path: a video file that OpenCV can read, or a folder of pictures, whose names are put in
            the order of the numbers in them.

    Raises:
        ImageError: if there is no such clip, it has no frame, or a frame cannot be read.
    """
    if path.is_dir():
        yield from map(read_image, frame_paths(path))
        return
    if not path.is_file():
        raise ImageError(f"{path}: expected a video file or a folder of frames, found none")
    video = cv2.VideoCapture(str(path))
    try:
        count = 0
        while (read := video.read())[0]:
            count += 1
            yield np.ascontiguousarray(read[1][:, :, ::-1])
        if not count:
            raise ImageError(f"{path}: expected a video that OpenCV can read, found no frame in it")
    finally:
        video.release()


def frame_paths(folder: Path) -> list[Path]:
    """The pictures of a folder in the order of the numbers in their names: 2 before 10.

    Raises:
        ImageError: if there is none.
    """
    paths = [path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES]
    if not paths:
        raise ImageError(f"{folder}: expected the frames of a clip as pictures, found none")
    return sorted(paths, key=_natural)


def _natural(path: Path) -> list[tuple[int, str]]:
    parts = DIGITS.split(path.name)
    return [(int(part), "") if part.isdigit() else (-1, part) for part in parts]
