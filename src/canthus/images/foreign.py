"""Files that are not pictures we read, told by their first bytes so that errors can name them."""

READ = "JPEG, PNG, WebP, TIFF or BMP"

_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"GIF87a", "a GIF"),
    (b"GIF89a", "a GIF"),
    (b"8BPS", "a Photoshop document (PSD)"),
    (b"SIMPLE  =", "a FITS file"),
    (b"%PDF", "a PDF document"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 picture"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 picture"),
    (b"\xff\x0a", "a JPEG XL picture"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL picture"),
    (b"v/1\x01", "an OpenEXR picture"),
    (b"#?RADIANCE", "a Radiance HDR picture"),
    (b"#?RGBE", "a Radiance HDR picture"),
    (b"II+\x00", "a BigTIFF"),
    (b"MM\x00+", "a BigTIFF"),
    (b"IIRO", "a camera's raw picture"),
    (b"IIU\x00", "a camera's raw picture"),
    (b"FUJIFILM", "a camera's raw picture"),
    (b"\x00\x00\x01\x00", "an icon (ICO)"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"\x1aE\xdf\xa3", "a video (Matroska)"),
    (b"version https://git-lfs", "a Git LFS pointer; the picture itself was not fetched"),
)
_NETPBM = tuple(b"P%d" % digit for digit in range(1, 8))
_HEIF_BRANDS = (b"heic", b"heix", b"hevc", b"heim", b"heis", b"mif1", b"msf1")


def name(data: bytes) -> str:
    """What a file is, as well as its first bytes tell: "a PDF document"."""
    for beginning, what in _BEGINNINGS:
        if data.startswith(beginning):
            return what
    if data[4:8] == b"ftyp":
        return _boxed(data[8:12])
    if data[:4] == b"RIFF":
        return "a video (AVI)" if data[8:12] == b"AVI " else "a RIFF file that is not WebP"
    if data[:2] in _NETPBM and data[2:3].isspace():
        return "a Netpbm picture (PBM, PGM, PPM)"
    return _written(data)


def _boxed(brand: bytes) -> str:
    if brand in _HEIF_BRANDS:
        return "a HEIC picture"
    return "an AVIF picture" if brand in (b"avif", b"avis") else "a video (MP4 or MOV)"


def _written(data: bytes) -> str:
    text = data[:1024].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<svg", b"<?xml")) and b"<svg" in text:
        return "an SVG drawing"
    if text.startswith((b"<!doctype html", b"<html")):
        return "a web page (HTML)"
    return f"bytes that begin with {data[:16]!r}"
