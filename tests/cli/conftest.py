"""What commands are given."""

from pathlib import Path

import numpy as np
import pytest

from canthus.faces.face_model import FaceModel, Keypoints, write_face_model
from canthus.images.files import write_image


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture of 200 x 150 pixels with a soft white spot about (81, 62)."""
    across, down = np.meshgrid(np.arange(200) - 81, np.arange(150) - 62)
    bright = 255 * np.exp(-(across**2 + down**2) / (2 * 4**2))
    image = np.repeat(bright.round().astype(np.uint8)[:, :, None], 3, axis=2)
    path = tmp_path / "photos" / "photo.png"
    path.parent.mkdir()
    write_image(path, image)
    return path


@pytest.fixture
def solid(tmp_path: Path) -> list[str | Path]:
    """The words that import a small 3DDFA with a made-up face model."""
    rng = np.random.default_rng(0)
    ball = rng.normal(size=(68, 3)) * 6e4
    model = FaceModel(
        name="made up",
        license="none",
        unit_mm=0.001,
        neutral=ball,
        triangles=[[0, 1, 2], [2, 3, 4]],
        keypoints=Keypoints.at(range(68)),
        identity=rng.normal(size=(40, 68, 3)),
        expression=rng.normal(size=(10, 68, 3)),
    )
    write_face_model(model, tmp_path / "faces.safetensors")
    import torch

    from canthus.importing import tddfa
    from canthus.models import Tddfa, TddfaConfig

    mean, spread = np.zeros(62, np.float32), np.ones(62, np.float32)
    mean[:12] = [5e-4, 0, 0, 60, 0, 5e-4, 0, 60, 0, 0, 5e-4, 0]
    spread[:12] = 1e-5
    np.savez(tmp_path / "whitening.npz", mean=mean, std=spread)
    torch.manual_seed(0)
    backbone = Tddfa(TddfaConfig(width=0.25)).backbone
    state, names = backbone.state_dict(), tddfa.original_names(backbone)
    named = {f"module.{names[name]}": state[name] for name in names}
    torch.save({"epoch": 1, "state_dict": named}, tmp_path / "mb.pth")
    return [
        *("import", "tddfa", tmp_path / "mb.pth", "--out", tmp_path / "mb.safetensors"),
        *("--face-model", tmp_path / "faces.safetensors"),
        *("--whitening", tmp_path / "whitening.npz"),
    ]
