"""From the bytes of a picture file to its pixels, upright, with every doubt about the file raised as an ``InputError``.

Two libraries share the work, because each fails silently where the other does not. Pillow decodes: it refuses files
that are cut short, which OpenCV fills with grey. But Pillow cuts 16-bit colour to 8 bit, so 16-bit values come from
OpenCV, after Pillow has proved the file to be whole.
"""

import io
import stat
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import BmpImagePlugin, GifImagePlugin, Image, ImageOps, JpegImagePlugin, PngImagePlugin, PpmImagePlugin
from PIL import TiffImagePlugin as Tiff
from PIL.ImageFile import ImageFile

from core.errors import InputError
from core.files import shown
from core.photo.headers import MAX_FILE_BYTES, Kind, check_size, damaged, pnm_header, sniff, unpack_gzip
from core.photo.sixteen_bit import decode_16_bit, to_8_bit
from core.types import ByteArray

# The classes themselves, not Image.open: that one tries every format and has a size limit for the whole process.
_OPENERS: dict[Kind, type[ImageFile]] = {
    "PNG": PngImagePlugin.PngImageFile,
    "JPEG": JpegImagePlugin.JpegImageFile,
    "TIFF": Tiff.TiffImageFile,
    "BMP": BmpImagePlugin.BmpImageFile,
    "GIF": GifImagePlugin.GifImageFile,
    "PNM": PpmImagePlugin.PpmImageFile,
}
_COLOUR_MODES = {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr", "I;16", "I;16L", "I;16B", "I"}
_ORIENTATION = 0x0112
_TIFF_PAGE_KIND = 254
# How numpy undoes each EXIF orientation, as (transpose, flip rows, flip columns) applied in this order.
_TURNS = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


@dataclass(frozen=True, slots=True)
class Picture:
    """Decoded pixels: uint8 (H, W, 3), upright; ``bits`` for each channel in the file (1, 8 or 16)."""

    pixels: ByteArray
    bits: int


def decode(path: Path) -> Picture:
    """Read a picture file.

    Grey becomes three equal channels, a palette its colours, and transparent parts black (what surrounds the retina in
    a photograph). EXIF orientation is applied. 16 bit becomes 8 bit by
    ``sixteen_bit.to_8_bit``. Colour profiles are not applied.

    Raises
    ------
    InputError : missing, not allowed, a folder, empty, not a picture, damaged, too large, several pictures in one file,
        printing colours (CMYK), or more than 16 bit.
    """
    data = _read_bytes(path)
    if data.startswith(b"\x1f\x8b"):
        data = unpack_gzip(path, data)
    kind = sniff(path, data)
    try:
        return _decode(path, kind, data)
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(
            f"There is not enough memory to read {shown(path.name)}. Close other programs, or make the picture smaller."
        ) from error
    except Exception as error:  # a damaged file can trip a decoder in any way
        raise damaged(path) from error


def _read_bytes(path: Path) -> bytes:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise InputError(f"{shown(path)} is a folder, not a picture. Choose the files in it.")
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{shown(path)} is not a file but a device or a pipe. Choose a picture file.")
        if status.st_size == 0:
            raise InputError(f"{shown(path.name)} is empty (0 bytes). Copy or export it anew.")
        if status.st_size > MAX_FILE_BYTES:
            raise InputError(
                f"{shown(path.name)} is too large: {status.st_size / 1e9:.1f} GB, and at most "
                f"{MAX_FILE_BYTES / 1e9:.0f} GB are read. Make the picture smaller."
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"There is no file {shown(path)}. Check the name and the folder.") from error
    except PermissionError as error:
        raise InputError(
            f"{shown(path)} may not be read: permission is denied. Ask its owner, or copy it to a folder of your own."
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise InputError(
            f"{shown(path)} cannot be read: the system says: {error}. Check the disk and the name."
        ) from error


def _decode(path: Path, kind: Kind, data: bytes) -> Picture:
    image = _opened(path, kind, data)
    check_size(path, image.width, image.height)
    bits = _bits(path, kind, image, data)
    _check_colours(path, image)
    _check_single(path, kind, image)
    if kind == "JPEG":
        _check_jpeg_end(path, data)
    orientation = _orientation(image)
    image.load()
    if bits == 16:
        return Picture(_turned(_sixteen_bit(path, kind, data), orientation), bits)
    ImageOps.exif_transpose(image, in_place=True)  # a TIFF has turned itself in load() and lost the mark
    return Picture(_flattened(path, image), bits)


def _opened(path: Path, kind: Kind, data: bytes) -> ImageFile:
    """Pillow's view of the file with only its header read."""
    with warnings.catch_warnings():  # odd metadata is no reason to talk; what matters is raised
        warnings.simplefilter("ignore")
        try:
            return _OPENERS[kind](io.BytesIO(data))
        except (SyntaxError, OSError, NotImplementedError) as error:
            if "unknown" not in str(error).lower() and "unsupported" not in str(error).lower():
                raise
            raise InputError(
                f"{shown(path.name)} stores its pixels in a way that is not read (such as numbers with decimals). "
                "Export it as plain 8- or 16-bit TIFF or PNG."
            ) from error


def _bits(path: Path, kind: Kind, image: ImageFile, data: bytes) -> int:
    """Bits for each channel as the file has them: Pillow's mode does not tell."""
    bits, unsigned = 8, True
    if kind == "PNG":
        bits = data[24]
    elif kind == "PNM":
        bits = 16 if pnm_header(path, data).maximum > 255 else 8
    elif kind == "TIFF":
        assert isinstance(image, Tiff.TiffImageFile)
        bits = max(image.tag_v2.get(Tiff.BITSPERSAMPLE, (1,)))
        unsigned = set(image.tag_v2.get(Tiff.SAMPLEFORMAT, (1,))) <= {1, 4}
    if image.mode == "1":
        return 1
    if bits > 16 or 8 < bits < 16 or not unsigned:
        what = f"{bits} bit" if unsigned else "numbers that have a sign or decimals"
        raise InputError(
            f"{shown(path.name)} stores its pixels as {what}; 8 and 16 bit (whole numbers from 0) are read. "
            "Export it as 8- or 16-bit TIFF or PNG."
        )
    return max(bits, 8)


def _check_colours(path: Path, image: ImageFile) -> None:
    if image.mode not in _COLOUR_MODES:
        what = "printing colours (CMYK)" if image.mode == "CMYK" else f"colours of the kind {image.mode}"
        raise InputError(f"{shown(path.name)} has {what}. Export it as RGB.")


def _check_single(path: Path, kind: Kind, image: ImageFile) -> None:
    """Refuse films and stacks: which picture is meant, nobody knows. Thumbnails and masks in a TIFF do not count."""
    frames = getattr(image, "n_frames", 1)
    if frames == 1:
        return
    if kind == "TIFF" and frames <= 32:
        assert isinstance(image, Tiff.TiffImageFile)
        others = []
        for page in range(1, frames):
            image.seek(page)
            others.append(int(image.tag_v2.get(_TIFF_PAGE_KIND, 0)))
        image.seek(0)
        if all(kinds & 0b101 for kinds in others):  # 1: reduced copy, 4: transparency mask
            return
    what = "pages" if kind == "TIFF" else "frames (an animation)"
    raise InputError(f"{shown(path.name)} holds {frames} {what}. Save the one that is meant as a file of its own.")


def _check_jpeg_end(path: Path, data: bytes) -> None:
    """A copy that broke off may have been filled up with zeros, which decode as grey: the end mark must be there."""
    position = 2
    while data[position : position + 1] == b"\xff" and data[position + 1] != 0xDA:  # up to the start of the scan
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    if data.rfind(b"\xff\xd9") < position:
        raise damaged(path)


def _orientation(image: ImageFile) -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - unreadable metadata does not spoil the pixels
        return 1


def _sixteen_bit(path: Path, kind: Kind, data: bytes) -> ByteArray:
    values = decode_16_bit(kind, data)
    if values is None:
        raise InputError(
            f"{shown(path.name)} is a 16-bit picture of a kind that cannot be read. "
            "Export it as a plain 16-bit PNG or as 8 bit."
        )
    if values.ndim == 2:
        return np.repeat(to_8_bit(values)[:, :, None], 3, axis=2)
    if values.shape[2] == 4:
        alpha = values[:, :, 3:].astype(np.uint32)
        _check_visible(path, int(alpha.max()))
        values = ((values[:, :, :3] * alpha + 32767) // 65535).astype(np.uint16)
    return to_8_bit(values)


def _flattened(path: Path, image: Image.Image) -> ByteArray:
    """uint8 (H, W, 3) of an image of any mode with 8 bit or less; transparent parts are black."""
    if not image.has_transparency_data:
        return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))  # convert would copy
    rgba = np.asarray(image.convert("RGBA"))
    _check_visible(path, int(rgba[:, :, 3].max()))
    flat: ByteArray = ((rgba[:, :, :3].astype(np.uint16) * rgba[:, :, 3:] + 127) // 255).astype(np.uint8)
    return flat


def _check_visible(path: Path, highest_alpha: int) -> None:
    if highest_alpha == 0:
        raise InputError(f"{shown(path.name)} is wholly transparent. Export it without an alpha channel.")


def _turned(pixels: ByteArray, orientation: int) -> ByteArray:
    transpose, rows, columns = _TURNS.get(orientation, (False, False, False))
    if transpose:
        pixels = pixels.swapaxes(0, 1)
    return np.ascontiguousarray(pixels[:: -1 if rows else 1, :: -1 if columns else 1])
