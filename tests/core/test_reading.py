"""Reading photographs, labels and fields of view: every kind exactly, every bad file with a sentence, no noise."""

import gzip
import io
import struct
import tracemalloc
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest
import tifffile
from bad_inputs import BAD_INPUTS, BadInput, encoded, sixteen_bit_png
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from picture_kinds import DEEP, GREY, KINDS, RGB, tiff
from PIL import Image

from core.errors import FieldOfViewError, InputError, LabelError
from core.photo.decoding import decode
from core.photo.reading import is_photo_path, read_fov, read_fundus, read_label
from core.photo.sixteen_bit import depth_of, photo_depth, scaled_to_8_bit
from core.resources import resource_path

RGB16 = DEEP


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


def ppm16(values: npt.NDArray[np.uint16], maximum: int = 65535) -> bytes:
    height, width = values.shape[:2]
    return f"P6\n# made by hand\n{width} {height}\n{maximum}\n".encode() + values.astype(">u2").tobytes()


@pytest.mark.parametrize("name", KINDS)
def test_every_kind_is_exact(tmp_path: Path, name: str) -> None:
    kind = KINDS[name]
    picture = decode(write(tmp_path / name, kind.build()), is_photograph=True)
    if kind.pixels is None:
        expected = RGB if "grey" not in name else np.dstack([GREY] * 3)
        assert np.abs(picture.pixels.astype(int) - expected).mean() < 5
    else:
        expected = kind.pixels if kind.pixels.ndim == 3 else np.dstack([kind.pixels] * 3)
        assert np.array_equal(picture.pixels, expected)
    assert (picture.bits == 16) == any(part in name.split() for part in ("12", "16"))
    assert (picture.more, picture.turned, picture.notes) == (0, False, ())


def test_jpeg_is_near_and_the_suffix_is_not_trusted(tmp_path: Path) -> None:
    for options in ({"quality": 95}, {"quality": 95, "progressive": True}):
        image = read_fundus(write(tmp_path / "really a jpeg.png", encoded("JPEG", **options)))
        assert np.abs(image.rgb.astype(int) - RGB).mean() < 4


@pytest.mark.parametrize("name", ["눈 глаз œil.png", "eye with 'quotes' & spaces.PNG", "👁.png"])
def test_unicode_names(tmp_path: Path, name: str) -> None:
    folder = tmp_path / "ordner ü"
    folder.mkdir()
    assert np.array_equal(read_fundus(write(folder / name, encoded("PNG"))).rgb, RGB)


def turned_like(upright: npt.NDArray[Any], orientation: int) -> npt.NDArray[Any]:
    """What is stored so that a picture is upright: EXIF 2.3 names where the stored row 0 and column 0 belong."""
    stored = {
        1: upright,
        2: upright[:, ::-1],  # column 0 is the right side
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.swapaxes(0, 1),  # row 0 is the left side, column 0 the top
        6: np.rot90(upright),  # row 0 is the right side, column 0 the top
        7: np.rot90(upright, 2).swapaxes(0, 1),
        8: np.rot90(upright, -1),  # row 0 is the left side, column 0 the bottom
    }
    return np.ascontiguousarray(stored[orientation])


def turned_by_definition(orientation: int) -> npt.NDArray[np.uint8]:
    """What is stored so that the upright picture is RGB."""
    return turned_like(RGB, orientation)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["PNG", "TIFF", "JPEG", "PNG 16", "TIFF 16"])
