"""The folder strip: the open photographs with thumbnails and marks for what is done and what is not exported."""

from pathlib import Path
from typing import Final

from PySide6.QtCore import (
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPoint,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QGridLayout,
    QLabel,
    QLineEdit,
    QListView,
    QMenu,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.types import ByteArray
from serr_gui.actions.qactions import Actions
from serr_gui.model.annotating import progress
from serr_gui.model.selectors import listed, outdated
from serr_gui.model.state import AppState, ListOrder, ListShow
from serr_gui.widgets.photo_list import MARGIN_PX, PICTURE_PX, PhotoDelegate, PhotoListModel
from serr_gui.widgets.photo_marks import MarksForm

_REQUEST_DELAY_MS: Final = 60


class PhotosPanel(QWidget):
    """The strip, with what filters and sorts it above, and the marks of the chosen photograph below.

    ``selectRequested`` carries a line's number, ``thumbnailsRequested`` paths in sight without a picture. What is asked
    for the selected lines carries their paths, and whether a mark is set or taken away.
    """

    selectRequested = Signal(int)
    thumbnailsRequested = Signal(list)
    segmentRequested = Signal(list)
    exportRequested = Signal(list)
    removeRequested = Signal(list)
    folderRequested = Signal(Path)
    filterRequested = Signal(str)
    orderRequested = Signal(str)
    showRequested = Signal(str)
    doneRequested = Signal(list, bool)
    doubtfulRequested = Signal(list, bool)

    def __init__(self, state: AppState, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._model = PhotoListModel(self)
        self._list = QListView()
        self._list.setModel(self._model)
        self._list.setItemDelegate(PhotoDelegate(self._list))
        self._list.setUniformItemSizes(True)
        self._list.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self._list.setViewMode(QListView.ViewMode.IconMode)
        self._list.setResizeMode(QListView.ResizeMode.Adjust)
        self._list.setMovement(QListView.Movement.Static)
        self._list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self._list.setSelectionRectVisible(True)
        self._list.setSpacing(2)
        self._list.setFrameShape(QListView.Shape.NoFrame)
        self._list.setAccessibleName(self.tr("Open photographs"))
        self._list.setMinimumWidth(PICTURE_PX + 2 * MARGIN_PX + 24)
        self._list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._list.customContextMenuRequested.connect(self._on_menu_requested)
        self._list.installEventFilter(self)
        self._summary = QLabel()
        self._summary.setContentsMargins(8, 4, 8, 4)
        self._summary.setWordWrap(True)
        self._tools = self._make_tools()
        self.marks = MarksForm(state, (actions["mark_done"], actions["mark_doubtful"]))
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._tools)
        column.addWidget(self._list, 1)
        column.addWidget(self._summary)
        column.addWidget(self.marks)

        # Thumbnails are made for what is in sight, a moment after scrolling has stopped.
        self._request_timer = QTimer(self)
        self._request_timer.setSingleShot(True)
        self._request_timer.setInterval(_REQUEST_DELAY_MS)
        self._request_timer.timeout.connect(self._request_pictures)
        self._list.verticalScrollBar().valueChanged.connect(self._request_timer.start)
        self._list.viewport().installEventFilter(self)
        self._list.selectionModel().currentChanged.connect(self._on_current_changed)

        state.events.photos.connect(self._on_photos_changed)
        state.events.model.connect(self._show_outdated)
        state.events.current.connect(self._on_state_current_changed)
        state.events.list_filter.connect(self._show_filter)
        state.events.list_show.connect(self._show_filter)
        self._on_photos_changed()

    def _make_tools(self) -> QWidget:
        self._filter = QLineEdit()
        self._filter.setPlaceholderText(self.tr("Filter"))
        self._filter.setAccessibleName(self.tr("Filter the photographs by name or folder"))
        self._filter.setToolTip(self.tr("List only photographs with these words in their name or folder"))
        self._filter.setClearButtonEnabled(True)
        self._filter.setMinimumWidth(40)
        self._filter.textChanged.connect(self.filterRequested)
        sort = QToolButton()
        sort.setText(self.tr("Sort"))
        sort.setAccessibleName(self.tr("Sort the photographs"))
        sort.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        sort.setAutoRaise(True)
        menu = QMenu(sort)
        orders: tuple[tuple[ListOrder, str], ...] = (
            ("opened", self.tr("As &Opened")),
            ("name", self.tr("By &Name")),
            ("new", self.tr("&Not Segmented First")),
            ("done", self.tr("&Segmented First")),
            ("worst", self.tr("&Worst F1 First")),
            ("undone", self.tr("Not &Done First")),
            ("corrected", self.tr("&Corrected First")),
            ("doubtful", self.tr("Do&ubtful First")),
        )
        for order, text in orders:
            menu.addAction(text).triggered.connect(lambda _on=False, order=order: self.orderRequested.emit(order))
        sort.setMenu(menu)
        self._show_box = QComboBox()
        self._show_box.setAccessibleName(self.tr("Which photographs are listed"))
        self._show_box.setToolTip(self.tr("List only photographs with this mark"))
        self._show_box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self._show_box.setMinimumContentsLength(6)
        kinds: tuple[tuple[ListShow, str], ...] = (
            ("all", self.tr("All")),
            ("undone", self.tr("Not done")),
            ("done", self.tr("Done")),
            ("corrected", self.tr("Corrected by hand")),
            ("doubtful", self.tr("Doubtful")),
            ("noted", self.tr("With a note")),
        )
        for which, text in kinds:
            self._show_box.addItem(text, which)
        self._show_box.activated.connect(lambda row: self.showRequested.emit(self._show_box.itemData(row)))
        tools = QWidget()
        grid = QGridLayout(tools)
        grid.setContentsMargins(4, 2, 2, 2)
        grid.setSpacing(2)
        grid.addWidget(self._filter, 0, 0)
        grid.addWidget(sort, 0, 1)
        grid.addWidget(self._show_box, 1, 0, 1, 2)
        grid.setColumnStretch(0, 1)
        return tools

    def selected(self) -> list[Path]:
        """The selected photographs that are listed, from above."""
        rows = sorted(index.row() for index in self._list.selectionModel().selectedIndexes())
        return [self._model.path(row) for row in rows if not self._list.isRowHidden(row)]

    def make_menu(self) -> QMenu:
        """What can be done with the selected photographs."""
        paths = self.selected()
        done = [item.path for item in self._state.photos if item.status == "done" and item.path in set(paths)]
        idle, many = self._state.task is None, len(paths) > 1
        menu = QMenu(self)
        segment = menu.addAction(
            self.tr("&Segment {count} Photographs").format(count=len(paths)) if many else self.tr("&Segment")
        )
        segment.setEnabled(idle and self._state.model is not None)
        segment.triggered.connect(lambda: self.segmentRequested.emit(paths))
        export = menu.addAction(
            self.tr("&Export {count} Results...").format(count=len(done)) if many else self.tr("&Export...")
        )
        export.setEnabled(bool(done))
        export.triggered.connect(lambda: self.exportRequested.emit(done))
        menu.addSeparator()
        self._add_marks(menu, paths)
        menu.addSeparator()
        folder = menu.addAction(self.tr("Open &Folder"))
        folder.triggered.connect(lambda: self.folderRequested.emit(paths[0].parent))
        copy = menu.addAction(self.tr("&Copy Paths") if many else self.tr("&Copy Path"))
        copy.triggered.connect(lambda: QGuiApplication.clipboard().setText("\n".join(map(str, paths))))
        menu.addSeparator()
        remove = menu.addAction(self.tr("&Remove from List"))
        remove.setShortcut(QKeySequence(QKeySequence.StandardKey.Delete))
        remove.setToolTip(self.tr("The files stay on the disk"))
        remove.setEnabled(idle)
        remove.triggered.connect(lambda: self.removeRequested.emit(paths))
        return menu

    def _add_marks(self, menu: QMenu, paths: list[Path]) -> None:
        """Entries that mark the selected photographs, or take the mark away where all of them have it."""
        wanted = set(paths)
        marks = [item.marks for item in self._state.photos if item.path in wanted]
        all_done, all_doubtful = all(mark.done for mark in marks), all(mark.doubtful for mark in marks)
        done = menu.addAction(self.tr("Mark as Not &Done") if all_done else self.tr("Mark as &Done"))
        done.triggered.connect(lambda: self.doneRequested.emit(paths, not all_done))
        doubtful = menu.addAction(self.tr("Mark as Not Do&ubtful") if all_doubtful else self.tr("Mark as Do&ubtful"))
        doubtful.triggered.connect(lambda: self.doubtfulRequested.emit(paths, not all_doubtful))

    def _take_key(self, event: QKeyEvent) -> bool:
        """Delete takes the selected photographs out of the list, never off the disk."""
        if event.key() not in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            return False
        if self._state.task is None and self.selected():
            self.removeRequested.emit(self.selected())
        return True

    def _on_menu_requested(self, place: QPoint) -> None:
        if self.selected():
            menu = self.make_menu()
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(self._list.viewport().mapToGlobal(place))

    def set_thumbnail(self, path: Path, pixels: ByteArray | None) -> None:
        self._model.set_picture(path, pixels)

    def eventFilter(self, watched: object, event: QEvent) -> bool:
        if watched is self._list:
            return isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and self._take_key(event)
        if event.type() in (QEvent.Type.Resize, QEvent.Type.Show):
            self._request_timer.start()
        return False

    def _on_photos_changed(self) -> None:
        self._model.set_items(self._state.photos)
        self._show_outdated()
        self._show_filter()
        self._on_state_current_changed()
        self._request_timer.start()

    def _show_filter(self) -> None:
        """Hide the lines that the filter leaves out, and count."""
        state = self._state
        items, seen = state.photos, set(listed(state))
        if self._filter.text() != state.list_filter:
            self._filter.setText(state.list_filter)
        for row in range(len(items)):
            if self._list.isRowHidden(row) is (row in seen):
                self._list.setRowHidden(row, row not in seen)
        self._show_box.setCurrentIndex(self._show_box.findData(state.list_show))
        segmented = sum(item.status == "done" for item in items)
        text = self.tr("No photographs are open.")
        if items:
            text = self.tr("{done} of {count} segmented").format(done=segmented, count=len(items))
        now = progress(state)
        if now.done or now.doubtful:
            text = self.tr("{done} of {count} done").format(done=now.done, count=now.count) + f", {text}"
        if now.doubtful:
            text += ", " + self.tr("{count} doubtful").format(count=now.doubtful)
        if len(seen) < len(items):
            text += ", " + self.tr("{count} listed").format(count=len(seen))
        self._summary.setText(text)
        self._request_timer.start()

    def _show_outdated(self) -> None:
        state = self._state
        self._model.set_outdated({item.path: why for item in state.photos if (why := outdated(state, item))})

    def _on_state_current_changed(self) -> None:
        row = self._state.current
        selection = self._list.selectionModel()
        if self._list.currentIndex().row() == row:
            return
        selection.blockSignals(True)
        if 0 <= row < self._model.rowCount():
            self._list.selectionModel().setCurrentIndex(
                self._model.index(row), QItemSelectionModel.SelectionFlag.ClearAndSelect
            )
            self._list.scrollTo(self._model.index(row))
        else:
            self._list.clearSelection()
            self._list.setCurrentIndex(QModelIndex())
        selection.blockSignals(False)
        self._list.viewport().update()

    def _on_current_changed(self, current: QModelIndex, _previous: QModelIndex) -> None:
        if current.isValid() and current.row() != self._state.current:
            self.selectRequested.emit(current.row())

    def _request_pictures(self) -> None:
        seen = self._list.viewport().rect()
        seen.adjust(0, 0, 0, seen.height())  # and one page ahead
        rows = [row for row in range(self._model.rowCount()) if self._model.needs_picture(row)]
        wanted = [
            self._model.path(row) for row in rows if self._list.visualRect(self._model.index(row)).intersects(seen)
        ]
        if wanted:
            self.thumbnailsRequested.emit(wanted)
