"""What one wide crop costs DPR, against crops from the full picture: python THIS FOLDER.

FOLDER holds the released checkpoints, and `samples/`: pictures with 98 points (`.txt`) and the box
of a detector (`.rct`). Errors are by the outer eye corners, in percent.
"""

import sys
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from canthus.geometry import Box, Similarity
from canthus.images import warp
from canthus.images.files import read_image
from canthus.importing import dpr
from canthus.importing.dpr_pipeline import align
from canthus.models import Dpr

SCALES = (1.0, 1.1, 1.2, 1.3)  # of the square that the first network sees, over the tight box
SIZES = (256, 384, 512)  # of the wide crop's side, in pixels

Points = NDArray[np.float64]


def main() -> None:
    """Print the mean error over the pictures, for each way to cut."""
    folder = Path(sys.argv[1])
    network = dpr.read(folder)
    errors: dict[str, list[float]] = {}
    for path in sorted((folder / "samples").glob("*.jpg")):
        image = read_image(path)
        truth = np.loadtxt(path.with_suffix(".txt"), skiprows=1)
        detected = tuple(np.loadtxt(path.with_suffix(".rct")).tolist())
        tight = Box.around(truth)
        found = {
            "full picture, the detector's box": align(network, image, detected).whole,
            "full picture, the tight box": align(network, image, tight.as_tuple()).whole,
        }
        for size in SIZES:
            for scale in SCALES:
                name = f"one crop of {size} pixels, {scale} tight boxes"
                found[name] = in_one_crop(network, image, tight.scaled(scale), size)
        for name, points in found.items():
            errors.setdefault(name, []).append(error(points, truth))
    for name, values in errors.items():
        print(f"{np.mean(values):5.2f}  {name}")


@torch.no_grad()
def in_one_crop(network: Dpr, image: NDArray[np.uint8], box: Box, size: int) -> Points:
    """The landmarks in the picture, by the network alone, from one crop about twice the box."""
    wide = Similarity.crop(box.squared().scaled(1 / network.config.seen), size)
    crop = torch.from_numpy(warp.crop(image, wide, size)).permute(2, 0, 1)[None].float() / 255
    return wide.inverse().apply(network(crop).found[0].numpy())


def error(points: Points, truth: Points) -> float:
    """Mean distance over that of the outer eye corners, in percent."""
    eyes = np.linalg.norm(truth[60] - truth[72])
    return float(100 * np.linalg.norm(points - truth, axis=1).mean() / eyes)


if __name__ == "__main__":
    main()
