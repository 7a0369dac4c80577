"""From the bytes of a picture file to its pixels, upright, with every doubt about the file raised as an ``InputError``.

No library does all of it without silent failures. Pillow stops at the first row that it has all of, cuts 16-bit
colour to 8 bit, and takes a fourth channel of a TIFF for what it likes; libjpeg fills what is missing with grey. So a
file is first proved to be whole (``png``, ``jpeg``, ``blocks``), and TIFF and PNM are followed tag by tag.
"""

import hashlib
import io
import stat
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from core.errors import InputError
from core.files import display_path
from core.photo.blocks import gif_frames, whole_webp
from core.photo.headers import MAX_FILE_BYTES, FileFormat, check_size, damaged, sniff
from core.photo.jpeg import DAMAGE, find_jpeg, further_pictures, has_leftovers, is_complete
from core.photo.samples import NOTHING_SAID, PRINTED, Capture, Samples, Values, composed, to_rgb, turned
from core.types import ByteArray

if TYPE_CHECKING:
    from PIL.Image import Image
    from PIL.ImageFile import ImageFile

_COLOUR_MODES = {"1", "L", "LA", "La", "P", "PA", "RGB", "RGBA", "RGBa", "RGBX", "YCbCr", "CMYK"}
_ORIENTATION = 0x0112
_UNFINISHED = "Its finest details are missing: the JPEG ends before its last scans. It may have been cut short."
_LEFTOVERS = "The JPEG has bytes left over behind its picture: some before them may be damaged. Look at it closely."


@dataclass(frozen=True, slots=True)
class Picture:
    """Decoded pixels: uint8 (H, W, 3), upright.

    ``bits`` for each channel in the file (1, 8 or 16); ``sha256`` of the bytes that were decoded; ``more`` how many
    further pictures the file holds; ``turned`` whether EXIF said that the picture is stored turned; ``notes`` on its
    colours; ``capture`` how the photograph was taken.
    """

    pixels: ByteArray
    bits: int
    sha256: str
    more: int = 0
    turned: bool = False
    notes: tuple[str, ...] = ()
    capture: Capture = NOTHING_SAID


def decode(path: Path, *, is_photograph: bool = False) -> Picture:
    """Read a picture file; of several pictures in one file only the first.

    Grey becomes three equal channels, a palette its colours, and transparent parts black (what surrounds the retina in
    a photograph). EXIF orientation is applied. 16 bit becomes 8 bit by ``samples.to_rgb``. Colour profiles are not
    applied.

    Raises
    ------
    InputError : missing, not allowed, a folder, empty, not a picture, damaged, too large, wholly transparent, or stored
        in a way that is not read (more than 16 bit, decimals, ...).
    """
    data, samples = _sampled(path)
    with _told(path):
        pixels, notes = to_rgb(samples, is_photograph=is_photograph)
    digest = hashlib.sha256(data).hexdigest()
    return Picture(pixels, samples.bits, digest, samples.more, samples.is_turned, notes, samples.capture)


def decode_values(path: Path) -> Values:
    """The values of a picture in the type of its file, upright: (H, W, 1) grey or (H, W, 3); uint8 or uint16.

    Raises
    ------
    InputError : as ``decode``, and several pictures in one file.
    """
    _, samples = _sampled(path)
    check_single(path, samples.more)
    with _told(path):
        return composed(samples)


def decode_decimals(path: Path) -> Values | None:
    """The values of a TIFF file with decimals, upright, (H, W, channels); None for any other file.

    Raises
    ------
    InputError : as ``decode_values``.
    """
    from core.photo.tiff import open_tiff, tiff_orientation, tiff_storage, tiff_values

    data = read_bytes(path)
    if not data.startswith((b"II", b"MM")) or sniff(path, data) != "TIFF":
        return None
    file = open_tiff(path, data)
    if file.for_pillow or not tiff_storage(path, data, file.tags).decimals:
        return None
    check_single(path, file.more)
    with _told(path):
        return turned(tiff_values(path, data, file.tags), tiff_orientation(file.tags))


