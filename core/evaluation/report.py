"""The result of an evaluation, with everything that a figure needs to mean something: as plain values, text and CSV."""

import csv
import io
import math
import statistics
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from core.evaluation.counts import SCORE_NAMES, Counts, Region, Scores
from core.evaluation.curves import FINE_BINS
from core.types import FovOrigin, ThresholdOrigin, ThresholdRule

_SHORT = {
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
}
_LEGEND = (
    "ACC accuracy, SE sensitivity, SP specificity, PPV precision, F1 = Dice, IoU = Jaccard, MCC Matthews correlation,\n"
    "kappa Cohen's, clDice of the centre lines, AUC area under the ROC curve, AP area under the precision-recall\n"
    "curve (average precision), ECE expected calibration error (15 bins; lower is better); - undefined"
)
_REGION_TEXT: dict[Region, str] = {"fov": "inside the field of view", "image": "whole image"}
_ORIGIN_TEXT: dict[ThresholdOrigin, str] = {
    "model": "the model's own",
    "user": "given by the user",
    "otsu": "by Otsu's method",
    "youden": "largest Youden index on these labels: no honest test",
    "best_f1": "best F1 on these labels: no honest test",
    "expert": "an expert's sensitivity on these labels: no honest test",
    "sidecar": "from a side-car",
}
_FOV_TEXT: dict[FovOrigin, str] = {
    "file": "from a file",
    "estimated": "estimated from the photograph",
    "edited": "edited by hand",
    "full": "the whole photograph",
}


@dataclass(frozen=True, slots=True)
class Method:
    """What found the vessels: a model by name and hash with its test-time averaging, or any other source by name."""

    name: str
    sha256: str = ""
    tta: str = "none"
    seeds: tuple[int, ...] = ()
    device: str = ""

    @property
    def text(self) -> str:
        parts = [f"sha256 {self.sha256[:12]}"] if self.sha256 else []
        if self.tta != "none":
            parts.append(f"averaged over {self.tta}")
        return f"{self.name} ({', '.join(parts)})" if parts else self.name


@dataclass(frozen=True, slots=True)
class ImageScores:
    """One photograph's result; ``fov_origin`` says where the field of view came from."""

    stem: str
    photo: Path
    counts: Counts
    scores: Scores
    fov_origin: FovOrigin


