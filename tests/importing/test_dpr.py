"""The released DPR: its networks, its pipeline, and its checkpoints."""

import pickle
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from canthus.errors import WeightsError
from canthus.geometry import Box
from canthus.images.files import read_image
from canthus.importing import dpr
from canthus.importing.dpr_pipeline import align, regressed
from canthus.importing.published import load_published
from canthus.models import Dpr
from canthus.models.layers.standing import part_mean

PARTS = dpr.PART_NAMES


@pytest.fixture(scope="module")
def fixtures(shared: Path) -> Path:
    return shared / "parity" / "dpr"


@pytest.fixture(scope="module")
def released(fixtures: Path) -> Dpr:
    return dpr.read(fixtures)


@pytest.fixture(scope="module")
def whole(fixtures: Path, released: Dpr) -> Dpr:
    """With a stand-in for the local regression, whose weights were never released."""
    network = Dpr(replace(released.config, local=True)).eval()
    states = {
        name: torch.load(
            fixtures / "weights" / f"98_points_{name}.pth.tar", "cpu", weights_only=True
        )["state_dict"]
        for name in dpr.FILES[:3]
    }
    named = {
        name: (name, {key.removeprefix("module."): value for key, value in state.items()})
        for name, state in states.items()
    }
    backbone = named["global_regress"][1]
    heads = np.load(fixtures / "nets" / "surrogate_local_heads.npz")
    local = {key: torch.tensor(heads[key]) for key in heads.files}
    for part in PARTS:
        for key, value in backbone.items():
            if key.startswith("features."):
                local[f"{part}_net.{key.removeprefix('features.')}"] = value
    dpr.fill(network, named | {"local_regress": ("local_regress", local)})
    network.mean.copy_(released.mean)
    return network


def as_input(stored: np.ndarray) -> torch.Tensor:
    return (torch.tensor(stored).float() / 255 - 0.5) / 0.5


def cases(fixtures: Path) -> list[Path]:
    found = sorted((fixtures / "cases").glob("*.npz"))
    assert found
    return found


def picture(fixtures: Path, case: Path) -> np.ndarray:
    return read_image(fixtures / "samples" / f"{case.stem.removeprefix('case_')}.jpg")


@torch.no_grad()
def test_every_network_answers_as_the_original_does(whole: Dpr, fixtures: Path) -> None:
    stored = np.load(fixtures / "nets" / "subnets_random.npz")

    first = whole.reinit(as_input(stored["greinit_in_u8"]))
    (offsets,) = whole.regress(as_input(stored["gregress_in_u8"])[:, None])
    maps = whole.local_reinit(torch.tensor(stored["lreinit_in"])[None])
    parts = whole.local_regress(as_input(stored["lregress_in_u8"]).transpose(0, 1))

    np.testing.assert_allclose(first, stored["greinit_out"], atol=1e-6)
    np.testing.assert_allclose(offsets.flatten(1), stored["gregress_out"], atol=1e-6)
    for name, found, refined in zip(PARTS, maps, parts, strict=True):
        np.testing.assert_allclose(found, stored[f"lreinit_out_{name}"], atol=1e-6)
        np.testing.assert_allclose(
            refined.flatten(1), stored[f"sur_lregress_out_{name}"], atol=1e-6
        )