def test_exif_orientation_is_applied_once(tmp_path: Path, kind: str, orientation: int) -> None:
    stored = turned_by_definition(orientation)
    exif = Image.Exif()
    exif[0x0112] = orientation
    match kind:
        case "TIFF 16":
            tag = (274, "H", 1, orientation, True)
            data = tiff(stored.astype(np.uint16) * np.uint16(257), photometric="rgb", extratags=[tag])
        case "PNG 16":
            plain = sixteen_bit_png(stored.astype(np.uint16) * np.uint16(257))
            marked = encoded("PNG", stored, exif=exif)
            start = marked.index(b"eXIf") - 4
            length = 12 + int.from_bytes(marked[start : start + 4], "big")
            data = plain[:33] + marked[start : start + length] + plain[33:]
        case _:
            data = encoded(kind, stored, exif=exif, **({"quality": 95, "subsampling": 0} if kind == "JPEG" else {}))
    rgb = read_fundus(write(tmp_path / "turned", data)).rgb
    assert rgb.shape == RGB.shape
    if kind == "JPEG":
        assert np.abs(rgb.astype(int) - RGB).mean() < 4
    else:
        assert np.array_equal(rgb, RGB)


def png_chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))


def said_in_text(way: str, orientation: int) -> bytes:
    """A chunk that says an orientation as programs did before PNG had one for EXIF, or as XMP."""
    if way == "XMP":
        text = f'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="{orientation}"/>'
        return png_chunk(b"iTXt", b"XML:com.adobe.xmp" + bytes(5) + text.encode())
    exif = Image.Exif()
    exif[0x0112] = orientation
    digits = exif.tobytes().hex()
    lines = "\n".join(digits[start : start + 72] for start in range(0, len(digits), 72))
    key, _, kind = way.partition(" ")
    body = f"\n{key}\n{len(digits) // 2:8}\n{lines}\n".encode()
    start = f"Raw profile type {key}\0".encode()
    return (
        png_chunk(b"tEXt", start + body) if kind == "tEXt" else png_chunk(b"zTXt", start + b"\0" + zlib.compress(body))
    )


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("way", ["exif tEXt", "exif zTXt", "APP1 zTXt", "XMP"])
@pytest.mark.parametrize("deep", [False, True])
@pytest.mark.parametrize("late", [False, True])
def test_an_orientation_in_a_text_of_a_png_is_applied(
    tmp_path: Path, way: str, orientation: int, deep: bool, late: bool
) -> None:
    stored = turned_by_definition(orientation)
    plain = sixteen_bit_png(stored.astype(np.uint16) * np.uint16(257)) if deep else encoded("PNG", stored)
    at = len(plain) - 12 if late else 33
    image = read_fundus(write(tmp_path / "turned.png", plain[:at] + said_in_text(way, orientation) + plain[at:]))
    assert np.array_equal(image.rgb, RGB)
    assert image.turned == (orientation > 1)
    vessel = np.zeros(GREY.shape, bool)
    vessel[10:60, 20:24] = vessel[50:54, 20:70] = True
    stored = turned_like(vessel, orientation).astype(np.uint8) * 255
    plain = encoded("PNG", stored)
    at = len(plain) - 12 if late else 33
    label = write(tmp_path / "label.png", plain[:at] + said_in_text(way, orientation) + plain[at:])
    assert np.array_equal(read_label(label, shape=GREY.shape).vessel, vessel)


@pytest.mark.parametrize(
    "text",
    [
        b"tEXtRaw profile type exif\0\nexif\n 8\nno digits\n",
        b"tEXtRaw profile type exif\0",
        b"tEXtRaw profile type exif",
        b"zTXtRaw profile type exif\0\0no zlib",
        b"zTXtRaw profile type exif\0\0" + zlib.compress(b"\nexif\n 8\n" + b"4578696600004d4d002a" * 400_000),
        b"tEXtRaw profile type APP1\0\nAPP1\n 3\n414243\n",
        b"tEXtRaw profile type exif\0\nexif\n 6\n457869660000\n",
        b"iTXtXML:com.adobe.xmp\0\0\0\0\0tiff:Orientation=",
        b"iTXtXML:com.adobe.xmp\0\0\0",
        b"iTXtXML:com.adobe.xmp\0\0\0\0\0" + b"tiff:Orientation=" * 1_000_000,
        b"eXIf",
        b"eXIfII*\0\xff\xff\xff\xff",
    ],
)
def test_a_text_that_says_no_orientation_does_not_spoil_a_png(tmp_path: Path, text: bytes) -> None:
    plain = encoded("PNG", RGB)
    image = read_fundus(write(tmp_path / "a.png", plain[:33] + png_chunk(text[:4], text[4:]) + plain[33:]))
    assert np.array_equal(image.rgb, RGB)
    assert not image.turned


