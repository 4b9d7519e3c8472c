"""A checksum at the end of an ONNX file: what a disk or a download damages is not run.

ONNX Runtime finds a damaged structure but not a damaged weight. A protobuf message may be
continued by appending to it, so the seal is one more entry of the model's metadata, behind
everything else. Other tools read the file as before.
"""

import zlib
from pathlib import Path

from canthus.errors import WeightsError

# metadata_props (field 14 of ModelProto): key "canthus_crc32", value 8 hexadecimal digits
HEAD = b"\x72\x19\x0a\x0dcanthus_crc32\x12\x08"
LENGTH = len(HEAD) + 8
PIECE = 1 << 16  # bytes read at a time


def sealed(model: bytes) -> bytes:
    """The bytes of an ONNX file with the seal behind them."""
    return model + HEAD + f"{zlib.crc32(model):08x}".encode()


def check(path: Path) -> None:
    """Check a file against its seal; one that has none passes.

    Raises:
        WeightsError: if the file cannot be read, or is not what was sealed.
    """
    try:
        found, wanted = _checksums(path)
    except OSError as error:
        raise WeightsError(f"{path}: cannot be read: {error.strerror}") from None
    if found != wanted:
        raise WeightsError(
            f"{path}: the file has changed since Canthus wrote it (its checksum is {found}, "
            f"sealed was {wanted}); copy or download it again"
        )


def _checksums(path: Path) -> tuple[str, str]:
    """What a file's bytes sum up to, and what its seal says; both empty if it has none."""
    left = max(0, path.stat().st_size - LENGTH)
    with path.open("rb") as file:
        file.seek(left)
        seal = file.read(LENGTH)
        if not seal.startswith(HEAD):
            return "", ""
        file.seek(0)
        found = 0
        while piece := file.read(min(PIECE, left)):
            found, left = zlib.crc32(piece, found), left - len(piece)
    return f"{found:08x}", seal[len(HEAD) :].decode("ascii", "replace")
