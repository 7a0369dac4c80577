"""The lines of the photograph list: what each one says, and how it is painted."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from PySide6.QtCore import (
    QAbstractListModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QRect,
    QSize,
    Qt,
)
from PySide6.QtGui import QColor, QImage, QPainter, QPalette, QPen, QPixmap
from PySide6.QtWidgets import (
    QStyle,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QWidget,
)

from core.files import display_path
from core.types import ByteArray
from serr_gui.model.annotating import time_text
from serr_gui.model.selectors import Stale, list_names
from serr_gui.model.state import PhotoItem
from serr_gui.widgets import icons

PICTURE_PX: Final = 96
MARGIN_PX: Final = 6

ItemRole: Final = Qt.ItemDataRole.UserRole
PictureRole: Final = Qt.ItemDataRole.UserRole + 1
OutdatedRole: Final = Qt.ItemDataRole.UserRole + 2
_GROUND: Final = QColor(20, 24, 26, 215)
_DONE: Final = QColor(0, 105, 60, 245)
_DONE_OPACITY: Final = 0.55
_OUTDATED: Final = QColor(176, 92, 0, 240)
"""Amber under the white mark of an outdated result; the mark differs, too, for eyes that do not tell colours apart."""

Index = QModelIndex | QPersistentModelIndex


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
        old, names = self._items, self._names
        if not old or [item.path for item in old] != [item.path for item in items[: len(old)]]:
            self.beginResetModel()
            self._items, self._names = items, list_names(items)
            kept = {item.path for item in items}
            self._pictures = {path: picture for path, picture in self._pictures.items() if path in kept}
            self.endResetModel()
            return
        if len(items) > len(old):
            self.beginInsertRows(QModelIndex(), len(old), len(items) - 1)
            self._items, self._names = items, list_names(items)
            self.endInsertRows()
        self._items = items
        for row, (before, after) in enumerate(zip(old, items, strict=False)):
            if before is not after or names[after.path] != self._names[after.path]:
                self.dataChanged.emit(self.index(row), self.index(row))

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
            self.dataChanged.emit(self.index(row), self.index(row), [PictureRole])

    def item(self, row: int) -> PhotoItem:
        return self._items[row]

    def path(self, row: int) -> Path:
        return self._items[row].path

    def needs_picture(self, row: int) -> bool:
        return self._items[row].path not in self._pictures

    def rowCount(self, parent: Index | None = None) -> int:
        return 0 if parent is not None and parent.isValid() else len(self._items)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        item = self._items[index.row()]
        words: dict[int, Callable[[], object]] = {
            Qt.ItemDataRole.DisplayRole: lambda: display_path(self._names[item.path]),
            Qt.ItemDataRole.ToolTipRole: lambda: "\n".join([display_path(item.path), *self._marks_in_words(item)]),
            Qt.ItemDataRole.AccessibleTextRole: lambda: ", ".join(
                [display_path(item.path.name), *self._marks_in_words(item)]
            ),
            ItemRole: lambda: item,
            OutdatedRole: lambda: bool(self._outdated.get(item.path)),
            PictureRole: lambda: self._pictures.get(item.path),
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
        marks += self._observers_marks(item)
        if item.problem:
            marks.append(item.problem)
        marks += [self.tr("doubtful: {why}").format(why=doubt.text) for doubt in item.doubts]
        return marks

    def _observers_marks(self, item: PhotoItem) -> list[str]:
        words = []
        if item.marks.done:
            words.append(self.tr("done"))
        if item.marks.doubtful:
            words.append(self.tr("marked as doubtful"))
        if item.corrected:
            words.append(self.tr("corrected by hand"))
        if item.marks.seconds:
            words.append(self.tr("{time} of work").format(time=time_text(item.marks.seconds)))
        if item.marks.note:
            words.append(self.tr("note: {text}").format(text=item.marks.note))
        return words


class PhotoDelegate(QStyledItemDelegate):
    """A thumbnail with its name below, and marks in its corner."""

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        height = PICTURE_PX + option.fontMetrics.height() + 3 * MARGIN_PX
        return QSize(PICTURE_PX + 2 * MARGIN_PX, height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        palette: QPalette = option.palette
        rect: QRect = option.rect
        state = option.state
        item, picture = index.data(ItemRole), index.data(PictureRole)
        name = str(index.data())
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.SmoothPixmapTransform)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        selected = bool(state & QStyle.StateFlag.State_Selected)
        if selected:
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(palette.color(QPalette.ColorRole.Highlight))
            painter.drawRoundedRect(rect.adjusted(2, 2, -2, -2), 4, 4)
        frame = QRect(0, 0, PICTURE_PX, PICTURE_PX)
        frame.moveCenter(QPoint(rect.center().x(), rect.top() + MARGIN_PX + PICTURE_PX // 2))
        painter.setOpacity(_DONE_OPACITY if item.marks.done else 1.0)  # what is left is what one looks for
        self._paint_picture(painter, frame, picture, palette)
        painter.setOpacity(1.0)
        self._paint_marks(painter, frame, item, is_outdated=index.data(OutdatedRole))
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
            ground = _OUTDATED if name == "reset" else _GROUND
            self._paint_badge(painter, QRect(x, frame.top() + 2, side, side), name, ground)
            x -= side + 3
        if item.unsaved:
            self._paint_badge(painter, QRect(x, frame.top() + 2, side, side), "export")
        self._paint_observers_marks(painter, frame, item, side)

    def _paint_observers_marks(self, painter: QPainter, frame: QRect, item: PhotoItem, side: int) -> None:
        """Along the lower edge: done, doubtful, a note, corrected by hand."""
        marks = (
            ("done", item.marks.done, _DONE),
            ("doubtful", item.marks.doubtful, _OUTDATED),
            ("note", bool(item.marks.note), _GROUND),
            ("brush", item.corrected, _GROUND),
        )
        x = frame.left() + 2
        for name, is_set, ground in marks:
            if is_set:
                self._paint_badge(painter, QRect(x, frame.bottom() - side - 2, side, side), name, ground)
                x += side + 3

    def _paint_badge(self, painter: QPainter, place: QRect, name: str, ground: QColor = _GROUND) -> None:
        painter.setPen(QColor(255, 255, 255, 200))
        painter.setBrush(ground)
        painter.drawEllipse(place)
        device = painter.device()
        ratio = device.devicePixelRatioF() if device is not None else 1.0
        picture = icons.pixmap(name, round(14 * ratio), QColor("#ffffff"))
        picture.setDevicePixelRatio(ratio)
        painter.drawPixmap(place.left() + 2, place.top() + 2, picture)