def check_single(path: Path, more: int) -> None:
    """Refuse several pictures in one file where it matters which of them is meant.

    Raises
    ------
    InputError : there is another one.
    """
    if more:
        raise InputError(
            f"{display_path(path.name)} holds {more + 1} pictures (pages or frames). Save the one that is meant as a "
            "file of its own."
        )


def read_bytes(path: Path) -> bytes:
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise InputError(f"{display_path(path)} is a folder, not a picture. Choose the files in it.")
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{display_path(path)} is not a file but a device or a pipe. Choose a picture file.")
        if status.st_size == 0:
            raise InputError(f"{display_path(path.name)} is empty (0 bytes). Copy or export it again.")
        if status.st_size > MAX_FILE_BYTES:
            raise InputError(
                f"{display_path(path.name)} is too large: {status.st_size / 1e9:.1f} GB, and at most "
                f"{MAX_FILE_BYTES / 1e9:.0f} GB are read. Make the picture smaller."
            )
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"There is no file {display_path(path)}. Check the name and the folder.") from error
    except PermissionError as error:
        raise InputError(
            f"{display_path(path)} may not be read: permission is denied. Ask its owner, or copy it to a folder of "
            "your own."
        ) from error
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise InputError(
            f"{display_path(path)} cannot be read: the system says: {error}. Check the disk and the name."
        ) from error


def _sampled(path: Path) -> tuple[bytes, Samples]:
    """The bytes of a file and the values in them."""
    data = read_bytes(path)
    with _told(path):
        unpacked = _unpacked(path, data) if data.startswith(b"\x1f\x8b") else data
        samples = _DECODERS[sniff(path, unpacked)](path, unpacked)
    if samples.is_transparent:
        raise InputError(f"{display_path(path.name)} is wholly transparent. Export it without an alpha channel.")
    return data, samples


@contextmanager
def _told(path: Path) -> Iterator[None]:
    """Whatever trips a decoder becomes a sentence."""
    try:
        yield
    except InputError:
        raise
    except MemoryError as error:
        raise InputError(
            f"There is not enough memory to read {display_path(path.name)}. Close other programs, or make the picture "
            "smaller."
        ) from error
    except Exception as error:  # a damaged file can trip a decoder in any way
        raise damaged(path) from error


# What reads only one of the formats is imported with the first file of it: most photographs are JPEG.


def _unpacked(path: Path, data: bytes) -> bytes:
    from core.photo.pnm import unpack_gzip

    return unpack_gzip(path, data)


def _from_pnm(path: Path, data: bytes) -> Samples:
    from core.photo.pnm import decode_pnm

    return decode_pnm(path, data)


def _from_bmp(path: Path, data: bytes) -> Samples:
    with _opened(path, "BMP", data) as image:
        return _by_pillow(path, image, may_be_empty=True)


def _from_gif(path: Path, data: bytes) -> Samples:
    more = gif_frames(data) - 1
    with _opened(path, "GIF", data) as image:
        return replace(_by_pillow(path, image), more=more)


def _from_webp(path: Path, data: bytes) -> Samples:
    data, more = whole_webp(data)
    with _opened(path, "WebP", data) as image:
        return replace(_by_pillow(path, image), more=more)


def _from_png(path: Path, data: bytes) -> Samples:
    from core.photo.png import check_png, decode_deep_png, png_size

    check_size(path, *png_size(data))
    file = check_png(data)
    with _opened(path, "PNG", file.plain) as image:
        if file.bits < 16:
            return replace(_by_pillow(path, image), more=file.frames - 1)
        orientation = _orientation(image)
    values, alpha = decode_deep_png(file)
    return Samples(values, 16, alpha, more=file.frames - 1, orientation=orientation)


def _from_tiff(path: Path, data: bytes) -> Samples:
    from core.photo.tiff import open_tiff, tiff_samples

    file = open_tiff(path, data)
    if not file.for_pillow:
        return tiff_samples(path, data, file)
    with _opened(path, "TIFF", data) as image:
        image.seek(file.page)
        check_size(path, image.width, image.height)
        samples = _by_pillow(path, image)  # turns itself while it is loaded
    return replace(samples, more=file.more, orientation=1, was_turned=samples.is_turned)


