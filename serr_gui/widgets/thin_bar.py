"""A low progress bar whose length may be unknown."""

from PySide6.QtWidgets import QProgressBar, QWidget


class ThinBar(QProgressBar):
    """Empty where it is not known how far the work is.

    Qt's own way, a range of nothing, fills the bar with stripes that are not seen at this height: it looks done, and it
    is painted again all the time.
    """

    def __init__(self, height_px: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextVisible(False)
        self.setFixedHeight(height_px)
        self.show_part(None)

    def show_part(self, part: float | None) -> None:
        """How much of the work is done, 0 to 1; None: not known."""
        self.setRange(0, 1000)
        self.setValue(round((part or 0.0) * 1000))
