"""How many faces quit at what threshold, and what that costs: on the faces kept apart."""

import numpy as np
import torch
from numpy.typing import NDArray

from canthus.models import Musica, Network
from canthus.models.layers.cascade_losses import face_errors
from canthus.runtime.manifest import Quitting
from canthus.runtime.quitting import quits
from canthus.training.testing import HeldOut

Errors = NDArray[np.float64]

ROWS = 20  # of the table, besides that of all steps
DIGITS = 6


def quitting_of(network: Network, held_out: HeldOut) -> tuple[Quitting, ...]:
    """A table of thresholds for a model's manifest; empty where no face can quit.

    The thresholds are 0, which nobody is below, and quantiles of what is expected before the last
    step; below the last one, all quit after the first step.

    Args:
        network: calibrated.
        held_out: the faces.
    """
    if not isinstance(network, Musica) or not network.config.can_quit or not len(held_out):
        return ()
    true, expected = measured(network, held_out)
    places = np.quantile(expected[:-1], np.linspace(0, 1, ROWS + 1)[1:])
    places[-1] *= 1.001
    thresholds = [0.0, *np.unique(places.round(DIGITS)).tolist()]
    return tuple(_row(true, expected, below) for below in thresholds)


@torch.no_grad()
def measured(network: Musica, held_out: HeldOut) -> tuple[Errors, Errors]:
    """True and expected errors after each step, (K, N) each, in longer sides of the tight box."""
    true, expected = [], []
    network.eval()
    for batch in held_out.batches():
        steps = network(batch.crops).each
        true.append(torch.stack([face_errors(step.points, batch.target) for step in steps]))
        said = [network.expected(number, step.error) for number, step in enumerate(steps)]
        expected.append(torch.stack([each for each in said if each is not None]))
    both = torch.cat(true, dim=1), torch.cat(expected, dim=1)
    return both[0].double().numpy(), both[1].double().numpy()


def _row(true: Errors, expected: Errors, below: float) -> Quitting:
    found = quits(expected, quit_below=below, fail_above=np.inf)
    counts = np.bincount(found.steps, minlength=len(true)) / true.shape[1]
    error = np.nanmean(true[found.steps, np.arange(true.shape[1])])
    shares = tuple(counts.round(DIGITS).tolist())
    return Quitting(below, shares, round(float(error), DIGITS))
