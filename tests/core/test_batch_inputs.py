"""Which photographs a list names, and where the results of photographs go."""

import os
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from core.batch.archives import look_into, unpack
from core.batch.gathering import Gathering
from core.batch.lists import Listed, read_list
from core.batch.plan import as_listed
from core.errors import InputError
from core.files import file_sha256
from core.photo.walking import same_name


def test_a_text_list_has_a_path_in_each_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "lists").mkdir()
    for name in ("here/a.png", "lists/b.png"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path / "here")
    file = tmp_path / "lists" / "all.txt"
    file.write_text(f"# by hand\n\na.png\nb.png\n{tmp_path / 'c.png'}\nb.png\n", encoding="utf-8")
    folder = tmp_path / "lists"
    named = (Path("a.png"), folder / "b.png", tmp_path / "c.png", folder / "b.png")
    assert list(read_list(file)) == [Listed(path, {}) for path in named]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "first row"),
        ("path,eye\n", "names no photographs"),
        ("path,path\na.png,b.png\n", "a name of its own"),
        ("patient,eye\n1,OD\n", "no column that looks like paths; it has patient, eye"),
        ("path,eye\na.png,OD\nb.png\n", "Row 3 of the list .* has 1 columns"),
        ("path,eye\na.png,OD\n,OS\n", "Row 3 of the list .* has no path"),
        ('path,eye\na.png,"OD\n', "not a table of separated values"),
        ("a.png\nb.png\n", "names no columns but a photograph, a.png"),
        ("path,eye\na.png,O\0D\n", "Row 2 of the list .* characters that no text has"),
        ("path,e\0ye\na.png,OD\n", "first row of the list .* characters that no text has"),
        ("path\nM\xfcller.png\n".encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_list_that_cannot_be_used_is_said(tmp_path: Path, content: str | bytes, reason: str) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=reason):
        list(read_list(file))


def places_of(photos: Sequence[Path], root: Path, known: Mapping[Path, str]) -> dict[Path, str]:
    """Where a batch that knows some photographs would put those that it does not."""
    with Gathering() as found:
        found.add(as_listed(photos))
        assert not found.settle()
        found.know(1, ((bytes(path), place, same_name(place)) for path, place in known.items()))
        found.place(root)
        return {Path(os.fsdecode(row.path)): row.place for row in found.placed() if row.new}


def test_places_mirror_the_tree_and_never_change_once_given() -> None:
    root = Path("/study")
    first = [root / "a/OD.png", root / "a/od.jpg", root / "b/OD.png", Path("/other/x.png"), root / "bell\x07/y.png"]
    places = places_of(first, root, {})
    assert list(places.values()) == ["a/OD_png", "a/od_jpg", "b/OD", "other/x", "bell%07/y"]
    assert places_of(first[::-1], root, {}) == places
    later = [*first, root / "b/od.TIF", root / "other/x.bmp", root / "a/OD.jpg.gz"]
    assert places_of(later, root, places) == {
        root / "b/od.TIF": "b/od_TIF",
        root / "other/x.bmp": "other/x_bmp",
        root / "a/OD.jpg.gz": "a/OD",
    }


def test_of_photographs_with_one_name_in_an_archive_is_told(tmp_path: Path) -> None:
    file = tmp_path / "eyes.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in (("a.png", b"1"), ("../a.png", b"2"), ("same.png", b"3"), ("x/../same.png", b"3")):
            archive.writestr(name, content)
        archive.writestr("b\x07.png", b"4")
        archive.writestr("b%07.png", b"5")
    sentence = "Several photographs in the archive {} are called {}, and only one of them was taken. Give each a name"
    for found in (look_into(file, tmp_path), unpack(file, tmp_path), unpack(file, tmp_path)):
        assert [path.name for path in found.photos] == ["a.png", "same.png", "b%07.png", "same.png"]
        assert [problem.partition(" of its own")[0] for problem in found.problems] == [
            sentence.format(file, name) for name in ("a.png", "b%07.png")
        ]


def test_a_member_that_no_file_can_be_called_costs_only_itself(tmp_path: Path) -> None:
    file = tmp_path / "eyes.zip"
    with zipfile.ZipFile(file, "w") as archive:
        for name in ("a.png", f"{'x' * 300}.png", f"{'y' * 300}/z.png", "a.png/b.png", "c.png"):
            archive.writestr(name, b"1")
    found = unpack(file, tmp_path)
    assert {path.name for path in found.photos} == {"a.png", "c.png"}
    assert len(found.problems) == 3
    assert all("no file here can have its name" in problem for problem in found.problems)


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    getattr(os, "mkfifo", os.mkdir)(tmp_path / "pipe.png")
    assert file_sha256(tmp_path / "pipe.png") is None
