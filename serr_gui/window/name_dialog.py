"""A name and notes, for a training or a model."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QVBoxLayout,
    QWidget,
)

from serr_gui.widgets.controls import faded


class NameDialog(QDialog):
    """Asks for a name and notes."""

    def __init__(self, title: str, name: str, notes: str, note: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(title)
        self.setMinimumWidth(460)
        self._name = QLineEdit(name)
        self._notes = QPlainTextEdit(notes)
        self._notes.setTabChangesFocus(True)
        self._notes.setMaximumHeight(110)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Ok | QDialogButtonBox.StandardButton.Cancel)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        self._ok = buttons.button(QDialogButtonBox.StandardButton.Ok)
        self._name.textChanged.connect(lambda text: self._ok.setEnabled(bool(text.strip())))
        form = QFormLayout()
        form.setFieldGrowthPolicy(QFormLayout.FieldGrowthPolicy.AllNonFixedFieldsGrow)
        for text, widget in ((self.tr("&Name"), self._name), (self.tr("N&otes"), self._notes)):
            caption = QLabel(text)
            caption.setBuddy(widget)
            form.addRow(caption, widget)
        column = QVBoxLayout(self)
        if note:
            column.addWidget(faded(note))
        column.addLayout(form)
        column.addWidget(buttons)

    def name(self) -> str:
        return self._name.text().strip()

    def notes(self) -> str:
        return self._notes.toPlainText().strip()
