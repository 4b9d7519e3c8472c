"""Files and folders that are there whole, or not at all."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from canthus.errors import StorageError

DRAFT = ".{}.canthus"  # what is not whole yet is called


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside its place, wait for the disk, then put it in place at once.

    Under its name there is always a whole file, the old one or the new one.

    Raises:
        StorageError: if the disk refuses; the old file stays as it was.
    """
    draft = path.with_name(DRAFT.format(os.urandom(8).hex()))
    try:
        try:
            with draft.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
        _sync(path.parent)
    except OSError as error:
        raise _refused(path, error) from None


def prepare_folder(path: Path) -> None:
    """See to a folder that nobody else writes to: it is there, and without drafts of the killed.

    Raises:
        StorageError: if that cannot be.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        for draft in path.glob(DRAFT.format("?" * 16)):
            if draft.is_file():
                draft.unlink(missing_ok=True)
    except OSError as error:
        raise _refused(path, error) from None


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A folder to fill beside its place; it is put in place when all has gone well, else removed.

    Raises:
        StorageError: if something of its name is there already, or the disk refuses.
    """
    if path.exists() and not (path.is_dir() and not any(path.iterdir())):
        raise StorageError(f"{path}: expected a new folder, found one of this name; choose another")
    draft = path.with_name(DRAFT.format(os.urandom(8).hex()))
    try:
        draft.mkdir(parents=True)
        try:
            yield draft
            draft.replace(path)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
        _sync(path.parent)
    except OSError as error:
        raise _refused(path, error) from None


def _refused(path: Path, error: OSError) -> StorageError:
    return StorageError(
        f"{path}: cannot be written: {error.strerror}; check the folder and its free space"
    )


def _sync(folder: Path) -> None:
    """Wait until the folder's own entry for the file is on the disk, where that can be asked."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
