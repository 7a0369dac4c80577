"""Atomic writing: the whole file or nothing, on disks that are full, read-only or gone."""

import os
import stat
from pathlib import Path

import pytest
from bad_outputs import BAD_OUTPUTS, BadOutput, full_folder, ordinary_rights

from core.errors import OutputError
from core.files import (
    atomic_path,
    display_path,
    ensure_folder,
    printable,
    private_folder,
    write_bytes_atomic,
    write_together,
)

BIG = os.urandom(100_000)


def entries(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_content_arrives_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "Übung 眼底.png"
    write_bytes_atomic(target, BIG)
    assert target.read_bytes() == BIG
    write_bytes_atomic(target, b"second")
    assert target.read_bytes() == b"second"
    assert entries(tmp_path) == [target.name]


def test_each_of_several_files_is_waited_for_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Waiting for the disk is what writing a result costs most; a mark in front of the files changes nothing."""
    really, waits, mark = os.fsync, [], tmp_path / "mark"
    monkeypatch.setattr(os, "fsync", lambda number: (waits.append(number), really(number)))
    write_together([(mark, b"begun"), (tmp_path / "one", BIG), (tmp_path / "two", b"2"), (mark, b"done")])
    assert len(waits) == 4
    assert mark.read_bytes() == b"done"
    assert (tmp_path / "one").read_bytes() == BIG
    assert entries(tmp_path) == ["mark", "one", "two"]


def test_new_file_has_ordinary_permissions_and_old_ones_stay(tmp_path: Path) -> None:
    plain = tmp_path / "plain"
    plain.write_bytes(b"")
    new, old = tmp_path / "new", tmp_path / "old"
    old.write_bytes(b"before")
    old.chmod(0o640)
    write_bytes_atomic(new, b"x")
    write_bytes_atomic(old, b"x")
    assert stat.S_IMODE(new.stat().st_mode) == stat.S_IMODE(plain.stat().st_mode)
    assert stat.S_IMODE(old.stat().st_mode) == 0o640


@pytest.mark.parametrize("outcome", [KeyboardInterrupt, ValueError])
def test_an_interrupted_write_leaves_the_old_file(tmp_path: Path, outcome: type[BaseException]) -> None:
    target = tmp_path / "result.json"
    target.write_bytes(b"old")

    def write_half() -> None:
        with atomic_path(target) as temporary:
            assert temporary.parent == tmp_path
            assert temporary.suffix == ".json"
            temporary.write_bytes(b"half")
            raise outcome

    with pytest.raises(outcome):
        write_half()
    assert target.read_bytes() == b"old"
    assert entries(tmp_path) == ["result.json"]


@pytest.mark.skipif(os.name == "nt", reason="an open file cannot be replaced there")
def test_a_reader_of_the_old_file_never_meets_half_of_the_new(tmp_path: Path) -> None:
    target = tmp_path / "result.bin"
    target.write_bytes(b"old" * 1000)
    with target.open("rb") as reader:
        reader.read(3)
        write_bytes_atomic(target, BIG)
        assert b"old" + reader.read() == b"old" * 1000


def test_full_disk_keeps_the_old_file(tmp_path: Path) -> None:
    with full_folder(tmp_path) as folder:
        target = folder / "result.png"
        target.write_bytes(b"old")
        with pytest.raises(OutputError, match=r"result\.png in .*full.*no room left"):
            write_bytes_atomic(target, BIG)
        assert target.read_bytes() == b"old"
        assert entries(folder) == ["result.png"]


@pytest.mark.parametrize("bad", BAD_OUTPUTS, ids=lambda bad: bad.name)
def test_bad_folders_are_told(tmp_path: Path, bad: BadOutput) -> None:
    with bad.open(tmp_path) as folder:
        with pytest.raises(OutputError) as caught:
            write_bytes_atomic(folder / "x.png", BIG)
        assert all(word in str(caught.value).lower() for word in bad.words), caught.value
        assert not folder.is_dir() or entries(folder) == []


def test_other_refusals_are_told(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        write_bytes_atomic(tmp_path / "gone" / "x.png", b"x")
    (tmp_path / "taken").mkdir()
    with pytest.raises(OutputError, match="a folder of that name"):
        write_bytes_atomic(tmp_path / "taken", b"x")
    with pytest.raises(OutputError, match="shorter"):
        write_bytes_atomic(tmp_path / ("x" * 300), b"x")


def test_a_write_protected_file_is_not_replaced(tmp_path: Path) -> None:
    target = tmp_path / "kept.png"
    target.write_bytes(b"kept")
    target.chmod(0o444)
    with ordinary_rights(), pytest.raises(OutputError, match="read-only"):
        write_bytes_atomic(target, b"new")
    assert target.read_bytes() == b"kept"


@pytest.mark.parametrize("to", ["file", "folder", "nothing"])
def test_a_link_in_the_way_is_replaced_and_what_it_names_is_not_touched(tmp_path: Path, to: str) -> None:
    (tmp_path / "elsewhere" / "folder").mkdir(parents=True)
    target, link = tmp_path / "elsewhere" / to, tmp_path / "eye_mask.png"
    if to == "file":
        target.write_bytes(b"another's")
    link.symlink_to(target)
    write_bytes_atomic(link, b"new")
    assert not link.is_symlink()
    assert link.read_bytes() == b"new"
    assert entries(tmp_path / "elsewhere") == (["file", "folder"] if to == "file" else ["folder"])
    assert to != "file" or target.read_bytes() == b"another's"


def test_a_link_that_a_person_named_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target, link = tmp_path / "real" / "data", tmp_path / "link"
    target.write_bytes(b"old")
    link.symlink_to(target)
    write_bytes_atomic(link, b"new", follow_link=True)
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


@pytest.mark.skipif(os.name == "nt", reason="permissions are no bits there")
def test_private_files_are_for_the_user_alone(tmp_path: Path) -> None:
    path = private_folder(tmp_path / "settings") / "desktop.json"
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    for before in (None, 0o644):
        if before is not None:
            path.chmod(before)
        write_bytes_atomic(path, b"{}", private=True)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_temporary_files_of_killed_processes_are_removed_when_they_are_old(tmp_path: Path) -> None:
    old, new, other = (
        tmp_path / name for name in (".serr-tmp-0123456789ab.png", ".serr-tmp-ba9876543210", ".serr-tmp-x")
    )
    for path in (old, new, other):
        path.write_bytes(b"half")
    for path in (old, other):
        os.utime(path, (path.stat().st_atime, path.stat().st_mtime - 4000))
    link = tmp_path / ".serr-tmp-aaaaaaaaaaaa"
    link.symlink_to(tmp_path)
    ensure_folder(tmp_path)
    assert entries(tmp_path) == sorted([new.name, other.name, link.name])


def test_ensure_folder(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    assert ensure_folder(folder) == folder
    assert ensure_folder(folder) == folder
    assert entries(folder) == []
    (tmp_path / "file").write_bytes(b"")
    for bad in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(OutputError, match="file in its way"):
            ensure_folder(bad)
    folder.chmod(0o555)
    with ordinary_rights(), pytest.raises(OutputError, match="read-only"):
        ensure_folder(folder)


@pytest.mark.skipif(os.name == "nt", reason="file names are text there")
def test_names_that_are_not_utf8_can_be_printed() -> None:
    assert display_path(Path(os.fsdecode(b"eye-\xff.png"))) == r"eye-\xff.png"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Übung 眼底 عين.png", "Übung 眼底 عين.png"),
        ("a\x1b[31m\nb\x07\x9b.png", r"a\x1b[31m\nb\x07\x9b.png"),
        ("eye\u202egnp.exe\u2066\u200f.png", r"eye\u202egnp.exe\u2066\u200f.png"),
    ],
)
def test_a_name_cannot_command_a_terminal_or_turn_its_text(name: str, text: str) -> None:
    assert display_path(Path(name)) == text
    assert display_path(name) == text


def test_texts_keep_their_lines_where_that_is_wanted() -> None:
    assert printable("a\tb\nc\x1b", keep="\n\t") == "a\tb\nc\\x1b"
