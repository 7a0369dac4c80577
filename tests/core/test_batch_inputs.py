"""Which photographs a list names, and where the results of photographs go."""

from pathlib import Path

import pytest

from core.batch.lists import Listed, read_list
from core.batch.places import new_places
from core.errors import InputError


def test_a_text_list_has_a_path_in_each_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "lists").mkdir()
    for name in ("here/a.png", "lists/b.png"):
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path / "here")
    file = tmp_path / "lists" / "all.txt"
    file.write_text(f"# by hand\n\na.png\nb.png\n{tmp_path / 'c.png'}\nb.png\n", encoding="utf-8")
    folder = tmp_path / "lists"
    assert read_list(file) == [Listed(path, {}) for path in (Path("a.png"), folder / "b.png", tmp_path / "c.png")]


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
        ("path\nM\xfcller.png\n".encode("latin-1"), "not UTF-8"),
    ],
)
def test_a_list_that_cannot_be_used_is_said(tmp_path: Path, content: str | bytes, reason: str) -> None:
    file = tmp_path / "list.csv"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError, match=reason):
        read_list(file)


def test_places_mirror_the_tree_and_never_change_once_given() -> None:
    root = Path("/study")
    first = [root / "a/OD.png", root / "a/od.jpg", root / "b/OD.png", Path("/other/x.png"), root / "bell\x07/y.png"]
    places = new_places(first, root, {})
    assert list(places.values()) == ["a/OD_png", "a/od_jpg", "b/OD", "other/x", "bell%07/y"]
    assert new_places(first[::-1], root, {}) == places
    later = [*first, root / "b/od.TIF", root / "other/x.bmp", root / "a/OD.jpg.gz"]
    assert new_places(later, root, places) == {
        root / "b/od.TIF": "b/od_TIF",
        root / "other/x.bmp": "other/x_bmp",
        root / "a/OD.jpg.gz": "a/OD",
    }
