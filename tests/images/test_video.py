"""Frames of a clip."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from canthus.errors import ImageError
from canthus.images.files import write_image
from canthus.images.video import frame_paths, read_frames


def test_numbers_in_names_count(tmp_path: Path) -> None:
    for name in ("frame10.png", "frame2.png", "frame1.png"):
        write_image(tmp_path / name, np.zeros((32, 32, 3), np.uint8))
    assert [path.stem for path in frame_paths(tmp_path)] == ["frame1", "frame2", "frame10"]


def test_a_folder_of_pictures_is_a_clip(tmp_path: Path) -> None:
    for i in range(3):
        write_image(tmp_path / f"{i}.png", np.full((32, 32, 3), 50 * i, np.uint8))
    assert [int(frame[0, 0, 0]) for frame in read_frames(tmp_path)] == [0, 50, 100]


def test_a_video_is_read_in_red_green_blue(tmp_path: Path) -> None:
    path = str(tmp_path / "clip.avi")
    video = cv2.VideoWriter(path, cv2.VideoWriter.fourcc(*"MJPG"), 10, (64, 48))
    for _ in range(4):
        video.write(np.full((48, 64, 3), (0, 0, 250), np.uint8))  # red, as OpenCV has it
    video.release()
    frames = list(read_frames(Path(path)))
    assert len(frames) == 4
    assert frames[0].shape == (48, 64, 3)
    assert frames[0][20, 20, 0] > 200
    assert frames[0][20, 20, 2] < 50


@pytest.mark.parametrize("data", [b"", b"no video at all" * 100])
def test_what_is_no_video_is_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "clip.mp4").write_bytes(data)
    with pytest.raises(ImageError, match=r"clip\.mp4: expected a video"):
        list(read_frames(tmp_path / "clip.mp4"))


def test_a_clip_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="expected a video file or a folder of frames"):
        list(read_frames(tmp_path / "none.mp4"))


def test_a_folder_without_pictures_is_named(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="expected the frames of a clip as pictures"):
        list(read_frames(tmp_path))
