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
from typing import TYPE_CHECKING

from PIL import Image

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication, QWidget

    from serr_gui.app import Program

_TIMEOUT_S = 300.0


class Camera:
    """The running program, and what it takes to photograph it when it has come to rest."""

    def __init__(self, app: "QApplication", program: "Program", folder: Path) -> None:
        self.app, self.program, self.folder = app, program, folder
        self.state, self.controller, self.window = program.state, program.controller, program.window

    def wait(self, until: Callable[[], bool]) -> None:
        """Let the program work until something is so."""
        deadline = time.monotonic() + _TIMEOUT_S
        while not until():
            if time.monotonic() > deadline:
                raise SystemExit(f"gave up waiting; notices: {[notice.text for notice in self.state.notices]}")
            self.app.processEvents()
            time.sleep(0.01)

    def settle(self, seconds: float = 0.6) -> None:
        end = time.monotonic() + seconds
        self.wait(lambda: time.monotonic() > end)

    def shoot(self, name: str, of: "QWidget | None" = None) -> None:
        """Write NAME.png: the window, or a part of it, or a dialog."""
        self.settle()
        path = self.folder / f"{name}.png"
        (of or self.window).grab().save(str(path))
        with Image.open(path) as picture:  # 256 colours of its own: a third of the size
            picture.convert("RGB").quantize(dither=Image.Dither.NONE).save(path, optimize=True)
        sys.stdout.write(f"{path}\n")


def segmentation(camera: Camera) -> None:
    """The main job: the mask, the probability map, the dark theme, the export."""
    from PySide6.QtWidgets import QLineEdit

    from serr_gui.panels.export import ExportDialog

    state, controller, window = camera.state, camera.controller, camera.window
    camera.wait(lambda: state.result is not None and state.job is None)
    controller.set_theme("light")
    camera.shoot("window")
    controller.set_view(replace(state.view, show_probability=True, show_mask=False, base="enhanced"))
    camera.wait(lambda: state.base_view is not None)
    camera.shoot("probability")
    controller.set_view(replace(state.view, show_probability=False, show_mask=True, base="green"))
    controller.set_theme("dark")
    window.canvas.zoom_to(1.0)
    camera.shoot("dark")
    controller.set_theme("light")
    controller.set_view(replace(state.view, base="colour"))
    window.canvas.fit()
    window.commands["export"].trigger()
    camera.settle()
    dialog = window.findChild(ExportDialog)
    nobodys = Path("/", "home", "anna", "Documents", "SERR results")  # not the folder of who runs this
    dialog.findChild(QLineEdit).setText(str(nobodys))
    camera.shoot("export", dialog)
    dialog.reject()


def take(folder: Path) -> None:
    from PySide6.QtWidgets import QApplication

    from serr_gui.app import Program, parse
    from serr_gui.settings import load_settings
    from serr_gui.theme import ProgramStyle

    app = QApplication(["serr-gui"])
    app.setStyle(ProgramStyle())
    app.setApplicationDisplayName("SERR Fundus")
    program = Program(app, parse(["--sample"]), load_settings()[0])
    program.window.resize(1440, 900)
    program.start()
    folder.mkdir(parents=True, exist_ok=True)
    segmentation(Camera(app, program, folder))
    program.controller.shutdown()


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="serr-screenshots-") as own:
        os.environ["SERR_CONFIG_DIR"] = own
        os.environ["SERR_MODELS"] = str(Path(own) / "models")
        take(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "docs" / "images")


if __name__ == "__main__":
    main()
