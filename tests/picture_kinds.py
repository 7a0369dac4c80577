"""One small picture in every way of storing it that is read, made on the fly."""

import gzip
import io
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt
import tifffile
from bad_inputs import encoded, fundus_drawing, sixteen_bit_png
from PIL import Image

Values = npt.NDArray[np.generic]

RGB = fundus_drawing()
GREY = np.ascontiguousarray(RGB[..., 1])
DEEP = (RGB.astype(np.uint16) * 257).astype(np.uint16)
CLEAR = np.zeros(GREY.shape, np.uint8)
CLEAR[20:100, 20:100] = 255


def tiff(values: Values, **options: object) -> bytes:
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, values, **options)
    return buffer.getvalue()


def chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def png(values: Values, colour: int, bits: int, *more: bytes, interlaced: bool = False) -> bytes:
    """A PNG by the standard's own words: unfiltered rows, of the whole or of seven interlaced passes."""
    height, width = values.shape[:2]
    passes = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    rows = []
    for left, top, across, down in passes if interlaced else ((0, 0, 1, 1),):
        for row in values[top::down, left::across]:
            packed = row.astype(">u2").tobytes() if bits == 16 else _packed(row.reshape(-1), bits)
            rows.append(b"\0" + packed)
    header = struct.pack(">IIBBBBB", width, height, bits, colour, 0, 0, int(interlaced))
    body = zlib.compress(b"".join(rows))
    half = len(body) // 2
    pixels = chunk(b"IDAT", body[:half]) + chunk(b"IDAT", body[half:])
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(more) + pixels + chunk(b"IEND", b"")


def _packed(values: Values, bits: int) -> bytes:
    shifts = np.arange(bits)[::-1]
    return np.packbits((values[:, None].astype(np.int64) >> shifts) & 1).tobytes()


def twelve_packed(values: Values) -> bytes:
    """A TIFF of 12-bit values, three bytes for two of them."""
    rows = [np.packbits((row.reshape(-1, 1) >> np.arange(12)[::-1]) & 1).tobytes() for row in values.astype(np.int64)]
    data = bytearray(tiff(np.zeros((len(rows), len(rows[0])), np.uint8), photometric="minisblack"))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        page = file.pages[0]
        start = page.dataoffsets[0]
        places = {tag.code: tag.valueoffset for tag in page.tags}
    data[start : start + sum(map(len, rows))] = b"".join(rows)
    struct.pack_into("<H", data, places[258], 12)
    width = places[256]
    struct.pack_into("<I" if struct.unpack_from("<H", data, width - 6)[0] == 4 else "<H", data, width, values.shape[1])
    return bytes(data)


def few_bits(values: Values, bits: int, colours: int, *more: tuple[int, int, tuple[int, ...]]) -> bytes:
    """A TIFF of values of 1 to 16 bits in one strip; ``more`` tags as number, type and values (3 for 16 bit)."""
    height, width, channels = values.shape
    body = b"".join(_packed(row.reshape(-1), bits) for row in values)
    tags = [
        *((256, 4, (width,)), (257, 4, (height,)), (258, 3, (bits,) * channels), (259, 3, (1,)), (262, 3, (colours,))),
        *((273, 4, (8,)), (277, 3, (channels,)), (278, 4, (height,)), (279, 4, (len(body),)), (284, 3, (1,)), *more),
    ]
    entries, extra, at = [], b"", 8 + len(body)
    for tag, kind, numbers in sorted(tags):
        data = struct.pack(f">{len(numbers)}{'H' if kind == 3 else 'I'}", *numbers)
        if len(data) > 4:
            data, extra = struct.pack(">I", at + len(extra)), extra + data
        entries.append(struct.pack(">HHI", tag, kind, len(numbers)) + data.ljust(4, b"\0"))
    directory = struct.pack(">H", len(entries)) + b"".join(entries) + bytes(4)
    return struct.pack(">2sHI", b"MM", 42, at + len(extra)) + body + extra + directory


@dataclass(frozen=True)
class Kind:
    """``build`` makes the file. ``pixels`` are those it must be read as, (H, W) or (H, W, 3); None where it is lossy.

    ``proved``: its check sums or its code tell of every flipped bit in the pixels.
    """

    build: Callable[[], bytes]
    pixels: Values | None
    proved: bool = False


_SHOWN = np.where(CLEAR[..., None] > 0, RGB, np.uint8(0)).astype(np.uint8)
_FOUR = (GREY >> 4).astype(np.uint8)


def _palette(kind: str) -> Kind:
    image = Image.fromarray(RGB).quantize(64)
    buffer = io.BytesIO()
    image.save(buffer, kind)
    return Kind(buffer.getvalue, np.asarray(image.convert("RGB")), proved=kind == "PNG")


def _deep(**options: object) -> Kind:
    return Kind(lambda: tiff(DEEP, photometric="rgb", **options), RGB)


def _eight(**options: object) -> Kind:
    return Kind(lambda: tiff(RGB, photometric="rgb", **options), RGB)


