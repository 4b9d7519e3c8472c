"""Faces in pictures that are on the disk."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from canthus.datasets import Sample
from canthus.faces import SCHEMES, Landmarks
from canthus.geometry import Box
from canthus.images.files import write_image

Make = Callable[..., Sample]


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Makes a face of five points in a picture of 120 x 90 pixels below `tmp_path / "in"`."""

    def made(
        name: str = "a.png", unknown: Sequence[int] = (), hidden: Sequence[int] = ()
    ) -> Sample:
        image = tmp_path / "in" / name
        image.parent.mkdir(parents=True, exist_ok=True)
        if not image.exists():
            write_image(image, np.full((90, 120, 3), 90, np.uint8))
        points = np.array([[30.125, 40.7], [61.3, 39], [45, 55.25], [33, 70.01], [58, 71.5]])
        points[list(unknown)] = np.nan
        flags = np.array([i not in {*unknown, *hidden} for i in range(5)])
        landmarks = Landmarks(points, SCHEMES["5"])
        box = Box(25.5, 30.5, 66.5, 80.5)
        return Sample(image, box, landmarks, visible=flags, name=name)

    return made
