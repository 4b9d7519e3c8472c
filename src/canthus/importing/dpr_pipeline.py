"""DPR as it was published, crop by crop: each is cut out of the full picture, on 8 bits.

Our own network cuts inside itself, from one wide crop, with gradients and for any number of faces.
This is what it is measured against.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import repeat
from os import PathLike
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from canthus.errors import CanthusError, WeightsError
from canthus.faces import Face
from canthus.images.fixed_point import warp_affine
from canthus.models import Dpr
from canthus.models.layers import affine
from canthus.runtime import weights
from canthus.runtime.aligner import BATCH_SIZE, Aligner, Answer, Picture, opened
from canthus.runtime.backend import Arrays, TorchBackend, open_weights
from canthus.runtime.looks import Boxes
from canthus.runtime.manifest import Manifest

if TYPE_CHECKING:
    from canthus.detection import Detector

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


class PublishedAligner(Aligner):
    """Imported networks run as they were published: face by face, each in the box as it is drawn.

    A box's edges are taken for the rectangle's; where a detector is to look, they are those of the
    tight box that it expects. A face's turn is left to the network.

    Raises:
        WeightsError: if the weights are not those of an import.
    """

    def __init__(
        self, manifest: Manifest, backend: TorchBackend, detector: "Detector | None" = None
    ) -> None:
        super().__init__(manifest, backend, detector)
        if not isinstance(backend.model, Dpr) or not backend.model.published:
            raise WeightsError(
                f"{manifest.name}: parity is about weights that `canthus import dpr` wrote"
            )
        self.network = backend.model

    def __call__(
        self, image: Picture, boxes: Boxes | None = None, boxes_from: str = "tight"
    ) -> list[Face]:
        picture = opened(image)
        return [
            self._face(self._answer(picture, look.box.as_tuple()), look.score)
            for look in self._looks(picture, boxes, boxes_from)
        ]

    def stream(
        self,
        images: Iterable[Picture],
        boxes: Iterable[Boxes | None] | None = None,
        boxes_from: str = "tight",
        *,
        batch_size: int = BATCH_SIZE,
    ) -> Iterator[Answer]:
        pairs = zip(images, repeat(None)) if boxes is None else zip(images, boxes, strict=True)
        for image, drawn in pairs:
            try:
                yield self(image, drawn, boxes_from)
            except (CanthusError, ValueError) as error:
                yield error

    def _answer(self, picture: Image, rectangle: Rectangle) -> Arrays:
        found = align(self.network, picture, rectangle)
        points = found.whole if found.refined is None else found.refined
        return {"points": points.astype(np.float32)}  # how sure they are, they do not say


def load_published(
    name_or_path: str | PathLike[str] | None,
    *,
    device: str = "cpu",
    threads: int = 1,
    detector: "Detector | None" = None,
) -> PublishedAligner:
    """Open imported weights to run as they were published; as `canthus.load`.

    Raises:
        WeightsError: naming the file, if it is missing, damaged, not of Canthus, or not of
            imported DPR.
        ValueError: if there is no such device here.
    """
    manifest, backend = open_weights(weights.find(name_or_path), device=device, threads=threads)
    if not isinstance(backend, TorchBackend):
        raise WeightsError(f"{manifest.name}: parity is about the .safetensors file of an import")
    named = replace(manifest, name=f"{manifest.name} as published")
    return PublishedAligner(named, backend, detector)


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
    config, mean = network.config, network.mean.double().numpy()
    to_coarse = _box_map(rectangle, config.coarse)
    coarse = warp_affine(image, to_coarse, (config.coarse, config.coarse))
    first = network.reinit(network.as_input(_crop(coarse)))
    larger = config.size / config.coarse
    upright = larger * _composed(_map_of(first[0], config.coarse), to_coarse)
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
