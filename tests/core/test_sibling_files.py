"""Names of results, and which mask of a field of view belongs to which photograph."""

import json
import os
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from core.datasets.synthetic import draw_case
from core.errors import FieldOfViewError
from core.files import file_sha256
from core.photo.sibling_files import MaskFolder, output_stems, photo_stem, resolve_fov
from core.types import FundusImage


@pytest.mark.parametrize(
    ("name", "stem"),
    [
        ("21_training.tif", "21_training"),
        ("im0001.ppm.gz", "im0001"),
        ("a.b.PNG", "a.b"),
        ("Auge links.JPG", "Auge links"),
    ],
)
def test_stems(name: str, stem: str) -> None:
    assert photo_stem(Path("folder.d") / name) == stem


def test_results_are_called_like_their_photographs() -> None:
    paths = [Path("in/01.png"), Path("in/02.jpg"), Path("other/03.ppm.gz")]
    assert output_stems(paths) == {paths[0]: "01", paths[1]: "02", paths[2]: "03"}


def test_equal_stems_get_what_tells_them_apart() -> None:
    paths = [Path("left/01.png"), Path("right/01.png"), Path("right/02.png"), Path("right/02.JPG"), Path("x/OD.png")]
    assert list(output_stems(paths).values()) == ["left_01", "right_01", "right_02_png", "right_02_JPG", "OD"]
    small_and_capital = [Path("x/Eye.png"), Path("y/eye.png")]
    assert list(output_stems(small_and_capital).values()) == ["x_Eye", "y_eye"]
    deeper = [Path("/p1/left/a.png"), Path("/p2/left/a.png")]
    assert list(output_stems(deeper).values()) == ["p1_left_a_png", "p2_left_a_png"]


_parts = st.sampled_from(["a", "A", "b", "a_b", "b_a", "c"])
_paths = st.builds(
    lambda folders, stem, suffix: Path("/", *folders, stem + suffix),
    st.lists(_parts, max_size=3),
    _parts,
    st.sampled_from([".png", ".PNG", ".jpg", ".ppm.gz"]),
)


@given(st.lists(_paths, min_size=1, max_size=12), st.randoms())
def test_no_two_photographs_share_a_name_and_the_order_does_not_matter(paths: list[Path], random: object) -> None:
    stems = output_stems(paths)
    assert set(stems) == set(paths)
    assert len({stem.casefold() for stem in stems.values()}) == len(stems)
    assert all("/" not in stem and stem for stem in stems.values())
    shuffled = paths.copy()
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert output_stems(shuffled) == stems


def sidecar(folder: Path, stem: str, photo: Path) -> None:
    """What the names look at in the side-car of a photograph's results."""
    record = {"photograph": {"file": str(photo.absolute()), "sha256": file_sha256(photo)}}
    (folder / f"{stem}.serr.json").write_text(json.dumps(record))


def test_results_of_another_photograph_are_never_in_the_way(tmp_path: Path) -> None:
    out = tmp_path / "out"
    photos = [tmp_path / name for name in ("p1/OD.jpg", "p2/OD.jpg", "p2/od.JPG.png", "copy/OD.jpg")]
    for path, content in zip(photos, (b"one", b"two", b"three", b"one"), strict=True):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    first, second, _, copy = photos
    assert output_stems([first], out) == {first: "OD"}  # no folder yet
    out.mkdir()
    sidecar(out, "OD", first)
    assert output_stems([second], out) == {second: "p2_OD"}
    assert output_stems([first], out) == {first: "OD"}
    assert output_stems([first, second], out) == {first: "OD", second: "p2_OD"}
    assert output_stems([copy], out) == {copy: "OD"}, "the same photograph in another place"
    sidecar(out, "p2_OD", second)
    first.write_bytes(b"edited")
    assert output_stems([second, first], out) == {second: "p2_OD", first: "OD"}, "the same place, another content"
    (out / "OD.serr.json").write_text("damaged")
    assert output_stems([first], out) == {first: "OD"}, "who writes over it looks closer"


def test_photographs_that_come_to_the_same_place_one_after_the_other(tmp_path: Path) -> None:
    """A camera's export folder: when only relative paths were kept, the content alone tells."""
    photo = tmp_path / "OD.jpg"
    stems = []
    for content in (b"1", b"2", b"3"):
        photo.write_bytes(content)
        (stem,) = output_stems([photo], tmp_path).values()
        stems.append(stem)
        (tmp_path / f"{stem}.serr.json").write_text(
            json.dumps({"photograph": {"file": "OD.jpg", "sha256": file_sha256(photo)}})
        )
    assert len(set(stems)) == 3
    assert stems[0] == "OD"


