"""Imported weights as a file of ours."""

from pathlib import Path

from canthus import __version__
from canthus.config import dump
from canthus.errors import WeightsError
from canthus.models import ModelConfig, Network
from canthus.runtime.manifest import Manifest
from canthus.storage import write_whole
from canthus.training.finish import to_bytes


def write(
    network: Network,
    config: ModelConfig,
    target: Path,
    *,
    scheme: str,
    crop_size: int,
    crop_scale: float,
    license: str,
) -> None:
    """Write a network and what its manifest says: nothing was measured of it.

    Raises:
        WeightsError: if the target is not named as a safetensors file.
        StorageError: if the target cannot be written.
    """
    if target.suffix.lower() != ".safetensors":
        raise WeightsError(f"{target}: expected a name that ends with .safetensors")
    manifest = Manifest(
        name=target.stem,
        family=config.family,
        scheme=scheme,
        crop_size=crop_size,
        crop_scale=crop_scale,
        license=license,
        recipe={"model": dump(config)},
        version=__version__,
    )
    write_whole(target, to_bytes(network, manifest))
