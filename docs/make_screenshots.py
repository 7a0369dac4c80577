"""Take the pictures of the documentation from the running program, so that they show what is true today.

    xvfb-run -a -s "-screen 0 1920x1200x24" python docs/make_screenshots.py [FOLDER] [--only tools]

Starts the real window with settings of its own on the bundled sample photograph and on drawn ones, and writes PNGs.
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image
from PySide6.QtCore import QRect, Qt

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication, QWidget

    from serr_gui.app import Program
    from serr_gui.model.settings import Theme

_TIMEOUT_S = 900.0


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

    def shoot(
        self,
        name: str,
        of: "QWidget | None" = None,
        *,
        rare: bool = False,
        screen: bool = False,
        box: QRect | None = None,
    ) -> None:
        """Write NAME.png: the window, or a part of it (``box`` of a widget), or a dialog.

        ``rare`` where colours of a few pixels count; ``screen`` where something lies over it, such as an open list.
        """
        self.settle()
        path, shown = self.folder / f"{name}.png", of or self.window
        if screen:
            place = QRect(shown.mapToGlobal(shown.rect().topLeft()), shown.size())
            popup = self.app.activePopupWidget()
            place = place.united(popup.frameGeometry()) if popup is not None else place
            picture = self.app.primaryScreen().grabWindow(0, place.x(), place.y(), place.width(), place.height())
        else:
            picture = shown.grab(box) if box is not None else shown.grab()
        picture.save(str(path))
        with Image.open(path) as picture:  # 256 colours of its own: a third of the size
            how = Image.Quantize.FASTOCTREE if rare else Image.Quantize.MEDIANCUT
            picture.convert("RGB").quantize(method=how, dither=Image.Dither.NONE).save(path, optimize=True)
        sys.stdout.write(f"{path}\n")


def segmentation(camera: Camera) -> None:
    """The main job: the mask, the probability map, the dark theme, the export."""
    from PySide6.QtWidgets import QLineEdit

    from serr_gui.panels.export_dialog import ExportDialog

    state, controller, window = camera.state, camera.controller, camera.window
    camera.wait(lambda: state.result is not None and state.task is None)
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
    measures(camera)
    two_models(camera)


def measures(camera: Camera) -> None:
    """The measures of the sample: vessels in the colours of their widths, one of them chosen."""
    from PySide6.QtWidgets import QDockWidget

    from serr_gui.model.measuring import measured

    state, window, measuring = camera.state, camera.window, camera.controller.measuring

    def complete() -> bool:
        found = measured(state)
        return found is not None and found.complete

    window.commands["show_measures"].trigger()
    camera.wait(complete)
    window.commands["propose_disc"].trigger()
    camera.wait(lambda: state.item.measuring.disc is not None and complete())
    window.commands["colour_width"].trigger()
    vessels = measured(state).measures.tree.vessels
    measuring.choose(max(range(len(vessels)), key=lambda number: vessels[number].line.length_px))
    camera.shoot("measures", rare=True)
    measuring.remove_disc()
    measuring.colour("")
    window.findChild(QDockWidget, "measure").close()


def two_models(camera: Camera) -> None:
    """Two models on the sample, enlarged, with what differs."""
    state, prompts = camera.state, camera.window.prompts
    dialog = prompts.compare_two_models()
    dialog.resize(1200, 560)
    dialog.models[1].setCurrentIndex(dialog.models[1].findText("serr-unet-drive"))
    dialog.models[1].activated.emit(dialog.models[1].currentIndex())
    dialog.run.click()
    camera.wait(lambda: state.two_models is not None and state.task is None)
    dialog.left.zoom_by(2.0)
    camera.shoot("two-models", dialog, rare=True)
    dialog.reject()


def enhanced(camera: Camera) -> None:
    """The sample and its enhanced picture, enlarged, with the line between them."""
    from serr_gui.model.selectors import enhanced_photo

    state, controller, window = camera.state, camera.controller, camera.window
    controller.toggle_mask()
    window.commands["enhance"].trigger()
    camera.wait(lambda: state.task is None and enhanced_photo(state) is not None)
    window.canvas.zoom_to(1.0)
    camera.shoot("enhanced")
    window.commands["enhance"].trigger()
    controller.toggle_mask()
    window.canvas.fit()


def draw_photographs(folder: Path, side: int = 600) -> Path:
    """Drawn photographs in DRIVE's layout; their second expert draws wider, and leaves the thinnest vessels out."""
    import cv2
    import numpy as np

    from core.datasets.synthetic import write_drive_layout
    from core.photo.reading import read_label

    root = write_drive_layout(folder, 5, side=side, first_seed=3) / "test"
    for path in (root / "2nd_manual").iterdir():
        drawn = read_label(path).vessel.astype(np.uint8)
        opened = cv2.morphologyEx(drawn, cv2.MORPH_OPEN, np.ones((4, 4), np.uint8))
        wider = cv2.dilate(opened, np.ones((3, 3), np.uint8))
        Image.fromarray(np.asarray(wider, np.uint8) * 255).save(path)
    return root


