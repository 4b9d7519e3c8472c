"""Frames of a clip: a video file, or a folder of pictures."""

import re
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from canthus.errors import ImageError
from canthus.images.files import SUFFIXES, list_images, read_image

DIGITS = re.compile(r"(\d+)")
WHOLE = 0.9  # of the frames that a video promises; without an index it promises only about so many


def read_frames(path: Path) -> Iterator[NDArray[np.uint8]]:
    """The frames of a clip, uint8 RGB (H, W, 3), one at a time, so that memory stays flat.

    Args:
        path: a video file that OpenCV can read, or a folder of pictures, whose names are put in
            the order of the numbers in them.

    Raises:
        ImageError: if there is no such clip, it has no frame, or a frame cannot be read; of a
            video, at its end, if it stops before nine tenths of the frames that it promises.
    """
    if path.is_dir():
        yield from map(read_image, frame_paths(path))
        return
    if not path.is_file() or path.suffix.lower() in SUFFIXES:
        found = "a picture" if path.is_file() else "none"
        raise ImageError(f"{path}: expected a video file or a folder of frames, found {found}")
    video = cv2.VideoCapture(str(path))
    try:
        yield from _decoded(video, path)
    finally:
        video.release()


def frame_paths(folder: Path) -> list[Path]:
    """The pictures of a folder in the order of the numbers in their names: 2 before 10.

    Raises:
        ImageError: if the folder cannot be listed or holds no picture.
    """
    return sorted(list_images([folder]), key=_natural)


def _decoded(video: cv2.VideoCapture, path: Path) -> Iterator[NDArray[np.uint8]]:
    count, promised = 0, video.get(cv2.CAP_PROP_FRAME_COUNT)
    while (read := video.read())[0]:
        count += 1
        yield np.ascontiguousarray(read[1][:, :, ::-1])
    if not count:
        raise ImageError(f"{path}: expected a video that OpenCV can read, found no frame in it")
    if count < WHOLE * promised:
        raise ImageError(
            f"{path}: expected {promised:.0f} frames as the video says, found {count}; it is cut "
            "off or damaged"
        )


def _natural(path: Path) -> list[tuple[int, str]]:
    """A name to sort by: its numbers by their value, the rest by letters."""
    parts = DIGITS.split(path.name)  # text and digits in turn
    return [(int(part), "") if i % 2 else (0, part) for i, part in enumerate(parts)]
