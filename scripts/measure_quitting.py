"""What MuSiCa's steps expect, and what quitting costs: python THIS WEIGHTS RECIPE DATA.

WEIGHTS is what a training of RECIPE wrote. Prints, for each step, the mean of the true errors and
of the expected ones on the faces that the training kept apart, in longer sides of the tight box,
and how alike both rank the faces (Spearman); then, for the thresholds of a manifest, the share of
the multiply-adds of all steps, and the error.
"""

import sys
from pathlib import Path

import numpy as np
import torch

from canthus.models import Musica
from canthus.runtime.backend import TorchBackend
from canthus.training import read_recipe
from canthus.training.loop import divided
from canthus.training.quitting import measured, rows_of, step_costs_of
from canthus.training.sets import read_sets


def main() -> None:
    """Print a line for each step and each pair of thresholds."""
    torch.set_num_threads(1)
    weights, recipe, data = Path(sys.argv[1]), read_recipe(Path(sys.argv[2])), Path(sys.argv[3])
    network = TorchBackend.open(weights)[1].model
    assert isinstance(network, Musica)
    _, held_out = divided(read_sets(recipe, data), recipe)
    true, expected = measured(network, held_out)
    for number, (errors, said) in enumerate(zip(true, expected, strict=True)):
        rank = np.corrcoef(errors.argsort().argsort(), said.argsort().argsort())[0, 1]
        print(f"step {number}: {errors.mean():.4f}, expected {said.mean():.4f}, rank {rank:.2f}")
    costs = np.array(step_costs_of(network, recipe.crop.size))
    for row in rows_of(true, expected) if network.config.can_quit else ():
        cost = np.dot(row.shares, costs) / costs[-1]
        print(f"below {row.below}: {100 * cost:.0f} % of the multiply-adds, {row.error:.4f}")


if __name__ == "__main__":
    main()
