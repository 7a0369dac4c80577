"""How long the window does not answer while a batch runs: the longest stall of its event loop.

    xvfb-run -a -s "-screen 0 1280x720x24" python benchmarks/batch_window.py --photographs 500 [--write]

The real program segments drawn photographs as a batch, in its process of its own, with the panel Batches open; every
50 photographs one of them is opened with its result. A heartbeat of the window's event loop notes how long it had to
wait: on the clock, and as processor time that the window's own thread took between two beats, which other work on the
machine does not change. The same is measured before, with the panel open and no batch running. A bare event loop in
another process beats beside it, which shows the stalls of the machine itself. ``--write`` puts the
tables into docs/benchmarks/batch-window.md. The network is small and untrained, so that photographs come fast: the
faster they come, the more there is to show.
"""

import argparse
import datetime
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from PySide6.QtCore import QCoreApplication, QTimer

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from serr_gui.app import Program

_DISTINCT = 20
_SIDE_PX = 300
_OPEN_EVERY = 50
_IDLE_S = 30.0
_TIMEOUT_S = 1800.0
_DOCUMENT = ROOT / "docs" / "benchmarks" / "batch-window.md"
_INTRODUCTION = """# The window while a batch runs

Made by `xvfb-run -a -s "-screen 0 1280x720x24" python benchmarks/batch_window.py --photographs 500 --write`: drawn
photographs of 300 x 300 pixels as a batch with a small network, which is a process of its own, while the panel
*Batches* shows it and every 50 photographs one is opened with its result. A beat is asked for each millisecond; a stall
is how long the event loop let it wait. "own" is the processor time that the window's thread took between two beats,
which does not change with other work on the machine. "control" is a bare event loop in a process of its own,
at the same time: what it waits for, the machine took and not the program. The aim: no stall of 50 ms.
"""


@dataclass
class Heart:
    """Notes how long each turn of the event loop took, in milliseconds."""

    stalls_ms: list[float] = field(default_factory=list)
    own_ms: list[float] = field(default_factory=list)
    last: tuple[float, float] | None = None

    def beat(self) -> None:
        """One beat."""
        now = time.perf_counter(), time.thread_time()
        if self.last is not None:
            self.stalls_ms.append(1000 * (now[0] - self.last[0]))
            self.own_ms.append(1000 * (now[1] - self.last[1]))
        self.last = now

    def row(self, name: str) -> str:
        """A line of the table."""
        stalls, own = sorted(self.stalls_ms), sorted(self.own_ms)
        over = sum(stall >= 50 for stall in stalls)
        figures = (f"{statistics.median(stalls):.1f}", f"{stalls[int(0.999 * len(stalls))]:.1f}", f"{stalls[-1]:.1f}")
        return f"| {name} | {' | '.join(figures)} | {over} of {len(stalls):,} | {own[-1]:.1f} |"


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photographs", type=int, default=500)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--control", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.control:
        _be_control(arguments.control)
        return
    with tempfile.TemporaryDirectory(prefix="serr-bench-", ignore_cleanup_errors=True) as folder:
        text = _measure(Path(folder), arguments.photographs)
    print(text)
    if arguments.write:
        _DOCUMENT.write_text(f"{_INTRODUCTION}\n{text}", encoding="utf-8")


def _measure(folder: Path, count: int) -> str:
    load = ", ".join(f"{each:.2f}" for each in os.getloadavg())
    for name in ("CONFIG", "CACHE", "LOG", "MODELS"):
        os.environ[f"SERR_{name}_DIR"] = str(folder / name.lower())
    os.environ["SERR_MODELS"], os.environ["SERR_JOBS"] = str(folder / "models"), str(folder / "jobs")
    cohort, model = _draw(folder / "cohort", count), _model(folder / "models" / "small.safetensors")

    from PySide6.QtWidgets import QApplication

    from serr_gui.app import Program, freeze_when_loaded
    from serr_gui.model.settings import Settings
    from serr_gui.start_options import StartOptions
    from serr_gui.widgets.theme import ProgramStyle

    app = QApplication(["serr-gui"])
    app.setStyle(ProgramStyle())
    program = Program(app, StartOptions(new_window=True), Settings(model=str(model), device="cpu"))
    freeze_when_loaded(program.state)
    program.start()
    _wait(app, lambda: program.state.library_ready)
    program.window.show_dock("batches")
    idle, busy = Heart(), Heart()
    end = time.monotonic() + _IDLE_S
    with _control(folder / "idle.json") as idle_control:
        _beating(app, idle, lambda: time.monotonic() > end)
    began = time.monotonic()
    with _control(folder / "busy.json") as busy_control:
        opened = _run(app, program, cohort, folder / "results", busy)
    seconds = time.monotonic() - began
    facts = program.state.batches.batch
    assert facts is not None
    assert facts.status is not None
    program.controller.shutdown()
    return f"""- Processor: {os.cpu_count()} cores; load average before (1, 5, 15 min): {load}; after: \
{", ".join(f"{each:.2f}" for each in os.getloadavg())}
- System: {platform.platform()}, Python {platform.python_version()}; screen: {app.platformName()}
- Date: {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC
- {facts.status.counts["done"]:,} photographs in {seconds:.0f} s, {opened} of them opened meanwhile

| | median ms | 99.9 % ms | longest ms | of 50 ms and more | longest own ms |
|---|---|---|---|---|---|
{idle.row("panel open, no batch")}
{idle_control.row("control beside it")}
{busy.row("batch running")}
{busy_control.row("control beside it")}
"""


