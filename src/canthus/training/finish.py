"""From a training to a weights file that says what it is."""

import datetime
from dataclasses import replace
from pathlib import Path

import torch
from safetensors.torch import save

from canthus import __version__, config
from canthus.faces import SCHEMES
from canthus.faces.scheme_files import scheme_from, to_values
from canthus.models import Network
from canthus.runtime.manifest import KEY, Manifest
from canthus.storage import write_whole
from canthus.training.loop import Trained
from canthus.training.quitting import quitting_of, step_costs_of
from canthus.training.recipe import Recipe

MODEL = "model.safetensors"


def finish(trained: Trained, recipe: Recipe) -> Path:
    """Calibrate what a trained network promises and write it, with its manifest.

    Returns:
        The weights file in the training's folder.

    Raises:
        StorageError: if the disk refuses.
    """
    trained.held_out.calibrate(trained.network)
    path = trained.folder / MODEL
    quitting = quitting_of(trained.network, trained.held_out)
    costs = step_costs_of(trained.network, recipe.crop.size)
    manifest = replace(manifest_of(recipe), quitting=quitting, step_costs=costs)
    write_whole(path, to_bytes(trained.network, manifest))
    return path


def manifest_of(recipe: Recipe) -> Manifest:
    """What a model trained by a recipe says of itself, before anything is measured."""
    scheme = scheme_from(recipe.scheme)
    return Manifest(
        name=recipe.name,
        family=recipe.model.family,
        scheme=scheme.name,
        own_scheme={} if scheme.name in tuple(SCHEMES) else to_values(scheme),
        crop_size=recipe.crop.size,
        crop_scale=recipe.crop.scale,
        license=recipe.license,
        data=tuple(dict.fromkeys(data.root for data in recipe.data)),
        recipe=config.dump(recipe),
        version=__version__,
        created=datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
    )


def to_bytes(network: Network, manifest: Manifest) -> bytes:
    """A safetensors file of a network, with its manifest."""
    tensors = {
        name: value.detach().to(memory_format=torch.contiguous_format).contiguous()
        for name, value in network.state_dict().items()
    }
    return save(tensors, {KEY: manifest.to_json()})