def comparison(camera: Camera, root: Path) -> None:
    """Labels, scores, error map, curves, a doubtful label, and the table, on drawn photographs with exact labels."""
    import numpy as np
    from PySide6.QtWidgets import QDockWidget

    from core.photo.reading import read_label
    from serr_gui.model import score_selectors

    state, controller, window = camera.state, camera.controller, camera.window
    photos = sorted((root / "images").iterdir())
    controller.photos.close_photos([item.path for item in state.photos])
    window.open_paths(photos)
    camera.wait(lambda: state.document is not None and state.document.path == photos[0] and state.opening is None)
    window.commands["segment"].trigger()

    def compared() -> bool:
        against, lines = score_selectors.scored_label(state), score_selectors.centre_lines(state)
        return state.task is None and against is not None and against.areas is not None and lines is not None

    camera.wait(compared)
    controller.set_theme("light")
    window.commands["show_errors"].trigger()
    camera.shoot("comparison", rare=True)
    window.commands["show_curves"].trigger()
    camera.settle()
    curves = window.findChild(QDockWidget, "curves")
    window.resizeDocks([curves], [620], Qt.Orientation.Vertical)
    camera.shoot("curves", curves)
    window.findChild(QDockWidget, "curves").close()
    controller.set_theme("dark")
    window.commands["next_error"].trigger()
    camera.wait(lambda: state.error_at == 0)
    camera.shoot("errors", rare=True)
    controller.set_theme("light")
    window.canvas.fit()
    doubtful = root / "inverted.png"
    label = read_label(root / "1st_manual" / f"{photos[0].stem[:2]}_manual1.gif")
    Image.fromarray((~label.vessel).astype(np.uint8) * 255).save(doubtful)
    controller.comparison.load_label(0, doubtful)
    camera.wait(lambda: score_selectors.scored_label(state) is None)
    camera.shoot("doubt", window.labels)
    controller.comparison.load_label(0, root / "1st_manual" / f"{photos[0].stem[:2]}_manual1.gif")
    camera.wait(compared)
    window.commands["show_errors"].trigger()
    window.commands["evaluate_all"].trigger()
    camera.wait(lambda: state.task is None and state.evaluation is not None and state.evaluation.report is not None)
    for notice in state.notices:
        controller.context.dismiss(notice)
    window.resizeDocks([window.findChild(QDockWidget, "evaluation")], [420], Qt.Orientation.Vertical)
    camera.shoot("table")


def training(camera: Camera, root: Path) -> None:
    """From drawn photographs to a user's own model: wizard, form, live training, comparison, list of models."""
    from PySide6.QtWidgets import QDockWidget

    state, controller, window = camera.state, camera.controller, camera.window
    controller.photos.close_photos([item.path for item in state.photos])
    evaluation = window.findChild(QDockWidget, "evaluation")
    if evaluation is not None:
        evaluation.close()
    controller.set_theme("light")
    label = sorted((root / "training" / "1st_manual").iterdir())
    label[1].write_bytes(label[2].read_bytes())  # of another photograph, for the wizard to find
    wizard = window.training_prompts.open_data_set(root)
    camera.wait(lambda: bool(wizard.model.entries) and not wizard.model.unseen())
    camera.shoot("data-set", wizard)
    wizard._name.setText("My photographs")
    wizard.model.set_part([1], "unused")
    wizard.division.validation.setValue(30)
    wizard.division.divide.click()
    wizard.saveRequested.emit(root.parent / "My photographs.serr-dataset", wizard.dataset())
    camera.wait(lambda: state.data_set is not None)
    wizard.reject()

    form = window.training_prompts.new_training(state.data_set)
    for key, value in {"steps": 400, "batch": 2, "crop_px": 96, "validate_every": 5}.items():
        form.recipe.numbers[key].setValue(value)
    camera.wait(form._measure.isEnabled)
    form._measure.click()
    camera.wait(lambda: state.estimate is not None and not state.estimate.busy)
    camera.shoot("training-form", form)
    form._order.click()
    dock = window.findChild(QDockWidget, "trainings")

    def validations() -> int:
        run = state.trainings.run
        return len(run.validated) if run is not None else 0

    camera.wait(lambda: validations() >= 9)
    window.resizeDocks([dock], [380], Qt.Orientation.Vertical)
    camera.shoot("training", rare=True)
    window.trainings.tabs.setCurrentIndex(1)
    camera.shoot("training-pictures", dock)
    job = state.trainings.job
    controller.training.stop(job)
    camera.wait(lambda: state.trainings.job.state == "done")
    compare = window.training_prompts.compare_job(state.trainings.job)
    camera.wait(compare._run.isEnabled)
    compare._run.click()
    camera.wait(lambda: compare.table.rowCount() > 0)
    camera.shoot("models-compared", compare)
    compare.close()
    controller.models.add_model(state.trainings.job.weights, "my camera", "")
    camera.wait(lambda: any(choice.name == "my camera" for choice in state.models))
    model_list(camera)


