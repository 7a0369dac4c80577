"""How long a step of the threshold slider takes to reach the screen, and frames while panning and zooming.

A time runs from the call that changes the view to the moment when Qt has painted, handed the picture to the window
system and got the window system's answer that it has been drawn (``QGuiApplication.sync``). Every step is checked
to have painted exactly once. The photograph is the bundled sample, enlarged or reduced; the level map is its dark,
thin structures. "Program" is the slider of the whole program's window, "view" the view alone.

Run on a virtual screen: ``xvfb-run -a -s "-screen 0 1920x1200x24" python benchmarks/live_threshold.py``;
``--write NAME`` also puts the table into docs/benchmarks/live-threshold.md, in place of the one with that name.
"""

import argparse
import datetime
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import numpy as np
import PySide6
from PySide6.QtCore import QEvent, QObject, QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QWheelEvent
from PySide6.QtWidgets import QApplication, QSlider, QWidget

from core.inference.options import InferenceOptions
from core.models.model_card import ModelCard
from core.photo.recipe import Preprocessing
from core.resources import resource_path
from core.segmentation import Segmentation
from core.threshold_rule import LEVELS
from core.types import BoolArray, ByteArray, FieldOfView, FundusImage, ProbabilityMap, VesselMask
from serr_gui.canvas.overlays import OverlayStyle
from serr_gui.canvas.photo_view import PhotoView
from serr_gui.controllers.controller import Controller
from serr_gui.model.comparison import NO_LABELS, LabelSlots
from serr_gui.model.result import Result
from serr_gui.model.state import AppState, Document, PhotoItem, ViewOptions
from serr_gui.window.main_window import MainWindow

SIZES = ((565, 584), (3504, 2336), (6000, 4000))
WINDOW = (1400, 900)
MASK = OverlayStyle(show_mask=True, show_probability=False)
BOTH = OverlayStyle(show_mask=True, show_probability=True)

DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "benchmarks" / "live-threshold.md"
INTRODUCTION = """# The live threshold, and frames while panning and zooming

Made by `xvfb-run -a -s "-screen 0 1920x1200x24" python benchmarks/live_threshold.py --write NAME`. Each time runs from
the change (a step of the slider, of a drag, of the wheel) to the window system's answer that the new picture is on the
screen. "program" is the slider of the whole program in a window of 1400 x 900; "view" is the photograph's view alone,
filling 1400 x 900. The wheel goes from the fitted photograph to beyond 200 % and back, in steps of 6 %.
"processor ms" is the median of the processor time that the program itself took, on all cores together: it stays about
the same when other work shares the machine, the times on the clock do not.

What a program cannot mend: beside work of a higher priority (a training at nice -15 on both cores, eight programs
waiting) the processor time of a step stayed at 2 to 4 ms, but the 95 % mark on the clock rose beyond 100 ms.
Training that the program starts itself must therefore run at a lower priority than its window; the busy table shows
that this is enough.

The aim for the slider: median below 10 ms, 95 % of the steps below 16 ms, at each size.

Why the size of the photograph hardly matters: the view holds the photograph and the level map (one byte for each
pixel, floor(256 p)) at the resolution of the screen, for the part that is seen. A step of the slider sends the
level map through 256 colours and paints; a pan computes what comes into view; a zoom computes the visible part from
the nearest halved size. Zoomed out, a pixel of the screen holds the largest level of the pixels that fall on it, so
that a thin vessel does not break up, and the mask that is seen is at each threshold the reduction of the mask that
is exported.
"""


@dataclass(frozen=True)
class Row:
    """Times of one kind of step in milliseconds: on the clock, and the processor time of this process."""

    size: tuple[int, int]
    what: str
    overlay: str
    times_ms: tuple[tuple[float, float], ...]

    def cells(self) -> list[str]:
        times, busy = np.array(self.times_ms).T
        return [
            f"{self.size[0]} x {self.size[1]}",
            self.what,
            self.overlay,
            f"{np.median(times):.1f}",
            f"{np.percentile(times, 95):.1f}",
            f"{times.max():.1f}",
            f"{np.median(busy):.1f}",
            str(len(times)),
        ]


class Paints(QObject):
    """Counts the paints of a widget, so that no step can be measured that did not paint."""

    def __init__(self, widget: QWidget) -> None:
        super().__init__(widget)
        self.count = 0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's name
        if event.type() == QEvent.Type.Paint:
            self.count += 1
        return super().eventFilter(watched, event)


