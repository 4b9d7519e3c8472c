import csv
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch
from safetensors.torch import save

from canthus import config
from canthus.datasets import Sample
from canthus.errors import RecipeError, StorageError, TrainingError, WeightsError
from canthus.faces import Landmarks
from canthus.models import Hourglass, Target, build
from canthus.runtime.manifest import Manifest
from canthus.training import finish, fit
from canthus.training.checkpoint import read_tensors
from canthus.training.finish import manifest_of
from canthus.training.labels import Labeler
from canthus.training.loop import LOG, STATE, Trained, averaging, learning_rate
from canthus.training.recipe import Recipe, ScheduleConfig
from canthus.training.testing import HeldOut

SCRIPT = """
import sys
from pathlib import Path
import torch
from canthus.cli import main
torch.set_num_threads(1)
sys.argv = ["canthus", "train", *sys.argv[1:]]
main()
"""


def rows(folder: Path) -> list[dict[str, str]]:
    with (folder / LOG).open(newline="") as file:
        return list(csv.DictReader(file))


def state(folder: Path) -> dict[str, bytes]:
    tensors, _ = read_tensors(folder / STATE)
    return {name: value.float().numpy().tobytes() for name, value in tensors.items()}


def run(recipe: Recipe, drawn: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    """Train in a process of its own, as the command does."""
    path = out.with_suffix(".yaml")
    path.write_text(config.to_yaml(recipe))
    words = [str(path), "--data", str(drawn.parent), "--out", str(out), *more]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, *words],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment,
    )


def completed(process: subprocess.Popen[str]) -> None:
    _, said = process.communicate(timeout=120)
    assert process.returncode == 0, said


def wait_for_steps(out: Path, steps: int, process: subprocess.Popen[str]) -> None:
    """Until the log says that many steps are done."""
    for _ in range(1200):
        if (out / LOG).exists() and int(rows(out)[-1]["step"]) >= steps:
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    pytest.fail("the training made no progress in a minute")


