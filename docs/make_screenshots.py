"""Take the pictures of the documentation from the running program, so that they show what is true today.

    xvfb-run -a -s "-screen 0 1920x1200x24" python docs/make_screenshots.py [FOLDER]

Starts the real window on the bundled sample photograph with settings of its own, segments it, and writes PNG files.
"""

import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

_TIMEOUT_S = 300.0


def main(folder: Path) -> int:
    with tempfile.TemporaryDirectory(prefix="serr-screenshots-") as own:
        os.environ["SERR_CONFIG_DIR"] = own
        os.environ["SERR_MODELS"] = str(Path(own) / "models")
        return _take(folder)


def _take(folder: Path) -> int:
    from PySide6.QtWidgets import QApplication

    from serr_gui.app import Program, parse
    from serr_gui.panels.export import ExportDialog
    from serr_gui.settings import load_settings
    from serr_gui.theme import ProgramStyle

    app = QApplication(["serr-gui"])
    app.setStyle(ProgramStyle())
    app.setApplicationDisplayName("SERR Fundus")
    program = Program(app, parse(["--sample"]), load_settings()[0])
    controller, state, window = program.controller, program.state, program.window
    window.resize(1440, 900)
    program.start()

    def wait(until: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _TIMEOUT_S
        while not until():
            if time.monotonic() > deadline:
                raise SystemExit(f"gave up waiting; notices: {[notice.text for notice in state.notices]}")
            app.processEvents()
            time.sleep(0.01)

    def settle(seconds: float = 0.6) -> None:
        end = time.monotonic() + seconds
        wait(lambda: time.monotonic() > end)

    def shoot(name: str) -> None:
        settle()
        path = folder / f"{name}.png"
        window.grab().save(str(path))
        sys.stdout.write(f"{path}\n")

    folder.mkdir(parents=True, exist_ok=True)
    wait(lambda: state.result is not None and state.job is None)
    controller.set_theme("light")
    shoot("window")
    controller.set_view(replace(state.view, show_probability=True, show_mask=False, base="enhanced"))
    wait(lambda: state.base_view is not None)
    shoot("probability")
    controller.set_view(replace(state.view, show_probability=False, show_mask=True, base="green"))
    controller.set_theme("dark")
    window.canvas.zoom_to(1.0)
    shoot("dark")
    controller.set_theme("light")
    controller.set_view(replace(state.view, base="colour"))
    window.canvas.fit()
    window.commands["export"].trigger()
    settle()
    dialog = window.findChild(ExportDialog)
    if dialog is not None:
        path = folder / "export.png"
        dialog.grab().save(str(path))
        sys.stdout.write(f"{path}\n")
        dialog.reject()
    controller.shutdown()
    return 0


if __name__ == "__main__":
    raise SystemExit(main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images"))
