"""A journal that is damaged before its end: what is found again, what is said, and what is kept."""

import shutil
from pathlib import Path

from core.session.journal import Journal, abandoned_journals, kept_log
from core.session.journal_log import LOG, START, framed, read_log
from core.session.journal_state import Entry, entries_of, facts_entry, list_entry
from core.session.records import PhotoRecord
from tests.killed_journal import PHOTO


def test_a_log_that_is_damaged_in_its_middle_says_so_and_is_kept(tmp_path: Path) -> None:
    entries = [START, list_entry((PHOTO.path,), 0, "")]
    entries += [facts_entry(PhotoRecord(PHOTO, note=f"note {number}")) for number in range(3)]
    frames = list(map(framed, entries))
    ends = [sum(map(len, frames[: number + 1])) for number in range(len(frames))]
    sound = b"".join(frames)
    for number, begin in enumerate((0, *ends[:-1])):
        for place in (begin, begin + 5, begin + 9, begin + 14, ends[number] - 1):
            folder = tmp_path / f"{number} {place}"
            folder.mkdir()
            data = bytearray(sound)
            data[place] ^= 0x40
            (folder / LOG).write_bytes(data)
            log = read_log(folder)
            is_last = number == len(frames) - 1  # which may as well have been cut
            assert log.lost == len(sound) - begin
            assert log.problem == ("" if is_last else "an entry in its middle is damaged")
            shutil.rmtree(folder)
    (tmp_path / "left").mkdir()
    data = bytearray(sound)
    data[ends[2] + 20] ^= 1
    (tmp_path / "left" / LOG).write_bytes(data)
    (left,) = abandoned_journals(tmp_path)
    assert [photo.note for photo in left.photos] == ["note 0"]
    journal = Journal(tmp_path)
    photos, finish = journal.take_over(left)
    journal.put(list_entry((PHOTO.path,), 0, ""), *entries_of(photos[0]))
    assert finish(True)
    journal.close()
    assert not left.folder.exists()
    assert kept_log(left.folder).read_bytes() == data


def test_the_journal_of_another_version_stays_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "newer").mkdir()
    entries = Entry("start", {"serr_journal": 2}), list_entry((PHOTO.path,), 0, ""), facts_entry(PhotoRecord(PHOTO))
    (tmp_path / "newer" / LOG).write_bytes(b"".join(map(framed, entries)))
    (left,) = abandoned_journals(tmp_path)
    assert (left.photos, left.problem) == ((), "it was written by another version of the program")
