from pathlib import Path

import pytest
import torch

from canthus.datasets import Sample
from canthus.errors import WeightsError
from canthus.export.onnx import export_onnx
from canthus.models import Network
from canthus.runtime import TorchBackend
from canthus.training import calibrate, finish, fit
from canthus.training.recipe import Recipe


@pytest.fixture
def trained(samples: list[Sample], recipe: Recipe, tmp_path: Path) -> Path:
    return finish(fit([samples], recipe, tmp_path / "run"), recipe)


def network(path: Path) -> Network:
    return TorchBackend.open(path)[1].model


def test_a_model_is_calibrated_as_when_its_training_ended(
    trained: Path, drawn: Path, tmp_path: Path
) -> None:
    anew = tmp_path / "anew.safetensors"
    anew.write_bytes(calibrate(trained, drawn.parent))

    before, after = network(trained).state_dict(), network(anew).state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_an_onnx_file_that_promised_nothing_promises_something(
    trained: Path, drawn: Path, tmp_path: Path
) -> None:
    file, anew = tmp_path / "model.onnx", tmp_path / "anew.safetensors"
    export_onnx(trained, file)

    anew.write_bytes(calibrate(file, drawn.parent))

    before, after = network(trained), network(anew)
    crops = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    found = after.predict(crops)
    assert after.ellipses.fitted
    torch.testing.assert_close(
        found.points,
        before.predict(crops).points,
        atol=1e-2,
        rtol=0,
    )


def test_a_model_without_a_recipe_says_so(spot_weights: Path, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="expected a model that a recipe made"):
        calibrate(spot_weights, tmp_path)
