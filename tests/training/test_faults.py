"""What may go wrong around a training, beside what `test_loop` has; and that it costs nothing."""

import json
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import save
from torch import Tensor

from canthus.datasets import Sample
from canthus.errors import ImageError, StorageError, WeightsError
from canthus.training import finish, fit
from canthus.training.checkpoint import read_tensors
from canthus.training.loop import LOG, STATE
from canthus.training.recipe import Recipe

Tensors = dict[str, Tensor]


class Killed(BaseException):
    """As `kill -9` has it: nothing is tidied up."""


@pytest.fixture
def short(recipe: Recipe) -> Recipe:
    return replace(recipe, schedule=replace(recipe.schedule, steps=6, test_every=6))


def kill_at(monkeypatch: pytest.MonkeyPatch, moment: int) -> None:
    """At one of the moments when something has been written: of a file, or of its name."""
    moments = iter(range(moment, -1, -1))

    def killed(handle: int) -> None:
        if next(moments, 0) == 0:
            raise Killed

    monkeypatch.setattr(os, "fsync", killed)
    monkeypatch.setattr(Path, "unlink", lambda path, missing_ok=False: None)


@pytest.mark.parametrize("moment", [2, 3, 4, 7, 10, 13])
def test_a_training_that_is_killed_while_it_writes_goes_on_as_if_nothing_had_happened(
    samples: list[Sample],
    short: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    moment: int,
) -> None:
    fit([samples], short, tmp_path / "whole")
    with monkeypatch.context() as patch:
        kill_at(patch, moment)
        with pytest.raises(Killed):
            fit([samples], short, tmp_path / "killed")

    resume = (tmp_path / "killed" / STATE).exists()
    fit([samples], short, tmp_path / "killed", resume=resume)

    for name in (STATE, LOG):
        assert (tmp_path / "killed" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_full_disk_leaves_no_half_model(
    samples: list[Sample], short: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained = fit([samples], short, tmp_path)
    before = sorted(tmp_path.iterdir())

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"model\.safetensors: .*No space left on device"):
        finish(trained, short)

    assert sorted(tmp_path.iterdir()) == before


def without(tensors: Tensors, key: str) -> None:
    del tensors[key]


def reshaped(tensors: Tensors, key: str) -> None:
    tensors[key] = torch.zeros(3, 3)


@pytest.mark.parametrize("damage", [without, reshaped])
@pytest.mark.parametrize("key", ["network.stem.0.0.weight", "optimizer.1.exp_avg"])
def test_a_state_with_a_wrong_tensor_is_refused_by_its_name(
    samples: list[Sample],
    short: Recipe,
    tmp_path: Path,
    damage: Callable[[Tensors, str], None],
    key: str,
) -> None:
    fit([samples], short, tmp_path)
    tensors, metadata = read_tensors(tmp_path / STATE)
    damage(tensors, key)
    (tmp_path / STATE).write_bytes(save(tensors, metadata))

    with pytest.raises(WeightsError, match=key.partition(".")[2]):
        fit([samples], short, tmp_path, resume=True)


@pytest.mark.parametrize(
    "damaged",
    [
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: data[: len(data) // 2], id="cut short"),
        pytest.param(lambda data: bytes([*data[:8], data[8] ^ 1, *data[9:]]), id="a bit flipped"),
        pytest.param(lambda data: (10 << 30).to_bytes(8, "little") + data[8:], id="10 GB header"),
        pytest.param(lambda data: b"\x80\x04" + data, id="a pickle"),
    ],
)
def test_a_damaged_state_is_refused(
    samples: list[Sample], short: Recipe, tmp_path: Path, damaged: Callable[[bytes], bytes]
) -> None:
    fit([samples], short, tmp_path)
    path = tmp_path / STATE
    path.write_bytes(damaged(path.read_bytes()))

    with pytest.raises(WeightsError, match=r"state\.safetensors: expected a safetensors file"):
        fit([samples], short, tmp_path, resume=True)


def test_other_weights_under_the_state_s_name_are_refused(
    samples: list[Sample], short: Recipe, tmp_path: Path
) -> None:
    fit([samples], short, tmp_path)
    tensors, _ = read_tensors(tmp_path / STATE)
    (tmp_path / STATE).write_bytes(save(tensors, {"format": "pt"}))

    with pytest.raises(WeightsError, match=r"state\.safetensors: .*progress"):
        fit([samples], short, tmp_path, resume=True)


def test_a_picture_that_vanishes_stops_a_training_by_its_name(
    samples: list[Sample], short: Recipe, tmp_path: Path
) -> None:
    gone = [replace(sample, image=sample.image.with_name("gone.png")) for sample in samples]

    with pytest.raises(ImageError, match=r"gone\.png"):
        fit([gone], short, tmp_path)


def test_the_clock_ends_a_training_that_is_then_resumed_as_if_nothing_had_happened(
    samples: list[Sample], short: Recipe, tmp_path: Path
) -> None:
    fit([samples], short, tmp_path / "whole")

    assert not fit([samples], short, tmp_path / "parts", minutes=0).finished
    _, metadata = read_tensors(tmp_path / "parts" / STATE)
    assert json.loads(metadata["progress"])["step"] == 1
    assert fit([samples], short, tmp_path / "parts", resume=True, minutes=60).finished

    for name in (STATE, LOG):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()
