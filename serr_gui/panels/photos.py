"""The folder strip: the open photographs with thumbnails and marks for what is done and what is not exported."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import (
    QAbstractListModel,
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
    QTimer,
    Signal,
)
from PySide6.QtGui import QColor, QGuiApplication, QImage, QKeyEvent, QKeySequence, QPainter, QPalette, QPen, QPixmap
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QListView,
    QMenu,
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from core.files import shown
from core.types import ByteArray
from serr_gui.model.selectors import Stale, list_names, listed, outdated
from serr_gui.model.state import AppState, ListOrder, PhotoItem
from serr_gui.widgets import icons

_PICTURE_PX: Final = 96
_MARGIN_PX: Final = 6
_REQUEST_DELAY_MS: Final = 60

_ItemRole: Final = Qt.ItemDataRole.UserRole
_PictureRole: Final = Qt.ItemDataRole.UserRole + 1
_OutdatedRole: Final = Qt.ItemDataRole.UserRole + 2
_GROUND: Final = QColor(20, 24, 26, 215)
_OUTDATED: Final = QColor(176, 92, 0, 240)
"""Amber under the white mark of an outdated result; the mark differs, too, for eyes that do not tell colours apart."""

_Index = QModelIndex | QPersistentModelIndex


class PhotoListModel(QAbstractListModel):
    """The lines of the state's list, and the thumbnails that have come so far."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._items: tuple[PhotoItem, ...] = ()
        self._names: dict[Path, str] = {}
        self._outdated: dict[Path, frozenset[Stale]] = {}
        self._pictures: dict[Path, QPixmap | None] = {}

    def set_outdated(self, reasons: dict[Path, frozenset[Stale]]) -> None:
        """For each photograph why its result is not what would be made now."""
        before, self._outdated = self._outdated, reasons
        for row, item in enumerate(self._items):
            if before.get(item.path) != reasons.get(item.path):
                self.dataChanged.emit(self.index(row), self.index(row))

    def set_items(self, items: tuple[PhotoItem, ...]) -> None:
        """Take over a new list; lines that stay are only refreshed, so that the view keeps its place."""
        old = self._items
        if [item.path for item in old] == [item.path for item in items]:
            self._items = items
            for row, (before, after) in enumerate(zip(old, items, strict=True)):
                if before is not after:
                    self.dataChanged.emit(self.index(row), self.index(row))
            return
        self.beginResetModel()
        self._items = items
        self._names = list_names(items)
        kept = {item.path for item in items}
        self._pictures = {path: picture for path, picture in self._pictures.items() if path in kept}
        self.endResetModel()

    def set_picture(self, path: Path, pixels: ByteArray | None) -> None:
        """A thumbnail, uint8 (h, w, 3), or None where the file cannot be read."""
        rows = [row for row, item in enumerate(self._items) if item.path == path]
        if not rows:
            return
        picture = None
        if pixels is not None:
            height, width = pixels.shape[:2]
            image = QImage(pixels.tobytes(), width, height, width * 3, QImage.Format.Format_RGB888)
            picture = QPixmap.fromImage(image)
        self._pictures[path] = picture
        for row in rows:
            self.dataChanged.emit(self.index(row), self.index(row), [_PictureRole])

    def item(self, row: int) -> PhotoItem:
        return self._items[row]

    def path(self, row: int) -> Path:
        return self._items[row].path

    def needs_picture(self, row: int) -> bool:
        return self._items[row].path not in self._pictures

    def rowCount(self, parent: _Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._items)

    def data(self, index: _Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        item = self._items[index.row()]
        words: dict[int, Callable[[], object]] = {
            Qt.ItemDataRole.DisplayRole: lambda: shown(self._names[item.path]),
            Qt.ItemDataRole.ToolTipRole: lambda: "\n".join([shown(item.path), *self._marks_in_words(item)]),
            Qt.ItemDataRole.AccessibleTextRole: lambda: ", ".join([shown(item.path.name), *self._marks_in_words(item)]),
            _ItemRole: lambda: item,
            _OutdatedRole: lambda: bool(self._outdated.get(item.path)),
            _PictureRole: lambda: self._pictures.get(item.path),
        }
        return words[role]() if role in words else None

    def _marks_in_words(self, item: PhotoItem) -> list[str]:
        words = {"new": self.tr("not segmented yet"), "done": self.tr("segmented"), "failed": self.tr("cannot be used")}
        marks = [words[item.status]]
        if item.status == "done" and item.made_by is not None:
            marks = [self.tr("segmented with {name}").format(name=item.made_by.model)]
        reasons = self._outdated.get(item.path, frozenset())
        if "model" in reasons:
            marks.append(self.tr("outdated: another model is chosen now"))
        if "fov" in reasons:
            marks.append(self.tr("outdated: another field of view is chosen now"))
        if "averaging" in reasons:
            marks.append(self.tr("outdated: flips are averaged otherwise now"))
        if item.unsaved:
            marks.append(self.tr("not exported yet"))
        if item.problem:
            marks.append(item.problem)
        marks += [self.tr("doubtful: {why}").format(why=doubt.text) for doubt in item.doubts]
        return marks


class _PhotoDelegate(QStyledItemDelegate):
    """A thumbnail with its name below, and marks in its corner."""

    def sizeHint(self, option: QStyleOptionViewItem, index: _Index) -> QSize:
        height = _PICTURE_PX + option.fontMetrics.height() + 3 * _MARGIN_PX
        return QSize(_PICTURE_PX + 2 * _MARGIN_PX, height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: _Index) -> None:
        palette: QPalette = option.palette
        rect: QRect = option.rect
        state = option.state
        item, picture = index.data(_ItemRole), index.data(_PictureRole)
        name = str(index.data())
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(palette.color(QPalette.ColorRole.Highlight))
            painter.drawRoundedRect(rect.adjusted(2, 2, -2, -2), 4, 4)
        frame = QRect(0, 0, _PICTURE_PX, _PICTURE_PX)
        frame.moveCenter(QPoint(rect.center().x(), rect.top() + _MARGIN_PX + _PICTURE_PX // 2))
        self._paint_picture(painter, frame, picture, palette)
        self._paint_marks(painter, frame, item, is_outdated=index.data(_OutdatedRole))
        role = QPalette.ColorRole.HighlightedText if selected else QPalette.ColorRole.Text
        painter.setPen(palette.color(role))
        line = QRect(rect.left() + 6, frame.bottom() + 3, rect.width() - 12, option.fontMetrics.height() + 2)
        name = option.fontMetrics.elidedText(name, Qt.TextElideMode.ElideMiddle, line.width())
        painter.drawText(line, Qt.AlignmentFlag.AlignCenter, name)
        if state & QStyle.StateFlag.State_HasFocus and state & QStyle.StateFlag.State_KeyboardFocusChange:
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.setPen(QPen(palette.color(QPalette.ColorRole.Text), 1, Qt.PenStyle.DotLine))
            painter.drawRect(rect.adjusted(1, 1, -2, -2))
        painter.restore()

    def _paint_picture(self, painter: QPainter, frame: QRect, picture: QPixmap | None, palette: QPalette) -> None:
        if picture is None:
            painter.setPen(palette.color(QPalette.ColorRole.Mid))
            painter.setBrush(palette.color(QPalette.ColorRole.AlternateBase))
            painter.drawRoundedRect(frame.adjusted(1, 1, -1, -1), 3, 3)
            return
        place = QRect(QPoint(0, 0), picture.size().scaled(frame.size(), Qt.AspectRatioMode.KeepAspectRatio))
        place.moveCenter(frame.center())
        painter.drawPixmap(place, picture)

    def _paint_marks(self, painter: QPainter, frame: QRect, item: PhotoItem, *, is_outdated: bool) -> None:
        """A tick for segmented, a turning arrow where that is outdated, a warning sign for what cannot be used, and a
        filled dot for not exported."""
        names = {"done": "reset" if is_outdated else "success", "failed": "warning", "new": ""}
        marks = [names[item.status]] if names[item.status] else []
        if item.doubts and item.status != "failed":
            marks.append("warning")
        side, x = 18, frame.right() - 20
        for name in marks:
            ground = _OUTDATED if is_outdated else _GROUND
            self._paint_badge(painter, QRect(x, frame.top() + 2, side, side), name, ground)
            x -= side + 3
        if item.unsaved:
            self._paint_badge(painter, QRect(x, frame.top() + 2, side, side), "export")

    def _paint_badge(self, painter: QPainter, place: QRect, name: str, ground: QColor = _GROUND) -> None:
        painter.setPen(QColor(255, 255, 255, 200))
        painter.setBrush(ground)
        painter.drawEllipse(place)
        device = painter.device()
        ratio = device.devicePixelRatioF() if device is not None else 1.0
        picture = icons.pixmap(name, round(14 * ratio), QColor("#ffffff"))
        picture.setDevicePixelRatio(ratio)
        painter.drawPixmap(place.left() + 2, place.top() + 2, picture)


class PhotosPanel(QWidget):
    """The strip, with a field that filters it and a box that sorts it.

    ``selectRequested`` carries a line's number, ``thumbnailsRequested`` paths in sight without a picture. What is asked
    for the selected lines carries their paths.
    """

    selectRequested = Signal(int)
    thumbnailsRequested = Signal(list)
    segmentRequested = Signal(list)
    exportRequested = Signal(list)
    removeRequested = Signal(list)
    folderRequested = Signal(Path)
    filterRequested = Signal(str)
    orderRequested = Signal(str)

    def __init__(self, state: AppState, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._model = PhotoListModel(self)
        self._list = QListView()
        self._list.setModel(self._model)
        self._list.setItemDelegate(_PhotoDelegate(self._list))
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
        self._list.setMinimumWidth(_PICTURE_PX + 2 * _MARGIN_PX + 24)
        self._list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self._list.customContextMenuRequested.connect(self._on_menu_requested)
        self._list.installEventFilter(self)
        self._summary = QLabel()
        self._summary.setContentsMargins(8, 4, 8, 4)
        self._summary.setWordWrap(True)
        self._tools = self._make_tools()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self._tools)
        column.addWidget(self._list, 1)
        column.addWidget(self._summary)

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
        )
        for order, text in orders:
            menu.addAction(text).triggered.connect(lambda _on=False, order=order: self.orderRequested.emit(order))
        sort.setMenu(menu)
        tools = QWidget()
        row = QHBoxLayout(tools)
        row.setContentsMargins(4, 2, 2, 2)
        row.setSpacing(2)
        row.addWidget(self._filter, 1)
        row.addWidget(sort)
        return tools

    def selected(self) -> list[Path]:
        """The selected photographs that are listed, from above."""
        rows = sorted(index.row() for index in self._list.selectionModel().selectedIndexes())
        return [self._model.path(row) for row in rows if not self._list.isRowHidden(row)]

    def make_menu(self) -> QMenu:
        """What can be done with the selected photographs."""
        paths = self.selected()
        done = [item.path for item in self._state.photos if item.status == "done" and item.path in set(paths)]
        idle, many = self._state.job is None, len(paths) > 1
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

    def _take_key(self, event: QKeyEvent) -> bool:
        """Delete takes the selected photographs out of the list, never off the disk."""
        if event.key() not in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            return False
        if self._state.job is None and self.selected():
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
        done = sum(item.status == "done" for item in items)
        text = self.tr("No photographs are open.")
        if items:
            text = self.tr("{done} of {count} segmented").format(done=done, count=len(items))
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
