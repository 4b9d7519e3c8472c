"""The published heatmap networks as they cut a face out and read their maps.

Their crop has the middle of a box at pixel size / 2, ours at (size - 1) / 2; their answer is the
highest pixel of maps that are enlarged twice. Our own way is the usual crop, and a peak between
pixels. Their test first turns a face upright by five points; who has only a box does not.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from canthus.geometry import Box, Similarity
from canthus.images.fixed_point import warp_affine
from canthus.importing.heatmap import CELLS, CROP_SCALE
from canthus.models import Heatmap
from canthus.models.layers import decoders


def crop_of(box: Box, size: int) -> Similarity:
    """From a picture to the crop of a face's tight box.

    Args:
        box: whose middle is cut to whole pixels.
        size: of the crop's side, in pixels.
    """
    x0, y0, x1, y1 = box.as_tuple()
    scale = size / (CROP_SCALE * max(x1 - x0, y1 - y0))
    x, y = np.trunc((x0 + x1) / 2), np.trunc((y0 + y1) / 2)
    shifts = size / 2 - scale * x, size / 2 - scale * y
    return Similarity(np.array([[scale, 0.0, shifts[0]], [0.0, scale, shifts[1]]]))


@torch.no_grad()
def align(network: Heatmap, picture: NDArray[np.uint8], box: Box) -> NDArray[np.float32]:
    """The landmarks (L, 2) of the face in a tight box, in pixels of the picture.

    Args:
        network: one that was imported; it is put into evaluation.
        picture: RGB, (H, W, 3).
        box: of the face.
    """
    stride = network.config.stride
    size = CELLS * stride
    look = crop_of(box, size)
    crop = torch.tensor(warp_affine(picture, look.matrix, (size, size)))
    maps = network.eval()(crop.permute(2, 0, 1)[None].float() / 255).maps[-1]
    (points,) = decoders.published(maps, stride).numpy()
    return look.inverse().apply(points).astype(np.float32)