@pytest.mark.skipif(os.name == "nt", reason="file names are text there")
def test_names_of_results_can_be_printed() -> None:
    paths = [Path(os.fsdecode(name)) for name in (b"in/eye-\xff.png", b"in/eye-\xfe.png", b"in/a\x1b\n.png")]
    assert list(output_stems(paths).values()) == ["eye-%FF", "eye-%FE", "a%1B%0A"]


@pytest.fixture
def masks(tmp_path: Path) -> Path:
    """A folder with masks of 64 x 48 pixels under the names that data sets give them."""
    inside = np.zeros((48, 64), np.uint8)
    inside[4:44, 10:54] = 255
    names = ("01_test_mask.gif", "07_h_mask.tif", "own.png", "other_FOV.png", "twice.png", "twice.bmp", "notes.txt")
    for name in names:
        if name.endswith(".txt"):
            (tmp_path / name).write_text("no mask")
        else:
            Image.fromarray(inside).save(tmp_path / name)
    return tmp_path


@pytest.mark.parametrize(
    ("photo", "mask"),
    [
        ("01_test.tif", "01_test_mask.gif"),
        ("07_h.JPG", "07_h_mask.tif"),
        ("own.jpg", "own.png"),
        ("OWN.ppm.gz", "own.png"),
        ("other.png", "other_FOV.png"),
    ],
)
def test_a_mask_is_found_by_the_name_of_its_photograph(masks: Path, photo: str, mask: str) -> None:
    assert MaskFolder(masks).find(Path("photos") / photo).name == mask


def test_both_forms_of_an_accent_are_one_name_and_the_folder_is_looked_through_once(masks: Path) -> None:
    composed, taken_apart = (unicodedata.normalize(form, "Müller") for form in ("NFC", "NFD"))
    Image.new("L", (64, 48), 255).save(masks / f"{taken_apart}_mask.png")
    folder = MaskFolder(masks)
    masks.rename(masks.with_name("moved"))
    assert folder.find(Path(f"{composed}.jpg")).name == f"{taken_apart}_mask.png"
    assert folder.find(Path("own.jpg")).name == "own.png"


def test_a_photograph_is_not_its_own_mask(masks: Path) -> None:
    assert MaskFolder(masks).find(masks / "07_h_mask.tif".replace("_mask", "")).name == "07_h_mask.tif"
    with pytest.raises(FieldOfViewError, match=r"no mask for own\.png"):
        MaskFolder(masks).find(masks / "own.png")


def test_vessels_that_were_found_are_not_taken_for_a_field_of_view(masks: Path) -> None:
    Image.new("L", (64, 48)).save(masks / "eye_mask.png")
    assert MaskFolder(masks).find(Path("eye.jpg")).name == "eye_mask.png"
    (masks / "eye.serr.json").write_text("{}")
    with pytest.raises(FieldOfViewError, match=r"no mask for eye\.jpg"):
        MaskFolder(masks).find(Path("eye.jpg"))
    Image.new("L", (64, 48), 255).save(masks / "eye_fov.png")
    assert MaskFolder(masks).find(Path("eye.jpg")).name == "eye_fov.png"


@pytest.mark.parametrize(
    ("photo", "words"),
    [("none.tif", r"no mask for none\.tif.*none_mask"), ("twice.tif", "more than one.*bmp and twice")],
)
def test_no_mask_or_two_masks_are_said(masks: Path, photo: str, words: str) -> None:
    with pytest.raises(FieldOfViewError, match=words):
        MaskFolder(masks).find(Path(photo))


def test_a_missing_folder_is_said(tmp_path: Path) -> None:
    with pytest.raises(FieldOfViewError, match="cannot be read"):
        MaskFolder(tmp_path / "none").find(Path("a.png"))


def test_the_field_of_view_comes_from_where_it_is_wanted(masks: Path) -> None:
    image = FundusImage(np.asarray(Image.fromarray(draw_case(1, 64).image.rgb).resize((64, 48))))
    assert resolve_fov("full", None, image).inside.all()
    assert resolve_fov("full", None, image).origin == "full"
    given_file = resolve_fov(masks / "own.png", None, image)
    assert given_file.origin == "file"
    assert given_file.inside.sum() == 40 * 44
    assert (resolve_fov(masks, Path("01_test.tif"), image).inside == given_file.inside).all()
    drawn = draw_case(1, 128)
    assert resolve_fov("auto", None, drawn.image).origin == "estimated"
    with pytest.raises(FieldOfViewError, match="no name"):
        resolve_fov(masks, None, image)
    with pytest.raises(FieldOfViewError):
        resolve_fov(masks / "own.png", None, drawn.image)
