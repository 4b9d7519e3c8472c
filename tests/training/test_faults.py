"""What may go wrong around a training, beside what `test_loop` has; and that it costs nothing."""

import itertools
import json
import os
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save
from torch import Tensor

from canthus import config
from canthus.datasets import Sample
from canthus.errors import ImageError, StorageError, TrainingError, WeightsError
from canthus.models import Hourglass, Network, Target
from canthus.training import finish, fit, loop
from canthus.training.batches import Batch
from canthus.training.checkpoint import read_state, read_tensors
from canthus.training.loop import LOG, STATE, divided, gradients, optimizer_of
from canthus.training.recipe import Recipe, ScheduleConfig

Tensors = dict[str, Tensor]
FullDisk = Callable[[int], AbstractContextManager[None]]

EARLIER = {"progress": '{"step": 6, "sums": {}}'}  # of a state that has no checksum


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


def test_a_full_disk_leaves_the_last_log_whole(
    samples: list[Sample], short: Recipe, tmp_path: Path, full_disk: FullDisk
) -> None:
    often = replace(short.schedule, steps=60, log_every=1, save_every=60, test_every=60)
    room = len(config.to_yaml(short).encode()) + 100

    with full_disk(room), pytest.raises(StorageError, match=r"log\.csv: .*File too large"):
        fit([samples], replace(short, schedule=often), tmp_path)

    lines = (tmp_path / LOG).read_text().splitlines()
    assert [int(line.partition(",")[0]) for line in lines[1:]] == [*range(1, len(lines))]
    assert room - 100 < (tmp_path / LOG).stat().st_size <= room
    assert sorted(path.name for path in tmp_path.iterdir()) == [LOG, "recipe.yaml"]


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
    tensors, _ = read_tensors(tmp_path / STATE)
    damage(tensors, key)
    (tmp_path / STATE).write_bytes(save(tensors, EARLIER))

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


def test_any_flipped_bit_of_a_state_is_found(
    samples: list[Sample], short: Recipe, tmp_path: Path
) -> None:
    trained = fit([samples], short, tmp_path)
    path, rng = tmp_path / STATE, np.random.default_rng(0)
    whole, networks = path.read_bytes(), {"average": trained.network}
    header = 8 + int.from_bytes(whole[:8], "little")
    places = [*rng.integers(0, header, 100), *rng.integers(header, len(whole), 100)]
    label = whole.index(b"crc32")
    for place in set(places) - set(range(label, label + len("crc32"))):  # then it has none
        damaged = bytearray(whole)
        damaged[place] ^= 1 << int(rng.integers(8))
        path.write_bytes(damaged)
        with pytest.raises(WeightsError, match=r"state\.safetensors: "):
            read_state(path, networks, optimizer_of(trained.network, short.schedule))


def test_a_state_with_a_changed_weight_is_not_resumed(
    samples: list[Sample], short: Recipe, tmp_path: Path
) -> None:
    fit([samples], short, tmp_path)
    path = tmp_path / STATE
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))

    with pytest.raises(WeightsError, match=r"state\.safetensors: the file has changed since"):
        fit([samples], short, tmp_path, resume=True)


def test_a_state_without_a_checksum_is_resumed(
    samples: list[Sample], short: Recipe, tmp_path: Path
) -> None:
    fit([samples], short, tmp_path)
    tensors, _ = read_tensors(tmp_path / STATE)
    (tmp_path / STATE).write_bytes(save(tensors, EARLIER))

    assert fit([samples], short, tmp_path, resume=True).finished


@pytest.mark.parametrize("damage", [b"step,rate\nx6,1\n", b"step\n\xff\xfe\n"])
def test_a_damaged_log_is_named_before_any_work(
    samples: list[Sample], short: Recipe, tmp_path: Path, damage: bytes
) -> None:
    fit([samples], short, tmp_path)
    (tmp_path / LOG).write_bytes(damage)

    with pytest.raises(TrainingError, match=r"log\.csv: expected the log of this training"):
        fit([samples], short, tmp_path, resume=True)


