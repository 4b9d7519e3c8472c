import os
from pathlib import Path

import pytest

from canthus.errors import StorageError
from canthus.storage import whole_folder, write_whole


def test_a_file_is_written_as_it_should_be(tmp_path: Path) -> None:
    write_whole(tmp_path / "new.bin", b"one")
    write_whole(tmp_path / "new.bin", b"two")

    assert (tmp_path / "new.bin").read_bytes() == b"two"
    assert [path.name for path in tmp_path.iterdir()] == ["new.bin"]


@pytest.mark.parametrize("step", ["fsync", "replace"])
def test_a_disk_that_refuses_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    path = tmp_path / "old.bin"
    path.write_bytes(b"old")

    def refuse(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, step, refuse)
    with pytest.raises(StorageError, match=r"old\.bin: cannot be written: No space left"):
        write_whole(path, b"new")

    assert path.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["old.bin"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"gone.new\.bin: cannot be written"):
        write_whole(tmp_path / "gone" / "new.bin", b"")


def test_a_folder_is_there_when_it_is_complete(tmp_path: Path) -> None:
    with whole_folder(tmp_path / "new") as draft:
        (draft / "one").write_text("1")
        assert not (tmp_path / "new").exists()

    assert [path.name for path in tmp_path.iterdir()] == ["new"]
    assert (tmp_path / "new" / "one").read_text() == "1"


def test_a_folder_that_fails_on_the_way_leaves_nothing(tmp_path: Path) -> None:
    def stop(draft: Path) -> None:
        (draft / "one").write_text("1")
        raise ValueError("by the way")

    with pytest.raises(ValueError, match="by the way"), whole_folder(tmp_path / "new") as draft:
        stop(draft)

    assert not any(tmp_path.iterdir())


def test_a_folder_that_holds_something_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "one").write_text("1")

    with pytest.raises(StorageError, match="expected a new folder"), whole_folder(tmp_path / "old"):
        raise AssertionError

    assert (tmp_path / "old" / "one").read_text() == "1"
