"""What the shipped networks reach on each published photograph, and measuring a few of them again.

    SERR_DATA=... python -m tests.shipped_scores [NAME ...]

measures all of them (minutes), or some, and writes shipped_scores.json.

The tests measure every eighth photograph (of wide networks every twentieth) and compare it with the file; that the
file as a whole is what the models' pages say is arithmetic. So a change of weights, preparation or inference is seen,
without 80 photographs in each run.
"""

import json
import os
import sys
from collections.abc import Collection
from dataclasses import dataclass, replace
from pathlib import Path

from core.datasets.layouts import Case, read_layout
from core.evaluation.dataset_evaluation import evaluate_dataset
from core.evaluation.report import EvaluationReport, Method
from core.inference.options import InferenceOptions
from core.models.catalogue import load_model
from core.progress import Monitor
from core.segment import segment_photo
from core.types import FieldOfView, FundusImage, ProbabilityMap

FILE = Path(__file__).with_suffix(".json")
MEASURED = (
    ("serr-unet-drive", "drive", "test"),
    ("serr-unet-drive-small", "drive", "test"),
    ("serr-unet-general", "drive", "test"),
    ("serr-unet-general", "stare", "test"),
    ("serr-unet-general-large", "drive", "test"),
    ("serr-unet-general-large", "stare", "test"),
    ("serr-unet-general-small", "drive", "test"),
    ("serr-unet-general-small", "stare", "test"),
    ("serr-unet-stare", "stare", "test"),
    ("serr-unet-stare-seed", "stare", "seed"),
)
"""Network, data set, part of it."""
EVERY = 8
EVERY_OF_WIDE = 20
"""Networks of width 32 take four times as long."""
WIDE = frozenset({"serr-unet-drive", "serr-unet-general-large"})


@dataclass(frozen=True)
class Known:
    """A network on a part of a data set: pooled AUC and, for each photograph, AUC and F1 inside the field of view."""

    auc_roc: float
    f1: float
    photos: dict[str, tuple[float, float]]


def known(name: str, dataset: str, split: str) -> Known:
    """What the file says."""
    values = json.loads(FILE.read_text(encoding="utf-8"))[f"{name} {dataset} {split}"]
    counts = [photo["counts"] for photo in values["photos"].values()]
    tp, fp, fn = (sum(count[key] for count in counts) for key in ("tp", "fp", "fn"))
    photos = {stem: (photo["auc_roc"], _f1(**photo["counts"])) for stem, photo in values["photos"].items()}
    return Known(values["auc_roc"], _f1(tp, fp, fn), photos)


def _f1(tp: int, fp: int, fn: int) -> float:
    return 2 * tp / (2 * tp + fp + fn)


def some(name: str, cases: tuple[Case, ...]) -> tuple[Case, ...]:
    """The photographs that the tests measure again."""
    return cases[:: EVERY_OF_WIDE if name in WIDE else EVERY]


def measure(data: Path, name: str, dataset: str, split: str, *, whole: bool = False) -> EvaluationReport:
    """Score a shipped network as ``serr evaluate`` does."""
    model = load_model(name)
    options = InferenceOptions(device="cpu")

    def find(image: FundusImage, fov: FieldOfView, monitor: Monitor) -> ProbabilityMap:
        return segment_photo(image, model, fov=fov, options=options, monitor=monitor).probability

    method = Method(name, model.sha256, "none", model.card.seeds, "cpu")
    photographs = read_layout(dataset, data, split)
    chosen = photographs if whole else replace(photographs, cases=some(name, photographs.cases))
    return evaluate_dataset(chosen, find, method=method, rule=model.card.rule)


def write(data: Path, names: Collection[str] = ()) -> None:
    """Measure all photographs, of these networks alone where some are named."""
    found = json.loads(FILE.read_text(encoding="utf-8")) if names else {}
    for name, dataset, split in (one for one in MEASURED if not names or one[0] in names):
        report = measure(data, name, dataset, split, whole=True)
        photos = {
            image.stem: {
                "auc_roc": round(image.scores.auc_roc, 6),
                "counts": {"tp": image.counts.tp, "fp": image.counts.fp, "fn": image.counts.fn},
            }
            for image in report.images
        }
        found[f"{name} {dataset} {split}"] = {"auc_roc": round(report.pooled.auc_roc, 6), "photos": photos}
    FILE.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    write(Path(os.environ["SERR_DATA"]), sys.argv[1:])