def test_a_loss_whose_gradient_is_no_number_stops_with_its_own_faces_named(
    samples: list[Sample], short: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = itertools.count()

    def steep(self: Hourglass, output: Any, target: Target) -> Tensors:
        return {
            "root": (output[-1] * 0).sum().abs().sqrt() if next(steps) == 3 else output[-1].mean()
        }

    monkeypatch.setattr(Hourglass, "loss", steep)
    with pytest.raises(TrainingError, match=r"step 3: the loss is not .*'gradient': nan"):
        fit([samples], short, tmp_path)

    said = json.loads((tmp_path / "not-finite-3.json").read_text())
    assert said["faces"] == divided([samples], short)[0].names(3)
    tensors, _ = read_tensors(tmp_path / STATE)
    assert all(value.isfinite().all() for value in tensors.values())


def test_a_folder_that_cannot_be_is_named(
    samples: list[Sample], short: Recipe, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")

    with pytest.raises(StorageError, match=r"file.run: cannot be written: Not a directory"):
        fit([samples], short, tmp_path / "file" / "run")


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


@pytest.mark.parametrize("damaged", [None, b"", b"\x89PNG\r\n\x1a\n"])
def test_a_picture_that_is_damaged_on_the_way_stops_a_training_that_then_goes_on(
    samples: list[Sample], short: Recipe, tmp_path: Path, damaged: bytes | None
) -> None:
    fit([samples], short, tmp_path / "whole")
    copies = copied(samples, tmp_path / "data")
    fit([copies], short, tmp_path / "parts", minutes=0)
    ninth = Path(divided([copies], short)[0].names(2)[0])  # of nine: nobody saw it in two steps
    good = ninth.read_bytes()
    ninth.unlink() if damaged is None else ninth.write_bytes(damaged)

    with pytest.raises(ImageError, match=ninth.name):
        fit([copies], short, tmp_path / "parts", resume=True)

    _, metadata = read_tensors(tmp_path / "parts" / STATE)
    assert json.loads(metadata["progress"])["step"] == 2
    ninth.write_bytes(good)
    fit([copies], short, tmp_path / "parts", resume=True)
    for name in (STATE, LOG):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_lenient_training_shows_others_in_place_of_what_cannot_be_read_and_says_so(
    samples: list[Sample], short: Recipe, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    copies = copied(samples, tmp_path / "data")
    whole, kept = divided([copies], short)
    shown = [whole.names(number) for number in range(short.schedule.steps)]
    gone, damaged, unseen = Path(shown[0][0]), Path(shown[1][1]), kept._samples[0].image
    gone.unlink()
    damaged.write_bytes(b"\x89PNG\r\n\x1a\n")
    unseen.unlink()

    with caplog.at_level("WARNING"):
        trained = fit([copies], short, tmp_path / "run", lenient=True)

    said = [record.getMessage() for record in caplog.records]
    for picture in (gone, damaged, unseen):
        assert any(f"left out: {picture}" in line for line in said)
    assert "3 faces were left out, whose pictures cannot be read" in said
    assert trained.finished
    batches, held_out = divided([copies], short)
    assert len(batches.spare()) == 2
    assert len(held_out.spare()) == 1
    assert len(held_out) == len(kept) - 1
    assert held_out.error(trained.network) > 0
    for number, names in enumerate(shown):  # whoever can be read comes when they would
        now = batches.names(number)
        lost = [name in (str(gone), str(damaged)) for name in names]
        assert [a != b for a, b in zip(names, now, strict=True)] == lost
        assert not {str(gone), str(damaged)} & set(now)


def test_a_lenient_training_of_good_pictures_is_the_strict_one(
    samples: list[Sample], short: Recipe, tmp_path: Path
) -> None:
    fit([samples], short, tmp_path / "strict")
    fit([samples], short, tmp_path / "lenient", lenient=True)

    states = [(tmp_path / name / STATE).read_bytes() for name in ("strict", "lenient")]
    assert states[0] == states[1]


def test_a_lenient_training_without_any_picture_is_none(
    samples: list[Sample], short: Recipe, tmp_path: Path
) -> None:
    gone = [replace(sample, image=sample.image.with_name("gone.png")) for sample in samples]

    with pytest.raises(ImageError, match=r"gone\.png"):
        fit([gone], short, tmp_path, lenient=True)


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), r"step 2: .*schedule\.accumulate=2"),
        (torch.AcceleratorError("unspecified launch failure"), r"step 2: the GPU failed: unspec"),
    ],
)
def test_a_gpu_that_fails_ends_a_training_that_then_goes_on(
    samples: list[Sample],
    short: Recipe,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    failure: Exception,
    said: str,
) -> None:
    often = replace(short, schedule=replace(short.schedule, log_every=1, save_every=1))
    fit([samples], often, tmp_path / "whole")
    steps = iter([None, None, failure])

    def learn(network: Network, batch: Batch, schedule: ScheduleConfig) -> dict[str, float]:
        if (wrong := next(steps)) is not None:
            raise wrong
        return gradients(network, batch, schedule)

    with monkeypatch.context() as patch:
        patch.setattr(loop, "gradients", learn)
        with pytest.raises(TrainingError, match=said):
            fit([samples], often, tmp_path / "parts")

    fit([samples], often, tmp_path / "parts", resume=True)
    for name in (STATE, LOG):
        assert (tmp_path / "parts" / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def copied(samples: list[Sample], folder: Path) -> list[Sample]:
    """The samples, with pictures of their own."""
    folder.mkdir()
    copies = [replace(sample, image=folder / sample.image.name) for sample in samples]
    for sample, copy in zip(samples, copies, strict=True):
        copy.image.write_bytes(sample.image.read_bytes())
    return copies


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
