"""How many faces quit at what threshold, and what that costs: on the faces kept apart."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.flop_counter import FlopCounterMode

from canthus.models import Musica, Network
from canthus.models.layers.cascade_losses import face_errors
from canthus.runtime.manifest import Quitting
from canthus.runtime.quitting import quits
from canthus.training.testing import HeldOut

Errors = NDArray[np.float64]

ROWS = 20  # of the table, besides that of all steps
DIGITS = 6
LEAST = 1e-3  # the share of an error that further steps save at least


def quitting_of(network: Network, held_out: HeldOut) -> tuple[Quitting, ...]:
    """A table of thresholds for a model's manifest; empty where no face can quit.

    Args:
        network: calibrated.
        held_out: the faces.
    """
    if not isinstance(network, Musica) or not network.config.can_quit or not len(held_out):
        return ()
    return rows_of(*measured(network, held_out))


def rows_of(true: Errors, expected: Errors) -> tuple[Quitting, ...]:
    """The rows of such a table, from the errors after each of several steps, (K, N).

    A row's thresholds are those at which as much error is still to be saved: what is expected
    after a step, times the share of it that the steps after it save on average. In the first row
    nobody quits, in the last one all do after the first step; the others are as many faces and
    steps apart.
    """
    saved = 1 - np.nanmean(true[-1]) / np.nanmean(true[:-1], axis=1)
    saved = np.maximum(saved, LEAST)[:, None]
    places = np.quantile(expected[:-1] * saved, np.linspace(0, 1, ROWS + 1)[1:])
    places[-1] = 1.001 * (expected[0] * saved[0]).max()
    each = (np.concatenate([[0.0], np.unique(places)]) / saved).round(DIGITS)
    return tuple(_row(true, expected, tuple(below)) for below in each.T.tolist())


@torch.no_grad()
def step_costs_of(network: Network, size: int) -> tuple[int, ...]:
    """Multiply-adds of a face that is done after the first step, the second and so on.

    Args:
        network: empty where no face of it can quit.
        size: of the crops' sides, in pixels.
    """
    if not isinstance(network, Musica) or not network.config.can_quit:
        return ()
    costs, counter = [], FlopCounterMode(display=False)
    network.eval()
    with counter:
        found = network.first(network.mean.new_zeros(1, 3, size, size))
    costs.append(counter.get_total_flops() // 2)
    for number in range(1, network.config.steps):
        with counter:
            found = network.later(number, found)
        costs.append(costs[-1] + counter.get_total_flops() // 2)
    return tuple(costs)


@torch.no_grad()
def measured(network: Musica, held_out: HeldOut) -> tuple[Errors, Errors]:
    """True and expected errors after each step, (K, N) each, in longer sides of the tight box."""
    true, expected = [], []
    network.eval()
    for batch in held_out.batches():
        steps = network(batch.crops).each
        true.append(torch.stack([face_errors(step.points, batch.target) for step in steps]))
        said = [network.expected(number, step) for number, step in enumerate(steps)]
        expected.append(torch.stack([each for each in said if each is not None]))
    both = torch.cat(true, dim=1), torch.cat(expected, dim=1)
    return both[0].double().numpy(), both[1].double().numpy()


def _row(true: Errors, expected: Errors, below: tuple[float, ...]) -> Quitting:
    found = quits(expected, quit_below=below, fail_above=np.inf)
    counts = np.bincount(found.steps, minlength=len(true)) / true.shape[1]
    error = np.nanmean(true[found.steps, np.arange(true.shape[1])])
    shares = tuple(counts.round(DIGITS).tolist())
    return Quitting(below, shares, round(float(error), DIGITS))
