"""Progress of a part of longer work."""

from hypothesis import given
from hypothesis import strategies as st

from core.progress import Progress, part_of


class _Recorder:
    def __init__(self) -> None:
        self.seen: list[Progress] = []
        self.notes: list[str] = []

    def step(self, progress: Progress) -> None:
        self.seen.append(progress)

    def note(self, message: str) -> None:
        self.notes.append(message)


@given(st.lists(st.lists(st.integers(0, 10), max_size=5), min_size=1, max_size=4))
def test_progress_of_parts_stays_in_their_share_and_never_goes_back(parts: list[list[int]]) -> None:
    whole = _Recorder()
    for number, steps in enumerate(parts):
        part = part_of(whole, number, len(parts), "eye")
        part.step(Progress("Reading"))
        for done in steps:
            part.step(Progress("Finding vessels", done, 10))
            share = whole.seen[-1].fraction
            assert share is not None
            assert number / len(parts) <= share <= (number + 1) / len(parts)
    shares = [progress.fraction or 0.0 for progress in whole.seen]
    assert shares == sorted(shares)


def test_a_part_is_named_in_its_stages_and_notes() -> None:
    whole = _Recorder()
    for part in (part_of(whole, 1, 3, "eye.png"), part_of(whole, 0, 1, "eye.png"), part_of(whole, 1, 3)):
        part.step(Progress("Reading"))
        part.note("It is grey.")
    part_of(whole, 0, 2, stage="Validating").step(Progress("Finding vessels", 1, 2))
    assert [progress.stage for progress in whole.seen] == [
        "eye.png (2 of 3): Reading",
        "eye.png: Reading",
        "Reading",
        "Validating",
    ]
    assert whole.seen[-1].fraction == 0.25
    assert whole.notes == ["eye.png: It is grey.", "eye.png: It is grey.", "It is grey."]
