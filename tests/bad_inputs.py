"""Files that are no usable photograph, made on the fly, with what the sentence about each must say.

One table for the library, the command line and the window: each entry builds its file in a folder, and the sentence
must name the file and contain every word of ``words`` (both compared in lower case).
"""

import gzip
import io
import struct
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import tifffile
from PIL import Image

from tests.bad_outputs import ordinary_rights


def fundus_drawing(height: int = 120, width: int = 128) -> npt.NDArray[np.uint8]:
    """A drawn photograph, uint8 (height, width, 3): an orange disc on black, with dark vessels and a bright spot."""
    rows, columns = np.mgrid[:height, :width]
    radius = 0.46 * min(height, width)
    distance = np.hypot(rows - height / 2, columns - width / 2)
    image = np.zeros((height, width, 3))
    image[:] = (190, 95, 40)
    image *= (1 - 0.35 * distance / radius)[..., None]
    for slope in (-0.7, -0.2, 0.3, 0.8):
        line = np.abs(rows - height / 2 - slope * (columns - width * 0.3)) < 1.5
        image[line] *= 0.6
    image[np.hypot(rows - height / 2, columns - width * 0.3) < 0.13 * radius] = (250, 210, 140)
    image += np.random.default_rng(7).normal(0, 2, image.shape)
    image[distance > radius] = 3
    return image.clip(0, 255).astype(np.uint8)


def encoded(kind: str, pixels: npt.NDArray[np.generic] | None = None, **options: object) -> bytes:
    """The bytes of a picture file of a kind that Pillow writes; without ``pixels`` the drawing."""
    buffer = io.BytesIO()
    Image.fromarray(fundus_drawing() if pixels is None else pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def sixteen_bit_png(values: npt.NDArray[np.uint16]) -> bytes:
    """``values`` in the order red, green, blue."""
    return bytes(cv2.imencode(".png", values[..., ::-1])[1])


def _chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def huge_png(side: int = 40_000) -> bytes:
    """A well-formed PNG of some kilobytes whose header claims ``side`` x ``side`` pixels."""
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + _chunk(b"IDAT", zlib.compress(bytes(1_000_000))) + _chunk(b"IEND", b"")


def huge_jpeg(side: int = 40_000) -> bytes:
    data = bytearray(encoded("JPEG"))
    start = data.index(b"\xff\xc0")  # start of frame: length, precision, height, width
    data[start + 5 : start + 9] = struct.pack(">HH", side, side)
    return bytes(data)


def huge_tiff(side: int = 40_000) -> bytes:
    data = bytearray(encoded("TIFF"))
    (directory,) = struct.unpack_from("<I", data, 4)
    for entry in range(struct.unpack_from("<H", data, directory)[0]):
        position = directory + 2 + 12 * entry
        tag, kind = struct.unpack_from("<HH", data, position)
        if tag in (256, 257):
            struct.pack_into("<H" if kind == 3 else "<I", data, position + 8, side)
    return bytes(data)


def _transparent() -> bytes:
    return encoded("PNG", np.dstack([fundus_drawing(), np.zeros((120, 128), np.uint8)]))


def _float_tiff() -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, fundus_drawing().astype(np.float32) / 255, photometric="rgb")
    return buffer.getvalue()


def _jpeg_in_planes() -> bytes:
    data = encoded("TIFF", compression="jpeg")
    return data.replace(struct.pack("<HHIH", 284, 3, 1, 1), struct.pack("<HHIH", 284, 3, 1, 2))


def _deep_tiff() -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, fundus_drawing() * np.uint16(257), photometric="rgb", rowsperstrip=9)
    return buffer.getvalue()


def _zero_filled(data: bytes) -> bytes:
    """As a copy that broke off leaves it: the full length, but zeros from the middle on."""
    return data[: len(data) // 2] + bytes(len(data) - len(data) // 2)


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2]


@dataclass(frozen=True)
class BadInput:
    """``build`` makes the file in a folder; ``rights`` must be entered while it is read.

    ``readable`` files are pictures that can be opened; it is the search for the field of view that refuses them.
    """

    name: str
    build: Callable[[Path], Path]
    words: tuple[str, ...]
    rights: Callable[[], AbstractContextManager[None]] = nullcontext
    readable: bool = False


def _file(name: str, content: Callable[[], bytes]) -> Callable[[Path], Path]:
    def build(folder: Path) -> Path:
        path = folder / name
        path.write_bytes(content())
        return path

    return build


def _folder(folder: Path) -> Path:
    path = folder / "folder.png"
    path.mkdir()
    return path


def _forbidden(folder: Path) -> Path:
    path = _file("secret.png", lambda: encoded("PNG"))(folder)
    path.chmod(0)
    return path


def _bad(name: str, file: str, content: Callable[[], bytes], *words: str, readable: bool = False) -> BadInput:
    return BadInput(name, _file(file, content), words, readable=readable)


def _noise(low: int, high: int) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(3).integers(low, high, (120, 128, 3), dtype=np.uint8)


