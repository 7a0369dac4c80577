"""PNG files: proved to be whole by their own check sums, then decoded.

Pillow stops at the first row that it has all of and checks no sum of the pixels, so a file with a flipped bit is read
with other pixels. Here every chunk is checked, and that the packed data hold as many bytes as the picture needs, before
a decoder sees the file; the decoder gets a copy with nothing in it but the picture.
"""

import struct
import zlib
from dataclasses import dataclass

import cv2
import numpy as np

from core.photo.samples import Values

_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"eXIf", b"IEND"}
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS = {0: (1, 2, 4, 8, 16), 2: (8, 16), 3: (1, 2, 4, 8), 4: (8, 16), 6: (8, 16)}
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Interlaced pictures: first column, first row, step of columns, step of rows of each pass (PNG, section 8.2)."""
_RAW_EXIF = {b"Raw profile type exif", b"Raw profile type APP1"}
"""Texts in which programs wrote EXIF, as hexadecimal digits, before PNG had a chunk for it in 2017."""
_XMP = b"XML:com.adobe.xmp\0\0"
"""How the text begins in which XMP is, not packed."""
_EXIF_STARTS = (b"Exif\0\0", b"II*\0", b"MM\0*")
_MOST_TEXT = 1 << 20
_BLOCK = 1 << 20
_MAX_CHUNKS = 500_000


@dataclass(frozen=True, slots=True)
class PngFile:
    """A PNG that was proved to be whole: its header, its transparent colour, and ``plain``, the same without texts.

    But for what says how the picture is turned: XMP stays, and EXIF that is in a text is in a chunk of its own.
    """

    width: int
    height: int
    bits: int
    colour: int
    interlaced: bool
    frames: int
    clear: bytes
    plain: bytes


def png_size(data: bytes) -> tuple[int, int]:
    """Width and height by the header."""
    width, height = struct.unpack_from(">II", data, 16)
    return int(width), int(height)


def check_png(data: bytes) -> PngFile:
    """Check every sum of a PNG file, and that all of its pixels are there.

    Raises
    ------
    ValueError, struct.error, zlib.error : damaged.
    """
    chunks = list(_chunks(data))
    width, height, bits, colour, packing, filtering, interlaced = struct.unpack(">IIBBBBB", chunks[0][1])
    if chunks[0][0] != b"IHDR" or bits not in _DEPTHS.get(colour, ()) or packing or filtering or interlaced > 1:
        raise ValueError("header")
    _check_pixels(
        [body for name, body in chunks if name == b"IDAT"], _raw_bytes(width, height, bits, colour, interlaced)
    )
    frames = next((struct.unpack_from(">I", body)[0] for name, body in chunks if name == b"acTL"), 1)
    clear = next((body for name, body in chunks if name == b"tRNS"), b"")
    if not any(name == b"eXIf" for name, _ in chunks) and (exif := _exif_in_texts(chunks)):
        chunks.insert(1, (b"eXIf", exif))
    kept = b"".join(_chunk(name, body) for name, body in chunks if name in _KEPT or _is_xmp(name, body))
    return PngFile(width, height, bits, colour, bool(interlaced), max(frames, 1), clear, data[:8] + kept)


def decode_deep_png(file: PngFile) -> tuple[Values, Values | None]:
    """The 16-bit values of a picture, (H, W, 1) or (H, W, 3), and its alpha (H, W) where it has one.

    Raises
    ------
    ValueError : damaged after all.
    """
    if file.colour == 4:  # OpenCV does not know grey with alpha; as 8-bit RGBA each pixel has the same four bytes
        header = struct.pack(">IIBBBBB", file.width, file.height, 8, 6, 0, 0, int(file.interlaced))
        as_bytes = file.plain[:8] + _chunk(b"IHDR", header) + file.plain[33:]
        rgba = _opencv(as_bytes, np.uint8)[:, :, [2, 1, 0, 3]]
        words = np.ascontiguousarray(rgba).view(">u2").astype(np.uint16)
        return words[:, :, :1], words[:, :, 1]
    plain = file.plain
    if file.clear:  # OpenCV would make a fourth channel of it, or not, from one version to the next
        plain = plain[:8] + b"".join(_chunk(name, body) for name, body in _chunks(plain) if name != b"tRNS")
    words = np.atleast_3d(_opencv(plain, np.uint16))
    words = words[:, :, [2, 1, 0, 3][: words.shape[2]]] if words.shape[2] > 1 else words
    if words.shape[2] == 4:
        return words[:, :, :3], words[:, :, 3]
    if file.clear:
        clear = np.frombuffer(file.clear, ">u2")
        if clear.size != words.shape[2]:
            raise ValueError("transparent colour")
        return words, np.where((words == clear).all(axis=2), np.uint16(0), np.uint16(65535))
    return words, None


def _chunks(data: bytes) -> "list[tuple[bytes, bytes]]":
    found, position = [], 8
    while True:
        (length,) = struct.unpack_from(">I", data, position)
        name, body = data[position + 4 : position + 8], data[position + 8 : position + 8 + length]
        (stated,) = struct.unpack_from(">I", data, position + 8 + length)
        if zlib.crc32(body, zlib.crc32(name)) != stated:
            raise ValueError(f"check sum of {name!r}")
        found.append((name, body))
        if len(found) > _MAX_CHUNKS:
            raise ValueError("chunks")
        if name == b"IEND":
            return found
        position += 12 + length


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(name)))


def _is_xmp(name: bytes, body: bytes) -> bool:
    return name == b"iTXt" and body.startswith(_XMP) and len(body) <= _MOST_TEXT


def _exif_in_texts(chunks: "list[tuple[bytes, bytes]]") -> bytes:
    """The EXIF that a text holds; nothing where none does, or where it cannot be read: it does not spoil the pixels."""
    for name, body in chunks:
        key, _, text = body.partition(b"\0")
        if name not in {b"tEXt", b"zTXt"} or key not in _RAW_EXIF:
            continue
        try:
            if name == b"zTXt":  # the first byte names the only method that there is
                text = zlib.decompressobj().decompress(text[1:], _MOST_TEXT)
            lines = text.decode("latin-1").split("\n")[3:]  # an empty one, a name, a length
            exif = bytes.fromhex("".join(lines))
        except (ValueError, zlib.error):
            continue
        if exif.startswith(_EXIF_STARTS):
            return exif
    return b""


def _raw_bytes(width: int, height: int, bits: int, colour: int, interlaced: int) -> int:
    """How many bytes the rows have unpacked, each with the byte that names its filter."""
    sizes = [(width, height)]
    if interlaced:
        sizes = [(-(-(width - x) // dx), -(-(height - y) // dy)) for x, y, dx, dy in _ADAM7]
    return sum(
        rows * (1 + (columns * bits * _CHANNELS[colour] + 7) // 8) for columns, rows in sizes if columns > 0 < rows
    )


def _check_pixels(bodies: list[bytes], needed: int) -> None:
    unpacker, found = zlib.decompressobj(), 0
    for body in bodies:
        rest = body
        while rest and found < needed:
            found += len(unpacker.decompress(rest, _BLOCK))
            rest = unpacker.unconsumed_tail
    while found < needed and (more := unpacker.decompress(unpacker.unconsumed_tail, _BLOCK)):
        found += len(more)
    if found < needed:
        raise ValueError("rows are missing")


def _opencv(data: bytes, kind: type[np.uint8] | type[np.uint16]) -> Values:
    decoded = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if decoded is None or decoded.dtype != kind:
        raise ValueError("not decoded")
    values: Values = np.asarray(decoded)
    return values
