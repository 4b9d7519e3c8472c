"""`canthus evaluate` on published predictions prints the published figures, to their digits."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from canthus.cli import main

Run = Callable[..., dict[str, Any]]


@pytest.fixture
def scored(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    """Runs `canthus evaluate ... --json` and gives what it prints."""

    def run(*words: object) -> dict[str, Any]:
        line = ["canthus", "evaluate", *map(str, words), "--json"]
        monkeypatch.setattr(sys, "argv", line)
        with pytest.raises(SystemExit) as ending:
            main()
        said = capsys.readouterr()
        assert ending.value.code == 0, said.err
        values: dict[str, Any] = json.loads(said.out)
        return values

    return run


@pytest.fixture
def ibug(scored: Run, shared: Path) -> dict[str, Any]:
    file = shared / "oracles" / "300w_public.npz"
    return scored(file, "--scheme", "68", "--normalizer", "inter_ocular", "--threshold", "0.08")


def percent(value: float, digits: int) -> float:
    return round(100 * value, digits)


def test_the_table_of_300w(ibug: dict[str, Any]) -> None:
    rows = {
        name: (
            s["faces"],
            percent(s["nme"], 4),
            percent(s["auc"], 2),
            percent(s["failure_rate"], 4),
        )
        for name, s in ibug["subsets"].items()
    }
    assert rows["all"] == (689, 2.9937, 62.72, 0.7257)
    # 67.67 is the histogram's; the exact area is 67.66
    assert rows["common"] == (554, 2.5871, 67.66, 0)
    assert rows["helen"] == (330, 2.5195, 68.51, 0)
    assert rows["lfpw"] == (224, 2.6867, 66.42, 0)
    assert rows["challenging"] == rows["ibug"]
    assert rows["ibug"][:2] == (135, 4.6623)


def test_the_percentiles_of_300w(ibug: dict[str, Any]) -> None:
    every = ibug["subsets"]["all"]
    assert [percent(every[name], 3) for name in ("p90", "p95", "p99")] == [4.666, 5.435, 7.321]


def test_both_areas_of_300w_stand_side_by_side(ibug: dict[str, Any]) -> None:
    assert percent(ibug["subsets"]["all"]["auc"], 4) == 62.7205
    assert percent(ibug["areas"]["histogram"], 4) == 62.7275


@pytest.mark.parametrize(
    ("subset", "area"), [("all", 62.73), ("common", 67.67), ("helen", 68.51), ("lfpw", 66.42)]
)
def test_the_publishers_own_areas_of_subsets(
    ibug: dict[str, Any], subset: str, area: float
) -> None:
    assert percent(ibug["subsets"][subset]["areas"]["histogram"], 2) == area


def test_the_benchmarks_name_is_enough(scored: Run, shared: Path) -> None:
    values = scored(shared / "oracles" / "300w_public.npz", "300w")
    assert percent(values["subsets"]["all"]["nme"], 4) == 2.9937
    assert set(values["beside"]) == {"inter_pupil", "corner_mid", "box_size"}


def test_cofw68_by_the_box(scored: Run, shared: Path) -> None:
    file = shared / "oracles" / "cofw68.npz"
    values = scored(file, "--scheme", "68", "--normalizer", "box_size", "--threshold", "0.07")
    every = values["subsets"]["all"]
    assert (percent(every["nme"], 4), percent(every["auc"], 2)) == (2.5170, 64.04)
    assert percent(values["visibility"]["share"], 1) == 77.1


def test_cofw68_by_the_eyes(scored: Run, shared: Path) -> None:
    values = scored(shared / "oracles" / "cofw68.npz", "cofw68")
    assert percent(values["subsets"]["all"]["nme"], 4) == 3.9346


@pytest.mark.parametrize(
    ("yaw", "points", "counts"),
    [
        ("yaw", "ori", [1312, 383, 305]),
        ("yaw_new", "ori", [1306, 462, 232]),
        ("yaw", "re", [1312, 383, 305]),
        ("yaw_new", "re", [1306, 462, 232]),
    ],
)
def test_the_bins_of_aflw2000(
    scored: Run, shared: Path, tmp_path: Path, yaw: str, points: str, counts: list[int]
) -> None:
    """The synthetic predictions of the fixture, as its README draws them."""
    folder = shared / "parity" / "tddfa"
    truth = dict(np.load(folder / "data" / "aflw2000.npz"))
    fixture = dict(np.load(folder / "nme_aflw2000.npz"))
    name = "pts68_xy" if points == "ori" else "pts68_reannotated"
    draw = np.random.RandomState(int(fixture["noise_seed"]))
    noise = draw.normal(size=(2000, 2, 68))
    scale = draw.uniform(0.5, 4, (2000, 1, 1))
    shift = draw.normal(size=(2000, 2, 1))
    left, top, right, bottom = truth["roi"].astype(np.float64).T
    zoom = np.stack([(right - left) / 120, (bottom - top) / 120], axis=1)[:, :, None]
    corner = np.stack([left, top], axis=1)[:, :, None]
    # The noise is about the original points whichever truth it is scored against.
    in_crop = (truth["pts68_xy"].astype(np.float64) - corner) / zoom
    found = (in_crop + noise * scale + shift).astype(np.float32) * zoom + corner
    file = tmp_path / "noise.npz"
    np.savez(
        file,
        image=np.array([f"image{i:05d}.jpg" for i in range(2000)]),
        prediction=found.transpose(0, 2, 1),
        truth=truth[name].transpose(0, 2, 1).astype(np.float64),
        yaw_deg=truth[yaw],
    )
    values = scored(file, "aflw2000-3d")
    bins = values["over_bins"]
    wanted = fixture[f"noise_ana_{points}_{'pose' if yaw == 'yaw' else 'newpose'}"]
    assert bins["counts"] == counts
    assert 100 * np.array([*bins["means"], bins["mean"], bins["std"]]) == pytest.approx(
        wanted, abs=2e-3
    )
    errors = [face["error"] for face in values["faces"]]
    assert 100 * np.array(errors) == pytest.approx(100 * fixture[f"noise_nme_{points}"], abs=2e-3)
