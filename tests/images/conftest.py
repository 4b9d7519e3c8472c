"""Pictures and files that the tests of this room are about; Pillow writes them, not OpenCV."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

Encode = Callable[..., bytes]


@pytest.fixture(scope="session")
def picture() -> NDArray[np.uint8]:
    """64 wide and 48 high, smooth, and different in every corner and channel; no value over 200."""
    y, x = np.mgrid[0:48, 0:64]
    channels = [3 * x, 200 - 3 * x - y % 8, 4 * y]
    return np.clip(np.stack(channels, axis=2), 0, 200).astype(np.uint8)


@pytest.fixture(scope="session")
def encode() -> Encode:
    """Makes the bytes of a file: encode(array or Pillow image, "PNG", what Pillow's save takes)."""
    return _encode


def _encode(image: Any, kind: str, **settings: Any) -> bytes:
    if isinstance(image, np.ndarray):
        image = Image.fromarray(image)
    file = io.BytesIO()
    image.save(file, kind, **settings)
    return file.getvalue()
