"""Trainings in two processes, started as a user would: by torchrun, on one machine, over gloo."""

import csv
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest
import torch
import torch.distributed as dist

from canthus import config
from canthus.datasets import Sample
from canthus.errors import RecipeError, TrainingError
from canthus.training import fit, processes
from canthus.training.checkpoint import read_tensors
from canthus.training.loop import LOG, STATE
from canthus.training.recipe import Recipe

pytestmark = pytest.mark.skipif(
    not (dist.is_available() and dist.is_gloo_available()), reason="this torch has no gloo"
)

TORCHRUN = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
# As much as sums in another order may differ after a dozen steps: in losses, in sides of the face.
TOLERANCE = 1e-3


@pytest.fixture
def exact(recipe: Recipe) -> Recipe:
    """At full precision, so that differences are of rounding alone."""
    return replace(recipe, schedule=replace(recipe.schedule, precision="fp32"))


def run(recipe: Recipe, drawn: Path, out: Path, *more: str) -> subprocess.Popen[str]:
    path = out.with_suffix(".yaml")
    path.write_text(config.to_yaml(recipe))
    words = ["-m", "canthus.cli", "train", str(path), "--data", str(drawn.parent)]
    return subprocess.Popen(
        [*TORCHRUN, *words, "--out", str(out), *more],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )


def ended(process: subprocess.Popen[str]) -> str:
    _, said = process.communicate(timeout=300)
    return said


def rows(folder: Path) -> list[list[float]]:
    with (folder / LOG).open(newline="") as file:
        return [[float(cell or "nan") for cell in row] for row in list(csv.reader(file))[1:]]


def wait_for_a_line(out: Path, process: subprocess.Popen[str]) -> None:
    for _ in range(3000):
        if (out / LOG).exists():
            return
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    pytest.fail("the training made no progress")


def test_two_processes_learn_as_one_does(
    samples: list[Sample], exact: Recipe, drawn: Path, tmp_path: Path
) -> None:
    process = run(exact, drawn, tmp_path / "two")
    fit([samples], exact, tmp_path / "one")

    said = ended(process)

    assert process.returncode == 0, said
    assert said.count("step 12 ") == 1
    assert (tmp_path / "two" / "model.safetensors").is_file()
    torch.testing.assert_close(
        rows(tmp_path / "two"), rows(tmp_path / "one"), rtol=TOLERANCE, atol=0, equal_nan=True
    )


def test_a_training_goes_on_in_another_number_of_processes(
    samples: list[Sample], exact: Recipe, drawn: Path, tmp_path: Path
) -> None:
    half = replace(exact, schedule=replace(exact.schedule, steps=6, warmup=0))
    whole = replace(exact, schedule=replace(exact.schedule, warmup=0))
    fit([samples], whole, tmp_path / "one")
    fit([samples], half, tmp_path / "two")
    (tmp_path / "two" / "recipe.yaml").write_text(config.to_yaml(whole))

    process = run(whole, drawn, tmp_path / "two", "--resume")
    said = ended(process)

    assert process.returncode == 0, said
    first, second = rows(tmp_path / "one"), rows(tmp_path / "two")
    assert [row[0] for row in second] == [row[0] for row in first]


def test_every_process_stops_after_the_same_step(
    recipe: Recipe, drawn: Path, tmp_path: Path
) -> None:
    schedule = replace(recipe.schedule, steps=100_000, save_every=99_999, log_every=1)
    process = run(replace(recipe, schedule=schedule), drawn, tmp_path / "run")
    wait_for_a_line(tmp_path / "run", process)

    process.send_signal(signal.SIGTERM)
    said = ended(process)

    assert said.count("go on with --resume") == 1
    assert process.returncode != 0
    assert any(name.startswith("average.") for name in read_tensors(tmp_path / "run" / STATE)[0])


def test_a_killed_process_ends_the_training_at_once(
    recipe: Recipe, drawn: Path, tmp_path: Path
) -> None:
    schedule = replace(recipe.schedule, steps=100_000, log_every=1)
    process = run(replace(recipe, schedule=schedule), drawn, tmp_path / "run")
    wait_for_a_line(tmp_path / "run", process)
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        process.terminate()
        ended(process)
        pytest.skip("this system does not say which processes torchrun has started")

    os.kill(int(children.read_text().split()[-1]), signal.SIGKILL)
    ended(process)

    assert process.returncode != 0
    read_tensors(tmp_path / "run" / STATE)


def test_batches_that_cannot_be_shared_evenly_are_refused(
    samples: list[Sample], recipe: Recipe, tmp_path: Path
) -> None:
    odd = replace(recipe, schedule=replace(recipe.schedule, accumulate=3))

    with pytest.raises(RecipeError, match=r"batch_size: expected a multiple of 1 .* 3; found 4"):
        fit([samples], odd, tmp_path)


def test_alone_nothing_is_shared() -> None:
    output = [torch.rand(2, 3)]

    assert processes.whole(output, 2) is output
    assert (processes.number(), processes.count()) == (0, 1)


def test_a_training_is_on_the_gpu_if_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 0)

    assert processes.device() == processes.device("cuda") == torch.device("cuda", 0)
    assert processes.device("cpu") == torch.device("cpu")


def test_a_gpu_that_is_not_there_is_no_silent_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)

    assert processes.device() == torch.device("cpu")
    with pytest.raises(TrainingError, match="device: expected a GPU for cuda, found none"):
        processes.device("cuda")
