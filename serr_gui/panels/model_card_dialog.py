"""What a person wants to know of a network: for which camera, how good, learned from what, and who may use it."""

from html import escape
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QDialog, QDialogButtonBox, QTextBrowser, QVBoxLayout, QWidget

from core.networks.families import FAMILIES
from serr_gui.widgets.controls import resize_on_screen

if TYPE_CHECKING:
    from core.models.catalogue import ModelEntry
    from core.models.model_card import ModelCard


class ModelCardDialog(QDialog):
    """The card of a weights file in words; ``pageRequested`` where the guide has a page of it."""

    pageRequested = Signal()

    def __init__(self, entry: "ModelEntry", *, has_page: bool, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("About {name}").format(name=entry.card.name))
        self.text = QTextBrowser()
        self.text.setOpenLinks(False)
        self.text.setAccessibleName(self.tr("Model card"))
        self.text.setHtml(self._html(entry))
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close)
        buttons.rejected.connect(self.reject)
        if has_page:
            more = buttons.addButton(self.tr("Full Card"), QDialogButtonBox.ButtonRole.HelpRole)
            more.clicked.connect(self.pageRequested)
        column = QVBoxLayout(self)
        column.addWidget(self.text)
        column.addWidget(buttons)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        resize_on_screen(self, 640, 560)

    def _html(self, entry: "ModelEntry") -> str:
        card = entry.card
        scale, largest = card.preprocessing.fov_diameter_px, card.preprocessing.fov_diameter_max_px
        parts = [f"<h2>{escape(card.name)}</h2>"]
        origin = self.tr("Comes with the program.") if entry.bundled else self.tr("Added by you.")
        parts.append(f"<p>{escape(origin)} {escape(card.notes)}</p>")
        parts.append(_section(self.tr("Learned from"), [card.trained_on or self.tr("Not recorded.")]))
        camera = self.tr(
            "Cameras that it has not learned from give lower scores: compare with labels of your own before you "
            "rely on it."
        )
        if card.task == "enhancement":
            camera = self.tr(
                "Photographs of cameras that it has not learned from can come out worse than they were: compare them "
                "with the originals."
            )
        if scale:
            grid = self.tr(
                "The field of view of every photograph is resampled to {pixels} pixels across: smaller details are "
                "lost."
            )
            if largest > scale:
                grid = self.tr(
                    "The field of view of every photograph is resampled to at least {pixels} and at most {most} "
                    "pixels across: smaller details are lost."
                )
            camera = grid.format(pixels=f"{scale:g}", most=f"{largest:g}") + " " + camera
        parts.append(_section(self.tr("For which camera"), [camera]))
        parts.append(_section(self.tr("What kind of network"), _kind(card)))
        scores = []
        for score in card.scores:
            numbers = ", ".join(
                f"{_SCORES.get(name, name)} {value:.4f}" for name, value in score.items() if isinstance(value, float)
            )
            scores.append(f"{score.get('data', '')}: {numbers} ({score.get('protocol', '')})")
        parts.append(_section(self.tr("How good"), scores or [self.tr("No score is recorded.")]))
        threshold = self.tr("{level}/256, probability {value:.3f}").format(
            level=card.rule.level, value=card.default_threshold
        )
        if card.task != "enhancement":
            parts.append(_section(self.tr("Its own threshold"), [threshold]))
        if card.styles:
            parts.append(_section(self.tr("It can draw like"), [style.text for style in card.styles]))
        licence = card.licence or self.tr("Not recorded: ask its author before you use or pass it on.")
        terms = self.tr(
            "Data sets of photographs have terms of their own: those of DRIVE and STARE allow research and education. "
            "Whether a network that has learned from them may be used commercially is not settled: ask before you do. "
            "No result is meant for a decision about a patient."
        )
        parts.append(_section(self.tr("May I use it?"), [licence, terms]))
        parts.append(_section(self.tr("File"), [str(entry.path), self.tr("SHA-256 {sum}").format(sum=card.sha256)]))
        return "".join(parts)


_SCORES = {"auc_roc": "AUC", "auc_pr": "AUC (precision-recall)", "f1": "F1", "accuracy": "accuracy"}


def _kind(card: "ModelCard") -> list[str]:
    """The family of the network, and the fields of its configuration."""
    family = FAMILIES.get(card.architecture)
    fields = ", ".join(f"{name} {value}" for name, value in card.config.items() if name != "in_channels")
    if family is None:
        return [f"{card.architecture}: {fields}"]
    return [f"{family.title}. {family.summary} ({family.publication})", fields]


def _section(title: str, lines: list[str]) -> str:
    return f"<h3>{escape(title)}</h3>" + "".join(f"<p>{escape(line)}</p>" for line in lines)
