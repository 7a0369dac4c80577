"""The journal: what was handed over is found again, however the program ended and whatever the disk does."""

import resource
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import OutputError
from core.masks.edits import MaskEdits
from core.session import journal as journal_module
from core.session.archive import read_result
from core.session.journal import Journal, abandoned_journals, remove_journal
from core.session.journal_log import LOG, framed, read_log
from core.session.journal_state import (
    JournalState,
    edits_entry,
    entries_of,
    facts_entry,
    layer_entry,
    list_entry,
    steps_entry,
)
from core.session.packing import unpacked_codes
from core.session.records import EditsRecord, PackedMask, PhotoRecord, PhotoRef
from tests.bad_outputs import read_only_folder
from tests.killed_journal import PHOTO, SHAPE, STROKES, codes_after, stroke


def codes_of(edits: EditsRecord | None) -> np.ndarray:
    if edits is None or edits.codes is None:
        return np.zeros(SHAPE, np.uint8)
    return unpacked_codes(edits.codes, SHAPE)


def check_recovered(folder: Path) -> int:
    """The strokes that were found in a journal: a whole number of them, and all can be taken back and made again."""
    found = abandoned_journals(folder)
    if not found:
        return 0
    (journal,) = found
    if not journal.photos or journal.photos[0].edits is None:
        return 0
    edits = journal.photos[0].edits
    assert np.array_equal(codes_of(edits), codes_after(edits.done))
    hand = MaskEdits(np.zeros(SHAPE, np.uint8))
    hand.take_packed(edits.codes) if edits.codes else None
    for step in reversed(edits.steps):
        assert step.delta is not None
        hand.undo(step.delta)
    assert not hand.codes.any()
    for step in edits.steps:
        assert step.delta is not None
        hand.redo(step.delta)
    assert np.array_equal(hand.codes, codes_after(edits.done))
    return edits.done


