"""Light and dark colours for the Fusion style: neutral greys, as a coloured surround tints what the eye sees."""

from dataclasses import dataclass
from typing import Final

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QGuiApplication, QPainter, QPalette
from PySide6.QtWidgets import QApplication, QProxyStyle, QStyle, QStyleOption, QWidget

from serr_gui.model.state import Theme


@dataclass(frozen=True, slots=True)
class _Colours:
    window: str
    base: str
    alternate: str
    button: str
    text: str
    faded: str
    disabled: str
    accent: str
    on_accent: str
    link: str
    light: str
    midlight: str
    mid: str
    dark: str
    shadow: str


_LIGHT: Final = _Colours(
    *("#eff0f1", "#ffffff", "#f5f6f7", "#f8f9fa", "#1c1f21", "#5d656b", "#9ba2a8"),
    *("#0b6e7f", "#ffffff", "#0a6271", "#ffffff", "#e9ebed", "#b9bec3", "#9ea4aa", "#5f666c"),
)
_DARK: Final = _Colours(
    *("#25282a", "#1b1d1f", "#212426", "#313538", "#e6e8ea", "#a3abb1", "#6d747a"),
    *("#2b93a5", "#ffffff", "#5cc3d4", "#464b4f", "#3a3f42", "#2a2d2f", "#17191a", "#0c0d0e"),
)


def is_dark(theme: Theme) -> bool:
    """Whether a theme is dark now; "system" asks the desktop, and is light where that does not know."""
    if theme == "system":
        return QGuiApplication.styleHints().colorScheme() == Qt.ColorScheme.Dark
    return theme == "dark"


def apply_theme(app: QApplication, theme: Theme) -> None:
    """Give the whole program a theme, window frames included where the platform can."""
    schemes = {"system": Qt.ColorScheme.Unknown, "light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
    app.styleHints().setColorScheme(schemes[theme])
    app.setPalette(palette_of(is_dark(theme)))


class ProgramStyle(QProxyStyle):
    """Fusion with outlines that are seen in the dark, too: its own are darker than the window.

    It has no ``pixelMetric`` and no ``drawControl``: Qt asks for them so often that calling Python for each took half
    of the time in which the window is painted. What tabs need is a style of their own (``tabs.py``).
    """

    _OUTLINED = frozenset(
        {
            QStyle.PrimitiveElement.PE_IndicatorCheckBox,
            QStyle.PrimitiveElement.PE_IndicatorRadioButton,
            QStyle.PrimitiveElement.PE_FrameLineEdit,
        }
    )

    def __init__(self) -> None:
        super().__init__("Fusion")

    def drawPrimitive(
        self,
        element: QStyle.PrimitiveElement,
        option: QStyleOption,
        painter: QPainter,
        widget: QWidget | None = None,
    ) -> None:
        super().drawPrimitive(element, option, painter, widget)
        palette: QPalette = option.palette
        dark = palette.color(QPalette.ColorRole.Window).lightness() < 128
        focused = bool(option.state & QStyle.StateFlag.State_HasFocus)
        if element not in self._OUTLINED or not dark or focused:
            return
        enabled = bool(option.state & QStyle.StateFlag.State_Enabled)
        group = QPalette.ColorGroup.Active if enabled else QPalette.ColorGroup.Disabled
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QColor(_DARK.faded) if enabled else palette.color(group, QPalette.ColorRole.Text))
        place = QRectF(option.rect).adjusted(0.5, 0.5, -0.5, -0.5)
        if element == QStyle.PrimitiveElement.PE_IndicatorRadioButton:
            painter.drawEllipse(place)
        else:
            painter.drawRoundedRect(place, 2, 2)
        painter.restore()


def palette_of(dark: bool) -> QPalette:
    """All colours of a theme."""
    c = _DARK if dark else _LIGHT
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    palette = QPalette()
    plain = {
        role.Window: c.window,
        role.WindowText: c.text,
        role.Base: c.base,
        role.AlternateBase: c.alternate,
        role.Text: c.text,
        role.Button: c.button,
        role.ButtonText: c.text,
        role.BrightText: "#ffffff",
        role.ToolTipBase: c.base,
        role.ToolTipText: c.text,
        role.PlaceholderText: c.faded,
        role.Highlight: c.accent,
        role.HighlightedText: c.on_accent,
        role.Accent: c.accent,
        role.Link: c.link,
        role.LinkVisited: c.link,
        role.Light: c.light,
        role.Midlight: c.midlight,
        role.Mid: c.mid,
        role.Dark: c.dark,
        role.Shadow: c.shadow,
    }
    for key, colour in plain.items():
        palette.setColor(key, QColor(colour))
    for key in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        palette.setColor(group.Disabled, key, QColor(c.disabled))
    palette.setColor(group.Disabled, role.Highlight, QColor(c.mid))
    return palette