def test_a_tiff_with_jpeg_is_known_to_be_turned(tmp_path: Path) -> None:
    for orientation in (1, 6):
        data = encoded("TIFF", turned_by_definition(orientation), compression="jpeg", tiffinfo={274: orientation})
        image = read_fundus(write(tmp_path / "a.tif", data))
        assert np.abs(image.rgb.astype(int) - RGB).mean() < 4
        assert image.turned == (orientation > 1)


def test_transparent_parts_become_black(tmp_path: Path) -> None:
    alpha = np.zeros(GREY.shape, np.uint8)
    alpha[20:100, 20:100] = 255
    alpha[:, 50:60] = 51  # a fifth
    expected = np.rint(RGB * (alpha[..., None] / 255)).astype(int)
    eight = read_fundus(write(tmp_path / "a.png", encoded("PNG", np.dstack([RGB, alpha])))).rgb
    tif = read_fundus(write(tmp_path / "a.tif", encoded("TIFF", np.dstack([RGB, alpha])))).rgb
    sixteen = np.dstack([RGB16, alpha.astype(np.uint16) * 257])[..., [2, 1, 0, 3]]
    deep = read_fundus(write(tmp_path / "a16.png", bytes(cv2.imencode(".png", sixteen)[1]))).rgb
    grey = read_fundus(write(tmp_path / "g.png", encoded("PNG", np.dstack([GREY, alpha])))).rgb
    assert np.abs(eight - expected).max() == 0
    assert np.array_equal(tif, eight)
    assert np.abs(grey[..., 0] - expected[..., 1]).max() == 0
    # 16 bit is scaled by its own peak, here the brightest visible pixel: it stays within a level of the 8-bit result.
    assert np.abs(deep - expected).max() <= 1


@given(depth=st.sampled_from([8, 10, 12, 14, 16]), seed=st.integers(0, 99))
def test_16_bit_rule(depth: int, seed: int) -> None:
    values = np.random.default_rng(seed).integers(0, 2**depth, 200).astype(np.uint16)
    values[0] = 2**depth - 1
    assert depth_of(values) == photo_depth(values) == depth
    scaled = scaled_to_8_bit(values, 2**depth - 1)
    assert np.array_equal(scaled, np.rint(values * (255 / (2**depth - 1))))
    order = np.argsort(values, kind="stable")
    assert (np.diff(scaled[order].astype(int)) >= 0).all()
    assert scaled[0] == 255


def test_12_bit_data_in_a_16_bit_file_is_not_dark(tmp_path: Path) -> None:
    twelve = (RGB.astype(np.uint16) * 16).astype(np.uint16)
    assert 2048 <= twelve.max() < 4096
    for data in (tiff(twelve, photometric="rgb"), sixteen_bit_png(twelve), ppm16(twelve, 4095)):
        image = read_fundus(write(tmp_path / "deep", data))
        assert np.abs(image.rgb.astype(int) - RGB).max() <= 1
        assert image.bit_depth == 16


def test_a_thumbnail_inside_a_tiff_is_no_second_page(tmp_path: Path) -> None:
    path = tmp_path / "camera.tif"
    with tifffile.TiffWriter(path) as writer:
        writer.write(RGB, photometric="rgb")
        writer.write(RGB[::4, ::4], photometric="rgb", subfiletype=1)
    assert np.array_equal(read_fundus(path).rgb, RGB)