def test_a_kill_at_any_file_event_loses_nothing_that_was_flushed(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-m", "tests.killed_journal", str(tmp_path), "events"], check=True, timeout=300)
    folders = sorted(tmp_path.iterdir(), key=lambda path: int(path.name))
    assert len(folders) > 10
    for own in folders:
        flushed = int((own / "flushed").read_text() or 0) if (own / "flushed").exists() else 0
        assert flushed <= check_recovered(own / "journals") <= STROKES, own.name


def test_a_hundred_kills_at_random_moments(tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", "tests.killed_journal", str(tmp_path), "random", "100", "7"]
    subprocess.run(arguments, check=True, timeout=300)
    recovered = []
    for own in tmp_path.iterdir():
        flushed = int((own / "flushed").read_text() or 0) if (own / "flushed").exists() else 0
        recovered.append(check_recovered(own / "journals"))
        assert recovered[-1] >= flushed
    assert max(recovered) > 0


def test_a_log_that_ends_anywhere_gives_the_strokes_that_are_whole(tmp_path: Path) -> None:
    edits, entries = MaskEdits(np.zeros(SHAPE, np.uint8)), [list_entry((PHOTO.path,), 0, "")]
    entries += [facts_entry(PhotoRecord(PHOTO)), edits_entry(PHOTO, EditsRecord())]
    entries += [steps_entry(PHOTO.path, 0, n, (stroke(edits, n),), n + 1) for n in range(4)]
    ends, data = [], b""
    for entry in entries:
        data += framed(entry)
        ends.append(len(data))
    places = {place for end in (0, *ends) for place in (end - 1, end, end + 1, end + 5, end + 13, end + 40)}
    for length in sorted(places & set(range(len(data) + 1))):
        (tmp_path / LOG).write_bytes(data[:length])
        log = read_log(tmp_path)
        whole = sum(end <= length for end in ends)
        records = log.state.records(tmp_path)
        assert not log.problem
        assert (records[0].edits.done if records and records[0].edits else 0) == max(whole - 3, 0)
        assert log.lost == length - ([0, *ends][whole])


@given(st.lists(st.one_of(st.just("undo"), st.just("redo"), st.just("drop"), st.integers(0, 1000)), max_size=14))
def test_steps_add_up_to_what_was_painted(moves: list[str | int]) -> None:
    edits, state = MaskEdits(np.zeros(SHAPE, np.uint8)), JournalState()
    state.apply(list_entry((PHOTO.path,), 0, ""))
    state.apply(edits_entry(PHOTO, EditsRecord()))
    steps, done = [], 0
    for move in moves:
        before, drop = len(steps), 0
        if move == "undo" and done:
            done -= 1
            edits.undo(steps[done].delta)
        elif move == "redo" and done < len(steps):
            done += 1
            edits.redo(steps[done - 1].delta)
        elif move == "drop" and done:
            drop = 1
            done -= 1
        elif isinstance(move, int):
            del steps[done:]
            before = done
            step = stroke(edits, move)
            steps.append(step)
            done += 1
        new = tuple(steps[before:])
        del steps[:drop]
        state.apply(steps_entry(PHOTO.path, drop, before, new, done))
        again = JournalState()
        for entry in state.entries():
            again.apply(entry)
        for one in (state, again):
            found = one.records(Path())[0].edits
            assert np.array_equal(codes_of(found), edits.codes)
            assert (len(found.steps), found.done) == (len(steps), done) if found else not steps


def test_a_journal_is_for_the_user_alone_and_is_not_seen_while_it_is_held(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journals")
    assert not (tmp_path / "journals").exists()
    journal.put(list_entry((PHOTO.path,), 0, "me"))
    assert journal.flush(60)
    assert not abandoned_journals(tmp_path / "journals")
    assert stat.S_IMODE(journal.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((journal.folder / LOG).stat().st_mode) == 0o600
    assert journal.close()
    (left,) = abandoned_journals(tmp_path / "journals")
    assert [photo.photo.path for photo in left.photos] == [PHOTO.path]
    assert left.observer == "me"


def test_work_that_was_left_is_taken_over_whole_and_by_one_window_only(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    first.put(list_entry((PHOTO.path,), 0, ""), facts_entry(PhotoRecord(PHOTO, note="before")))
    first.put(layer_entry(PHOTO.path, "questionable", PackedMask.of(np.eye(*SHAPE, dtype=np.bool_))))
    first.put_result(PHOTO.path, lambda: {"result.json": b"{}", "probability.zlib": b"", "result_field.zlib": b""})
    assert first.close()
    (left,) = abandoned_journals(tmp_path)
    second = Journal(tmp_path)
    (photo,), finish = second.take_over(left)
    with pytest.raises(OutputError, match="Another window"):
        Journal(tmp_path).take_over(left)
    assert photo.map is not None
    second.put(list_entry((PHOTO.path,), 0, ""), *entries_of(photo))
    assert finish(True)
    assert second.close()
    (left,) = abandoned_journals(tmp_path)
    assert left.folder == second.folder
    (photo,) = left.photos
    assert photo.note == "before"
    assert photo.questionable is not None
    assert np.array_equal(photo.questionable.mask, np.eye(*SHAPE, dtype=np.bool_))
    assert photo.map is not None
    assert read_result(photo.map, SHAPE)["result.json"] == b"{}"
    remove_journal(left.folder)
    assert not list(tmp_path.iterdir())


def test_a_window_that_ends_while_it_takes_work_over_leaves_all_of_it(tmp_path: Path) -> None:
    first = Journal(tmp_path)
    first.put(list_entry((PHOTO.path,), 0, ""), facts_entry(PhotoRecord(PHOTO, note="before")))
    first.put_result(PHOTO.path, lambda: {"result.json": b"{}", "probability.zlib": b"", "result_field.zlib": b""})
    assert first.close()
    (left,) = abandoned_journals(tmp_path)
    second = Journal(tmp_path)
    _photos, finish = second.take_over(left)
    assert finish(False)
    second.close()
    (left,) = abandoned_journals(tmp_path)
    (photo,) = left.photos
    assert (left.folder, photo.note) == (first.folder, "before")
    assert photo.map is not None
    assert read_result(photo.map, SHAPE)["result.json"] == b"{}"


def test_work_on_other_pixels_is_not_handed_on(tmp_path: Path) -> None:
    edits = MaskEdits(np.zeros(SHAPE, np.uint8))
    step = stroke(edits, 1)
    state = JournalState()
    state.apply(list_entry((PHOTO.path,), 0, ""))
    state.apply(edits_entry(PHOTO, EditsRecord(edits.packed(), (step,), 1)))
    state.apply(facts_entry(PhotoRecord(PhotoRef(PHOTO.path))))  # not opened yet: nothing is said of its pixels
    assert state.records(tmp_path)[0].edits is not None
    state.apply(facts_entry(PhotoRecord(PhotoRef(PHOTO.path, "cd" * 32, SHAPE))))
    assert state.records(tmp_path)[0].edits is None


@contextmanager
def room_for(size: int) -> Iterator[None]:
    """No file may grow beyond this, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_told_once_and_all_is_written_when_there_is_room(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "_RETRY_S", 0.02)
    told: list[str] = []
    happened = threading.Event()

    def tell(text: str) -> None:
        told.append(text)
        happened.set()

    journal = Journal(tmp_path / "journals", tell)
    edits = MaskEdits(np.zeros(SHAPE, np.uint8))
    journal.put(list_entry((PHOTO.path,), 0, ""), edits_entry(PHOTO, EditsRecord()))
    assert journal.flush(60)
    with room_for(256 << 10):
        journal.put(facts_entry(PhotoRecord(PHOTO, unknown={"long": "x" * (300 << 10)})))
        for number in range(5):
            journal.put(steps_entry(PHOTO.path, 0, number, (stroke(edits, number),), number + 1))
        assert happened.wait(60)
        assert not journal.flush(60)
        assert "no room left" in journal.problem
        happened.clear()
    assert happened.wait(60)
    assert journal.flush(60)
    assert [bool(text) for text in told] == [True, False]
    assert journal.close()
    assert check_recovered(tmp_path / "journals") == 5


def test_a_result_that_finds_no_room_is_told_once_while_smaller_things_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journal_module, "_RETRY_S", 0.01)
    told: list[str] = []
    tries, solved = threading.Semaphore(0), threading.Event()

    def tell(text: str) -> None:
        told.append(text)
        solved.set() if not text else None

    journal = Journal(tmp_path, tell)
    journal.put(list_entry((PHOTO.path,), 0, ""))
    assert journal.flush(60)
    (journal.folder / "maps").write_bytes(b"")  # no result can be written here

    def files() -> dict[str, bytes]:
        for observer in ("one", "two"):  # when the second is there, all that follows from the first has happened
            journal.put(list_entry((PHOTO.path,), 0, observer))
            while read_log(journal.folder).state.observer != observer:
                continue
        tries.release()
        return {"result.json": b"{}", "probability.zlib": b"", "result_field.zlib": b""}

    journal.put_result(PHOTO.path, files)
    for _ in range(3):
        assert tries.acquire(timeout=60)
    assert [bool(text) for text in told] == [True]
    (journal.folder / "maps").unlink()
    assert solved.wait(60)
    assert journal.close()


def test_entries_and_results_that_both_fail_are_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each has a sentence with its own file: told by turns, they would come again with every retry."""
    monkeypatch.setattr(journal_module, "_RETRY_S", 0.01)
    told: list[str] = []
    tries = threading.Semaphore(0)

    def files() -> dict[str, bytes]:
        tries.release()
        return {"result.json": b"{}", "probability.zlib": b"", "result_field.zlib": b""}

    with read_only_folder(tmp_path) as folder:
        journal = Journal(folder / "journals", told.append)
        journal.put(list_entry((PHOTO.path,), 0, ""))
        assert not journal.flush(60)
        journal.put_result(PHOTO.path, files)
        for _ in range(3):
            assert tries.acquire(timeout=60)
        assert len(told) == 1
        assert "read-only" in told[0]
        assert not journal.close()


def written(journal: Journal, path: Path, data: bytes) -> None:
    result = {"result.json": b"{}", "probability.zlib": data, "result_field.zlib": b""}
    journal.put_result(path, lambda: result)
    assert journal.flush(60)


def test_results_take_bounded_room_and_only_those_go_whose_work_is_elsewhere(tmp_path: Path) -> None:
    paths = [tmp_path / f"{number}.png" for number in range(6)]
    codes = EditsRecord(MaskEdits(np.zeros(SHAPE, np.uint8)).packed())
    journal = Journal(tmp_path / "journals", maps_bytes=3500)
    journal.put(list_entry(paths, 0, ""))
    for number, path in enumerate(paths):
        ref = replace(PHOTO, path=path)
        journal.put(facts_entry(PhotoRecord(ref, unsaved=number == 1)), edits_entry(ref, codes))
        written(journal, path, bytes(600))
    records = read_log(journal.folder).state.records(journal.folder)
    assert [record.map is not None for record in records] == [False, True, False, False, True, True]
    assert all(record.edits is not None for record in records)
    kept = {record.map.file for record in records if record.map is not None}
    assert set((journal.folder / "maps").iterdir()) == kept
    everything = sum(file.stat().st_size for file in kept)
    assert everything <= 3500
    assert journal.close()
    (left,) = abandoned_journals(tmp_path / "journals")
    smaller = Journal(tmp_path / "journals", maps_bytes=everything // 3)
    photos, finish = smaller.take_over(left)
    assert [photo.map is not None for photo in photos] == [False, True, *[False] * 4]
    assert all(photo.edits is not None for photo in photos)
    place = photos[1].map
    assert place is not None
    assert smaller.import_result(place, SHAPE) == place, "there is no room: it stays where it is"
    assert finish(False)
    assert smaller.close()


def test_a_disk_that_stays_full_keeps_what_was_written_before(tmp_path: Path) -> None:
    journal = Journal(tmp_path)
    journal.put(list_entry((PHOTO.path,), 0, ""), facts_entry(PhotoRecord(PHOTO, note="kept")))
    assert journal.flush(60)
    with room_for(256 << 10):
        journal.put(facts_entry(PhotoRecord(PHOTO, unknown={"long": "x" * (300 << 10)})))
        assert not journal.close()
    assert abandoned_journals(tmp_path)[0].photos[0].note == "kept"


def test_a_read_only_folder_is_told(tmp_path: Path) -> None:
    with read_only_folder(tmp_path) as folder:
        journal = Journal(folder / "journals")
        journal.put(list_entry((PHOTO.path,), 0, ""))
        assert not journal.flush(60)
        assert "read-only" in journal.problem
        assert not journal.close()


def test_a_folder_that_vanishes_is_written_again(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "journals")
    journal.put(list_entry((PHOTO.path,), 0, ""))
    assert journal.flush(60)
    shutil.rmtree(tmp_path / "journals")
    journal.put(facts_entry(PhotoRecord(PHOTO, note="still here")))
    assert journal.flush(60)
    assert read_log(journal.folder).state.records(journal.folder)[0].note == "still here"
    journal.close()
