"""Frames of a clip."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from canthus.errors import ImageError
from canthus.images.files import write_image
from canthus.images.video import frame_paths, read_frames


def test_numbers_in_names_count(tmp_path: Path) -> None:
    for name in ("frame10.png", "frame2.png", "frame1.png"):
        write_image(tmp_path / name, np.zeros((32, 32, 3), np.uint8))
    assert [path.stem for path in frame_paths(tmp_path)] == ["frame1", "frame2", "frame10"]


def test_numbers_count_before_other_signs(tmp_path: Path) -> None:
    for name in ("²10.png", "²9.png", "a1.png"):
        write_image(tmp_path / name, np.zeros((32, 32, 3), np.uint8))
    assert [path.stem for path in frame_paths(tmp_path)] == ["a1", "²9", "²10"]


def test_equal_numbers_have_an_order(tmp_path: Path) -> None:
    for name in ("f1.png", "f001.png", "f01.png"):
        write_image(tmp_path / name, np.zeros((32, 32, 3), np.uint8))
    assert [path.stem for path in frame_paths(tmp_path)] == ["f001", "f01", "f1"]


def test_hidden_files_and_folders_are_no_frames(tmp_path: Path) -> None:
    write_image(tmp_path / "1.png", np.zeros((32, 32, 3), np.uint8))
    (tmp_path / "._1.png").write_bytes(b"what a Mac leaves beside")
    (tmp_path / "2.png").mkdir()
    assert [path.name for path in frame_paths(tmp_path)] == ["1.png"]


def test_a_folder_of_pictures_is_a_clip(tmp_path: Path) -> None:
    for i in range(3):
        write_image(tmp_path / f"{i}.png", np.full((32, 32, 3), 50 * i, np.uint8))
    assert [int(frame[0, 0, 0]) for frame in read_frames(tmp_path)] == [0, 50, 100]


def record(path: Path, frames: list[NDArray[np.uint8]]) -> Path:
    """Write a video of frames, BGR."""
    height, width = frames[0].shape[:2]
    video = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 10, (width, height))
    for frame in frames:
        video.write(frame)
    video.release()
    return path


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """A video of twenty red frames, 64 x 48."""
    red = np.full((48, 64, 3), (0, 0, 250), np.uint8)  # as OpenCV has it
    return record(tmp_path / "clip.avi", [red] * 20)


def test_a_video_is_read_in_red_green_blue(clip: Path) -> None:
    frames = list(read_frames(clip))
    assert [frame.shape for frame in frames] == [(48, 64, 3)] * 20
    red, green, blue = frames[0][20, 20].tolist()
    assert red > 200 > 50 > max(green, blue)


def test_a_video_may_be_left_early(clip: Path) -> None:
    frames = read_frames(clip)
    assert next(frames).dtype == np.uint8


def test_half_a_video_is_refused_at_its_end(tmp_path: Path) -> None:
    frames = list(np.random.default_rng(0).integers(0, 256, (20, 240, 320, 3), np.uint8))
    path = record(tmp_path / "clip.avi", frames)
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    with pytest.raises(ImageError, match="expected 20 frames as the video says, found"):
        list(read_frames(path))


def test_a_picture_is_no_clip(tmp_path: Path) -> None:
    write_image(tmp_path / "1.png", np.zeros((32, 32, 3), np.uint8))
    with pytest.raises(ImageError, match="or a folder of frames, found a picture"):
        list(read_frames(tmp_path / "1.png"))


@pytest.mark.parametrize("data", [b"", b"no video at all" * 100])
def test_what_is_no_video_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "clip.mp4").write_bytes(data)
    with pytest.raises(ImageError, match=r"clip\.mp4: expected a video"):
        list(read_frames(tmp_path / "clip.mp4"))


def test_a_clip_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="expected a video file or a folder of frames"):
        list(read_frames(tmp_path / "none.mp4"))


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="expected pictures"):
        list(read_frames(tmp_path))
