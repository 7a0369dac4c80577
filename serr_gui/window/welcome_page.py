"""What is in the middle while no photograph is open: the three ways to begin."""

from functools import partial

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QFrame, QLabel, QSizePolicy, QToolButton, QVBoxLayout, QWidget

from serr_gui.actions.qactions import Actions
from serr_gui.widgets import icons
from serr_gui.widgets.controls import faded


class WelcomePage(QWidget):
    """Open, open a folder, try the sample, or drop something."""

    def __init__(self, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        picture = QLabel()
        picture.setPixmap(icons.program_icon().pixmap(QSize(72, 72)))
        picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        picture.setMinimumHeight(72)
        title = QLabel(self.tr("Drop fundus photographs or a folder here"))
        font = title.font()
        font.setPointSizeF(font.pointSizeF() * 1.35)
        title.setFont(font)
        title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        title.setWordWrap(True)
        column = QVBoxLayout()
        column.setSpacing(10)
        column.addWidget(picture)
        column.addWidget(title)
        column.addSpacing(6)
        for key in ("open", "open_folder", "open_sample"):
            button = QToolButton()
            button.setDefaultAction(actions[key])
            _name_in_full(button, actions[key])
            actions[key].changed.connect(partial(_name_in_full, button, actions[key]))  # it writes its short name then
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
            button.setIconSize(QSize(18, 18))
            button.setMinimumSize(220, 36)
            button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            column.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
        note = faded(self.tr("Not a medical device: for research use only. Photographs stay on this computer."))
        note.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column.addSpacing(6)
        column.addWidget(note)
        middle = QFrame()
        middle.setLayout(column)
        middle.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Maximum)
        outer = QVBoxLayout(self)
        outer.addStretch(1)
        outer.addWidget(middle)
        outer.addStretch(1)


def _name_in_full(button: QToolButton, action: QAction) -> None:
    button.setText(action.text().replace("&", ""))
