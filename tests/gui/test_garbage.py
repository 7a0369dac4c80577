"""Garbage with timers and plots in it, while other threads make so much that Python would look for it there."""

import gc
import os
import subprocess
import sys
import weakref
from pathlib import Path

from pytestqt.qtbot import QtBot

from core.inference.device import choose_device
from core.inference.predictor import free_memory
from serr_gui.controllers.workers import WorkerMonitor, WorkerPool
from tests.gui.conftest import WAIT_MS

ROOT = Path(__file__).resolve().parents[2]


class Ring:
    """Something that only a search for garbage finds."""

    def __init__(self) -> None:
        self.itself = self


def rings(number: int) -> None:
    for _ in range(number):
        Ring()


PROGRAM = """
import pyqtgraph, threading
from PySide6.QtCore import QTimer
from serr_gui import app
from tests.gui.test_garbage import Ring, rings

def start(self):
    started(self)
    for make in (QTimer, pyqtgraph.PlotWidget):
        ring = Ring()
        ring.thing = make()
        if make is QTimer:
            ring.thing.start(5)
        ring.thing.destroyed.connect(lambda: print("ended in", threading.current_thread().name, flush=True))
        del ring
    thread = threading.Thread(target=rings, args=(200_000,), name="a worker")
    thread.start()
    thread.join()
    QTimer.singleShot(0, lambda: (self.window.close(), None)[1])

started, app.Program.start = app.Program.start, start
print("code", app.main(["--new-window"]), flush=True)
"""


def test_what_is_left_of_timers_and_plots_ends_in_the_windows_thread(tmp_path: Path) -> None:
    own = {f"SERR_{name}_DIR": str(tmp_path) for name in ("CONFIG", "CACHE", "LOG")}
    ran = subprocess.run(
        [sys.executable, "-c", PROGRAM], cwd=ROOT, env=os.environ | own, capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.split("\n")[-2] == "code 0"
    assert "a worker" not in ran.stdout
    assert "another thread" not in ran.stderr


def test_garbage_of_a_worker_is_found(qtbot: QtBot) -> None:
    left: list[weakref.ref[Ring]] = []

    def work(monitor: WorkerMonitor[None]) -> None:
        rings(200_000)
        left.append(weakref.ref(Ring()))
        rings(2000)

    pool = WorkerPool()
    pool.start("any", work)
    qtbot.waitUntil(lambda: bool(left) and left[0]() is None, timeout=WAIT_MS)
    pool.shutdown()


def test_memory_that_ran_out_in_a_worker_is_freed_without_a_search() -> None:
    """The tests of this folder have the search of other threads switched off, as the program has."""
    assert not gc.isenabled()
    left = weakref.ref(Ring())
    free_memory(choose_device("cpu"))
    assert left() is not None
    gc.enable()
    free_memory(choose_device("cpu"))
    assert left() is None
