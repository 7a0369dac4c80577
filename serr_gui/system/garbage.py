"""Python's search for garbage, kept to the thread of the window.

Left alone, Python searches in whichever thread makes one object too many. Qt's timers, plots and watchers of files end
the program there without a word when a search finds them in a worker's thread.
"""

import gc
from typing import Final

from PySide6.QtCore import QObject, QTimer

from core.startup import is_importing

_INTERVAL_MS: Final = 200
"""Between two looks at how much was made; at most one search for each."""


class GarbageSearch(QObject):
    """While it is open, garbage is found in the thread that opened it, from its event loop, and in no other."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._timer = QTimer(self)
        self._timer.setInterval(_INTERVAL_MS)
        self._timer.timeout.connect(self._search)

    def open(self) -> None:
        gc.disable()
        self._timer.start()

    def close(self) -> None:
        """Find what is left while that is safe, and leave the rest to Python again."""
        self._timer.stop()
        gc.collect()
        gc.enable()

    def _search(self) -> None:
        """The oldest generation of which Python would think that its turn has come."""
        if is_importing():
            return
        for generation in (2, 1, 0):
            if gc.get_count()[generation] > gc.get_threshold()[generation]:
                gc.collect(generation)
                return