def model_list(camera: Camera) -> None:
    """The models to choose from, a person's own among them."""
    from PySide6.QtWidgets import QComboBox, QDockWidget

    state, window = camera.state, camera.window
    camera.controller.models.set_model(next(choice.path for choice in state.models if choice.name == "my camera"))
    box = next(each for each in window.segmentation.findChildren(QComboBox) if each.accessibleName() == "Model")
    box.showPopup()
    camera.shoot("model-list", window.findChild(QDockWidget, "segmentation"), rare=True, screen=True)
    box.hidePopup()


def batches(camera: Camera, root: Path) -> None:
    """A batch that is ordered, and one that has come to its end with a photograph that is damaged."""
    import shutil

    state, window = camera.state, camera.window
    os.environ["SERR_JOB_NICE"] = "0"
    cohort = root.parent / "Screening 2026"
    shutil.copytree(root / "images", cohort)
    (cohort / "OD_damaged.jpg").write_bytes(next(cohort.iterdir()).read_bytes()[:5000])
    form = window.batch_prompts.new_batch()
    form.add_inputs([cohort])
    camera.wait(form._start.isEnabled)
    camera.shoot("batch-form", form)
    form._start.click()
    camera.wait(lambda: state.batches.batch is not None and state.batches.batch.word == "done")
    failed = next(number for number, row in enumerate(state.batches.rows) if row.state == "failed")
    window.batches.table.selectRow(failed)
    camera.shoot("batch", window.batches)


PARTS = ("segmentation", "enhanced", "tools", "comparison", "training", "batches")


def take(folder: Path, parts: Sequence[str], theme: "Theme", size: tuple[int, int], *, whole: bool) -> None:
    from PySide6.QtWidgets import QApplication
    from tool_screenshots import tools

    from serr_gui.app import Program
    from serr_gui.model.settings import load_settings
    from serr_gui.start_options import parse
    from serr_gui.widgets.theme import ProgramStyle

    app = QApplication(["serr-gui"])
    app.setStyle(ProgramStyle())
    app.setApplicationDisplayName("SERR Fundus")
    program = Program(app, parse(["--sample"]), load_settings()[0])
    program.window.resize(*size)
    program.start()
    folder.mkdir(parents=True, exist_ok=True)
    camera = Camera(app, program, folder)
    camera.wait(lambda: program.state.result is not None and program.state.task is None)
    if "segmentation" in parts:
        segmentation(camera)
    if "enhanced" in parts:
        program.controller.set_theme(theme)
        enhanced(camera)
    if "tools" in parts:
        program.controller.set_theme(theme)
        tools(camera, whole=whole)
    with tempfile.TemporaryDirectory(prefix="serr-drawn-") as drawn:
        root = draw_photographs(Path(drawn))
        if "comparison" in parts:
            comparison(camera, root)
        if "training" in parts:
            small = draw_photographs(Path(drawn) / "small", side=320)  # to be learned from in minutes
            training(camera, small.parent)
        if "batches" in parts:
            batches(camera, root)
    program.controller.shutdown()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", default=ROOT / "docs" / "images", metavar="FOLDER")
    parser.add_argument("--only", nargs="+", choices=PARTS, default=PARTS, help="some of the parts")
    parser.add_argument(
        "--theme", choices=("light", "dark"), default="light", help="of the tools and the enhanced picture"
    )
    parser.add_argument("--size", type=int, nargs=2, default=(1440, 900), help="of the window")
    parser.add_argument("--whole", action="store_true", help="the tools in the whole window, to look at them")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="serr-screenshots-") as own:
        os.environ["SERR_CONFIG_DIR"] = own
        for name in ("MODELS", "JOBS"):
            os.environ[f"SERR_{name}"] = str(Path(own) / name.lower())
        take(options.folder, options.only, options.theme, (options.size[0], options.size[1]), whole=options.whole)


if __name__ == "__main__":
    main()
