"""DPR as it was published, crop by crop: each is cut out of the full picture, on 8 bits.

Our own network cuts inside itself, from one wide crop, with gradients and for any number of faces.
This is what it is measured against.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from canthus.images.fixed_point import warp_affine
from canthus.models import Dpr
from canthus.models.layers import affine

Floats = NDArray[np.float64]
Image = NDArray[np.uint8]
Rectangle = tuple[float, float, float, float]


@dataclass(frozen=True, eq=False)
class Found:
    """What the published pipeline finds of one face.

    Attributes:
        upright: from pixels of the picture to those of the upright crop, (2, 3).
        whole: the landmarks by the global stage, (L, 2), in pixels of the picture (GSR).
        refined: the same, the parts' points by the local stage (G&LSR); None without one.
    """

    upright: Floats
    whole: Floats
    refined: Floats | None


@torch.no_grad()
def align(network: Dpr, image: Image, rectangle: Rectangle) -> Found:
    """Find the landmarks of a face.

    Args:
        network: one that was imported; it is put into evaluation.
        image: RGB, (H, W, 3).
        rectangle: left, top, right and bottom of the face, in pixels whose centers are whole.

    Raises:
        ValueError: if the rectangle has no area.
    """
    network.eval()
    config = network.config
    to_coarse = _box_map(rectangle, config.coarse)
    coarse = warp_affine(image, to_coarse, (config.coarse, config.coarse))
    first = network.reinit(network.as_input(_crop(coarse)))
    larger = config.size / config.coarse
    upright = larger * _composed(_map_of(first[0], config.coarse), to_coarse)
    return regressed(network, image, upright)


@torch.no_grad()
def regressed(network: Dpr, image: Image, upright: Floats) -> Found:
    """Find the landmarks of a face of which is known how it stands.

    Args:
        network: as in `align`, in evaluation.
        image: RGB, (H, W, 3).
        upright: from the picture to the upright crop, (2, 3).
    """
    config, mean = network.config, network.mean.double().numpy()
    face = warp_affine(image, upright, (config.size, config.size))
    (offsets,) = network.regress(network.as_input(_crop(face))[:, None])
    points = config.size * (offsets[0].double().numpy() / 2 + mean)
    whole = _back(upright, points)
    if not config.local:
        return Found(upright, whole, None)
    return Found(upright, whole, _back(upright, _refined(network, face, points)))


def _refined(network: Dpr, face: Image, points: Floats) -> Floats:
    """The points in the upright crop, those of the parts found anew in crops of that crop."""
    part = network.config.part
    numbers = network.local_reinit(torch.tensor(points, dtype=torch.float32).flatten()[None, None])
    maps = [_map_of(each[0], part) for each in numbers]
    crops = torch.cat([_crop(warp_affine(face, each, (part, part))) for each in maps])[None]
    from_parts = affine.inverse(torch.tensor(np.array(maps))[None])
    found = network.local_regress(network.as_input(crops))
    places = torch.tensor(points)[None]
    refined, _ = network.joined(places, from_parts, found, torch.zeros_like(places).diag_embed())
    return refined[0].numpy()


def _crop(crop: Image) -> Tensor:
    """A crop (S, S, 3) as (1, 3, S, S) in [0, 1]."""
    return torch.tensor(crop).permute(2, 0, 1)[None].float() / 255


def _box_map(rectangle: Rectangle, size: int) -> Floats:
    """The map that brings the rectangle's corners to the corner pixels of a crop."""
    x0, y0, x1, y1 = np.array(rectangle, np.float32).tolist()  # as the original rounds them
    if not (x1 > x0 and y1 > y0):
        raise ValueError(f"expected a rectangle left, top, right, bottom, found {rectangle}")
    across, down = (size - 1) / (x1 - x0), (size - 1) / (y1 - y0)
    return np.array([[across, 0, -across * x0], [0, down, -down * y0]])


def _map_of(numbers: Tensor, size: int) -> Floats:
    """The affine map (2, 3) of six numbers, in which shifts are in sides of a crop."""
    return numbers.double().numpy().reshape(2, 3) * [1, 1, size]


def _composed(second: Floats, first: Floats) -> Floats:
    return np.column_stack(
        [second[:, :2] @ first[:, :2], second[:, :2] @ first[:, 2] + second[:, 2]]
    )


def _back(matrix: Floats, points: Floats) -> Floats:
    return np.asarray(np.linalg.solve(matrix[:, :2], (points - matrix[:, 2]).T).T, np.float64)