def make_case(width: int, height: int) -> tuple[ByteArray, ByteArray, BoolArray]:
    """Photograph, level map and field of view of the given size."""
    sample = cv2.imdecode(np.fromfile(resource_path("sample", "retina.jpg"), dtype=np.uint8), cv2.IMREAD_COLOR_RGB)
    assert sample is not None
    green = cv2.GaussianBlur(sample[:, :, 1], (0, 0), 1.5)
    hat = cv2.morphologyEx(green, cv2.MORPH_BLACKHAT, cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (25, 25)))
    levels = np.clip(hat.astype(np.int32) * 8, 0, 255).astype(np.uint8)
    inside = (cv2.GaussianBlur(sample[:, :, 0], (0, 0), 4) > 30).astype(np.uint8)
    size = (width, height)
    photo = np.asarray(cv2.resize(sample, size, interpolation=cv2.INTER_CUBIC), dtype=np.uint8)
    grown = np.asarray(cv2.resize(levels, size, interpolation=cv2.INTER_LINEAR), dtype=np.uint8)
    fov = np.asarray(cv2.resize(inside, size, interpolation=cv2.INTER_NEAREST), dtype=np.uint8)
    return photo, grown, fov.astype(np.bool_)


def measure(paints: Paints, steps: Iterator[Callable[[], None]]) -> tuple[tuple[float, float], ...]:
    """Milliseconds from each step to its picture on the screen, and of processor time."""
    times = []
    settle(paints)
    for step in steps:
        painted = paints.count
        begin, begin_busy = time.perf_counter(), time.process_time()
        step()
        QGuiApplication.sync()
        times.append(((time.perf_counter() - begin) * 1000.0, (time.process_time() - begin_busy) * 1000.0))
        assert paints.count == painted + 1, f"a step painted {paints.count - painted} times"
    return tuple(times[2:])  # the first two also make what is kept between steps


def settle(paints: Paints) -> None:
    """Wait until the view is on the screen and nothing more wants to be painted."""
    quiet_since, painted = time.perf_counter(), paints.count
    while time.perf_counter() - quiet_since < 0.3 or paints.count == 0:
        QGuiApplication.sync()
        if paints.count != painted:
            quiet_since, painted = time.perf_counter(), paints.count
        time.sleep(0.01)


def slider_steps(set_level: Callable[[int], object], count: int) -> Iterator[Callable[[], None]]:
    """A slider drawn back and forth in steps of 3/256."""
    level, direction = 128, 3
    for _ in range(count):
        if not 4 < level + direction < 252:
            direction = -direction
        level += direction
        yield lambda level=level: set_level(level)  # type: ignore[misc]


def pan_steps(view: PhotoView, count: int) -> Iterator[Callable[[], None]]:
    """The photograph dragged along a circle, about 20 pixels a frame."""
    centre = view.image_point(QPointF(view.rect().center()))
    radius = 120.0 / view.zoom
    for angle in np.linspace(0.0, 2 * np.pi * count / 38, count):
        x, y = centre.x() + radius * np.cos(angle), centre.y() + radius * np.sin(angle)
        yield lambda x=x, y=y: view.centre_on(x, y)  # type: ignore[misc]


def wheel_steps(view: PhotoView, count: int) -> Iterator[Callable[[], None]]:
    """The wheel turned in and out again by quarter notches, as a fine wheel or a touch pad does, around 100 %."""
    place = QPointF(view.width() * 0.4, view.height() * 0.45)
    for index in range(count):
        delta = 30 if index // 40 % 2 == 0 else -30
        wheel = QWheelEvent(
            place,
            view.mapToGlobal(place),
            QPoint(),
            QPoint(0, delta),
            Qt.MouseButton.NoButton,
            Qt.KeyboardModifier.NoModifier,
            Qt.ScrollPhase.NoScrollPhase,
            False,
        )
        yield lambda wheel=wheel: view.wheelEvent(wheel)  # type: ignore[misc]


def run_view(size: tuple[int, int], count: int) -> Iterator[Row]:
    """The view alone, as large as the whole window."""
    photo, levels, inside = make_case(*size)
    view = PhotoView()
    paints = Paints(view)
    view.resize(*WINDOW)
    view.set_photo(photo)
    view.set_levels(levels)
    view.set_fov(inside)
    view.show()
    middle = (size[0] / 2, size[1] / 2)
    for name, style in (("mask", MASK), ("mask + probability", BOTH)):
        view.set_overlay_style(style)
        view.fit()
        yield Row(size, "view: slider, fitted", name, measure(paints, slider_steps(view.set_threshold_level, count)))
        view.zoom_to(1.0)
        view.centre_on(*middle)
        yield Row(size, "view: slider, 100 %", name, measure(paints, slider_steps(view.set_threshold_level, count)))
    view.fit()
    fitted = view.zoom
    for name, zoom in (("view: pan, fitted x 1.5", fitted * 1.5), ("view: pan, 100 %", 1.0), ("view: pan, 400 %", 4.0)):
        view.zoom_to(zoom)
        view.centre_on(*middle)
        yield Row(size, name, "mask + probability", measure(paints, pan_steps(view, count)))
    view.fit()
    yield Row(size, "view: wheel zoom", "mask + probability", measure(paints, wheel_steps(view, count)))
    view.close()
    view.deleteLater()


