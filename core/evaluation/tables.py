"""An evaluation as text to read and as CSV for a program."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import asdict

from core.evaluation.confusion import NUMBERS_OF_PIECES, SCORE_NAMES, Counts, Region, Scores
from core.evaluation.connectedness import THIN_PX
from core.evaluation.csv_text import csv_text
from core.evaluation.curves import FINE_BINS
from core.evaluation.report import EvaluationReport, RegionResult
from core.evaluation.suggest import chosen_on_label
from core.evaluation.summary import Summary
from core.files import display_path
from core.threshold_rule import ThresholdOrigin, ThresholdRule
from core.types import FovOrigin

SHORT = {
    "accuracy": "ACC",
    "sensitivity": "SE",
    "specificity": "SP",
    "precision": "PPV",
    "f1": "F1",
    "iou": "IoU",
    "mcc": "MCC",
    "kappa": "kappa",
    "cl_dice": "clDice",
    "auc_roc": "AUC",
    "auc_pr": "AP",
    "ece": "ECE",
    "thin_sensitivity": "thinSE",
    "pieces": "pieces",
    "pieces_error": "B0err",
}
LEGEND = (
    "ACC accuracy, SE sensitivity, SP specificity, PPV precision, F1 = Dice, IoU = Jaccard, MCC Matthews correlation, "
    "kappa Cohen's, clDice of the centre lines, AUC area under the ROC curve, AP area under the precision-recall curve "
    "(average precision), ECE expected calibration error (15 bins; lower is better), thinSE the share of the centre "
    f"lines of thin vessels (up to {THIN_PX:g} pixels at DRIVE's scale) that was found, pieces how many the mask "
    "has, B0err by how many that differs from the label (Betti-0 error; both for each photograph; lower is "
    "better); - undefined"
)
WHY_UNDEFINED = {
    "accuracy": "no pixel to count",
    "sensitivity": "no vessel in the label",
    "specificity": "no background in the label",
    "precision": "nothing found",
    "f1": "nothing drawn and nothing found",
    "iou": "nothing drawn and nothing found",
    "mcc": "mask or label is all vessel or all background",
    "kappa": "mask and label are all vessel or all background",
    "cl_dice": "mask or label has no vessel; not computed for the best F1",
    "auc_roc": "a mask without probabilities, or a label that is all vessel or all background",
    "auc_pr": "a mask without probabilities, or a label that is all vessel or all background",
    "ece": "a mask without probabilities",
    "thin_sensitivity": "no thin vessel in the label, or no field of view; not computed for the best F1",
    "pieces": "not computed for the best F1",
    "pieces_error": "not computed for the best F1",
}
"""Why a score has no value. A standard deviation has none either where fewer than two photographs have the score."""
REGION_TEXT: dict[Region, str] = {"fov": "inside the field of view", "image": "whole image"}
_ORIGIN_TEXT: dict[ThresholdOrigin, str] = {
    "model": "the model's own",
    "user": "given by the user",
    "style": "as the experts of {style} draw",
    "default": "one half: none was given",
    "otsu": "by Otsu's method",
    "youden": "largest Youden index",
    "best_f1": "best F1",
    "expert": "an expert's sensitivity",
    "sidecar": "from a side-car",
}
_FOV_TEXT: dict[FovOrigin, str] = {
    "file": "from a file",
    "estimated": "estimated from the photograph",
    "edited": "edited by hand",
    "full": "the whole photograph",
}
_LINE = 118
_CONNECTED = ("cl_dice", "thin_sensitivity", "pieces", "pieces_error")
_IN_TEXT = (tuple(name for name in SCORE_NAMES if name not in _CONNECTED[1:]), _CONNECTED)


def facts(report: EvaluationReport) -> dict[str, str]:
    """The protocol: what a reader must know before a score means anything, as name and words."""
    origins = ", ".join(f"{_FOV_TEXT[origin]} ({number})" for origin, number in sorted(report.fov_origins.items()))
    lines = {
        "data set": f"{report.dataset}, {report.split}, {report.n_images} photographs",
        "protocol": report.protocol,
        "labels": report.labels,
        "region": f"{REGION_TEXT[report.region]}; field of view {origins}",
        "method": report.method.text,
        "threshold": threshold_text(report.rule),
    }
    if report.method.seeds:
        lines["seeds"] = ", ".join(str(seed) for seed in report.method.seeds)
    if report.experts:
        first = report.experts[0][0]
        lines["experts"] = (
            f"rows '{first}': that expert against {report.labels}; rows 'vs {first}': the method against that expert"
        )
    lines |= _seen(report)
    if report.method.notes:
        lines["values"] = " ".join(report.method.notes)
    if report.doubtful:
        lines["DOUBTFUL"] = (
            f"the label or the field of view of {len(report.doubtful)} of {report.n_images} photographs, so that the "
            f"scores may mean nothing: {', '.join(image.stem for image in report.doubtful[:10])}; see the notes"
        )
    if not report.result.exact_auc:
        lines["areas"] = f"pooled AUC and AP from {FINE_BINS} bins: too many pixels to keep each value"
    if report.total.bootstrap is not None:
        drawn = report.total.bootstrap
        lines["intervals"] = f"95 %, {drawn.resamples} bootstrap samples of photographs, seed {drawn.seed}"
    if not report.complete:
        many = report.n_images + len(report.failed)
        lines["INCOMPLETE"] = (
            f"{len(report.failed)} of {many} photographs could not be evaluated: no score here is that of the data set"
        )
    lines["versions"] = ", ".join(f"{name} {version}" for name, version in report.versions.items())
    return lines


def _seen(report: EvaluationReport) -> dict[str, str]:
    """What a model has seen of these photographs, as far as it is known."""
    method = report.method
    also = f"; whether it saw any of these in {', '.join(method.unknown)} is not known" if method.unknown else ""
    if method.seen:
        many = f"{method.seen} of these {report.n_images + len(report.failed)} photographs"
        return {"SEEN": f"the model has learned from, or was chosen by, {many}: no test{also}"}
    return (
        {}
        if method.seen is None
        else {"seen": f"the model has seen none of these photographs before, by its card{also}"}
    )


def threshold_text(rule: ThresholdRule | None) -> str:
    """A threshold and where it came from."""
    if rule is None:
        return "none: masks as they were given"
    warning = " on these labels: biased" if chosen_on_label(rule) else ""
    grown = (
        f", hysteresis from {rule.low:.4f} ({rule.low_level}/256)" if rule.low_level not in (None, rule.level) else ""
    )
    least = f", vessels of {rule.min_pixels} pixels or more" if rule.min_pixels > 1 else ""
    return f"{rule.threshold:.4f} ({rule.level}/256){grown}{least}, {origin_text(rule)}{warning}"


def origin_text(rule: ThresholdRule) -> str:
    """In words, where a threshold came from."""
    return _ORIGIN_TEXT[rule.origin].replace("{style}", rule.style)


def total_rows(result: RegionResult) -> list[tuple[str, Counts | None, Scores]]:
    """Rows over all photographs: name, counts, scores.

    First the method against the truth, then each other expert against the truth, then ("vs") the method against each
    other expert.
    """
    rows = _rows_of("", result.total)
    for name, total in result.experts:
        rows += _rows_of(f"{name}, ", total)
    for name, total in result.against:
        rows += _rows_of(f"vs {name}, ", total)
    if result.best is not None:
        best = result.best
        rows.append((f"best F1 here, {best.rule.level}/256: no test", best.score_set.counts, best.score_set.scores))
    return rows


def to_text(report: EvaluationReport) -> str:
    """A table to read, in plain ASCII apart from names."""
    sections = [
        (REGION_TEXT[result.region] + note, [(name, scores) for name, _, scores in total_rows(result)])
        for result, note in ((report.result, ""), (report.beside, " (beside it)"))
    ]
    each = [(image.stem, image.scores) for image in report.images]
    width = 1 + max(len(name) for _, rows in [*sections, ("", each)] for name, _ in rows)
    lines = [f"{name:<11}{value}" for name, value in facts(report).items()]
    for title, rows in [*sections, (f"each photograph, {REGION_TEXT[report.region]}", each)]:
        lines += ["", title.upper()]
        for names in _IN_TEXT:  # beside one another they would be wider than a terminal
            lines += [_header(width, names), *(_line(name, scores, width, names) for name, scores in rows)]
    if report.failed:
        lines += ["", "NOT EVALUATED", *(f"{display_path(path.name)}: {why}" for path, why in report.failed)]
    notes = [f"{image.stem}: {note}" for image in report.images for note in image.notes]
    if notes:
        lines += ["", "NOTES", *notes]
    return "\n".join([*lines, "", *_wrapped(LEGEND), *undefined_reasons(report)])


def undefined_reasons(report: EvaluationReport) -> list[str]:
    """A line for each reason for a dash in the tables of a report."""
    shown_scores = [image.scores for image in report.images]
    for result in (report.result, report.beside):
        shown_scores += [scores for _, _, scores in total_rows(result)]
    reasons: dict[str, list[str]] = {}
    for name in SCORE_NAMES:
        if any(math.isnan(getattr(scores, name)) for scores in shown_scores):
            reasons.setdefault(WHY_UNDEFINED[name], []).append(SHORT[name])
    lines = [f"- under {', '.join(names)}: {reason}" for reason, names in reasons.items()]
    single = ["- of a standard deviation: fewer than two photographs have the score"] if report.n_images < 2 else []
    return lines + single


def to_csv(report: EvaluationReport) -> str:
    """One row for each photograph and region, then the totals; every row says what it was computed on.

    The column ``region`` tells both regions apart; undefined is empty; photographs that failed say why in ``note``.
    """
    drawn = report.total.bootstrap
    what: dict[str, object] = {
        "dataset": report.dataset,
        "split": report.split,
        "protocol": report.protocol,
        "labels": report.labels,
        "method": report.method.name,
        "kind": report.method.kind,
        "sha256": report.method.sha256,
        "tta": report.method.tta,
        "seeds": " ".join(str(seed) for seed in report.method.seeds),
        "threshold": "" if report.rule is None else report.rule.threshold,
        "threshold_origin": "masks as given" if report.rule is None else report.rule.origin,
        "drawing_style": "" if report.rule is None else report.rule.style,
        "low": "" if report.rule is None or report.rule.low is None else report.rule.low,
        "min_pixels": 0 if report.rule is None else report.rule.min_pixels,
        "seen_before": "" if report.method.seen is None else report.method.seen,
        "bootstrap": "" if drawn is None else f"{drawn.resamples} bootstrap samples of photographs, seed {drawn.seed}",
        "versions": ", ".join(f"{name} {version}" for name, version in report.versions.items()),
    }
    columns = [*what, "region", "row", "tp", "fp", "tn", "fn", *SCORE_NAMES, "field_of_view", "note"]
    rows: list[dict[str, object]] = []
    for result in (report.result, report.beside):
        here = what | {"region": result.region}
        for image in report.images:
            figures = image.score_set if result is report.result else image.beside
            row = {"row": image.stem, "field_of_view": image.fov_origin, "note": " ".join(image.notes)}
            rows.append(here | row | asdict(figures.counts) | figures.scores.to_dict())
        for name, counts, scores in total_rows(result):
            rows.append(here | {"row": name} | (asdict(counts) if counts else {}) | scores.to_dict())
    for path, why in report.failed:
        rows.append(what | {"row": path.stem, "note": f"not evaluated: {why}"})
    return csv_text(columns, rows)


def cell(value: float, name: str = "") -> str:
    """A score with four digits, or with one where it is a number of pieces; a dash where it is undefined."""
    if math.isnan(value):
        return "-"
    return f"{value:.1f}" if name in NUMBERS_OF_PIECES else f"{value:.4f}"


def _rows_of(prefix: str, total: Summary) -> list[tuple[str, Counts | None, Scores]]:
    rows: list[tuple[str, Counts | None, Scores]] = [(f"{prefix}all pixels pooled", total.counts, total.pooled)]
    drawn = total.bootstrap
    if drawn is not None:
        rows += [(f"{prefix}  95 % from", None, drawn.pooled.low), (f"{prefix}  95 % to", None, drawn.pooled.high)]
    rows += [(f"{prefix}mean over images", None, total.mean), (f"{prefix}standard deviation", None, total.std)]
    if drawn is not None:
        rows += [
            (f"{prefix}  mean, 95 % from", None, drawn.mean.low),
            (f"{prefix}  mean, 95 % to", None, drawn.mean.high),
        ]
    return rows


def _header(width: int, names: Sequence[str]) -> str:
    return " " * width + "".join(f"{SHORT[name]:>7}" for name in names)


def _line(name: str, scores: Scores, width: int, names: Sequence[str]) -> str:
    return f"{name:<{width}}" + "".join(f"{cell(getattr(scores, score), score):>7}" for score in names)


def _wrapped(text: str) -> Iterable[str]:
    import textwrap

    return textwrap.wrap(text, _LINE)