@pytest.mark.parametrize("bad", BAD_INPUTS, ids=lambda bad: bad.name)
def test_bad_inputs_get_a_sentence(tmp_path: Path, bad: BadInput, capfd: pytest.CaptureFixture[str]) -> None:
    path = bad.build(tmp_path)
    if bad.readable:
        assert read_fundus(path).shape == (120, 128)
        return
    for read, error in ((read_fundus, InputError), (read_label, LabelError), (read_fov, FieldOfViewError)):
        if read is not read_fundus and bad.name in {
            "1 x 1",
            "black and white",
            "16-bit, all equal",
            "8-bit, all equal",
        }:
            continue  # a label of any size may be read, 1 bit suits it, and a mask may be white everywhere
        with bad.rights(), pytest.raises(error) as caught:
            read(path)
        sentence = str(caught.value)
        assert path.name in sentence
        assert sentence.endswith(".")
        if read is read_fundus:
            missing = [word for word in bad.words if word not in sentence.lower()]
            assert not missing, f"{missing} not in: {sentence}"
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["40,000 x 40,000 PNG", "packed 40,000 x 40,000 PPM", "a gzip bomb"])
def test_a_claimed_size_takes_no_memory(tmp_path: Path, name: str) -> None:
    path = next(bad for bad in BAD_INPUTS if bad.name == name).build(tmp_path)
    tracemalloc.start()
    try:
        with pytest.raises(InputError, match=r"too large|more than"):
            read_fundus(path)
        assert tracemalloc.get_traced_memory()[1] < 5_000_000
    finally:
        tracemalloc.stop()


WHOLE = {name: kind.build() for name, kind in KINDS.items()}
BY_LIBTIFF = {"tiff lzw", "tiff 16 lzw", "tiff packbits", "tiff fax", "tiff jpeg"}
NO_FIXTURE_RESET = (HealthCheck.function_scoped_fixture,)


@given(kind=st.sampled_from(sorted(WHOLE)), share=st.floats(0.0, 0.97))
@settings(max_examples=200, deadline=None, suppress_health_check=NO_FIXTURE_RESET)
def test_no_file_that_is_cut_short_is_taken(tmp_path: Path, kind: str, share: float) -> None:
    data = WHOLE[kind]
    with pytest.raises(InputError):
        read_fundus(write(tmp_path / "cut", data[: int(share * len(data))]))


@given(kind=st.sampled_from(sorted(WHOLE)), data=st.data())
@settings(max_examples=200, deadline=None, suppress_health_check=NO_FIXTURE_RESET)
def test_damage_anywhere_gives_a_picture_or_a_sentence(tmp_path: Path, kind: str, data: st.DataObject) -> None:
    broken = bytearray(WHOLE[kind])
    near_start = st.integers(0, 400) | st.integers(0, len(broken) - 1)
    for position in data.draw(st.lists(near_start, min_size=1, max_size=8)):
        broken[position % len(broken)] = data.draw(st.integers(0, 255))
    with suppress(InputError):  # any other exception is a failure
        assert read_fundus(write(tmp_path / "broken", bytes(broken))).rgb.ndim == 3