def test_a_training_leaves_weights_a_log_and_its_recipe(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    weights = finish(fit([samples], recipe, tmp_path), recipe)

    tensors, metadata = read_tensors(weights)
    manifest = Manifest.from_json(metadata["canthus"], "the file")
    assert "stem.0.0.weight" in tensors
    assert manifest.recipe == config.dump(recipe)
    assert [int(row["step"]) for row in rows(tmp_path)] == [3, 6, 9, 12]
    assert config.read(Recipe, tmp_path / "recipe.yaml") == recipe
    assert (tmp_path / "log.svg").is_file()


def test_the_loss_falls(samples: list[Sample], recipe: Recipe, tmp_path: Path) -> None:
    schedule = replace(recipe.schedule, steps=150, learning_rate=5e-3, log_every=50, save_every=150)

    fit([samples], replace(recipe, schedule=schedule), tmp_path)

    losses = [float(row["points0"]) for row in rows(tmp_path)]
    assert losses[-1] < 0.75 * losses[0]


def test_the_same_seed_trains_the_same_weights(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    fit([samples], recipe, tmp_path / "a")
    fit([samples], recipe, tmp_path / "b")

    assert state(tmp_path / "a") == state(tmp_path / "b")


@pytest.mark.parametrize("precision", ["bf16", "fp32"])
def test_a_killed_training_goes_on_as_if_nothing_had_happened(
    recipe: Recipe, drawn: Path, tmp_path: Path, precision: Literal["bf16", "fp32"]
) -> None:
    schedule = replace(recipe.schedule, steps=30, precision=precision)
    longer = replace(recipe, schedule=schedule)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    completed(run(longer, drawn, whole))
    process = run(longer, drawn, killed)
    # any moment will do: this one is another in every run
    wait_for_steps(killed, 3 + time.monotonic_ns() % 15, process)
    process.kill()
    process.communicate()

    completed(run(longer, drawn, killed, "--resume"))

    assert state(killed) == state(whole)
    assert (killed / LOG).read_text() == (whole / LOG).read_text()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_writes_the_state_and_ends_cleanly(
    recipe: Recipe, drawn: Path, tmp_path: Path, number: signal.Signals
) -> None:
    schedule = replace(recipe.schedule, steps=100_000, save_every=99_999)
    process = run(replace(recipe, schedule=schedule), drawn, tmp_path / "run")
    wait_for_steps(tmp_path / "run", 3, process)

    process.send_signal(number)
    _, said = process.communicate(timeout=60)

    assert "go on with --resume" in said
    assert process.returncode == 1
    assert any(name.startswith("average.") for name in state(tmp_path / "run"))


def test_a_loss_that_is_no_number_stops_with_the_faces_named(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    wild = replace(
        recipe, schedule=replace(recipe.schedule, learning_rate=1e30, steps=50, warmup=0)
    )

    with pytest.raises(TrainingError, match=r"the loss is not a number.*learning_rate"):
        fit([samples], wild, tmp_path)

    (said,) = tmp_path.glob("not-finite-*.json")
    assert ".png" in said.read_text()


def test_a_folder_that_holds_a_training_is_not_overwritten(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    fit([samples], recipe, tmp_path)
    before = state(tmp_path)

    with pytest.raises(RecipeError, match="holds a training already"):
        fit([samples], recipe, tmp_path)

    assert state(tmp_path) == before


def test_sgd_resumes_as_if_nothing_had_happened(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    schedule = replace(recipe.schedule, optimizer="sgd", learning_rate=1e-3)
    schedule = replace(schedule, decay="steps", milestones=(0.5,), factor=1.0, warmup=0)
    whole = replace(recipe, schedule=schedule)
    half = replace(whole, schedule=replace(schedule, steps=schedule.steps // 2))
    fit([samples], whole, tmp_path / "whole")
    fit([samples], half, tmp_path / "parts")
    (tmp_path / "parts" / "recipe.yaml").write_text(config.to_yaml(whole))

    fit([samples], whole, tmp_path / "parts", resume=True)

    assert state(tmp_path / "parts") == state(tmp_path / "whole")


def test_what_a_loss_draws_is_drawn_again_after_a_resume(
    samples: list[Sample], recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def noisy(self: Hourglass, output: Any, target: Target) -> dict[str, torch.Tensor]:
        return {"noise": (output[-1] * torch.randn(output[-1].shape)).mean()}

    monkeypatch.setattr(Hourglass, "loss", noisy)
    schedule = replace(recipe.schedule, decay="steps", milestones=(0.5,), factor=1.0, warmup=0)
    whole = replace(recipe, schedule=schedule)
    half = replace(whole, schedule=replace(schedule, steps=schedule.steps // 2))
    fit([samples], whole, tmp_path / "whole")
    fit([samples], half, tmp_path / "parts")
    (tmp_path / "parts" / "recipe.yaml").write_text(config.to_yaml(whole))

    fit([samples], whole, tmp_path / "parts", resume=True)

    assert state(tmp_path / "parts") == state(tmp_path / "whole")


def test_another_recipe_does_not_resume(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    fit([samples], recipe, tmp_path)
    other = replace(recipe, schedule=replace(recipe.schedule, learning_rate=1.0))

    with pytest.raises(RecipeError, match="is not the recipe to resume with"):
        fit([samples], other, tmp_path, resume=True)


def test_there_must_be_something_to_resume(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    with pytest.raises(RecipeError, match="found none"):
        fit([samples], recipe, tmp_path / "new", resume=True)


def test_a_damaged_state_is_refused_by_name(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    fit([samples], recipe, tmp_path)
    path = tmp_path / STATE
    path.write_bytes(path.read_bytes()[:1000])

    with pytest.raises(WeightsError, match=r"state\.safetensors: expected a safetensors file"):
        fit([samples], recipe, tmp_path, resume=True)


def test_a_full_disk_leaves_the_last_state_whole(
    samples: list[Sample], recipe: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit([samples], recipe, tmp_path)
    before = (tmp_path / STATE).read_bytes()
    longer = replace(recipe, schedule=replace(recipe.schedule, steps=24))
    (tmp_path / "recipe.yaml").write_text(config.to_yaml(longer))

    def full(file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device"):
        fit([samples], longer, tmp_path, resume=True)

    assert (tmp_path / STATE).read_bytes() == before
    assert not list(tmp_path.glob(".*"))


def test_the_rate_warms_up_and_then_falls_to_a_hundredth() -> None:
    schedule = ScheduleConfig(steps=1000, warmup=100, learning_rate=1.0)

    rates = [learning_rate(step, schedule) for step in (0, 49, 99, 100, 550, 1000)]

    assert rates == pytest.approx([0.01, 0.5, 1.0, 1.0, 0.505, 0.01])


def test_the_rates_and_averages_of_musica(shared: Path) -> None:
    case = json.loads((shared / "parity" / "musica" / "schedule.json").read_text())
    schedule = ScheduleConfig(
        steps=60_000,
        warmup=0,
        learning_rate=1e-3,
        decay="steps",
        milestones=(0.25, 0.5, 0.75),
        factor=0.1,
        ema=0.9999,
    )

    for step, rate in case["learning_rate"].items():
        assert learning_rate(int(step), schedule) == pytest.approx(rate)
    for step, decay in case["ema_decay"].items():
        assert averaging(int(step), schedule) == pytest.approx(decay, abs=1e-12)


@pytest.mark.parametrize("steps", [1, 7])  # of an epoch
@pytest.mark.parametrize(("name", "highest", "warmup"), [("wpdc", 0.02, 5), ("vdc", 1e-5, 0)])
def test_the_rate_falls_by_steps_as_in_3ddfa(
    shared: Path, name: str, highest: float, warmup: int, steps: int
) -> None:
    wanted = np.load(shared / "parity" / "tddfa" / "lr_schedule.npz")[name]
    schedule = ScheduleConfig(
        steps=50 * steps,
        warmup=warmup * steps,
        learning_rate=highest,
        decay="steps",
        milestones=(0.6, 0.8),
    )

    rates = [learning_rate(step, schedule) for step in range(schedule.steps)]

    np.testing.assert_array_equal(rates, wanted.repeat(steps))


def test_the_rate_falls_by_a_factor_of_choice() -> None:
    schedule = ScheduleConfig(
        steps=10, warmup=1, learning_rate=1.0, decay="steps", milestones=(0.5,), factor=0.1
    )

    rates = [learning_rate(step, schedule) for step in (0, 1, 4, 5, 9)]

    assert rates == [0.1, 1, 1, 0.1, 0.1]


def test_scores_are_calibrated_on_faces_kept_apart(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    trained = fit([samples], recipe, tmp_path)
    before = trained.network.scores.bias.clone()

    finish(trained, recipe)

    assert len(trained.held_out) > 0
    assert not torch.equal(trained.network.scores.bias, before)


def test_nothing_is_measured_on_faces_that_a_model_annotated(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    (data,) = recipe.data
    both = replace(recipe, data=(data, replace(data, labels="teacher.csv")))

    alone = fit([samples], recipe, tmp_path / "alone").held_out
    beside = fit([samples, samples], both, tmp_path / "beside").held_out

    assert len(beside) == len(alone) > 0


def test_a_data_set_that_is_shown_twice_is_named_once(recipe: Recipe) -> None:
    (data,) = recipe.data

    assert manifest_of(replace(recipe, data=(data, data))).data == (data.root,)


def test_ellipses_are_fitted_on_faces_kept_apart(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    trained = fit([samples], recipe, tmp_path)

    weights = finish(trained, recipe)

    assert read_tensors(weights)[0]["ellipses.fitted"]
    assert not trained.network.ellipses.bias.isnan().any()


def test_a_training_of_an_earlier_version_with_fewer_settings_is_resumed(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    fit([samples], recipe, tmp_path)
    written = tmp_path / "recipe.yaml"
    later = [*("labels: null", "decay: cosine", "milestones: []", "factor: 0.2")]
    later += ["balance: 1", "optimizer: adamw"]
    lines = written.read_text().splitlines()
    earlier = [line for line in lines if line.strip() not in later]
    assert len(earlier) == len(lines) - len(later)
    written.write_text("\n".join(earlier))

    assert fit([samples], recipe, tmp_path, resume=True).finished


def test_calibrating_again_changes_nothing(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    trained = fit([samples], recipe, tmp_path)
    tensors, _ = read_tensors(finish(trained, recipe))

    trained.held_out.calibrate(trained.network)

    again = trained.network.state_dict()
    assert all(torch.equal(value, again[name]) for name, value in tensors.items())


def test_a_state_of_an_earlier_version_can_be_finished(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    finish(fit([samples], recipe, tmp_path), recipe)
    wanted, _ = read_tensors(tmp_path / "model.safetensors")
    tensors, _ = read_tensors(tmp_path / STATE)
    older = {name: value for name, value in tensors.items() if ".ellipses." not in name}
    (tmp_path / STATE).write_bytes(save(older, {"progress": '{"step": 12, "sums": {}}'}))

    found, _ = read_tensors(finish(fit([samples], recipe, tmp_path, resume=True), recipe))

    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], value) for name, value in wanted.items())


def test_points_that_annotators_put_to_the_right_are_answered_there(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    trained = fit([samples], recipe, tmp_path / "a")
    finish(trained, recipe)
    # 2 pixels of the picture further right; the crop of 32 pixels shows 1.3 boxes
    moved = [shifted(sample, 2.0) for sample in samples]
    other = replace(trained, held_out=HeldOut([moved], recipe, Labeler("68", ())))
    same = replace(trained, held_out=HeldOut([samples], recipe, Labeler("68", ())))
    before, after = float(sideways(same, recipe)), float(sideways(other, recipe))

    mean_scale = sum(32 / 1.3 / sample.box.side for sample in samples) / len(samples)
    assert after - before == pytest.approx(2.0 * mean_scale, rel=0.1)


def test_errors_of_data_sets_are_the_parts_of_the_error_of_all(
    samples: list[Sample], recipe: Recipe
) -> None:
    parts, network = [samples[:3], [], samples[3:]], build(recipe.model).eval()
    three = replace(recipe, data=3 * recipe.data)
    held_out = HeldOut(parts, three, Labeler("68", ()))

    first, none, last = held_out.errors(network)

    assert np.isnan(none)
    assert first != pytest.approx(last, rel=1e-4)
    whole = (len(parts[0]) * first + len(parts[2]) * last) / len(samples)
    assert held_out.error(network) == pytest.approx(whole)


def sideways(trained: Trained, recipe: Recipe) -> torch.Tensor:
    finish(trained, recipe)
    return trained.network.sideways.clone()


def shifted(sample: Sample, right: float) -> Sample:
    points = sample.landmarks.points + np.array([right, 0], np.float32)
    return replace(sample, landmarks=Landmarks(points, sample.landmarks.scheme))
