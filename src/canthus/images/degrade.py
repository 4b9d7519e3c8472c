"""What cameras, codecs and the world do to a picture, for training: all on uint8 (H, W, 3)."""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.uint8]


def recolor(image: Image, *, gamma: float, gains: NDArray[np.float64], shift: float) -> Image:
    """Bend the tone curve: each channel c becomes gains[c] * c^gamma + shift, in [0, 1]."""
    tones = np.linspace(0, 1, 256)[:, None] ** gamma * gains + shift
    table = np.clip(255 * tones + 0.5, 0, 255).astype(np.uint8).reshape(1, 256, 3)
    return np.asarray(cv2.LUT(np.ascontiguousarray(image), table), np.uint8)


def saturate(image: Image, amount: float) -> Image:
    """Blend with the gray picture: 0 is gray, 1 changes nothing, above is more colorful."""
    gray = cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.asarray(cv2.addWeighted(image, amount, gray, 1 - amount, 0), np.uint8)


def light(
    image: Image, *, angle_deg: float, middle: float, breadth: float, gains: tuple[float, float]
) -> Image:
    """Light from one side: tones are multiplied by the first gain there, by the second beyond.

    Args:
        image: a picture.
        angle_deg: of the way from the first gain to the second, from the right downwards.
        middle: where half of the way is done, in half sides from the picture's center.
        breadth: of the change, in half sides: the scale of a logistic curve.
        gains: on both sides.
    """
    height, width = image.shape[:2]
    angle = np.deg2rad(angle_deg)
    x = np.linspace(-1, 1, width, dtype=np.float32) * np.float32(np.cos(angle))
    y = np.linspace(-1, 1, height, dtype=np.float32) * np.float32(np.sin(angle))
    way = np.tanh((x + y[:, None] - np.float32(middle)) / np.float32(2 * breadth))
    first, second = gains
    gain = (first + second) / 2 + way * np.float32((second - first) / 2)
    return np.asarray(cv2.multiply(image, cv2.merge([gain] * 3), dtype=cv2.CV_8U), np.uint8)


def blur(image: Image, sigma: float) -> Image:
    """Out of focus: a Gaussian of `sigma` pixels."""
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma), np.uint8)


def smear(image: Image, length: int, angle_deg: float) -> Image:
    """Motion blur: the mean along a line of `length` pixels, about each pixel's center.

    The picture is turned so that the line, which goes up to the right, lies along its rows; and
    back.
    """
    height, width = image.shape[:2]
    side = math.ceil(math.hypot(height, width)) + length
    to_line = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), -angle_deg, 1.0)
    to_line[:, 2] += ((side - width) / 2, (side - height) / 2)
    turned = cv2.warpAffine(image, to_line, (side, side), borderMode=cv2.BORDER_REFLECT)
    means = cv2.blur(turned, (length, 1))
    if length % 2 == 0:  # such a mean lies between two pixels, half a pixel before its own
        to_line[0, 2] += 0.5
    back = cv2.WARP_INVERSE_MAP | cv2.INTER_LINEAR
    return np.asarray(cv2.warpAffine(means, to_line, (width, height), flags=back), np.uint8)


def coarsen(image: Image, factor: float) -> Image:
    """Low resolution: shrink by `factor` and enlarge again, about the same centers."""
    height, width = image.shape[:2]
    small = (max(2, round(width / factor)), max(2, round(height / factor)))
    shrunk = cv2.resize(image, small, interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.resize(shrunk, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def compress(image: Image, quality: int) -> Image:
    """What JPEG leaves of it at a quality in 1 to 100."""
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.asarray(cv2.imdecode(data, cv2.IMREAD_COLOR), np.uint8)


def add_noise(image: Image, noise: NDArray[np.float32]) -> Image:
    """Add noise, in gray levels, (H, W, 1) or (H, W, 3)."""
    return np.clip(image + noise + 0.5, 0, 255).astype(np.uint8)