@dataclass(frozen=True, slots=True)
class Summary:
    """Figures over several photographs.

    ``pooled``: all pixels taken together. ``mean`` and ``std``: over the photographs in which a figure is defined, the
    standard deviation being that of a sample (n - 1), NaN for a single photograph.
    """

    n_images: int
    counts: Counts
    pooled: Scores
    mean: Scores
    std: Scores

    @classmethod
    def of(
        cls, each: Sequence[tuple[Counts, Scores]], *, auc_roc: float = math.nan, auc_pr: float = math.nan
    ) -> "Summary":
        """Sum up photographs; the pooled areas cannot be had from the single ones and are given."""
        counts = sum((counts for counts, _ in each), Counts(0, 0, 0, 0))
        return cls(
            n_images=len(each),
            counts=counts,
            pooled=counts.scores(auc_roc=auc_roc, auc_pr=auc_pr),
            mean=_over_images([scores for _, scores in each], statistics.fmean, needed=1),
            std=_over_images([scores for _, scores in each], statistics.stdev, needed=2),
        )

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "n_images": self.n_images,
            "counts": asdict(self.counts),
            "pooled": self.pooled.to_dict(),
            "mean": self.mean.to_dict(),
            "std": self.std.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """How well a method finds the vessels of a data set.

    Parameters
    ----------
    dataset, split, protocol : what was evaluated, ``protocol`` in words.
    labels : the expert taken for the truth. ``experts`` : the other experts' labels scored against the same truth.
    region, rule, method : where was counted, with which threshold, and whose masks.
    total : the figures over all photographs; ``images`` : those of each.
    exact_auc : whether the pooled areas come from every float value, not from fine bins.
    versions : of the program and the libraries that made the figures.
    """

    dataset: str
    split: str
    protocol: str
    labels: str
    region: Region
    rule: ThresholdRule
    method: Method
    total: Summary
    images: tuple[ImageScores, ...]
    experts: tuple[tuple[str, Summary], ...]
    exact_auc: bool
    versions: dict[str, str]

    @property
    def pooled(self) -> Scores:
        return self.total.pooled

    @property
    def mean(self) -> Scores:
        return self.total.mean

    @property
    def std(self) -> Scores:
        return self.total.std

    @property
    def n_images(self) -> int:
        return self.total.n_images

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values; a figure that is undefined is None."""
        return {
            "dataset": self.dataset,
            "split": self.split,
            "protocol": self.protocol,
            "labels": self.labels,
            "region": self.region,
            "field_of_view": dict(Counter(image.fov_origin for image in self.images)),
            "threshold": self.rule.threshold,
            "threshold_origin": self.rule.origin,
            "model": asdict(self.method) | {"seeds": list(self.method.seeds)},
            "tta": self.method.tta,
            **self.total.to_dict(),
            "pooled_auc": "exact" if self.exact_auc else f"{FINE_BINS} bins",
            "experts": [{"name": name, **summary.to_dict()} for name, summary in self.experts],
            "per_image": [
                {
                    "stem": image.stem,
                    "photo": str(image.photo),
                    "field_of_view": image.fov_origin,
                    **asdict(image.counts),
                    **image.scores.to_dict(),
                }
                for image in self.images
            ],
            "versions": dict(self.versions),
        }

    def to_text(self) -> str:
        """A table for a person, in plain ASCII apart from names."""
        origins = sorted({_FOV_TEXT[image.fov_origin] for image in self.images})
        level, threshold = self.rule.level, self.rule.threshold
        facts = {
            "data set": f"{self.dataset}, {self.split}, {self.n_images} photographs",
            "protocol": self.protocol,
            "labels": self.labels,
            "region": f"{_REGION_TEXT[self.region]} (field of view {', '.join(origins)})",
            "method": self.method.text,
            "threshold": f"{threshold:.4f} ({level}/256), {_ORIGIN_TEXT[self.rule.origin]}",
        }
        if not self.exact_auc:
            facts["areas"] = f"pooled AUC and AP from {FINE_BINS} bins: too many pixels to keep each value"
        rows = [(name, scores) for name, _, scores in self._total_rows()]
        each = [(image.stem, image.scores) for image in self.images]
        width = max(len(name) for name, _ in rows + each)
        header = " " * width + "".join(f"{_SHORT[name]:>7}" for name in SCORE_NAMES)
        lines = [f"{name:<10}{value}" for name, value in facts.items()]
        lines += ["", header, *(_line(name, scores, width) for name, scores in rows)]
        lines += ["", *(_line(name, scores, width) for name, scores in each), "", _LEGEND]
        return "\n".join(lines)

    def to_csv(self) -> str:
        """One row for each photograph, then the totals; every row says what it was computed on. Undefined is empty."""
        what: dict[str, object] = {
            "dataset": self.dataset,
            "split": self.split,
            "labels": self.labels,
            "region": self.region,
            "method": self.method.name,
            "sha256": self.method.sha256,
            "tta": self.method.tta,
            "seeds": " ".join(str(seed) for seed in self.method.seeds),
            "threshold": self.rule.threshold,
            "threshold_origin": self.rule.origin,
        }
        rows: list[tuple[str, Counts | None, Scores]] = [(i.stem, i.counts, i.scores) for i in self.images]
        rows += self._total_rows()
        columns = [*what, "row", "tp", "fp", "tn", "fn", *SCORE_NAMES]
        text = io.StringIO(newline="")
        writer = csv.DictWriter(text, columns, lineterminator="\n")
        writer.writeheader()
        for name, counts, scores in rows:
            writer.writerow(what | {"row": name} | (asdict(counts) if counts else {}) | scores.to_dict())
        return text.getvalue()

    def _total_rows(self) -> list[tuple[str, Counts | None, Scores]]:
        rows: list[tuple[str, Counts | None, Scores]] = []
        for name, total in (("", self.total), *self.experts):
            prefix = f"{name}, " if name else ""
            rows += [
                (f"{prefix}all pixels pooled", total.counts, total.pooled),
                (f"{prefix}mean over images", None, total.mean),
                (f"{prefix}standard deviation", None, total.std),
            ]
        return rows


def _line(name: str, scores: Scores, width: int) -> str:
    cells = (getattr(scores, score) for score in SCORE_NAMES)
    return f"{name:<{width}}" + "".join("      -" if math.isnan(cell) else f"{cell:7.4f}" for cell in cells)


def _over_images(each: Sequence[Scores], function: Callable[[list[float]], float], *, needed: int) -> Scores:
    values = {
        name: [value for scores in each if not math.isnan(value := getattr(scores, name))] for name in SCORE_NAMES
    }
    return Scores(**{name: function(column) if len(column) >= needed else math.nan for name, column in values.items()})
