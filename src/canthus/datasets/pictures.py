"""The pixels of a sample, wherever its data set keeps them."""

import numpy as np
from numpy.typing import NDArray

from canthus.datasets import records
from canthus.datasets.sample import Sample
from canthus.images.files import read_image

MATLAB = ".mat"  # the file of several pictures that COFW is; all others are record files


def read_picture(sample: Sample) -> NDArray[np.uint8]:
    """The picture of a sample, uint8 RGB (H, W, 3), upright.

    Raises:
        ImageError: if it cannot be read.
    """
    if sample.entry is None:
        return read_image(sample.image)
    if sample.image.suffix != MATLAB:
        return records.read_picture(sample.image, sample.entry, sample.name)
    from canthus.datasets import cofw  # needs h5py, which few others do

    return cofw.read_picture(sample.image, sample.entry)
