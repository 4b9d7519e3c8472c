"""The changes a training face goes through before each look: where it is cut, how it looks."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from canthus.faces import Fit, Landmarks
from canthus.geometry import Box, Similarity
from canthus.images import degrade, warp
from canthus.training.recipe import AugmentConfig, CropConfig

Image = NDArray[np.uint8]

REFERENCE = 128  # side of the crop, in pixels, for which blurs and the like are measured
KNOTS = 5  # along each side, of the grid on which a crop is bent


@dataclass(frozen=True, eq=False)
class Crop:
    """What the network is shown and what it should say.

    Attributes:
        image: (S, S, 3).
        landmarks: in pixels of the crop.
        size: the longer side of the face's tight box, in pixels of the crop.
        fit: of a face model, in pixels of the crop, where there is one.
    """

    image: Image
    landmarks: Landmarks
    size: float
    fit: Fit | None = None


def cut(
    image: Image,
    box: Box,
    landmarks: Landmarks,
    crop: CropConfig,
    *,
    similarity: Similarity,
    reflect: bool = False,
    fit: Fit | None = None,
) -> Crop:
    """The crop to which a similarity maps the picture, with its landmarks.

    Where the picture ends the crop is black, or shows it again as in a mirror (`reflect`).
    """
    points = similarity.apply(landmarks.points).astype(np.float32)
    return Crop(
        image=warp.crop(image, similarity, crop.size, reflect=reflect),
        landmarks=Landmarks(points, landmarks.scheme),
        size=box.side * similarity.scale,
        fit=None if fit is None else fit.through(similarity),
    )


def plain(box: Box, crop: CropConfig) -> Similarity:
    """Where the aligner would cut a face whose box is known exactly."""
    return Similarity.crop(box.scaled(crop.scale), crop.size)


def disturbed(
    box: Box, crop: CropConfig, config: AugmentConfig, rng: np.random.Generator
) -> Similarity:
    """Where a detector that errs would cut, turned by a random roll."""
    if rng.random() < config.wild:
        roll = rng.uniform(-config.wild_roll_deg, config.wild_roll_deg)
        right, down = rng.uniform(-3, 3, 2) * config.shift
        scale = math.exp(rng.uniform(-3, 3) * config.scale)
    else:
        roll, right, down, scale = np.clip(rng.normal(size=4), -2.5, 2.5).tolist()
        roll, right, down = roll * config.roll_deg, right * config.shift, down * config.shift
        scale = math.exp(scale * config.scale)
    return Similarity.crop(
        box.squared().moved(right, down, crop.scale * scale), crop.size, roll_deg=roll
    )


def mirrored(crop: Crop, signs: NDArray[np.floating] | None = None) -> Crop:
    """Left and right exchanged, in the picture, in the landmarks and in the fit.

    Args:
        crop: a face.
        signs: of its face model's coefficients, see `Fit.mirrored`; without them the fit is lost.
    """
    image = np.ascontiguousarray(crop.image[:, ::-1])
    width = image.shape[1]
    fit = None if crop.fit is None or signs is None else crop.fit.mirrored(width, signs)
    return Crop(image, crop.landmarks.mirrored(width), crop.size, fit)


def bent(crop: Crop, limit: float, rng: np.random.Generator) -> Crop:
    """The face of somebody else with the same skin: all of the crop is bent smoothly.

    Args:
        crop: a face; a fit of a face model does not bend and is lost.
        limit: as `AugmentConfig.bend`.
        rng: draws how.
    """
    size = crop.image.shape[0]
    knots = rng.normal(size=(2, KNOTS, KNOTS)) * (limit * rng.random() * size)
    places = warp.bending(knots, size)
    points = warp.follow(crop.landmarks.points, places)
    image = warp.resample(crop.image, places)
    return Crop(image, Landmarks(points, crop.landmarks.scheme), crop.size)


def change_looks(image: Image, config: AugmentConfig, rng: np.random.Generator) -> Image:
    """Colors, focus, motion, resolution, compression, noise, and things in front of the face."""
    if config.light > 0 and rng.random() < config.light:
        image = _light(image, rng)
    if config.color > 0:
        image = _recolor(image, config.color, rng)
    if rng.random() < config.gray:
        image = degrade.saturate(image, 0.0)
    image = _cover(image, config, rng)
    return _degrade(image, config.degrade, rng)


def _light(image: Image, rng: np.random.Generator) -> Image:
    gains = math.exp(rng.uniform(-1.6, -0.1)), math.exp(rng.uniform(-0.1, 0.5))
    return degrade.light(
        image,
        angle_deg=rng.uniform(0, 360),
        middle=rng.uniform(-0.6, 0.6),
        breadth=0.3 * 0.1 ** rng.random(),
        gains=gains,
    )


def _recolor(image: Image, strength: float, rng: np.random.Generator) -> Image:
    gamma = math.exp(strength * 0.25 * rng.normal())
    gains = np.exp(strength * (0.15 * rng.normal() + 0.05 * rng.normal(size=3)))
    image = degrade.recolor(image, gamma=gamma, gains=gains, shift=strength * 0.05 * rng.normal())
    if rng.random() < 0.5:
        image = degrade.saturate(image, max(0.0, 1 + strength * 0.35 * rng.normal()))
    return image


def _degrade(image: Image, share: float, rng: np.random.Generator) -> Image:
    blurred, smeared, coarse, noisy, squeezed = (rng.random(5) < share).tolist()
    pixel = image.shape[0] / REFERENCE
    if blurred:
        image = degrade.blur(image, rng.uniform(0.5, 2.5) * pixel)
    if smeared:
        image = degrade.smear(image, round(int(rng.integers(3, 12)) * pixel), rng.uniform(0, 180))
    if coarse:
        image = degrade.coarsen(image, rng.uniform(1.5, 5.0) * pixel)
    if noisy:
        depth = 3 if rng.random() < 0.5 else 1
        noise = rng.standard_normal((*image.shape[:2], depth), np.float32)
        image = degrade.add_noise(image, noise * np.float32(rng.uniform(3, 20)))
    if squeezed:
        image = degrade.compress(image, int(rng.integers(15, 80)))
    return image


def _cover(image: Image, config: AugmentConfig, rng: np.random.Generator) -> Image:
    size = image.shape[0]
    image = image.copy()
    if rng.random() < config.occlude:
        for _ in range(int(rng.integers(1, 4))):
            width, height = (size * rng.uniform(0.08, 0.42, 2)).astype(int)
            left, top = rng.integers(0, size - width), rng.integers(0, size - height)
            image[top : top + height, left : left + width] = _patch(image, height, width, rng)
    if rng.random() < config.cut:
        edge = int(size * rng.uniform(0.1, 0.4))
        sides = (np.s_[:edge], np.s_[-edge:], np.s_[:, :edge], np.s_[:, -edge:])
        image[sides[rng.integers(4)]] = 0
    return image


def _patch(image: Image, height: int, width: int, rng: np.random.Generator) -> Image:
    """One color, noise, or a piece from elsewhere in the crop (skin, hair, background)."""
    kind = rng.integers(3)
    if kind == 0:
        return rng.integers(0, 256, (1, 1, 3), np.uint8)
    if kind == 1:
        return rng.integers(0, 256, (height, width, 3), np.uint8)
    top, left = rng.integers(0, image.shape[0] - height), rng.integers(0, image.shape[1] - width)
    return image[top : top + height, left : left + width].copy()
