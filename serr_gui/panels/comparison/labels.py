"""Which file is which: the experts' labels and the field of view, and what is doubtful about them."""

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Final

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent, QPalette
from PySide6.QtWidgets import (
    QFrame,
    QGridLayout,
    QHBoxLayout,
    QLabel,
    QMenu,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.files import display_path
from core.photo.label_checks import AS_IT_IS
from core.types import FieldOfView
from serr_gui.actions.qactions import Actions
from serr_gui.model.comparison import EXPERTS, NO_LABELS, LabelSlot, LabelSlots
from serr_gui.model.state import AppState, FovChoice
from serr_gui.widgets import icons
from serr_gui.widgets.controls import ElidedLabel, faded, heading
from serr_gui.widgets.label_values_dialog import LabelValuesDialog

_MASK_DOUBTS: Final = frozenset({"odd_mask"})


class LabelsPanel(QWidget):
    """The roles of files. Experts are 0 and 1 in every signal; ``dropped`` has None for the field of view."""

    loadRequested = Signal(int)
    acceptRequested = Signal(int, bool)
    readingRequested = Signal(int, object)
    """A ``LabelReading``: what the values of the file mean, and how it is turned."""
    removeRequested = Signal(int)
    findRequested = Signal(int)
    useAsFovRequested = Signal(int)
    fovRequested = Signal(object)
    fovFileRequested = Signal()
    dropped = Signal(object, Path)

    def __init__(self, state: AppState, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._rows = [_RoleRow(self._role(expert)) for expert in EXPERTS]
        self._questions = [_Question() for _ in EXPERTS]
        self._fov = _RoleRow(self.tr("Field of view"))
        self._fov_question = _Question()
        title = QHBoxLayout()
        title.addWidget(heading(self.tr("Labels")), 1)
        swap = QToolButton()
        swap.setDefaultAction(actions["swap_labels"])
        swap.setIconSize(QSize(16, 16))
        swap.setAutoRaise(True)
        swap.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        swap.setAccessibleName(actions["swap_labels"].iconText())
        title.addWidget(swap)
        self._hint = faded(
            self.tr("Load an expert's label (Ctrl+L) or drop its file here to see how good the mask is.")
        )
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 10, 12, 4)
        column.setSpacing(4)
        column.addLayout(title)
        for expert, (row, question) in enumerate(zip(self._rows, self._questions, strict=True)):
            column.addWidget(row)
            column.addWidget(question)
            row.dropped.connect(partial(self.dropped.emit, expert))
        column.addWidget(self._fov)
        column.addWidget(self._fov_question)
        column.addWidget(self._hint)
        self._fov.dropped.connect(partial(self.dropped.emit, None))
        menu = self._fov.new_menu()
        menu.addAction(self.tr("Choose Mask File..."), self.fovFileRequested.emit)
        menu.addAction(self.tr("Estimate from the Photograph"), partial(self.fovRequested.emit, FovChoice()))
        menu.addAction(self.tr("Whole Image"), partial(self.fovRequested.emit, FovChoice("full")))
        self._slots: LabelSlots = NO_LABELS
        for expert in EXPERTS:
            self._show_slot(expert, None)
        self._show_fov(None)
        state.events.document.connect(self._show_document)
        self._show_document()

    def _role(self, expert: int) -> str:
        return self.tr("Expert {number}").format(number=expert + 1)

    def _show_document(self) -> None:
        document = self._state.document
        self.setEnabled(document is not None)
        slots, fov = (document.labels, document.fov) if document is not None else (NO_LABELS, None)
        before, self._slots = self._slots, slots
        for expert, slot in enumerate(slots):
            if slot != before[expert]:  # often a result has come, or a correction: nothing that is shown here
                self._show_slot(expert, slot)
        self._hint.setVisible(slots == (None, None))
        self._show_fov(fov)

    def _show_slot(self, expert: int, slot: LabelSlot | None) -> None:
        row, question = self._rows[expert], self._questions[expert]
        if slot is None:
            row.show_file("", self.tr("no label"))
        else:
            notes = [str(slot.file.path)]
            notes += [self.tr("Found by its name.")] if slot.file.found else []
            notes += [self.tr("Inverted: dark is vessel.")] if slot.file.inverted else []
            notes += [doubt.sentence for doubt in slot.doubts]
            name = self._shown_name(slot).format(name=display_path(slot.file.path.name))
            row.show_file(name, "\n".join(notes), in_use=slot.label is not None)
        menu = row.new_menu()
        menu.addAction(self.tr("Choose File..."), partial(self.loadRequested.emit, expert))
        if slot is None or not slot.file.found:
            menu.addAction(self.tr("Find by Name"), partial(self.findRequested.emit, expert))
        if slot is not None:
            menu.addAction(self.tr("Use as Field of View"), partial(self.useAsFovRequested.emit, expert))
            if slot.label is not None:
                text = self.tr("Take Bright for Vessel") if slot.file.inverted else self.tr("Take Dark for Vessel")
                menu.addAction(text, partial(self.acceptRequested.emit, expert, not slot.file.inverted))
            if slot.found or slot.file.reading.values is not None:
                menu.addAction(self.tr("Choose Values..."), partial(self._ask_for_values, expert))
            if slot.file.reading != AS_IT_IS:
                menu.addAction(self.tr("Read as It Is"), partial(self.readingRequested.emit, expert, AS_IT_IS))
            menu.addAction(self.tr("Remove"), partial(self.removeRequested.emit, expert))
        self._show_question(question, expert, slot)

    def _shown_name(self, slot: LabelSlot) -> str:
        """A pattern with the file's ``name`` and how it is read."""
        said = [self.tr("inverted")] if slot.file.inverted else []
        values = slot.file.reading.values
        if values is not None:
            said.append(self.tr("vessel {values}").format(values=values.vessel_text))
        said += [self.tr("turned")] if slot.file.reading.turn != 1 else []
        return f"{{name}} ({', '.join(said)})" if said else "{name}"

    def _ask_for_values(self, expert: int) -> None:
        document = self._state.document
        slot = document.labels[expert] if document is not None else None
        if slot is None:
            return
        dialog = LabelValuesDialog(display_path(slot.file.path.name), slot.found, slot.file.reading.values, self)
        if dialog.exec():
            self.readingRequested.emit(expert, replace(slot.file.reading, values=dialog.values()))

    def _show_question(self, question: "_Question", expert: int, slot: LabelSlot | None) -> None:
        if slot is None or (slot.label is not None and not slot.warnings):
            question.hide()
            return
        question.ask(slot.problem or " ".join(slot.warnings or (doubt.sentence for doubt in slot.doubts)))
        kinds = {doubt.kind for doubt in slot.doubts}
        if "values" in kinds:
            question.offer(self.tr("Choose Values..."), partial(self._ask_for_values, expert))
        if slot.turn != 1:
            turned = replace(slot.file.reading, turn=slot.turn)
            question.offer(self.tr("Turn It"), partial(self.readingRequested.emit, expert, turned))
        if slot.usable and "inverted" in kinds and slot.label is None:
            question.offer(self.tr("Invert"), partial(self.acceptRequested.emit, expert, True))
            question.offer(self.tr("It Is the Field of View"), partial(self.useAsFovRequested.emit, expert))
        if slot.usable and slot.label is None:
            text = self.tr("Cut at Half") if kinds == {"grey"} else self.tr("Use as It Is")
            question.offer(text, partial(self.acceptRequested.emit, expert, False))
        question.offer(self.tr("Choose Another..."), partial(self.loadRequested.emit, expert))
        question.offer(self.tr("Remove"), partial(self.removeRequested.emit, expert))
        question.show()

    def _show_fov(self, fov: FieldOfView | None) -> None:
        words = {
            "estimated": self.tr("estimated"),
            "full": self.tr("whole image"),
            "edited": self.tr("edited by hand"),
            "file": self.tr("from a file"),
        }
        if fov is None:
            self._fov.show_file("", self.tr("none"))
        elif fov.source is not None:
            self._fov.show_file(display_path(fov.source.name), display_path(fov.source))
        else:
            self._fov.show_file("", words[fov.origin])
        self._show_fov_question(fov)

    def _show_fov_question(self, fov: FieldOfView | None) -> None:
        """What is doubtful about the field of view, for as long as it is used."""
        question = self._fov_question
        # Those about the photograph are in the Segmentation panel; here are those that another mask could cure.
        doubts = [doubt for doubt in fov.doubts if doubt.kind in _MASK_DOUBTS] if fov is not None else []
        question.setVisible(bool(doubts))
        if fov is None or not doubts:
            return
        question.ask(" ".join(doubt.text for doubt in doubts))
        if fov.origin == "file":
            question.offer(self.tr("Estimate It"), partial(self.fovRequested.emit, FovChoice()))
        question.offer(self.tr("Choose Mask..."), self.fovFileRequested.emit)


class _RoleRow(QWidget):
    """A role, its file, and a menu; takes a file that is dropped on it."""

    dropped = Signal(Path)

    def __init__(self, role: str) -> None:
        super().__init__()
        self._role = role
        self.setAcceptDrops(True)
        caption = QLabel(role)
        caption.setFixedWidth(86)
        self._name = ElidedLabel()
        self._button = QToolButton()
        self._button.setAutoRaise(True)
        self._button.setIconSize(QSize(16, 16))
        self._button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self._button.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self._button.setAccessibleName(self.tr("File of {role}").format(role=role))
        self._button.setToolTip(self.tr("Choose, change or remove the file"))
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(caption)
        row.addWidget(self._name, 1)
        row.addWidget(self._button)
        self._tint()

    def show_file(self, name: str, about: str, *, in_use: bool = True) -> None:
        """The file's name, or, without one, what there is instead."""
        self._name.set_full_text(name or about)
        self._name.setToolTip(about)
        self._name.setAccessibleName(f"{self._role}: {name or about}")
        plain = QPalette.ColorRole.WindowText if name and in_use else QPalette.ColorRole.PlaceholderText
        self._name.setForegroundRole(plain)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._tint()

    def _tint(self) -> None:
        self._button.setIcon(icons.icon("more"))

    def new_menu(self) -> QMenu:
        """An empty menu in place of the last one."""
        old = self._button.menu()
        menu = QMenu(self._button)
        self._button.setMenu(menu)
        if old is not None:
            old.deleteLater()
        return menu

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if len([url for url in event.mimeData().urls() if url.isLocalFile()]) == 1:
            self._name.setBackgroundRole(QPalette.ColorRole.Highlight)
            self._name.setAutoFillBackground(True)
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._name.setAutoFillBackground(False)

    def dropEvent(self, event: QDropEvent) -> None:
        self._name.setAutoFillBackground(False)
        event.acceptProposedAction()
        self.dropped.emit(Path(event.mimeData().urls()[0].toLocalFile()))


class _Question(QFrame):
    """A sentence about a doubtful file with its answers, in the panel: nothing stops, the file just waits."""

    def __init__(self) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.StyledPanel)
        badge = QLabel()
        badge.setPixmap(icons.icon("warning").pixmap(QSize(18, 18)))
        self._badge = badge
        self._text = QLabel()
        self._text.setWordWrap(True)
        self._text.setTextFormat(Qt.TextFormat.PlainText)
        self._text.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._answers = QGridLayout()
        self._answers.setSpacing(4)
        line = QHBoxLayout()
        line.addWidget(badge, 0, Qt.AlignmentFlag.AlignTop)
        line.addWidget(self._text, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 6)
        column.setSpacing(6)
        column.addLayout(line)
        column.addLayout(self._answers)
        self.hide()

    def ask(self, sentence: str) -> None:
        """A new question, without answers yet."""
        self._badge.setPixmap(icons.icon("warning").pixmap(QSize(18, 18)))
        self._text.setText(sentence)
        while (item := self._answers.takeAt(0)) is not None:
            widget = item.widget()
            if widget is not None:
                widget.hide()
                widget.deleteLater()

    def offer(self, text: str, request: Callable[[], object]) -> None:
        """One more answer."""
        button = QPushButton(text)
        button.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        button.clicked.connect(lambda _checked=False: request())
        number = self._answers.count()
        self._answers.addWidget(button, number // 2, number % 2)
        button.show()  # now: a layout shows its new children only after a while
