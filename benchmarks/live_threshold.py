"""How long a step of the threshold slider takes to reach the screen, and how long frames take while panning and
zooming.

A time runs from the call that changes the view to the moment when Qt has painted, handed the picture to the window
system and got the window system's answer that it has been drawn (``QGuiApplication.sync``). Every step is checked
to have painted exactly once. The photograph is the bundled sample, enlarged or reduced; the level map is its dark,
thin structures.

Run on a virtual screen: ``xvfb-run -a -s "-screen 0 1920x1200x24" python benchmarks/live_threshold.py``
"""

import argparse
import datetime
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import numpy as np
import PySide6
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QPaintEvent, QWheelEvent
from PySide6.QtWidgets import QApplication

from core.resources import resource_path
from core.types import BoolArray, ByteArray
from serr_gui.canvas.overlays import OverlayStyle
from serr_gui.canvas.photo_view import PhotoView

SIZES = ((565, 584), (3504, 2336), (6000, 4000))
WINDOW = (1400, 900)
MASK = OverlayStyle(show_mask=True, show_probability=False)
BOTH = OverlayStyle(show_mask=True, show_probability=True)


@dataclass(frozen=True)
class Row:
    """Times of one kind of step in milliseconds."""

    size: tuple[int, int]
    what: str
    overlay: str
    times_ms: tuple[float, ...]

    def cells(self) -> list[str]:
        times = np.array(self.times_ms)
        return [
            f"{self.size[0]} x {self.size[1]}",
            self.what,
            self.overlay,
            f"{np.median(times):.1f}",
            f"{np.percentile(times, 95):.1f}",
            f"{times.max():.1f}",
            str(len(times)),
        ]


class CountingView(PhotoView):
    """A view that counts its paints, so that no step can be measured that did not paint."""

    paints = 0

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's name
        super().paintEvent(event)
        self.paints += 1


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


def measure(view: CountingView, steps: Iterator[Callable[[], None]]) -> tuple[float, ...]:
    """Milliseconds from each step to its picture on the screen."""
    times = []
    for step in steps:
        painted = view.paints
        begin = time.perf_counter()
        step()
        QGuiApplication.sync()
        times.append((time.perf_counter() - begin) * 1000.0)
        assert view.paints == painted + 1, f"a step painted {view.paints - painted} times"
    return tuple(times[2:])  # the first two also make what is kept between steps


def settle(view: CountingView) -> None:
    """Wait until the window is on the screen and nothing more wants to be painted."""
    quiet_since, painted = time.perf_counter(), view.paints
    while time.perf_counter() - quiet_since < 0.3 or view.paints == 0:
        QGuiApplication.sync()
        if view.paints != painted:
            quiet_since, painted = time.perf_counter(), view.paints
        time.sleep(0.01)


def slider_steps(view: PhotoView, count: int) -> Iterator[Callable[[], None]]:
    """A slider drawn back and forth in steps of 3/256."""
    level, direction = 128, 3
    for _ in range(count):
        if not 4 < level + direction < 252:
            direction = -direction
        level += direction
        yield lambda level=level: view.set_threshold_level(level)  # type: ignore[misc]


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


def run(count: int) -> list[Row]:
    rows = []
    for size in SIZES:
        photo, levels, inside = make_case(*size)
        view = CountingView()
        view.resize(*WINDOW)
        view.set_photo(photo)
        view.set_levels(levels)
        view.set_fov(inside)
        view.show()
        settle(view)
        for name, style in (("mask", MASK), ("mask + probability", BOTH)):
            view.set_overlay_style(style)
            view.fit()
            settle(view)
            rows.append(Row(size, "slider, fitted", name, measure(view, slider_steps(view, count))))
            view.zoom_to(1.0)
            view.centre_on(size[0] / 2, size[1] / 2)
            settle(view)
            rows.append(Row(size, "slider, 100 %", name, measure(view, slider_steps(view, count))))
        view.fit()
        fitted = view.zoom
        for name, zoom in (("pan, fitted x 1.5", fitted * 1.5), ("pan, 100 %", 1.0), ("pan, 400 %", 4.0)):
            view.zoom_to(zoom)
            view.centre_on(size[0] / 2, size[1] / 2)
            settle(view)
            rows.append(Row(size, name, "mask + probability", measure(view, pan_steps(view, count))))
        view.fit()
        settle(view)
        rows.append(Row(size, "wheel zoom", "mask + probability", measure(view, wheel_steps(view, count))))
        view.close()
        view.deleteLater()
        QGuiApplication.sync()
    return rows


HEADER = ["photograph", "step", "overlay", "median ms", "95 % ms", "largest ms", "steps"]


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


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=302, help="steps of each kind (default: %(default)s)")
    parser.add_argument("--markdown", action="store_true", help="print the table as Markdown")
    arguments = parser.parse_args()
    application = QApplication(sys.argv[:1])
    lines = facts()
    rows = run(arguments.steps)
    print("\n".join(lines), end="\n\n")
    print(table(rows, markdown=arguments.markdown))
    application.quit()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
