"""What is painted: the photograph with its overlays at a zoom and place, and a threshold that follows the slider."""

import numpy as np
from PySide6.QtCore import QPointF, QRect, QRectF, QSize, Qt
from PySide6.QtGui import (
    QPainter,
    QPaintEvent,
    QPalette,
    QPen,
)
from PySide6.QtWidgets import QWidget

from core.threshold_rule import LEVELS
from core.types import BoolArray, ByteArray
from serr_gui.canvas.layers import EDIT_COLOURS, QUESTIONABLE_COLOUR, Layers
from serr_gui.canvas.legend import paint_legend
from serr_gui.canvas.mark_painting import paint_marks
from serr_gui.canvas.overlays import ErrorStyle, OverlayStyle, Tone, error_colours
from serr_gui.canvas.prepared import Prepared
from serr_gui.canvas.resampling import Box, device_box, zoomed_size
from serr_gui.canvas.vessel_marks import CLASS_COLOURS, VesselClasses, VesselMarks
from serr_gui.canvas.wipe import Wipe
from serr_gui.canvas.wipe_line import WipeLine, paint_wipe
from serr_gui.canvas.zoomed_view import ZoomedView

_WAITING_OPACITY = 0.25


class PictureView(ZoomedView):
    """Paints a fundus photograph, its vessel map, mask and error map, and the outline of its field of view.

    All arrays have the photograph's height and width and are not copied: do not change them afterwards, but for the
    level map with ``refresh_levels``.
    ``PhotoView`` adds mouse and keys.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._layers = Layers()
        self._hint = ""
        self._waiting = False
        self._marked: tuple[int, int, int, int] | None = None
        self._classes: VesselClasses | None = None
        self._vessel_marks: VesselMarks | None = None
        self._wipe: Wipe | None = None
        self._wipe_line = WipeLine()
        self.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        self.setMinimumSize(80, 80)

    # What is shown

    def set_photo(self, rgb: ByteArray | None) -> None:
        """Show another photograph, uint8 (H, W, 3), fitted and without overlays; None empties the view."""
        if rgb is not None:
            if rgb.dtype != np.uint8 or rgb.ndim != 3 or rgb.shape[2] != 3:
                raise ValueError(f"a photograph is uint8 (H, W, 3), not {rgb.dtype} {rgb.shape}")
            rgb = np.ascontiguousarray(rgb)
        self._photo = rgb
        self._waiting = False
        self._layers.set_base(rgb)
        self._layers.set_levels(None)
        self._layers.set_fov(None)
        self._layers.set_errors(None, None)
        self._forget_marks()
        self._geometry.set_image(*((0, 0) if rgb is None else (rgb.shape[1], rgb.shape[0])))
        self._view_changed()

    def set_prepared(self, prepared: Prepared | None) -> None:
        """What was made already of the pictures that are set from now on."""
        self._layers.prepared = prepared

    def set_base(self, pixels: ByteArray | None) -> None:
        """Show another picture of the same photograph, uint8 (H, W, 3) or (H, W); None: the photograph itself."""
        pixels = self._photo if pixels is None else pixels
        self._check_shape(pixels, "The picture")
        self._layers.set_base(pixels)
        self.update()

    def set_wipe(self, wipe: Wipe | None) -> None:
        """Show another picture of the same extent right of a line that can be moved; None takes it away."""
        scale = 1
        if wipe is not None:
            if self._photo is None:
                raise ValueError("The picture of a wipe has no photograph to lie on")
            scale = wipe.scale_on((self._photo.shape[0], self._photo.shape[1]))
        self._wipe = wipe
        self._layers.set_wiped(None if wipe is None else wipe.pixels, scale)
        self.update()

    @property
    def has_wipe(self) -> bool:
        """Whether the line of a wipe is seen."""
        return self._wipe is not None and self._layers.overlay_visible and not self._waiting

    def set_levels(self, levels: ByteArray | None) -> None:
        """Lay a level map, uint8 (H, W), over the photograph (``ProbabilityMap.levels``); None takes it away."""
        self._check_shape(levels, "The level map")
        self._layers.set_levels(levels)
        self.update()

    def refresh_levels(self, box: tuple[int, int, int, int]) -> None:
        """The level map has changed in place inside a box (top, left, bottom, right): show that part again."""
        if self._photo is None:
            return
        place: Box = (box[1], box[0], box[3], box[2])
        self._layers.refresh_levels(place)
        left, top = self._geometry.origin
        part, ratio = device_box(place, self._geometry.zoom), self.devicePixelRatioF()
        area = QRectF(left + part[0], top + part[1], part[2] - part[0], part[3] - part[1])
        area.adjust(-4, -4, 4, 4)  # the rim of the error map
        self.update(QRectF(area.topLeft() / ratio, area.size() / ratio).toAlignedRect())

    def set_edits(self, codes: ByteArray | None) -> None:
        """Which pixels a hand has decided, codes of ``core.masks.edits``; ``refresh_levels`` tells of changes, too."""
        self._check_shape(codes, "The edits")
        self._layers.edits.set_codes(codes)
        self.update()

    def set_questionable(self, layer: ByteArray | None) -> None:
        """Which pixels are questionable, uint8 (H, W), 1 for those."""
        self._check_shape(layer, "The questionable layer")
        self._layers.questionable.set_codes(layer)
        self.update()

    def refresh_questionable(self, box: tuple[int, int, int, int]) -> None:
        """That layer has changed in place inside a box (top, left, bottom, right)."""
        self._layers.questionable.refresh((box[1], box[0], box[3], box[2]))
        self.update()

    def set_vessel_classes(self, classes: VesselClasses | None) -> None:
        """Paint vessels in the colours of a measure, in place of the mask; None paints the mask."""
        self._check_shape(None if classes is None else classes.codes, "The classes of vessels")
        self._classes = classes
        self._layers.classes.set_codes(None if classes is None else classes.codes)
        self.update()

    def set_vessel_marks(self, marks: VesselMarks | None) -> None:
        """Vessels that are chosen or marked, and the zones around the optic disc."""
        self._vessel_marks = marks
        self.update()

    def shown_vessel_marks(self) -> VesselMarks | None:
        """What ``set_vessel_marks`` was given, where it is painted."""
        return self._vessel_marks if self._layers.overlay_visible else None

    def show_layers(self, *, edits: bool, questionable: bool) -> None:
        """Which of the two layers are painted."""
        if (edits, questionable) != (self._layers.shows_edits, self._layers.shows_questionable):
            self._layers.shows_edits, self._layers.shows_questionable = edits, questionable
            self.update()

    def shown_questionable(self) -> ByteArray | None:
        """The questionable layer that is painted, uint8 (H, W); None without one."""
        return self._layers.questionable.codes if self._layers.shows_questionable else None

    def set_fov(self, inside: BoolArray | None) -> None:
        """Outline this field of view, bool (H, W); None takes the outline away."""
        self._check_shape(inside, "The field of view")
        self._layers.set_fov(inside)
        self.update()

    def set_errors(self, levels: ByteArray | None, drawn: ByteArray | None, region: BoolArray | None = None) -> None:
        """What the error map compares (``Layers.set_errors``); None takes it away."""
        self._check_shape(levels, "The level map")
        self._check_shape(drawn, "The label")
        self._layers.set_errors(levels, drawn, region)
        self.update()

    def set_error_style(self, style: ErrorStyle | None) -> None:
        """Show the error map in place of the mask; None shows the mask."""
        if style != self._layers.error_style:
            self._layers.error_style = style
            self.update()

    def set_marked(self, box: tuple[int, int, int, int] | None) -> None:
        """Draw a frame around a part of the photograph: top, left, bottom and right, the last two exclusive."""
        if box != self._marked:
            self._marked = box
            self.update()

    def set_threshold_level(self, level: int) -> None:
        """Vessel is where the level is at least this, 1 to 255."""
        if not 1 <= level <= LEVELS - 1:
            raise ValueError(f"threshold level must be 1 to {LEVELS - 1}, not {level}")
        if level != self._layers.threshold_level:
            self._layers.threshold_level = level
            self.update()

    def set_overlay_style(self, style: OverlayStyle) -> None:
        if style != self._layers.style:
            self._layers.style = style
            self.update()

    def set_tone(self, tone: Tone) -> None:
        """Change how bright and rich in contrast the photograph looks; overlays keep their colours."""
        if tone != self._layers.tone:
            self._layers.tone = tone
            self.update()

    def set_overlay_visible(self, visible: bool) -> None:
        """Show or hide probability map and mask together, whatever the style says."""
        if visible != self._layers.overlay_visible:
            self._layers.overlay_visible = visible
            self.update()

    def set_fov_visible(self, visible: bool) -> None:
        if visible != self._layers.fov_visible:
            self._layers.fov_visible = visible
            self.update()

    def set_hint(self, text: str) -> None:
        """A sentence in the middle of the view while there is no photograph."""
        self._hint = text
        self.update()

    def set_waiting(self) -> None:
        """Another photograph is on its way: grey the old one, without its overlays, until ``set_photo``."""
        if self._photo is not None:
            self._layers.set_levels(None)
            self._layers.set_fov(None)
            self._layers.set_errors(None, None)
            self._forget_marks()
            self._waiting = True
            self.update()

    @property
    def is_waiting(self) -> bool:
        """Whether what is seen is the greyed photograph of before."""
        return self._waiting

    def shown_mask(self) -> BoolArray:
        """Bool (H, W): the pixels that are painted as vessel; (0, 0) without a photograph."""
        if self._photo is None:
            return np.zeros((0, 0), dtype=np.bool_)
        mask = self._layers.mask()
        return np.zeros(self._photo.shape[:2], dtype=np.bool_) if mask is None else mask

    def shown_errors(self) -> ByteArray | None:
        """Codes of the error map that is painted, uint8 (H, W) (``core.evaluation.error_map``); None without one."""
        return self._layers.errors()

    def sizeHint(self) -> QSize:
        return QSize(900, 700)

    # Painting

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.fillRect(event.rect(), self.palette().color(QPalette.ColorRole.Window))
        if self._waiting:
            painter.setOpacity(_WAITING_OPACITY)
            self._paint_photo(painter)
            painter.resetTransform()
            painter.setOpacity(1.0)
        if self._photo is None or self._waiting:
            role = QPalette.ColorRole.Text if self._waiting else QPalette.ColorRole.PlaceholderText
            painter.setPen(self.palette().color(role))
            painter.drawText(self.rect(), Qt.AlignmentFlag.AlignCenter | Qt.TextFlag.TextWordWrap, self._hint)
        else:
            self._paint_photo(painter)
            painter.resetTransform()
            if self._wipe is not None and self.has_wipe:
                paint_wipe(painter, self._wipe_line, (self._wipe.left, self._wipe.right))
            if legend := self.legend():
                paint_legend(painter, QRectF(self.rect()), legend)
        if self._shows_focus():
            painter.setPen(QPen(self.palette().color(QPalette.ColorRole.Highlight), 2))
            painter.drawRect(QRectF(self.rect()).adjusted(1, 1, -1, -1))
        painter.end()

    def legend(self) -> list[tuple[str, tuple[int, int, int]]]:
        """Names and colours of the error map and of the marked pixels that are painted; empty without any."""
        layers, style = self._layers, self._layers.error_style
        entries: list[tuple[str, tuple[int, int, int]]] = []
        if style is not None and layers.shows_errors:
            names = (self.tr("missed"), self.tr("false"), self.tr("right"))
            entries += zip(names, error_colours(style.colours), strict=True)
        if self._classes is not None and layers.shows_classes:
            entries += zip(self._classes.names, CLASS_COLOURS, strict=True)
        if layers.overlay_visible and layers.shows_edits and layers.edits.codes is not None:
            by_hand = (self.tr("background by hand"), self.tr("vessel by hand"))
            entries += [(name, colour[:3]) for name, colour in zip(by_hand, EDIT_COLOURS, strict=True)]
        if layers.overlay_visible and layers.shows_questionable and layers.questionable.codes is not None:
            entries.append((self.tr("questionable"), QUESTIONABLE_COLOUR[:3]))
        return entries

    def _shows_focus(self) -> bool:
        return False

    def _paint_photo(self, painter: QPainter) -> None:
        # In device pixels, so that the pictures are copied and not scaled on screens with fractional scaling.
        ratio = self.devicePixelRatioF()
        painter.scale(1.0 / ratio, 1.0 / ratio)
        box = self._visible_box()
        left, top = self._geometry.origin
        self._layers.wipe_from = round(self._placed_line().x * ratio) - left if self.has_wipe else None
        for picture in self._layers.pictures(self._geometry.zoom, box, ratio):
            painter.drawImage(left + box[0], top + box[1], picture)
        if self._vessel_marks is not None and self._layers.overlay_visible:
            paint_marks(painter, self, self._vessel_marks, ratio)
        if self._marked is not None:
            self._paint_marked(painter, self._marked, ratio)

    def _paint_marked(self, painter: QPainter, box: tuple[int, int, int, int], ratio: float) -> None:
        """A light frame in a dark one, seen on bright and dark ground, a little outside what it marks."""
        near, far = self._geometry.to_view(box[1], box[0]), self._geometry.to_view(box[3], box[2])
        frame = QRectF(QPointF(*near), QPointF(*far)).adjusted(-4 * ratio, -4 * ratio, 4 * ratio, 4 * ratio)
        for colour, width in ((Qt.GlobalColor.black, 3.0), (Qt.GlobalColor.white, 1.2)):
            painter.setPen(QPen(colour, width * ratio))
            painter.drawRect(frame)

    def _placed_line(self) -> WipeLine:
        """The line of the wipe, in the part of the view in which the photograph is seen now."""
        ratio = self.devicePixelRatioF()
        box, (left, top) = self._visible_box(), self._geometry.origin
        seen = QRectF(left + box[0], top + box[1], box[2] - box[0], box[3] - box[1])
        self._wipe_line.set_view(QRectF(seen.topLeft() / ratio, seen.size() / ratio), self.width())
        return self._wipe_line

    def _visible_box(self) -> Box:
        """The visible part of the zoomed photograph, in device pixels from its corner."""
        left, top = self._geometry.origin
        width, height = zoomed_size((self._geometry.image[1], self._geometry.image[0]), self._geometry.zoom)
        view = QRect(0, 0, *self._geometry.view) & QRect(left, top, width, height)
        return (view.left() - left, view.top() - top, view.right() + 1 - left, view.bottom() + 1 - top)

    def _forget_marks(self) -> None:
        self._marked = self._classes = self._vessel_marks = self._wipe = None
        self._layers.set_wiped(None)
        self._layers.classes.set_codes(None)
        self._layers.edits.set_codes(None)
        self._layers.questionable.set_codes(None)

    def _check_shape(self, array: ByteArray | BoolArray | None, what: str) -> None:
        if array is None:
            return
        if self._photo is None:
            raise ValueError(f"{what} has no photograph to lie on")
        if array.shape[:2] != self._photo.shape[:2]:
            raise ValueError(f"{what} has shape {array.shape[:2]}, the photograph {self._photo.shape[:2]}")
