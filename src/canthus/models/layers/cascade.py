"""The steps of MuSiCa: from patches about landmarks to where these should move."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from canthus.models.layers.heatmaps import moments
from canthus.models.layers.patches import cells
from canthus.models.layers.precision import product

PATCH = 14  # pixels of a published patch's side
CHANNELS = 32  # of the published convolutions
FEATURES = 256  # of a published patch
SPREAD = 0.01  # of the published weights, at first
SMALL = 1e-2  # cells squared: no variance is less
QUIET = 1e-3  # of the fresh weights of what a slim step adds to what its patches say
DOUBT = -3.0  # the logarithm of the error that a slim step first expects: a twentieth of the face


# As products, which runtimes do faster than picking numbers one by one: from a window's moments
RADIAL = [[0.0], [0.0], [1.0], [0.0], [0.0], [1.0]]


class Moved(NamedTuple):
    """What a step says.

    Attributes:
        offsets: of all landmarks, (B, L, 2).
        error: that it expects of the face after them, (B,); a slim step says its logarithm.
        hidden: what it passes on, (B, H).
        attention: the mean of each patch's gates, (B, P), in (0, 1); 1 without attention.
    """

    offsets: Tensor
    error: Tensor
    hidden: Tensor
    attention: Tensor


class PublishedStep(nn.Module):
    """Two convolutions and a gate per patch, then one recurrent cell over all of them.

    Features of a patch are in the published order: row, column, channel; what the convolutions
    see in its middle before their maxima.

    Args:
        patches: how many.
        landmarks: that are moved.
        hidden: units of the cell.
        attention: whether each patch weighs its features by what they are.
    """

    def __init__(self, patches: int, landmarks: int, hidden: int, *, attention: bool) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, CHANNELS, 3)
        self.conv2 = nn.Conv2d(CHANNELS, CHANNELS, 3)
        self.attention = nn.Linear(FEATURES, FEATURES) if attention else None
        self.hidden = nn.Linear(FEATURES * patches + hidden, hidden)
        self.output = nn.Linear(hidden, 2 * landmarks + 1)
        for name, value in self.named_parameters():
            if name.endswith("bias"):
                nn.init.zeros_(value)
            else:
                nn.init.trunc_normal_(value, std=SPREAD, a=-2 * SPREAD, b=2 * SPREAD)

    def features(self, patches: Tensor) -> Tensor:
        """Of patches (B, P, 3, 14, 14): (B, P, 256), before the gate."""
        pooled = F.max_pool2d(F.relu(self.conv1(patches.flatten(0, 1))), 2)
        last = F.relu(self.conv2(pooled))
        both = torch.cat([last[..., 1:3, 1:3], F.max_pool2d(last, 2)], dim=1)
        return both.permute(0, 2, 3, 1).reshape(*patches.shape[:2], FEATURES)

    def gates(self, features: Tensor) -> Tensor:
        """Of features (B, P, 256), in (0, 1); all 1 without attention."""
        if self.attention is None:
            return torch.ones_like(features)
        return torch.sigmoid(self.attention(features))

    def forward(self, patches: Tensor, hidden: Tensor) -> Moved:
        """Offsets in pixels of the patches' level.

        Args:
            patches: (B, P, 3, 14, 14).
            hidden: of the step before, (B, H).
        """
        features = self.features(patches)
        gates = self.gates(features)
        weighed = (gates * features).flatten(1)
        hidden = torch.tanh(self.hidden(torch.cat([weighed, hidden], dim=1)))
        said = self.output(hidden).float()
        offsets = said[:, :-1].unflatten(1, (-1, 2)).flip(-1)
        return Moved(offsets, said[:, -1], hidden, gates.float().mean(dim=-1))


class Window(NamedTuple):
    """What patches of maps say of where their landmarks are, about the patches' middles, in cells.

    Attributes:
        chance: of each cell, row by row, (B P, S^2).
        moments: (B, P, 6), see `heatmaps.moments`.
    """

    chance: Tensor
    moments: Tensor

    @classmethod
    def of(cls, logits: Tensor) -> "Window":
        """Read patches (B, P, S, S) of logits."""
        chance = torch.softmax(logits.float().flatten(2).flatten(0, 1), dim=-1)
        found = moments(chance, cells(logits.shape[-1], chance))
        return cls(chance, found.reshape(*logits.shape[:2], -1))

    @property
    def mean(self) -> Tensor:
        """(B, P, 2)."""
        return self.moments[..., :2]

    @property
    def spread(self) -> Tensor:
        """The patches' mean distance from their means, of a face, (B, 1)."""
        squares = product(self.moments, self.moments.new_tensor(RADIAL))
        variances = squares - self.mean.square().sum(dim=-1, keepdim=True)
        return variances.clamp(min=SMALL).sqrt().mean(dim=1)


class SlimStep(nn.Module):
    """Each patch says where its landmark is; one small recurrent cell over all of them mends it.

    A patch's cells become features by one layer for all patches, which their gate weighs and a
    second layer makes few: so the cell's matrix is small.

    Args:
        patches: how many.
        landmarks: that are moved.
        size: cells of a patch's side.
        hidden: units of the cell.
        attention: whether each patch weighs its features by what they are.
    """

    WIDTH, KEPT = 32, 4  # features of a patch, and how many of them the cell is told
    DOUBTS = 32  # units between what the cell is told and the error that is expected

    def __init__(
        self, patches: int, landmarks: int, *, size: int, hidden: int, attention: bool
    ) -> None:
        super().__init__()
        self.look = nn.Linear(size**2, self.WIDTH)
        self.attention = nn.Linear(self.WIDTH, self.WIDTH) if attention else None
        self.project = nn.Linear(self.WIDTH, self.KEPT)
        told = (self.KEPT + 2) * patches + hidden
        self.output = nn.Linear(2 * patches + hidden, 2 * landmarks)
        self.hidden = nn.Linear(told, hidden)
        last = nn.Linear(self.DOUBTS, 1)
        self.doubt = nn.Sequential(nn.Linear(told, self.DOUBTS), nn.ReLU(), last)
        nn.init.normal_(self.look.weight, std=size / 10)  # chances are small numbers
        nn.init.normal_(self.output.weight, std=QUIET)
        nn.init.zeros_(self.output.bias)
        nn.init.constant_(last.bias, DOUBT)

    def forward(self, window: Window, hidden: Tensor | None) -> Moved:
        """What to add to what the patches themselves say, in cells.

        Args:
            window: of each patch.
            hidden: of the step before, (B, H); None before the first, as if it were 0.
        """
        features = F.relu(self.look(window.chance))
        gates = window.chance.new_ones(window.mean.shape[:2])
        if self.attention is not None:
            opened = torch.sigmoid(self.attention(features))
            features, gates = opened * features, opened.float().mean(dim=-1).view_as(gates)
        means = window.mean
        places = means.flatten(1)
        told = torch.cat([self.project(features).view(*means.shape[:2], -1), means], dim=-1)
        told = told.flatten(1)
        if hidden is None:
            told = F.pad(told, (0, self.hidden.out_features))
        else:
            told = torch.cat([told, hidden], dim=-1)
        hidden, doubt = torch.tanh(self.hidden(told)), self.doubt(told).float()[:, 0]
        offsets = self.output(torch.cat([places, hidden], dim=-1)).float().unflatten(1, (-1, 2))
        return Moved(offsets, doubt, hidden, gates)