def test_the_pipeline_finds_the_originals_landmarks(whole: Dpr, fixtures: Path) -> None:
    for case in cases(fixtures):
        stored, image = np.load(case), picture(fixtures, case)

        upright = align(whole, image, tuple(stored["rect"])).upright
        # from the original's map: a last bit of ours, which differs between processors, changes
        # gray levels of the crop and so thousandths of a pixel
        found = regressed(whole, image, stored["M"])

        np.testing.assert_allclose(upright, stored["M"], rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(found.whole, stored["lm_gsr"], atol=1e-3)
        assert found.refined is not None
        np.testing.assert_allclose(found.refined, stored["sur_lm_glsr"], atol=1e-2)
        assert nme(found.whole, stored["gt"]) == pytest.approx(float(stored["nme_gsr"]), abs=1e-6)


def test_other_boxes_give_the_originals_landmarks_too(released: Dpr, fixtures: Path) -> None:
    for case in cases(fixtures):
        stored, image = np.load(case), picture(fixtures, case)
        for rectangle, wanted in zip(stored["jit_rect"], stored["jit_lm_gsr"], strict=True):
            found = align(released, image, tuple(rectangle)).whole
            np.testing.assert_allclose(found, wanted, atol=0.05)


def test_pictures_without_a_stored_answer_are_aligned_as_well(
    released: Dpr, fixtures: Path
) -> None:
    stored = {case.stem.removeprefix("case_") for case in cases(fixtures)}
    blind = [path for path in (fixtures / "samples").glob("*.jpg") if path.stem not in stored]
    assert blind
    for path in blind:
        x0, y0, x1, y1 = np.loadtxt(path.with_suffix(".rct"))
        truth = np.loadtxt(path.with_suffix(".txt"), skiprows=1)
        assert nme(align(released, read_image(path), (x0, y0, x1, y1)).whole, truth) < 0.1


def test_part_means_follow_from_the_mean_face(whole: Dpr, fixtures: Path) -> None:
    stored = np.load(fixtures / "mean" / "mean_shapes.npz")
    np.testing.assert_allclose(whole.mean, stored["face"], atol=1e-6)
    for name, indices in zip(PARTS, whole.parts, strict=True):
        assert indices == stored[f"{name}_idx"].tolist()
        np.testing.assert_allclose(part_mean(whole.mean[indices]), stored[name], atol=1e-6)


def nme(found: np.ndarray, truth: np.ndarray) -> float:
    eyes = np.linalg.norm(truth[60] - truth[72])
    return float(np.linalg.norm(found - truth, axis=1).mean() / eyes)


SMALL = dpr.PUBLISHED


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Checkpoints of fresh weights, as the original would have saved them."""
    torch.manual_seed(0)
    network = Dpr(SMALL)
    state, names = network.state_dict(), dpr.original_names(network)
    files: dict[str, dict[str, torch.Tensor]] = {"global_reinit": {}, "global_regress": {}}
    for key, (name,) in names.items():
        kind, value = key.split(".")[-2], state[key]
        if kind == "weights":
            value = value[0]
        elif kind in ("biases", "slopes"):
            value = value[0, 0]
        files[f"global_{key.partition('.')[0]}"][f"module.{name}"] = value.clone()
    for name, tensors in files.items():
        torch.save({"epoch": 1, "state_dict": tensors}, tmp_path / f"98_points_{name}.pth.tar")
    np.save(tmp_path / "mean_98_face.npy", np.linspace(0, 1, 196))
    return tmp_path


def change(folder: Path, name: str, key: str, value: torch.Tensor | None) -> None:
    path = folder / f"98_points_{name}.pth.tar"
    stored = torch.load(path, weights_only=True)
    stored["state_dict"].pop(f"module.{key}", None)
    if value is not None:
        stored["state_dict"][f"module.{key}"] = value
    torch.save(stored, path)


def test_what_was_saved_is_read_again(folder: Path) -> None:
    torch.manual_seed(0)
    saved = Dpr(SMALL).state_dict()

    read = dpr.read(folder)

    learned = dpr.original_names(read)
    assert read.config == SMALL
    ours = read.state_dict()
    assert all(torch.equal(ours[key], saved[key]) for key in learned)
    assert read.mean[0].tolist() == pytest.approx([0, 1 / 195])


@pytest.mark.parametrize(
    ("file", "key", "value", "message"),
    [
        ("global_reinit", "fc_loc.2.bias", None, r"expected a tensor fc_loc\.2\.bias, found none"),
        (
            "global_reinit",
            "fc_loc.2.bias",
            torch.zeros(4),
            r"fc_loc\.2\.bias: expected the shape \(6,\), found \(4,\)",
        ),
        ("global_regress", "more", torch.zeros(1), "no tensor beyond the network's, found more"),
    ],
)
def test_tensors_of_another_network_are_named(
    folder: Path, file: str, key: str, value: torch.Tensor | None, message: str
) -> None:
    change(folder, file, key, value)

    with pytest.raises(WeightsError, match=message) as said:
        dpr.read(folder)
    assert f"98_points_{file}.pth.tar" in str(said.value)


class Harmful:
    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (Path("was-run"),)


@pytest.mark.parametrize("content", [b"", b"\x80\x02.", b"no checkpoint", pickle.dumps(Harmful())])
def test_a_damaged_file_is_named_and_never_run(
    folder: Path, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (folder / "98_points_global_reinit.pth.tar").write_bytes(content)

    with pytest.raises(WeightsError, match="98_points_global_reinit"):
        dpr.read(folder)
    assert not Path("was-run").exists()


def test_a_folder_without_checkpoints_says_what_it_should_hold(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"expected N_points_global_reinit\.pth\.tar"):
        dpr.read(tmp_path)


def test_a_folder_without_its_mean_face_is_refused(folder: Path) -> None:
    (folder / "mean_98_face.npy").unlink()

    with pytest.raises(WeightsError, match=r"expected one mean_98_face\.npy below it, found 0"):
        dpr.read(folder)


def test_two_sets_of_checkpoints_are_one_too_many(folder: Path) -> None:
    for path in folder.glob("98_points_*"):
        shutil.copy(path, folder / path.name.replace("98", "68"))

    with pytest.raises(WeightsError, match="found several"):
        dpr.read(folder)


def test_the_mode_of_parity_finds_the_originals_landmarks(fixtures: Path, tmp_path: Path) -> None:
    dpr.convert(fixtures, tmp_path / "gsr.safetensors", license="as published")
    aligner = load_published(tmp_path / "gsr.safetensors")

    for case in cases(fixtures):
        stored = np.load(case)
        (face,) = aligner(picture(fixtures, case), [Box(*stored["rect"])])
        apart = np.abs(face.landmarks.points - stored["lm_gsr"])
        assert apart.max() < 0.01
        assert face.landmarks.scores is None
    assert aligner.manifest.name.endswith("as published")


def test_many_pictures_in_the_mode_of_parity(fixtures: Path, tmp_path: Path) -> None:
    dpr.convert(fixtures, tmp_path / "gsr.safetensors", license="as published")
    aligner = load_published(tmp_path / "gsr.safetensors")
    case = cases(fixtures)[0]
    box = Box(*np.load(case)["rect"])
    image = picture(fixtures, case)

    first, wrong, again = aligner.stream([image, image, image], [[box], [[9, 9, 5, 5]], [box]])

    assert isinstance(wrong, ValueError)
    assert isinstance(first, list)
    assert isinstance(again, list)
    np.testing.assert_array_equal(first[0].landmarks.points, again[0].landmarks.points)


def test_parity_is_for_imported_weights(spot_weights: Path) -> None:
    with pytest.raises(WeightsError, match="import"):
        load_published(spot_weights)