def test_damage_is_silent(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """No library writes on stderr by itself, neither about odd metadata nor about damage.

    Left out is damage inside compressed TIFF: libtiff, as built into Pillow, prints its own line beside our sentence.
    """
    rng = np.random.default_rng(5)
    profile = encoded("PNG", icc_profile=bytes(200))
    start = profile.index(b"iCCP") - 4
    chunk = profile[start : start + 12 + int.from_bytes(profile[start : start + 4], "big")]
    deep = WHOLE["png 16 rgb"]
    odd = tiff(RGB16, photometric="rgb", extratags=[(65000, "s", 0, "x", True)])
    odd_lzw = encoded("TIFF", compression="tiff_lzw", tiffinfo={65000: "x"})
    for data in (deep[:33] + chunk + deep[33:], odd, odd_lzw, profile):
        assert np.array_equal(read_fundus(write(tmp_path / "odd", data)).rgb, RGB)
    for kind, whole in WHOLE.items():
        if kind in BY_LIBTIFF:
            continue
        for _ in range(6):
            broken = bytearray(whole)
            for position in rng.integers(0, len(broken), 5):
                broken[position] = rng.integers(0, 256)
            with suppress(InputError):
                read_fundus(write(tmp_path / kind, bytes(broken)))
    assert capfd.readouterr() == ("", "")


def test_is_photo_path() -> None:
    good = ["a.png", "A.JPG", "im0001.ppm.gz", "x y.TIFF", "眼.gif", "a.b.bmp", "x.pgm"]
    bad = ["a.txt", "a", ".hidden.png", "._a.jpg", "a.gz", "a.png.txt", "a.serr.json", "a.safetensors"]
    assert all(is_photo_path(Path("folder") / name) for name in good)
    assert not any(is_photo_path(Path("folder") / name) for name in bad)


# Labels and fields of view

VESSEL = np.zeros((90, 100), np.bool_)
VESSEL[40:44, 5:95] = VESSEL[10:80, 50:53] = True


def in_colours(vessel: tuple[int, int, int], other: tuple[int, int, int]) -> npt.NDArray[np.uint8]:
    return np.where(VESSEL[..., None], np.uint8(vessel), np.uint8(other)).astype(np.uint8)


def indexed(low: int, high: int) -> bytes:
    image = Image.fromarray(VESSEL.astype(np.uint8), "P")
    image.putpalette([low] * 3 + [high] * 3)
    buffer = io.BytesIO()
    image.save(buffer, "GIF")
    return buffer.getvalue()


LABELS: dict[str, Callable[[], bytes]] = {
    "0 and 255": lambda: encoded("PNG", VESSEL.astype(np.uint8) * 255),
    "0 and 1": lambda: encoded("PNG", VESSEL.astype(np.uint8)),
    "2 and 254 by a palette": lambda: indexed(2, 254),
    "1 bit PNG": lambda: encoded("PNG", VESSEL),
    "1 bit TIFF": lambda: encoded("TIFF", VESSEL, compression="group4"),
    "1 bit PBM": lambda: encoded("PPM", VESSEL),
    "RGB TIFF": lambda: encoded("TIFF", in_colours((255, 255, 255), (0, 0, 0)), compression="tiff_lzw"),
    "red on black": lambda: encoded("PNG", in_colours((255, 0, 0), (0, 0, 0))),
    "dark red on black": lambda: encoded("PNG", in_colours((128, 0, 0), (0, 0, 0))),
    "16 bit": lambda: encoded("PNG", VESSEL.astype(np.uint16) * 65535),
    "packed PGM": lambda: gzip.compress(encoded("PPM", VESSEL.astype(np.uint8) * 255)),
    "JPEG": lambda: encoded("JPEG", VESSEL.astype(np.uint8) * 255, quality=50),
    "white on clear": lambda: encoded("PNG", np.dstack([np.full((90, 100, 3), 255), VESSEL * 255]).astype(np.uint8)),
}


@pytest.mark.parametrize("name", LABELS)
def test_two_valued_files_of_every_kind(tmp_path: Path, name: str) -> None:
    path = write(tmp_path / name, LABELS[name]())
    label = read_label(path, shape=(90, 100))
    assert np.array_equal(label.vessel, VESSEL)
    assert label.source == path
    fov = read_fov(path, shape=(90, 100))
    assert np.array_equal(fov.inside, VESSEL)
    assert (fov.origin, fov.source) == ("file", path)


def test_arteries_and_veins_in_colours_are_all_vessel(tmp_path: Path) -> None:
    colours = in_colours((255, 0, 0), (0, 0, 0))
    colours[:, :50][VESSEL[:, :50]] = (0, 0, 255)
    assert np.array_equal(read_label(write(tmp_path / "av.png", encoded("PNG", colours))).vessel, VESSEL)


def test_smooth_edges_are_cut_at_half(tmp_path: Path) -> None:
    large = cv2.line(np.zeros((400, 400), np.uint8), (20, 30), (370, 350), 255, thickness=40)
    small = np.asarray(Image.fromarray(large).resize((90, 90), Image.Resampling.BOX))
    assert np.unique(small).size > 9
    assert np.array_equal(read_label(write(tmp_path / "x.png", encoded("PNG", small))).vessel, small > 127)


def test_what_is_no_label_is_refused(tmp_path: Path) -> None:
    soft = cv2.GaussianBlur(VESSEL.astype(np.float32), (0, 0), 2)
    cases = {
        "not black and white": [RGB, (soft * 255).astype(np.uint8), (soft * 65535).astype(np.uint16)],
        "no vessel": [np.zeros((90, 100), np.uint8), np.full((90, 100), 255, np.uint8)],
    }
    for words, pictures in cases.items():
        for picture in pictures:
            with pytest.raises(LabelError, match=words):
                read_label(write(tmp_path / "wrong.png", encoded("PNG", picture)))


@pytest.mark.parametrize("light", [1.0, 0.6])
def test_a_bright_photograph_is_no_label_and_no_mask(tmp_path: Path, light: float) -> None:
    sample = read_fundus(resource_path("sample", "retina.jpg")).rgb
    pixels = (cv2.resize(sample, (300, 300), interpolation=cv2.INTER_AREA) * light).astype(np.uint8)
    path = write(tmp_path / "eye.png", encoded("PNG", pixels))
    with pytest.raises(LabelError, match="as in a photograph"):
        read_label(path)
    with pytest.raises(FieldOfViewError, match="as in a photograph"):
        read_fov(path)


def test_sizes_are_compared_and_both_named(tmp_path: Path) -> None:
    path = write(tmp_path / "other size.png", LABELS["0 and 1"]())
    with pytest.raises(LabelError, match=r"other size\.png has 100 x 90 pixels, but the photograph has 128 x 120"):
        read_label(path, shape=(120, 128))
    with pytest.raises(FieldOfViewError, match=r"other size\.png has 100 x 90 pixels.*128 x 120"):
        read_fov(path, shape=(120, 128))


def test_a_white_mask_is_everything_and_a_black_one_nothing(tmp_path: Path) -> None:
    assert read_fov(write(tmp_path / "w.png", encoded("PNG", np.full((9, 8), 255, np.uint8)))).inside.all()
    with pytest.raises(FieldOfViewError, match="all black"):
        read_fov(write(tmp_path / "b.png", encoded("PNG", np.zeros((9, 8), np.uint8))))


def test_the_published_files(serr_data: Path) -> None:
    """Every kind of file that the data sets hold, against Pillow."""

    def opened(name: str, mode: str) -> npt.NDArray[np.uint8]:
        with Image.open(serr_data / name) as image:
            return np.array(image.convert(mode))

    for name, shape in {
        "DRIVE/test/1st_manual/01_manual1.gif": (584, 565),
        "DRIVE/test/2nd_manual/01_manual2.gif": (584, 565),
        "STARE/labels-ah/im0001.ah.ppm": (605, 700),
        "STARE/labels-vk/im0001.vk.ppm": (605, 700),
        "CHASE_DB1/Image_01L_1stHO.png": (960, 999),
        "HRF/manual1/01_h.tif": (2336, 3504),
    }.items():
        assert np.array_equal(read_label(serr_data / name, shape=shape).vessel, opened(name, "L") > 127), name
    for name in ("DRIVE/test/mask/01_test_mask.gif", "HRF/mask/01_h_mask.tif"):
        assert np.array_equal(read_fov(serr_data / name).inside, opened(name, "L") > 127), name
    for name in ("DRIVE/test/images/01_test.tif", "STARE/stare-images/im0001.ppm", "HRF/images/01_dr.JPG"):
        assert np.array_equal(read_fundus(serr_data / name).rgb, opened(name, "RGB")), name
