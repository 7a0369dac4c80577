"""What proves that a picture file is whole; what is said of one that is not, or that holds more than one picture."""

import gzip
import hashlib
import io
import struct
import tracemalloc
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
import tifffile
from bad_inputs import encoded
from picture_kinds import CLEAR, GREY, KINDS, RGB, tiff
from PIL import Image

from core.errors import FieldOfViewError, InputError, LabelError
from core.evaluation.predictions import read_values
from core.photo.decoding import decode
from core.photo.reading import read_fov, read_fundus, read_label

PROVED = [name for name, kind in KINDS.items() if kind.proved]


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def flipped(data: bytes, bit: int) -> bytes:
    broken = bytearray(data)
    broken[bit // 8] ^= 1 << bit % 8
    return bytes(broken)


@pytest.mark.parametrize("name", PROVED)
def test_a_flipped_bit_is_found_out(tmp_path: Path, name: str) -> None:
    data = KINDS[name].build()
    exact = decode(write(tmp_path / "whole", data)).pixels
    first = 400 if name.startswith("tiff") else 0  # the directory of a TIFF has no check sum
    for bit in np.random.default_rng(len(data)).integers(8 * first, 8 * len(data), 40):
        try:
            found = decode(write(tmp_path / "flipped", flipped(data, int(bit)))).pixels
        except InputError:
            continue
        assert np.array_equal(found, exact), bit


def test_a_flipped_bit_is_found_out_in_labels_masks_and_results(tmp_path: Path) -> None:
    drawn = np.zeros(GREY.shape, np.uint8)
    drawn[40:44, 5:95] = 255
    for data in (encoded("PNG", drawn), encoded("PNG", drawn > 0), encoded("PNG", drawn.astype(np.uint16) * 257)):
        start = data.index(b"IDAT") + 4
        path = write(tmp_path / "drawn.png", flipped(data, 8 * (start + 12)))
        for read, error in ((read_label, LabelError), (read_fov, FieldOfViewError), (read_values, InputError)):
            with pytest.raises(error, match=r"drawn\.png is damaged"):
                read(path)


@pytest.mark.parametrize("name", KINDS)
def test_a_file_that_is_cut_is_refused(tmp_path: Path, name: str) -> None:
    data = KINDS[name].build()
    for share in (0.1, 0.5, 0.8, 0.97):
        with pytest.raises(InputError):
            decode(write(tmp_path / "cut", data[: int(share * len(data))]))


# JPEG


def marked(data: bytes) -> tuple[int, int]:
    """Where the entropy-coded data of a JPEG begin, and where its end mark is."""
    start = data.index(b"\xff\xda")
    return start + 2 + int.from_bytes(data[start + 2 : start + 4], "big"), data.rindex(b"\xff\xd9")


@pytest.mark.parametrize("name", ["jpeg", "jpeg progressive", "jpeg restarts", "jpeg grey"])
def test_a_jpeg_that_was_cut_and_closed_again_is_damaged(tmp_path: Path, name: str) -> None:
    data = KINDS[name].build()
    start, stop = marked(data)
    for share in np.linspace(0.02, 0.98, 25):
        cut = data[: start + int(share * (stop - start))]
        with suppress(InputError):
            notes = decode(write(tmp_path / "closed.jpg", cut.rstrip(b"\xff") + b"\xff\xd9")).notes
            # Cut between two scans of a progressive picture: that is allowed, though nobody does it on purpose.
            assert name == "jpeg progressive"
            assert "cut short" in notes[0]


def test_a_jpeg_with_a_piece_missing_is_damaged_or_doubted(tmp_path: Path) -> None:
    data = KINDS["jpeg"].build()
    start, stop = marked(data)
    noticed = 0
    for share in np.linspace(0.1, 0.8, 25):
        at = start + int(share * (stop - start))
        try:
            noticed += bool(decode(write(tmp_path / "gap.jpg", data[:at] + data[at + 200 :])).notes)
        except InputError:
            noticed += 1
    assert noticed >= 20  # where the code falls into step again nobody can know


def test_fill_bytes_and_what_follows_the_end(tmp_path: Path) -> None:
    data = KINDS["jpeg"].build()
    exact = decode(write(tmp_path / "a.jpg", data)).pixels
    filled = data
    for marker in (b"\xff\xdb", b"\xff\xc4", b"\xff\xc0", b"\xff\xda", b"\xff\xd9"):
        filled = filled.replace(marker, b"\xff\xff\xff" + marker)
    behind = data + b"\xff\xd8 not a picture" + bytes(3000)
    for odd in (filled, behind):
        picture = decode(write(tmp_path / "odd.jpg", odd))
        assert np.array_equal(picture.pixels, exact)
        assert (picture.more, picture.notes) == (0, ())


def test_printing_colours_are_read_and_told(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    Image.fromarray(RGB).convert("CMYK").save(buffer, "JPEG", quality=95)
    image = read_fundus(write(tmp_path / "print.jpg", buffer.getvalue()))
    assert np.abs(image.rgb.astype(int) - RGB).mean() < 6
    assert "printing colours" in image.notes[0]


# Several pictures


def _several(kind: str) -> bytes:
    buffer = io.BytesIO()
    first, second = Image.fromarray(RGB), Image.fromarray(255 - RGB)
    options = {"lossless": True} if kind == "WEBP" else {}
    first.save(buffer, kind, save_all=True, append_images=[second], **options)
    return buffer.getvalue()


SEVERAL: dict[str, Callable[[], bytes]] = {
    **{f"several.{kind.lower()}": lambda kind=kind: _several(kind) for kind in ("TIFF", "GIF", "PNG", "WEBP", "MPO")},
    "several.jpg": lambda: encoded("JPEG") * 2,
    "several.ppm": lambda: encoded("PPM") * 2,
}


@pytest.mark.parametrize("name", SEVERAL)
def test_of_several_pictures_the_first_is_read_and_told(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, SEVERAL[name]())
    image = read_fundus(path)
    assert np.abs(image.rgb.astype(int) - RGB).mean() < 8
    assert image.notes == (f"{name} holds 2 pictures: only the first of them was looked at.",)
    for read in (read_label, read_fov, read_values):
        with pytest.raises(InputError, match=rf"{name} holds 2 pictures"):
            read(path)


def test_previews_are_no_further_pictures(tmp_path: Path) -> None:
    small = encoded("JPEG", np.ascontiguousarray(RGB[::3, ::3]))
    assert read_fundus(write(tmp_path / "camera.jpg", encoded("JPEG") + small)).notes == ()
    path = tmp_path / "camera.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(RGB[::4, ::4], photometric="rgb", subfiletype=1)
        writer.write(RGB, photometric="rgb")
    image = read_fundus(path)
    assert np.array_equal(image.rgb, RGB)
    assert image.notes == ()


# What the reader tells of the file


def test_the_hash_is_that_of_the_bytes_that_were_decoded(tmp_path: Path) -> None:
    for name, data in {"a.png": encoded("PNG"), "a.ppm.gz": gzip.compress(encoded("PPM"))}.items():
        path = write(tmp_path / name, data)
        image = read_fundus(path)
        write(path, encoded("PNG", 255 - RGB))
        assert image.sha256 == hashlib.sha256(data).hexdigest()


def test_a_photograph_that_exif_turned_says_so(tmp_path: Path) -> None:
    exif = Image.Exif()
    for orientation in (1, 3, 6):
        exif[0x0112] = orientation
        for kind in ("JPEG", "PNG", "TIFF", "WEBP"):
            image = read_fundus(write(tmp_path / "turned", encoded(kind, RGB, exif=exif)))
            assert image.turned == (orientation != 1), (kind, orientation)


def test_a_bmp_whose_alpha_is_nowhere_set_is_read(tmp_path: Path) -> None:
    data = encoded("BMP", np.dstack([RGB, np.zeros_like(CLEAR)]))
    assert np.array_equal(read_fundus(write(tmp_path / "windows.bmp", data)).rgb, RGB)


# Files that ask for more than they hold


def _claiming_tiles() -> bytes:
    data = bytearray(tiff(RGB, photometric="rgb", tile=(32, 32)))
    with tifffile.TiffFile(io.BytesIO(bytes(data))) as file:
        places = {tag.code: tag.valueoffset for tag in file.pages[0].tags}
    for tag in (256, 257):
        data[places[tag] : places[tag] + 2] = (9000).to_bytes(2, "little")
    return bytes(data)


def _claiming_restarts() -> bytes:
    """A scan of nothing but restart markers."""
    data = KINDS["jpeg"].build()
    start, stop = marked(data)
    return data[:start] + b"\xff\xd0" * 500_000 + data[stop:]


def _claiming_pages() -> bytes:
    """A directory whose list of strips is the whole file, as often as a file may have directories."""
    entry = struct.pack("<HHII", 273, 1, 400_000, 0)
    size = 2 + 12 * 40 + 4
    pages = [struct.pack("<H", 40) + entry * 40 + struct.pack("<I", 8 + size * (page + 1)) for page in range(2000)]
    return b"II*\0" + struct.pack("<I", 8) + b"".join(pages) + bytes(400_000)


CLAIMS: dict[str, Callable[[], bytes]] = {
    "tiles.tif": _claiming_tiles,
    "restarts.jpg": _claiming_restarts,
    "pages.tif": _claiming_pages,
    "text.ppm.gz": lambda: gzip.compress(b"P2 9000 9000 255\n" + b"0 " * 4_000_000),
    "text.pgm": lambda: b"P2 9999 9999 255\n0 0 0",
    "raw.ppm.gz": lambda: gzip.compress(b"P6 9000 9000 255\n" + bytes(4_000_000)),
}


@pytest.mark.parametrize("name", CLAIMS)
def test_a_claim_takes_no_memory(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, CLAIMS[name]())
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"damaged|too large"):
            read_fundus(path)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