@contextmanager
def open_program(size: tuple[int, int], labels: LabelSlots = NO_LABELS) -> Iterator[tuple[MainWindow, QSlider]]:
    """The program's own window with a segmented photograph, and its threshold slider."""
    photo, levels, inside = make_case(*size)
    image, fov = FundusImage(photo), FieldOfView(inside, "estimated")
    probability = ProbabilityMap(levels.astype(np.float32) / np.float32(LEVELS))
    card = ModelCard("drawn", "serr-unet", {}, Preprocessing())
    segmentation = Segmentation(
        image=image,
        fov=fov,
        probability=probability,
        mask=VesselMask(probability.levels >= card.rule.level, card.rule),
        card=card,
        model_sha256="",
        options=InferenceOptions(),
        device="none",
        precision="fp32",
        tiles=1,
        scale=1.0,
        seconds=0.0,
    )
    path = resource_path("sample", "retina.jpg")
    state = AppState()
    controller = Controller(state)
    window = MainWindow(controller)
    window.resize(*WINDOW)
    state.photos, state.current = (PhotoItem(path, "done"),), 0
    state.document = Document(path, image, fov, result=Result.of(segmentation, path), labels=labels)
    window.show()
    yield window, next(child for child in window.findChildren(QSlider) if child.accessibleName() == "Threshold")
    controller.shutdown()
    state.photos = ()  # nothing left to ask about
    window.close()
    window.deleteLater()


def run_program(size: tuple[int, int], count: int) -> Iterator[Row]:
    """The slider of the program's own window, with all that follows it: state, number field, share of vessels, view."""
    with open_program(size) as (window, slider):
        paints = Paints(window.canvas)
        for name, options in (("mask", ViewOptions()), ("mask + probability", ViewOptions(show_probability=True))):
            window.state.view = options
            window.canvas.fit()
            yield Row(size, "program: slider, fitted", name, measure(paints, slider_steps(slider.setValue, count)))
            window.canvas.zoom_to(1.0)
            yield Row(size, "program: slider, 100 %", name, measure(paints, slider_steps(slider.setValue, count)))


def run(count: int) -> Iterator[Row]:
    for size in SIZES:
        yield from run_view(size, count)
        yield from run_program(size, count)


HEADER = ["photograph", "step", "overlay", "median ms", "95 % ms", "largest ms", "processor ms", "steps"]


def table(rows: list[Row], *, markdown: bool) -> str:
    cells = [HEADER, *(row.cells() for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(HEADER))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) + " |" for line in cells
    ]
    if markdown:
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def processor() -> str:
    """Name of the processor as the system gives it."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    return platform.processor() or platform.machine()


def facts() -> list[str]:
    """What the times depend on, one line each."""
    screen = QGuiApplication.primaryScreen()
    load = ", ".join(f"{value:.2f}" for value in os.getloadavg()) if hasattr(os, "getloadavg") else "unknown"
    return [
        f"Processor: {processor()}, {os.cpu_count()} cores; load average before (1, 5, 15 min): {load}",
        f"System: {platform.system()} {platform.release()}, Python {platform.python_version()}, "
        f"PySide6 {PySide6.__version__}, OpenCV {cv2.__version__}, NumPy {np.__version__}",
        f"Screen: {QGuiApplication.platformName()}, {screen.size().width()} x {screen.size().height()}, "
        f"device pixel ratio {screen.devicePixelRatio():g}; view {WINDOW[0]} x {WINDOW[1]}",
        f"Date: {datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
    ]


def write_section(name: str, text: str, document: Path = DOCUMENT, introduction: str = INTRODUCTION) -> None:
    """Put a section into a document, in place of the one with the same heading."""
    sections: dict[str, str] = {}
    if document.exists():
        for part in document.read_text(encoding="utf-8").split("\n## ")[1:]:
            heading, _, body = part.partition("\n")
            sections[heading] = body.strip()
    sections[name] = text
    body = "".join(f"\n## {heading}\n\n{section}\n" for heading, section in sections.items())
    document.parent.mkdir(parents=True, exist_ok=True)
    document.write_text(introduction + body, encoding="utf-8")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=302, help="steps of each kind (default: %(default)s)")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    parser.add_argument("--write", metavar="NAME", help="write the section NAME of docs/benchmarks/live-threshold.md")
    arguments = parser.parse_args()
    application = QApplication(sys.argv[:1])
    lines = facts()
    rows = list(run(arguments.steps))
    text = "\n".join(f"- {line}" for line in lines)
    print(text, table(rows, markdown=arguments.markdown), sep="\n\n")
    if arguments.write:
        write_section(arguments.write, f"{text}\n\n{table(rows, markdown=True)}")
    application.quit()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
