"""Which files of a folder are photographs, in which order, and what is said of the others."""

import os
import unicodedata
from collections.abc import Iterable
from pathlib import Path

import pytest

from core.errors import InputError
from core.photo.finding import count_below, photos_among, photos_in
from core.photo.given import find_masks, find_photos
from core.photo.walking import expand, natural_key


def made(folder: Path, names: Iterable[str]) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(b"")
    return folder


def listed(folder: Path, *, recursive: bool = False) -> list[str]:
    return [path.relative_to(folder).as_posix() for path in photos_in(folder, recursive=recursive).photos]


def test_only_photographs_are_found_and_all_others_are_counted_with_their_reason(tmp_path: Path) -> None:
    photos = ["a2.jpg", "a10.JPG", "B1.jpe", "b2.jfif", "im1.ppm.gz", "P01_AH.png"]
    others = {
        "labels": ["a2_manual1.gif", "a10_1stHO.png", "im1.ah.ppm.gz", "B1_gt.png"],
        "masks": ["a2_mask.gif", "a10_fov.png"],
        "results of this program": ["b2_mask.png", "b2_overlay.png", "b2_probability.tif", "b2.serr.json"],
        "pictures of kinds that are not read (.dcm, .heic)": ["x.dcm", "y.HEIC"],
        "file that is not a picture": ["notes.txt"],
    }
    made(tmp_path, [*photos, *(name for names in others.values() for name in names), "._a2.jpg", ".hidden.png"])
    (tmp_path / "gone.jpg").symlink_to(tmp_path / "nowhere")
    found = photos_in(tmp_path)
    assert [path.name for path in found.photos] == [
        "a2.jpg",
        "a10.JPG",
        "B1.jpe",
        "b2.jfif",
        "im1.ppm.gz",
        "P01_AH.png",
    ]
    said = set(found.left_out.text.replace("(.dcm, .heic)", "(.dcm; .heic)").split(", "))
    wanted = {f"{len(names)} {reason.replace(', ', '; ')}" for reason, names in others.items()}
    assert said == wanted | {"1 link or device that is not a file"}


def test_endings_that_photographs_have_too_count_beside_the_photograph_only(tmp_path: Path) -> None:
    made(tmp_path, ["1_ah.png", "2_vessels.png", "3_roi.png", "3_test.png", "unmask.png", "label_4.png", "4.jpg"])
    assert listed(tmp_path) == ["1_ah.png", "2_vessels.png", "3_test.png", "4.jpg", "unmask.png"]


def test_the_order_is_natural_and_does_not_depend_on_case_or_the_form_of_letters(tmp_path: Path) -> None:
    composed, taken_apart = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
    names = [f"{taken_apart}1.png", f"{composed}2.png", f"{taken_apart}10.png", "Eye 2.png", "eye 10.png", "eye 9.png"]
    assert listed(made(tmp_path, names)) == ["Eye 2.png", "eye 9.png", "eye 10.png", *names[:3]]
    paths = [Path("p1/9.png"), Path("p1 b/1.png"), Path("p10/1.png"), Path("p2/10.png"), Path("p2/9.png")]
    assert sorted(paths, key=natural_key) == [paths[0], paths[1], paths[4], paths[3], paths[2]]


def test_a_folder_of_images_is_taken_where_there_are_none_beside_it(tmp_path: Path) -> None:
    made(tmp_path, ["images/2.png", "images/10.png", "labels/2.png", "masks/2.png", "readme.txt"])
    found = photos_in(tmp_path)
    assert [path.relative_to(tmp_path).as_posix() for path in found.photos] == ["images/2.png", "images/10.png"]
    assert found.inner == tmp_path / "images"
    assert listed(made(tmp_path, ["1.png"])) == ["1.png"]


