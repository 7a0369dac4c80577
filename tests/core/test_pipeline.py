"""Three steps at the same time: the order is kept, memory is bounded, and what is written is not lost."""

import threading

import pytest

from core.errors import InputError
from core.pipeline import AHEAD, Over, run_pipeline


class Steps:
    """Counts what is alive between the steps."""

    def __init__(self) -> None:
        self.alive = self.most = 0
        self.lock = threading.Lock()
        self.finished: list[str] = []
        self.kept: list[str] = []
        self.worked = 0

    def read(self, item: int) -> int | Over[str]:
        with self.lock:
            self.alive += 1
            self.most = max(self.most, self.alive)
        return Over(f"{item} bad") if item % 5 == 3 else item

    def work(self, item: int) -> int | Over[str]:
        self.worked += 1
        return Over(f"{item} worse") if item % 7 == 2 else item

    def write(self, item: int) -> str:
        return f"{item} written"

    def finish(self, result: str) -> None:
        with self.lock:
            self.alive -= 1
        self.finished.append(result)

    def keep(self, result: str) -> None:
        self.kept.append(result)


def expected(count: int) -> list[str]:
    words = ("bad" if number % 5 == 3 else "worse" if number % 7 == 2 else "written" for number in range(count))
    return [f"{number} {word}" for number, word in enumerate(words)]


def test_results_come_in_order_and_few_are_held_at_once() -> None:
    steps = Steps()
    run_pipeline(range(500), steps.read, steps.work, steps.write, steps.finish, kept=steps.keep, between=lambda: None)
    assert steps.finished == expected(500)
    assert not steps.kept
    assert steps.most <= 2 * AHEAD + 2


def test_reading_writing_and_work_are_done_at_the_same_time() -> None:
    """Each waits for the others: one after the other they would never end."""
    meeting = threading.Barrier(3, timeout=60)

    def read(item: int) -> int | Over[str]:
        if item == 2:
            meeting.wait()
        return item

    def work(item: int) -> int | Over[str]:
        if item == 1:
            meeting.wait()
        return item

    def write(item: int) -> str:
        if item == 0:
            meeting.wait()
        return str(item)

    done: list[str] = []
    run_pipeline(range(3), read, work, write, done.append, kept=done.append, between=lambda: None)
    assert done == ["0", "1", "2"]


def test_what_is_written_when_the_run_ends_early_is_kept() -> None:
    steps, turns = Steps(), iter(range(100))

    def between() -> None:
        if next(turns) == 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_pipeline(range(100), steps.read, steps.work, steps.write, steps.finish, kept=steps.keep, between=between)
    assert steps.finished + steps.kept == expected(6)
    assert steps.worked <= 6


def test_an_error_of_a_step_ends_the_run() -> None:
    def read(item: int) -> int | Over[str]:
        raise InputError("the disk is gone")

    steps = Steps()
    with pytest.raises(InputError, match="the disk is gone"):
        run_pipeline(range(9), read, steps.work, steps.write, steps.finish, kept=steps.keep, between=lambda: None)
    assert not steps.worked
