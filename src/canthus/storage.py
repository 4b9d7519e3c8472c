"""Files that are there whole, or not at all."""

import os
from pathlib import Path

from canthus.errors import StorageError


def write_whole(path: Path, data: bytes) -> None:
    """Write a file beside its place, wait for the disk, then put it in place at once.

    Under its name there is always a whole file, the old one or the new one.

    Raises:
        StorageError: if the disk refuses; the old file stays as it was.
    """
    draft = path.with_name(f".{os.urandom(8).hex()}.canthus")
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
        raise StorageError(
            f"{path}: cannot be written: {error.strerror}; check the folder and its free space"
        ) from None


def _sync(folder: Path) -> None:
    """Wait until the folder's own entry for the file is on the disk, where that can be asked."""
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