@contextmanager
def _control(file: Path) -> Iterator[Heart]:
    """Beat in a process of its own meanwhile; what it has noted is in the heart afterwards."""
    heart = Heart()
    with subprocess.Popen([sys.executable, __file__, "--control", str(file)], stdin=subprocess.PIPE) as process:
        yield heart
        process.communicate(b"")
    heart.stalls_ms, heart.own_ms = json.loads(file.read_text(encoding="utf-8"))


def _be_control(file: Path) -> None:
    """Beat until stdin is closed."""
    app, heart = QCoreApplication(["control"]), Heart()
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    _beating(app, heart, ended.is_set)
    file.write_text(json.dumps([heart.stalls_ms, heart.own_ms]), encoding="utf-8")


def _run(app: "QApplication", program: "Program", cohort: Path, out: Path, heart: Heart) -> int:
    """The batch, from the form to its end; how many photographs were opened."""
    state, panel = program.state, program.window.batches
    dialog = program.window.batch_prompts.new_batch()
    dialog.add_inputs([cohort])
    dialog._out.setText(str(out))
    opened, next_at, begun = 0, _OPEN_EVERY, False

    def over() -> bool:
        nonlocal opened, next_at, begun
        facts = state.batches.batch
        if not begun and dialog._start.isEnabled():
            begun = True
            dialog._start.click()
        if facts is None or facts.status is None:
            return False
        done = facts.status.counts["done"]
        if done >= next_at and state.opening is None:
            next_at += _OPEN_EVERY
            row = panel.table.rows.row(opened * 7)
            if row is not None and row.has_result:
                opened += 1
                panel.photoRequested.emit(row)
        return facts.word == "done"

    _beating(app, heart, over)
    return opened


def _beating(app: QCoreApplication, heart: Heart, until: Callable[[], bool]) -> None:
    """Let the event loop itself run, as the program does."""
    beats, looks = QTimer(), QTimer()
    beats.setInterval(1)
    beats.timeout.connect(heart.beat)
    looks.setInterval(50)
    looks.timeout.connect(lambda: app.exit() if until() else None)
    for timer in (beats, looks):
        timer.start()
    app.exec()
    for timer in (beats, looks):
        timer.stop()
        timer.deleteLater()  # here, and not in whichever thread collects garbage


def _wait(app: "QApplication", until: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _TIMEOUT_S
    while not until():
        if time.monotonic() > deadline:
            raise SystemExit("gave up waiting")
        app.processEvents()
        time.sleep(0.01)


def _draw(folder: Path, count: int) -> Path:
    from core.datasets.synthetic import draw_case

    folder.mkdir(parents=True)
    for number in range(count):
        path = folder / f"{number // 100}" / f"eye {number:04}.png"
        path.parent.mkdir(exist_ok=True)
        if number < _DISTINCT:
            Image.fromarray(draw_case(number, _SIDE_PX).image.rgb).save(path)
        else:
            shutil.copy(folder / "0" / f"eye {number % _DISTINCT:04}.png", path)
    return folder


def _model(file: Path) -> Path:
    from core.models.model_card import ModelCard
    from core.models.weights_file import save_model
    from core.networks.registry import build
    from core.photo.recipe import Preprocessing

    config: dict[str, object] = {"in_channels": 1, "width": 4, "depth": 2, "steps": 1, "reduction": 2}
    file.parent.mkdir(parents=True, exist_ok=True)
    card = ModelCard("small", "serr-unet", config, Preprocessing(fov_diameter_px=0), default_threshold=0.5)
    save_model(file, build("serr-unet", config).eval(), card)
    return file


if __name__ == "__main__":
    main()
