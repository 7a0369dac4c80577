"""How long the desktop takes: from its start to its window, and to the sample segmented by the default model.

    xvfb-run -a -s "-screen 0 1280x720x24" python benchmarks/desktop_start.py [--repeats 5] [--write]

Each round starts, one after the other, ``python -c "import torch"``, the same with the libraries of the window, and the
real program with ``--sample``, with settings of its own. Times are given as ratios to the first within the same round,
by the clock and by the processor (user and system, all threads): on a busy machine the second is the one to trust.
A round before the first one is not counted: it compiles the modules, as an installation does. Below are the packages
that are imported for the window (``-X importtime``), and where the making of the window takes its time (cProfile).
``--write`` makes docs/benchmarks/desktop-start.md.
"""

import argparse
import cProfile
import datetime
import json
import os
import platform
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from types import CodeType

ROOT = Path(__file__).resolve().parent.parent
_DOCUMENT = ROOT / "docs" / "benchmarks" / "desktop-start.md"
_MOMENTS = ("window", "library", "segmented")
_REFERENCES = {"torch": "import torch", "Qt": "import PySide6.QtWidgets, numpy, cv2"}
_NAMES = {
    **{name: f'`python -c "{program}"`' for name, program in _REFERENCES.items()},
    "window": "window on the screen, usable",
    "library": "torch loaded in the background",
    "segmented": "sample segmented by the default model",
}
_ENVIRON = {name: text for name, text in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
_LINES = 12
"""Packages and functions that are listed."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--child", type=float, help=argparse.SUPPRESS)
    parser.add_argument("--profile", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.child is not None:
        run_program(given.child)
        return
    if given.profile:
        print(json.dumps(profile_window()))
        return
    measure_round()
    rounds = []
    for number in range(given.repeats):
        rounds.append(measure_round())
        print(f"{number + 1}/{given.repeats}", file=sys.stderr)
    text = "\n".join((as_table(rounds), import_table(), profile_table()))
    print(text)
    if given.write:
        _DOCUMENT.write_text(text + "\n", encoding="utf-8")


def measure_round() -> dict[str, tuple[float, float]]:
    """Seconds by the clock and by the processor: of the references, and of the program up to each moment."""
    found = {name: _measure(program) for name, program in _REFERENCES.items()}
    command = [sys.executable, str(Path(__file__).resolve()), "--child", repr(time.time())]
    done = subprocess.run(command, check=True, cwd=ROOT, env=_ENVIRON, stdout=subprocess.PIPE, text=True)
    return found | {name: tuple(pair) for name, pair in json.loads(done.stdout.splitlines()[-1]).items()}


def _measure(program: str) -> tuple[float, float]:
    """Seconds of a Python program by the clock and by the processor."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.time()
    subprocess.run([sys.executable, "-P", "-c", program], check=True, cwd=ROOT, env=_ENVIRON)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.time() - started, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def run_program(started: float) -> None:
    """The real program on the sample; prints when each moment came, counted from ``started``."""
    sys.path.insert(0, str(ROOT))
    with tempfile.TemporaryDirectory(prefix="serr-start-") as own:
        _use_folder(own)
        moments: dict[str, tuple[float, float]] = {}

        def reached(name: str) -> None:
            used = resource.getrusage(resource.RUSAGE_SELF)
            moments.setdefault(name, (time.time() - started, used.ru_utime + used.ru_stime))

        from PySide6.QtWidgets import QApplication

        from serr_gui.app import Program
        from serr_gui.model.settings import load_settings
        from serr_gui.start_options import parse
        from serr_gui.widgets.theme import ProgramStyle

        app = QApplication(["serr-gui"])
        app.setStyle(ProgramStyle())
        program = Program(app, parse(["--sample"]), load_settings()[0])
        program.start()
        state, window = program.state, program.window.windowHandle()
        while "segmented" not in moments:
            app.processEvents()
            time.sleep(0.002)
            for name, there in (
                ("window", window.isExposed()),
                ("library", state.library_ready),
                ("segmented", state.result is not None and state.task is None),
            ):
                if there:
                    reached(name)
            if time.time() - started > 900:
                raise SystemExit(f"gave up; notices: {[notice.text for notice in state.notices]}")
        program.controller.shutdown()
        sys.stdout.write(json.dumps(moments) + "\n")
        sys.stdout.flush()
        program.end()


def _use_folder(own: str) -> None:
    """Keep settings, log and jobs of the program in a folder."""
    for name in ("CONFIG", "CACHE", "LOG"):
        os.environ[f"SERR_{name}_DIR"] = own
    os.environ["SERR_JOBS"] = own


def profile_window() -> list[tuple[str, float]]:
    """Functions of the program with their share, and that of all they call, in the making and showing of a window."""
    from PySide6.QtWidgets import QApplication

    from serr_gui.app import Program
    from serr_gui.model.settings import Settings
    from serr_gui.start_options import parse
    from serr_gui.widgets.theme import ProgramStyle

    with tempfile.TemporaryDirectory(prefix="serr-start-") as own:
        _use_folder(own)
        app = QApplication(["serr-gui"])
        app.setStyle(ProgramStyle())
        with cProfile.Profile() as profile:
            program = Program(app, parse([]), Settings())
            program.window.show()
            app.processEvents()
        program.end()
    own_code = str(ROOT / "serr_gui")
    found = [each for each in profile.getstats() if isinstance(each.code, CodeType)]
    whole = max(each.totaltime for each in found)
    ours = [
        (f"{Path(code.co_filename).relative_to(own_code)}: {code.co_qualname}", each.totaltime / whole)
        for each in found
        if (code := each.code).co_filename.startswith(own_code)
    ]
    return sorted(ours, key=lambda pair: -pair[1])[:_LINES]


def profile_table() -> str:
    """The functions of ``profile_window`` in a process of their own."""
    command = [sys.executable, str(Path(__file__).resolve()), "--profile"]
    done = subprocess.run(command, check=True, cwd=ROOT, env=_ENVIRON, stdout=subprocess.PIPE, text=True)
    lines = [
        "",
        "## Making and showing the window (cProfile)",
        "",
        "Share of each function with all that it calls; the profiler makes Python dearer than Qt.",
        "",
        "| function | share |",
        "| --- | --- |",
        *(f"| `{name}` | {share:.0%} |" for name, share in json.loads(done.stdout.splitlines()[-1])),
    ]
    return "\n".join(lines)


def import_table() -> str:
    """What is imported for the window: the time of the modules themselves, by package, from ``-X importtime``."""
    command = [sys.executable, "-X", "importtime", "-c", "import serr_gui.app"]
    done = subprocess.run(command, check=True, cwd=ROOT, env=_ENVIRON, stderr=subprocess.PIPE, text=True)
    spent, count = Counter[str](), Counter[str]()
    for own_us, name in re.findall(r"^import time:\s*(\d+) \|[ \d]+\|\s*(\S+)$", done.stderr, re.MULTILINE):
        parts = name.split(".")
        package = ".".join(parts[:2]) if parts[0] in {"core", "serr_gui"} else parts[0]
        package = "standard library" if package in sys.stdlib_module_names else package
        spent[package] += int(own_us)
        count[package] += 1
    whole = spent.total()
    lines = [
        "",
        "## Imports for the window (-X importtime)",
        "",
        f"{count.total()} modules; the time of each package's own modules, as a share of all.",
        "",
        "| package | modules | share |",
        "| --- | --- | --- |",
        *(f"| `{name}` | {count[name]} | {own / whole:.0%} |" for name, own in spent.most_common(_LINES)),
    ]
    return "\n".join(lines)


def as_table(rounds: list[dict[str, tuple[float, float]]]) -> str:
    """Medians over the rounds, with the machine and its load."""
    from core.models.catalogue import DEFAULT_MODEL

    day = datetime.date.today()
    command = 'xvfb-run -a -s "-screen 0 1280x720x24" python benchmarks/desktop_start.py --write'
    lines = [
        "# The desktop's times with the default model",
        "",
        f"    {command}",
        "",
        f"{day.day} {day:%B %Y}; {platform.system()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.0f}, Python "
        f"{platform.python_version()}; medians of {len(rounds)}; default model: {DEFAULT_MODEL}. From the start of the "
        'process, as ratios to `python -c "import torch"` in the same round; by the processor counts all threads, and '
        "on a busy machine is the one to trust. The modules were compiled before.",
        "",
        "| moment | clock, s | processor, s | ratio by the clock | ratio by the processor |",
        "| --- | --- | --- | --- | --- |",
    ]
    for name in (*_REFERENCES, *_MOMENTS):
        clock, spent = (statistics.median(each[name][way] for each in rounds) for way in (0, 1))
        ratios = [statistics.median(each[name][way] / each["torch"][way] for each in rounds) for way in (0, 1)]
        lines.append(f"| {_NAMES[name]} | {clock:.2f} | {spent:.2f} | {ratios[0]:.2f} | {ratios[1]:.2f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    main()
