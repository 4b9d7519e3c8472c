import os
from pathlib import Path

import pytest

from canthus.errors import StorageError
from canthus.storage import write_whole


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
