"""What the scores are called, what they mean, and why one may be undefined. Marked here, translated where shown."""

from typing import Final

from PySide6.QtCore import QCoreApplication

from core.evaluation.confusion import NUMBERS_OF_PIECES
from core.threshold_rule import LEVELS, ThresholdRule
from serr_gui.model.i18n import QT_TRANSLATE_NOOP

# Name in core.evaluation, what a person reads, and what it means.
SCORES: Final[tuple[tuple[str, str, str], ...]] = (
    (
        "accuracy",
        QT_TRANSLATE_NOOP("Scores", "Accuracy"),
        QT_TRANSLATE_NOOP("Scores", "(TP + TN) / all: the share of pixels that are right"),
    ),
    (
        "sensitivity",
        QT_TRANSLATE_NOOP("Scores", "Sensitivity"),
        QT_TRANSLATE_NOOP("Scores", "TP / (TP + FN): the share of the expert's vessel pixels that are found"),
    ),
    (
        "specificity",
        QT_TRANSLATE_NOOP("Scores", "Specificity"),
        QT_TRANSLATE_NOOP("Scores", "TN / (TN + FP): the share of the expert's background that stays background"),
    ),
    (
        "precision",
        QT_TRANSLATE_NOOP("Scores", "Precision"),
        QT_TRANSLATE_NOOP("Scores", "TP / (TP + FP): the share of what is found that the expert drew"),
    ),
    ("f1", QT_TRANSLATE_NOOP("Scores", "F1 (Dice)"), QT_TRANSLATE_NOOP("Scores", "2 TP / (2 TP + FP + FN)")),
    ("iou", QT_TRANSLATE_NOOP("Scores", "IoU (Jaccard)"), QT_TRANSLATE_NOOP("Scores", "TP / (TP + FP + FN)")),
    (
        "mcc",
        QT_TRANSLATE_NOOP("Scores", "MCC"),
        QT_TRANSLATE_NOOP("Scores", "Matthews' correlation of mask and label, -1 to 1"),
    ),
    (
        "kappa",
        QT_TRANSLATE_NOOP("Scores", "Kappa"),
        QT_TRANSLATE_NOOP("Scores", "Cohen's kappa: agreement beyond what chance would give, at most 1"),
    ),
    (
        "cl_dice",
        QT_TRANSLATE_NOOP("Scores", "clDice"),
        QT_TRANSLATE_NOOP("Scores", "Agreement in the course of the vessels, whatever their width, 0 to 1"),
    ),
    (
        "thin_sensitivity",
        QT_TRANSLATE_NOOP("Scores", "Thin vessels found"),
        QT_TRANSLATE_NOOP(
            "Scores", "The share of the centre lines of vessels up to 3 pixels wide, at DRIVE's scale, that is found"
        ),
    ),
    (
        "pieces",
        QT_TRANSLATE_NOOP("Scores", "Pieces"),
        QT_TRANSLATE_NOOP("Scores", "How many pieces the mask has that are not connected; a mean over photographs"),
    ),
    (
        "pieces_error",
        QT_TRANSLATE_NOOP("Scores", "Betti-0 error"),
        QT_TRANSLATE_NOOP(
            "Scores", "By how many pieces the mask differs from the label: 0 is best; a mean over photographs"
        ),
    ),
    (
        "auc_roc",
        QT_TRANSLATE_NOOP("Scores", "AUC"),
        QT_TRANSLATE_NOOP(
            "Scores", "Area under the ROC curve of the probability map, from its exact values: no threshold enters"
        ),
    ),
)

WHY_UNDEFINED: Final = {
    "sensitivity": QT_TRANSLATE_NOOP("Scores", "Undefined: the label has no vessel here."),
    "specificity": QT_TRANSLATE_NOOP("Scores", "Undefined: the label has no background here."),
    "precision": QT_TRANSLATE_NOOP("Scores", "Undefined: nothing is found at this threshold."),
    "f1": QT_TRANSLATE_NOOP("Scores", "Undefined: nothing is drawn and nothing is found."),
    "iou": QT_TRANSLATE_NOOP("Scores", "Undefined: nothing is drawn and nothing is found."),
    "mcc": QT_TRANSLATE_NOOP("Scores", "Undefined: one of the two is all vessel or all background."),
    "kappa": QT_TRANSLATE_NOOP("Scores", "Undefined: both are all vessel or all background."),
    "cl_dice": QT_TRANSLATE_NOOP("Scores", "Undefined: one of the two has no vessel."),
    "thin_sensitivity": QT_TRANSLATE_NOOP("Scores", "Undefined: the label has no thin vessel."),
    "pieces": QT_TRANSLATE_NOOP("Scores", "Undefined: there is nothing to count."),
    "pieces_error": QT_TRANSLATE_NOOP("Scores", "Undefined: there is nothing to count."),
    "auc_roc": QT_TRANSLATE_NOOP("Scores", "Undefined: the label is all vessel or all background."),
    "auc_pr": QT_TRANSLATE_NOOP("Scores", "Undefined: the label is all vessel or all background."),
    "accuracy": QT_TRANSLATE_NOOP("Scores", "Undefined: there is no pixel to count."),
}
DASH: Final = "\u2013"


def translated(text: str) -> str:
    """A text of this table in the language of the program."""
    return QCoreApplication.translate("Scores", text)


def score_text(key: str, value: float) -> str:
    """A score as it is shown: a share with four digits, a number of pieces whole or with one digit."""
    return f"{value:.1f}".removesuffix(".0") if key in NUMBERS_OF_PIECES else f"{value:.4f}"


def refinement_text(rule: ThresholdRule) -> str:
    """What a rule does beyond its threshold, in words; empty for a plain one."""
    _, low, least = rule.makes
    parts = []
    if low < rule.level:
        text = QCoreApplication.translate("Scores", "grown to {low} ({level}/256)")
        parts.append(text.format(low=f"{low / LEVELS:.3f}", level=low))
    if least > 1:
        parts.append(QCoreApplication.translate("Scores", "without vessels below {count} px").format(count=least))
    return ", ".join(parts)
