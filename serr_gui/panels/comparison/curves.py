"""ROC and precision-recall of the map on the screen; its operating point and the slider are the same thing."""

from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QLabel, QMenu, QPushButton, QStackedLayout, QVBoxLayout, QWidget

from core.evaluation.confusion import Counts, Scores
from core.evaluation.suggest import chosen_on_label
from core.threshold_rule import LEVELS
from serr_gui.actions.qactions import Actions
from serr_gui.model.comparison import ScoredLabel
from serr_gui.model.score_selectors import comparison, curve_facts, scored_label
from serr_gui.model.selectors import has_label
from serr_gui.model.state import AppState
from serr_gui.widgets.controls import faded
from serr_gui.widgets.score_texts import refinement_text

if TYPE_CHECKING:
    from serr_gui.widgets.curve_plot import CurveData, CurvePlot, CurvePlots

_SUGGESTIONS: Final = (
    *("threshold_best_f1", "threshold_youden", "threshold_expert"),
    *("threshold_otsu", "threshold_model"),
)


class CurvesPanel(QWidget):
    """``levelRequested`` is a dragged threshold; ``exportRequested`` asks for a file of what is drawn."""

    levelRequested = Signal(int)
    exportRequested = Signal()

    def __init__(self, state: AppState, actions: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._state = state
        self._drawn: tuple[ScoredLabel | None, Counts | None] = (None, None)
        self._hovered: int | None = None
        self.plots: CurvePlots | None = None
        self._made: list[CurvePlot] = []
        self._plots_later = QTimer(self)
        self._plots_later.setSingleShot(True)
        self._plots_later.timeout.connect(lambda: self._make_plots() if self.plots is None else None)
        self._empty = faded()
        self._empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._readout = QLabel()
        self._readout.setWordWrap(True)
        self._readout.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self._readout.setAccessibleName(self.tr("Scores at the threshold"))
        self._notes = faded()
        self._place = QStackedLayout()
        self._place.addWidget(self._empty)
        column = QVBoxLayout(self)
        column.setContentsMargins(8, 6, 8, 6)
        column.setSpacing(4)
        column.addLayout(self._make_bar(actions))
        column.addWidget(self._readout)  # in a narrow panel it needs all the width
        column.addLayout(self._place, 1)
        column.addWidget(self._notes)
        events = state.events
        for event in (events.document, events.comparison, events.view):
            event.connect(self._show_curves)
        events.rule.connect(self._show_level)

    def _make_bar(self, actions: Actions) -> QHBoxLayout:
        suggest = QPushButton(self.tr("Set Threshold to"))
        menu = QMenu(suggest)
        menu.setToolTipsVisible(True)
        for key in _SUGGESTIONS:
            if key == "threshold_otsu":
                menu.addSeparator()
            menu.addAction(actions[key])
        suggest.setMenu(menu)
        self._export = QPushButton(self.tr("Export..."))
        self._export.setToolTip(self.tr("Write the curves as a picture (PNG, SVG), or as a table (CSV)"))
        self._export.clicked.connect(lambda _checked=False: self.exportRequested.emit())
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(suggest)
        row.addWidget(self._export)
        row.addStretch(1)
        return row

    def names(self) -> tuple[tuple[str, str], tuple[str, str]]:
        """Names of the axes, across and up, of both plots."""
        sensitivity = self.tr("Sensitivity")
        return (self.tr("1 - specificity"), sensitivity), (sensitivity, self.tr("Precision"))

    def data(self) -> "CurveData | None":
        """What is drawn, for an export."""
        from serr_gui.widgets.curve_plot import CurveData

        against, made = scored_label(self._state), comparison(self._state)
        if against is None or made is None:
            return None
        areas = against.areas
        roc, precision = self.tr("ROC"), self.tr("Precision-recall")
        if areas is not None:
            roc = self.tr("ROC: AUC {area}").format(area=f"{areas.auc_roc:.4f}")
            precision = self.tr("Precision-recall: average precision {area}").format(area=f"{areas.auc_pr:.4f}")
        return CurveData(against.sweep, against.curve, (roc, precision), made.between, self.tr("Expert 2"))

    def file_of(self, suffix: str) -> bytes:
        """What is drawn as the content of a ".png", ".svg" or ".csv" file; empty where nothing is drawn."""
        data = self.data()
        if data is None:
            return b""
        if suffix == ".csv":
            from core.evaluation.curve_table import curve_csv

            return curve_csv(data.histogram, curve_facts(self._state)).encode()
        from serr_gui.widgets.curve_plot import draw_curves

        return draw_curves(self.names(), data, self._state.rule.level, self._caption(), svg=suffix == ".svg")

    def _caption(self) -> str:
        """What a picture of the curves says about itself."""
        about = curve_facts(self._state)
        text = self.tr("{photo} against {label}. {where} {model}, threshold {level}/{levels}.")
        text = " ".join((text, *self._about_corrections()))
        return text.format(
            photo=about["photograph"],
            label=about["label"],
            where=self._where(),
            model=about["model"],
            level=self._state.rule.level,
            levels=LEVELS,
        )

    def _where(self) -> str:
        if self._state.view.region == "image":
            return self.tr("Counted in the whole image.")
        return self.tr("Counted inside the field of view.")

    def _about_corrections(self) -> list[str]:
        """What the scores are of, where that is not the plain mask of the network."""
        result, notes = self._state.result, []
        if result is not None and result.shaped is not None:
            notes.append(
                self.tr(
                    "The mask has hysteresis or a smallest vessel: the curves are those of the plain threshold on the "
                    "network's map, and the mask need not lie on them."
                )
            )
        if result is not None and result.is_corrected:
            notes.append(
                self.tr("The mask is corrected by hand: the scores are of the corrected mask, the areas of the model.")
            )
        return notes

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._show_curves()

    def _make_plots(self) -> None:
        """Make the next of the two plots, each in a turn of the event loop; then show them."""
        from serr_gui.widgets.curve_plot import CurvePlots, curve_plot

        names, made = self.names(), self._made
        if len(made) < len(names):
            made.append(curve_plot(names, len(made)))
            self._plots_later.start()
            return
        self.plots = CurvePlots(made)
        self.plots.setAccessibleName(self.tr("ROC and precision-recall curve"))
        self.plots.setToolTip(
            self.tr("Drag the round point to move the threshold. The wheel enlarges, a double-click shows all again.")
        )
        self.plots.levelRequested.connect(self.levelRequested)
        self.plots.hovered.connect(self._on_hovered)
        self._place.addWidget(self.plots)
        self._show_curves()

    def _show_curves(self) -> None:
        if not self.isVisible():
            return
        state = self._state
        against, made = scored_label(state), comparison(state)
        self._export.setEnabled(against is not None)
        self._empty.setText(self._why_empty())
        if self.plots is None:
            if against is not None:
                self._plots_later.start()
        else:
            now = (against, made.between if made is not None else None)
            if now != self._drawn or against is None:
                self._drawn = now
                self.plots.show_curves(self.data())
            self._place.setCurrentWidget(self.plots if against is not None else self._empty)
        self._show_level()

    def _why_empty(self) -> str:
        if not has_label(self._state, 0):
            return self.tr("The curves need a label of expert 1 (Ctrl+L).")
        if self._state.result is None:
            return self.tr("The curves need a probability map: segment the photograph.")
        return self.tr("Being computed...")

    def _show_level(self) -> None:
        if not self.isVisible():
            return
        if self.plots is not None:
            self.plots.show_level(self._state.rule.level)
        self._show_readout()
        notes = [self._where(), *self._about_corrections()]
        if chosen_on_label(self._state.rule):
            notes.append(self.tr("This threshold was tuned on this label: its scores here are biased."))
        self._notes.setText(" ".join(notes))
        self._notes.setVisible(scored_label(self._state) is not None)

    def _show_readout(self) -> None:
        against = scored_label(self._state)
        if against is None:
            self._readout.setText("")
            return
        level = self._state.shown_rule.level if self._hovered is None else self._hovered
        counted = against.histogram if self._hovered is None else against.sweep
        scores = counted.counts_at(level).scores()
        where = self.tr("Threshold") if self._hovered is None else self.tr("Under the mouse")
        more = refinement_text(self._state.shown_rule) if self._hovered is None else ""
        place = f"{level / LEVELS:.3f} ({level}/{LEVELS}){', ' if more else ''}{more}"
        self._readout.setText(f"{where} {place}:  {self._figures(scores)}")

    def _figures(self, scores: Scores) -> str:
        named = (
            (self.tr("sensitivity"), scores.sensitivity),
            (self.tr("specificity"), scores.specificity),
            (self.tr("precision"), scores.precision),
            ("F1", scores.f1),
        )
        # A line breaks between scores, never between a name and its number.
        return "   ".join(f"{name}\u00a0{value:.4f}".replace("nan", "\u2013") for name, value in named)

    def _on_hovered(self, level: int | None) -> None:
        if level != self._hovered:
            self._hovered = level
            self._show_readout()