def _by_pillow(pixels: Values, compression: str) -> Kind:
    return Kind(lambda: encoded("TIFF", pixels, compression=compression), pixels)


def _with_fourth(values: Values, fourth: Values, extra: int, expected: Values, **options: object) -> Kind:
    stacked = np.dstack([values, fourth])
    return Kind(lambda: tiff(stacked, photometric="rgb", extrasamples=[extra], **options), expected)


_TIFF: dict[str, Kind] = {
    "strips": _eight(rowsperstrip=7),
    "tiles": _eight(tile=(64, 48)),
    "planes": Kind(
        lambda: tiff(np.moveaxis(RGB, 2, 0), photometric="rgb", planarconfig="separate", rowsperstrip=11), RGB
    ),
    "white is zero": Kind(lambda: tiff(255 - GREY, photometric="miniswhite"), GREY),
    "motorola": _eight(byteorder=">"),
    "big": _eight(bigtiff=True),
    "big motorola": _eight(bigtiff=True, byteorder=">"),
    "deflate": Kind(lambda: tiff(RGB, photometric="rgb", compression="zlib", rowsperstrip=30), RGB, proved=True),
    "deflate differences": _eight(compression="zlib", predictor=2),
    "lzw": _by_pillow(RGB, "tiff_lzw"),
    "packbits": _by_pillow(RGB, "packbits"),
    "fax": Kind(lambda: encoded("TIFF", GREY > 60, compression="group4"), (GREY > 60) * np.uint8(255)),
    "one bit": Kind(lambda: encoded("TIFF", GREY > 60), (GREY > 60) * np.uint8(255)),
    "jpeg": Kind(lambda: encoded("TIFF", compression="jpeg", quality=95), None),
    "palette": _palette("TIFF"),
    "multiplied alpha": _with_fourth(_SHOWN, CLEAR, 1, _SHOWN),
    "alpha": _with_fourth(RGB, CLEAR, 2, _SHOWN),
    "fourth channel": _with_fourth(RGB, CLEAR, 0, RGB),
    "fourth channel in planes": Kind(
        lambda: tiff(
            np.moveaxis(np.dstack([RGB, CLEAR]), 2, 0), photometric="rgb", planarconfig="separate", extrasamples=[0]
        ),
        RGB,
    ),
    "grey alpha": Kind(
        lambda: tiff(np.dstack([GREY, CLEAR]), photometric="minisblack", planarconfig="contig", extrasamples=[2]),
        np.where(CLEAR > 0, GREY, 0).astype(np.uint8),
    ),
    "16 strips": _deep(rowsperstrip=9),
    "16 tiles": _deep(tile=(48, 64)),
    "16 motorola tiles": _deep(tile=(48, 64), byteorder=">"),
    "16 planes": Kind(lambda: tiff(np.moveaxis(DEEP, 2, 0), photometric="rgb", planarconfig="separate"), RGB),
    "16 planes in tiles": Kind(
        lambda: tiff(np.moveaxis(DEEP, 2, 0), photometric="rgb", planarconfig="separate", tile=(48, 64)), RGB
    ),
    "16 white is zero": Kind(lambda: tiff(65535 - DEEP[..., 1], photometric="miniswhite"), GREY),
    "12 white is zero": Kind(
        lambda: tiff((4095 - np.rint(GREY * (4095 / 255))).astype(np.uint16), photometric="miniswhite"), GREY
    ),
    "16 deflate differences": _deep(compression="zlib", predictor=2, rowsperstrip=50),
    "16 deflate differences motorola": _deep(compression="zlib", predictor=2, byteorder=">"),
    "16 lzw": Kind(lambda: bytes(cv2.imencode(".tif", DEEP[..., ::-1], [cv2.IMWRITE_TIFF_COMPRESSION, 5])[1]), RGB),
    "16 multiplied alpha": _with_fourth(_SHOWN * np.uint16(257), CLEAR * np.uint16(257), 1, _SHOWN),
    "16 alpha": _with_fourth(DEEP, CLEAR * np.uint16(257), 2, _SHOWN),
    "16 fourth channel": _with_fourth(DEEP, CLEAR * np.uint16(257), 0, RGB),
    "16 grey alpha": Kind(
        lambda: tiff(
            np.dstack([DEEP[..., 1], CLEAR * np.uint16(257)]),
            **{"photometric": "minisblack", "planarconfig": "contig", "extrasamples": [2]},
        ),
        np.where(CLEAR > 0, GREY, 0).astype(np.uint8),
    ),
    **{
        f"{bits} alpha": Kind(
            lambda bits=bits: few_bits(np.dstack([RGB >> (8 - bits), CLEAR >> (8 - bits)]), bits, 2, (338, 3, (2,))),
            np.where(CLEAR[..., None] > 0, (RGB >> (8 - bits)) * np.uint8(255 // (2**bits - 1)), 0).astype(np.uint8),
        )
        for bits in (2, 4)
    },
    **{
        f"palette{bits} with alpha": Kind(
            lambda bits=bits: few_bits(
                np.dstack([GREY >> 4, (CLEAR * np.uint16(257)) >> (16 - bits)]).astype(np.uint16),
                *(bits, 3, (338, 3, (2,)), (320, 3, tuple(number % 16 * 4369 for number in range(2**bits)) * 3)),
            ),
            np.where(CLEAR > 0, (GREY >> 4) * np.uint8(17), 0).astype(np.uint8),
        )
        for bits in (4, 8, 16)
    },
    "12 packed": Kind(lambda: twelve_packed(np.rint(GREY * (4095 / 255))), GREY),
    "16 maximum stated": _deep(extratags=[(281, "H", 1, 65534, True)]),
}

_PNG: dict[str, Kind] = {
    "grey 1": Kind(lambda: png(GREY > 60, 0, 1), (GREY > 60) * np.uint8(255), proved=True),
    "grey 2": Kind(lambda: png(GREY >> 6, 0, 2), (GREY >> 6) * np.uint8(85), proved=True),
    "grey 4": Kind(lambda: png(_FOUR, 0, 4), _FOUR * np.uint8(17), proved=True),
    "grey": Kind(lambda: encoded("PNG", GREY), GREY, proved=True),
    "rgb": Kind(lambda: encoded("PNG"), RGB, proved=True),
    "rgb alpha": Kind(lambda: encoded("PNG", np.dstack([RGB, CLEAR])), _SHOWN, proved=True),
    "palette": _palette("PNG"),
    "interlaced": Kind(lambda: png(RGB, 2, 8, interlaced=True), RGB, proved=True),
    "interlaced 4": Kind(lambda: png(_FOUR, 0, 4, interlaced=True), _FOUR * np.uint8(17), proved=True),
    "16 grey": Kind(lambda: png(DEEP[..., 1], 0, 16), GREY, proved=True),
    "16 rgb": Kind(lambda: sixteen_bit_png(DEEP), RGB, proved=True),
    "16 interlaced": Kind(lambda: png(DEEP, 2, 16, interlaced=True), RGB, proved=True),
    "16 grey alpha": Kind(
        lambda: png(np.dstack([DEEP[..., 1], CLEAR * np.uint16(257)]), 4, 16),
        np.where(CLEAR > 0, GREY, 0).astype(np.uint8),
        proved=True,
    ),
    "16 grey alpha interlaced": Kind(
        lambda: png(np.dstack([DEEP[..., 1], CLEAR * np.uint16(257)]), 4, 16, interlaced=True),
        np.where(CLEAR > 0, GREY, 0).astype(np.uint8),
        proved=True,
    ),
    "16 rgb alpha": Kind(lambda: png(np.dstack([DEEP, CLEAR * np.uint16(257)]), 6, 16), _SHOWN, proved=True),
    "16 transparent colour": Kind(
        lambda: png(DEEP, 2, 16, chunk(b"tRNS", DEEP[60, 60].astype(">u2").tobytes())),
        np.where((RGB[60, 60] == RGB).all(axis=2)[..., None], np.uint8(0), RGB),
        proved=True,
    ),
}


def _text_pnm(values: Values, magic: int) -> bytes:
    numbers = "\n".join(" ".join(map(str, row.reshape(-1))) for row in values)
    return f"P{magic}\n# drawn\n{values.shape[1]} {values.shape[0]}\n255\n{numbers}\n".encode()


_OTHERS: dict[str, Kind] = {
    "bmp": Kind(lambda: encoded("BMP"), RGB),
    "bmp palette": _palette("BMP"),
    "gif": Kind(lambda: encoded("GIF", GREY), GREY),
    "webp": Kind(lambda: encoded("WEBP", quality=90), None),
    "webp lossless": Kind(lambda: encoded("WEBP", lossless=True), RGB),
    "ppm": Kind(lambda: encoded("PPM"), RGB),
    "ppm text": Kind(lambda: _text_pnm(RGB, 3), RGB),
    "pgm text": Kind(lambda: _text_pnm(GREY, 2), GREY),
    "pbm": Kind(lambda: encoded("PPM", GREY > 60), (GREY > 60) * np.uint8(255)),
    "ppm packed": Kind(lambda: gzip.compress(encoded("PPM"), mtime=0), RGB, proved=True),
    "16 ppm": Kind(lambda: b"P6 128 120 65535\n" + DEEP.astype(">u2").tobytes(), RGB),
    "jpeg": Kind(lambda: encoded("JPEG", quality=90), None),
    "jpeg progressive": Kind(lambda: encoded("JPEG", quality=90, progressive=True), None),
    "jpeg restarts": Kind(lambda: encoded("JPEG", quality=90, restart_marker_blocks=3), None),
    "jpeg grey": Kind(lambda: encoded("JPEG", GREY, quality=90, optimize=True), None),
}

KINDS: dict[str, Kind] = {
    **{f"tiff {name}": kind for name, kind in _TIFF.items()},
    **{f"png {name}": kind for name, kind in _PNG.items()},
    **_OTHERS,
}