def test_subfolders_are_counted_and_looked_through_when_that_is_wanted(tmp_path: Path) -> None:
    made(tmp_path, ["a.png", "p2/1.png", "p10/1.png", "p10/deep/2.png", "manual1/a.png", "SERR results/a_mask.png"])
    found = photos_in(tmp_path)
    assert [path.name for path in found.photos] == ["a.png"]
    assert found.below.text == "3 sub-folders hold 3 photographs"
    assert listed(tmp_path, recursive=True) == ["a.png", "p2/1.png", "p10/1.png", "p10/deep/2.png"]
    assert "2 sub-folders of labels" in photos_in(tmp_path, recursive=True).left_out.text
    assert count_below(tmp_path, limit=2).text == "1 sub-folder holds at least 1 photograph"
    assert count_below(tmp_path / "p2").text == ""


@pytest.mark.skipif(os.name == "nt", reason="links need rights there")
def test_links_in_circles_give_each_file_once(tmp_path: Path) -> None:
    made(tmp_path, ["a2.jpg", "a10.jpg", "sub/b.jpg"])
    for name in ("self", "again", "sub/up"):
        (tmp_path / name).symlink_to(tmp_path)
    (tmp_path / "link").symlink_to(tmp_path / "sub")
    (tmp_path / "a1.jpg").symlink_to(tmp_path / "sub" / "b.jpg")
    (tmp_path / "loop.jpg").symlink_to("loop.jpg")
    everything = [tmp_path / name for name in ("a2.jpg", "a10.jpg", "sub/b.jpg")]
    for pattern in ("**/*.jpg", "**/**/*.jp*g", "**/self/**/*.jpg"):
        found = photos_among(expand(f"{tmp_path}/{pattern}"))
        assert [path.resolve() for path in found.photos] == everything, pattern
    assert list(photos_in(tmp_path, recursive=True).photos) == everything
    (tmp_path / "sub" / "up").unlink()
    outside = made(tmp_path / "outside", ["x.txt"])
    (outside / "photos").symlink_to(tmp_path / "sub")
    assert listed(outside, recursive=True) == ["photos/b.jpg"]


@pytest.mark.parametrize(
    ("pattern", "names"),
    [
        ("*.png", ["a.png"]),
        ("p?/*.png", ["p1/b.png", "p2/c.png"]),
        ("p[!1]/*", ["p2/c.png"]),
        ("**/c.png", ["p2/c.png", "p2/deep/c.png"]),
        ("p2/**", ["p2/c.png", "p2/deep/c.png"]),
        ("none/**/*.png", []),
        ("p2/../p1/*.png", ["p1/b.png"]),
    ],
)
def test_patterns(tmp_path: Path, pattern: str, names: list[str]) -> None:
    made(tmp_path, ["a.png", "p1/b.png", "p2/c.png", "p2/deep/c.png", "p2/.hidden.png", ".git/d.png"])
    found = [path.resolve().relative_to(tmp_path.resolve()).as_posix() for path in expand(f"{tmp_path}/{pattern}")]
    assert found == names


def test_a_folder_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        photos_in(tmp_path / "none")


def test_what_is_given_becomes_photographs_by_one_rule(tmp_path: Path) -> None:
    """Each file once, in the order given; a pattern is only expanded where it is asked for."""
    made(tmp_path, ["b/eye 10.png", "b/eye 2.png", "b/eye 2_mask.png", "empty/notes.txt"])
    made(tmp_path, ["a.png", "a_mask.png", "a.serr.json"])
    given = [tmp_path / name for name in ("b", "a.png", "a_mask.png", "b/eye 10.png", "empty", "gone.png")]
    found = find_photos(given)
    assert [path.name for path in found.photos] == ["eye 2.png", "eye 10.png", "a.png", "gone.png"]
    assert [(place.path.name, len(place.found.photos)) for place in found.places] == [("b", 2), ("empty", 0)]
    pattern = str(tmp_path / "b" / "*.png")
    assert find_photos([pattern], patterns=True).photos == found.photos[:2]
    assert find_photos([pattern]).photos == (Path(pattern),)
    assert [path.name for path in find_masks([tmp_path / "b"]).photos] == ["eye 2.png", "eye 2_mask.png", "eye 10.png"]
