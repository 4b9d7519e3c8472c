"""Errors of models with 98 landmarks on pictures of WFLW: python THIS FOLDER MODEL...

FOLDER holds pictures, each with its 98 points (`.txt`). Prints the errors by the outer eye corners
in percent, in the tight boxes, and their mean.
"""

import sys
from pathlib import Path

import numpy as np

from canthus.geometry import Box
from canthus.images.files import read_image
from canthus.runtime import load


def main() -> None:
    """Print a line for each model."""
    pictures = sorted(Path(sys.argv[1]).glob("*.jpg"))
    truths = [np.loadtxt(path.with_suffix(".txt"), skiprows=1) for path in pictures]
    for model in sys.argv[2:]:
        aligner, errors = load(model), []
        for path, truth in zip(pictures, truths, strict=True):
            (face,) = aligner(read_image(path), [Box.around(truth)])
            apart = np.linalg.norm(face.landmarks.points - truth, axis=1).mean()
            errors.append(100 * apart / np.linalg.norm(truth[60] - truth[72]))
        print(model, *(f"{error:.2f}" for error in errors), f"mean {np.mean(errors):.2f}")


if __name__ == "__main__":
    main()