BAD_INPUTS: tuple[BadInput, ...] = (
    BadInput("missing", lambda folder: folder / "missing.png", ("there is no file", "check")),
    BadInput("a folder", _folder, ("is a folder", "choose")),
    BadInput("no permission", _forbidden, ("permission", "copy"), rights=ordinary_rights),
    _bad("zero bytes", "empty.jpg", lambda: b"", "empty", "0 bytes"),
    _bad("text", "notes.png", lambda: b"The left eye, seen in spring.\n" * 9, "not a picture", "export"),
    _bad("random bytes", "random.tif", lambda: np.random.default_rng(1).bytes(5000), "not a picture", "export"),
    _bad("a web page", "login.jpg", lambda: b"<!DOCTYPE html><html>Please log in</html>", "web page"),
    _bad("a PDF", "report.png", lambda: b"%PDF-1.7\n" + bytes(500), "pdf"),
    _bad("a DICOM file", "eye.dcm", lambda: bytes(128) + b"DICM" + bytes(500), "dicom", "export"),
    _bad("JPEG cut short", "half.jpg", lambda: _half(encoded("JPEG")), "cut short", "again"),
    _bad("progressive JPEG cut short", "p.jpg", lambda: _half(encoded("JPEG", progressive=True)), "cut short"),
    _bad("JPEG filled up with zeros", "zeros.jpg", lambda: _zero_filled(encoded("JPEG", _noise(0, 255))), "cut short"),
    _bad("PNG cut short", "half.png", lambda: _half(encoded("PNG")), "cut short", "again"),
    _bad("16-bit PNG cut short", "h16.png", lambda: _half(sixteen_bit_png(fundus_drawing() * np.uint16(257))), "cut"),
    _bad("TIFF cut short", "half.tif", lambda: _half(encoded("TIFF")), "cut short"),
    _bad("LZW TIFF cut short", "lzw.tif", lambda: encoded("TIFF", compression="tiff_lzw")[:9000], "cut short"),
    _bad("16-bit TIFF cut short", "h16.tif", lambda: _half(_deep_tiff()), "cut short"),
    _bad("GIF cut short", "half.gif", lambda: _half(encoded("GIF")), "cut short"),
    _bad("BMP cut short", "half.bmp", lambda: _half(encoded("BMP")), "cut short"),
    _bad("PPM cut short", "half.ppm", lambda: _half(encoded("PPM")), "cut short"),
    _bad("packed PPM cut short", "half.ppm.gz", lambda: _half(gzip.compress(encoded("PPM"))), "cut short"),
    _bad("a PNG signature only", "head.png", lambda: encoded("PNG")[:8], "damaged"),
    _bad("1 x 1", "dot.png", lambda: encoded("PNG", np.full((1, 1, 3), 90, np.uint8)), "too small", "1 x 1"),
    _bad("40,000 x 40,000 PNG", "huge.png", huge_png, "too large", "40000 x 40000"),
    _bad("40,000 x 40,000 JPEG", "huge.jpg", huge_jpeg, "too large", "40000 x 40000"),
    _bad("40,000 x 40,000 TIFF", "huge.tif", huge_tiff, "too large", "40000 x 40000"),
    _bad("40,000 x 40,000 PPM", "huge.ppm", lambda: b"P6 40000 40000 255\n" + bytes(99), "too large", "40000 x 40000"),
    _bad(
        "packed 40,000 x 40,000 PPM",
        "huge.ppm.gz",
        lambda: gzip.compress(b"P6 40000 40000 255\n" + bytes(10_000_000)),
        *("too large", "40000 x 40000"),
    ),
    _bad("a gzip bomb", "bomb.ppm.gz", lambda: gzip.compress(b"P6 99 99 255\n" + bytes(50_000_000)), "more than"),
    _bad("gzip of a text", "notes.ppm.gz", lambda: gzip.compress(b"not a picture"), "not a picture"),
    _bad(
        "16-bit, all equal",
        "flat16.png",
        lambda: sixteen_bit_png(np.full((120, 128, 3), 1234, np.uint16)),
        *("shows nothing", "same value"),
    ),
    _bad("8-bit, all equal", "flat.png", lambda: encoded("PNG", np.full((64, 64, 3), 90, np.uint8)), "shows nothing"),
    _bad("black and white", "mask.png", lambda: encoded("PNG", fundus_drawing()[..., 0] > 50), "1-bit", "mask"),
    _bad("wholly transparent", "glass.png", _transparent, "transparent", "alpha"),
    _bad("floating-point TIFF", "float.tif", _float_tiff, "pixels", "16-bit"),
    _bad("JPEG in planes", "planes.tif", _jpeg_in_planes, "plane for each channel", "export"),
    _bad("no field of view: dark", "dark.png", lambda: encoded("PNG", _noise(0, 3)), "field of view", readable=True),
)
"""Every entry is refused with an ``InputError`` (or a child of it)."""
