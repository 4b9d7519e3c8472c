"""What MuSiCa's steps expect, and what quitting costs: python THIS WEIGHTS RECIPE DATA.

WEIGHTS is what a training of RECIPE wrote. Prints, for each step, the mean of the true errors and
of the expected ones on the faces that the training kept apart, in longer sides of the tight box,
and how alike both rank the faces (Spearman); then, for several thresholds, the mean number of
steps and the error.
"""

import sys
from pathlib import Path

import numpy as np
import torch

from canthus.models import Musica
from canthus.runtime.backend import TorchBackend
from canthus.runtime.quitting import quits
from canthus.training import read_recipe
from canthus.training.loop import divided
from canthus.training.quitting import measured
from canthus.training.sets import read_sets

THRESHOLDS = (0.03, 0.035, 0.04, 0.045, 0.05, 0.06, 0.08)


def main() -> None:
    """Print a line for each step and threshold."""
    torch.set_num_threads(1)
    weights, recipe, data = Path(sys.argv[1]), read_recipe(Path(sys.argv[2])), Path(sys.argv[3])
    network = TorchBackend.open(weights)[1].model
    assert isinstance(network, Musica)
    _, held_out = divided(read_sets(recipe, data), recipe)
    true, expected = measured(network, held_out)
    for number, (errors, said) in enumerate(zip(true, expected, strict=True)):
        rank = np.corrcoef(errors.argsort().argsort(), said.argsort().argsort())[0, 1]
        print(f"step {number}: {errors.mean():.4f}, expected {said.mean():.4f}, rank {rank:.2f}")
    for threshold in THRESHOLDS:
        found = quits(expected, quit_below=threshold, fail_above=np.inf)
        error = true[found.steps, np.arange(true.shape[1])].mean()
        print(f"below {threshold}: {found.mean_steps:.2f} steps, {error:.4f}")


if __name__ == "__main__":
    main()
