"""How many threads OpenCV uses."""

from collections.abc import Iterator
from contextlib import contextmanager

import cv2


@contextmanager
def single_threaded() -> Iterator[None]:
    """One thread, until the end of the block; and for good in processes that are forked in it."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