def _from_jpeg(path: Path, data: bytes) -> Samples:
    try:
        first = find_jpeg(data)
    except DAMAGE as error:
        raise damaged(path) from error
    check_size(path, first.frame.width, first.frame.height)
    if not first.is_readable:
        raise InputError(
            f"{display_path(path.name)} is a rare kind of JPEG that is not read (lossless, or with "
            f"{first.frame.precision} bit). Export it as an ordinary JPEG or as PNG."
        )
    with _opened(path, "JPEG", data[: first.stop]) as image:
        image.load()
        if not is_complete(data, first, image):
            raise damaged(path)
        has_more = has_leftovers(data, first, image)
        samples = _by_pillow(path, image)
    notes = list(samples.notes)
    if not first.is_fine:
        notes.append(_UNFINISHED)
    if has_more:
        notes.append(_LEFTOVERS)
    return replace(samples, more=further_pictures(data, first), notes=tuple(notes))


def _opened(path: Path, kind: FileFormat, data: bytes) -> "ImageFile":
    """Pillow's view of the file with only its header read."""
    with warnings.catch_warnings():  # odd metadata is not a reason to talk; what matters is raised
        warnings.simplefilter("ignore")
        try:
            image = _opener(kind)(io.BytesIO(data))
        except (SyntaxError, OSError, NotImplementedError) as error:
            if "unknown" not in str(error).lower() and "unsupported" not in str(error).lower():
                raise
            raise InputError(
                f"{display_path(path.name)} stores its pixels in a way that is not read (such as numbers with "
                "decimals). Export it as plain 8- or 16-bit TIFF or PNG."
            ) from error
    check_size(path, image.width, image.height)
    return image


def _opener(kind: FileFormat) -> "type[ImageFile]":
    """Pillow's class for files of a format, imported with the first of them: a window, or a list of files, needs none.

    The class itself, not Image.open: that one tries every format and has a size limit for the whole process.
    """
    match kind:
        case "PNG":
            from PIL.PngImagePlugin import PngImageFile

            return PngImageFile
        case "TIFF":
            from PIL.TiffImagePlugin import TiffImageFile

            return TiffImageFile
        case "BMP":
            from PIL.BmpImagePlugin import BmpImageFile

            return BmpImageFile
        case "GIF":
            from PIL.GifImagePlugin import GifImageFile

            return GifImageFile
        case "WebP":
            from PIL.WebPImagePlugin import WebPImageFile

            return WebPImageFile
        case _:
            from PIL.JpegImagePlugin import JpegImageFile

            return JpegImageFile


def _by_pillow(path: Path, image: "ImageFile", *, may_be_empty: bool = False) -> Samples:
    """The values of a picture with 8 bit or less.

    ``may_be_empty`` : where nothing can be seen for its alpha, the alpha is none: many programs write 32-bit BMP so.
    """
    if image.mode not in _COLOUR_MODES:
        raise InputError(f"{display_path(path.name)} has colours of the kind {image.mode}. Export it as RGB.")
    bits = 1 if image.mode == "1" else 8
    notes: tuple[str, ...] = (PRINTED,) if image.mode == "CMYK" else ()
    orientation = _orientation(image)
    image.load()
    if not image.has_transparency_data:
        return Samples(
            np.asarray(image if image.mode == "RGB" else image.convert("RGB")), bits, None, 255, 0, orientation, notes
        )
    rgba = np.asarray(image.convert("RGBA"))
    alpha = None if may_be_empty and not rgba[:, :, 3].any() else rgba[:, :, 3]
    return Samples(rgba[:, :, :3], bits, alpha, 255, 0, orientation, notes)


def _orientation(image: "Image") -> int:
    try:
        return int(image.getexif().get(_ORIENTATION, 1))
    except Exception:  # noqa: BLE001 - unreadable metadata does not spoil the pixels
        return 1


_DECODERS: Final[Mapping[FileFormat, Callable[[Path, bytes], Samples]]] = {
    "PNM": _from_pnm,
    "TIFF": _from_tiff,
    "PNG": _from_png,
    "JPEG": _from_jpeg,
    "BMP": _from_bmp,
    "GIF": _from_gif,
    "WebP": _from_webp,
}
"""From the bytes of a file to its first picture, and what the file says of how it was taken; raises InputError."""
