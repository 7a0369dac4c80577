"""How well the model and the experts agree with one another: each with each, by the same figures."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from core.evaluation.centre_lines import NO_CENTRE_LINES, CentreLineCounts, Skeletons
from core.evaluation.counts import Counts, Scores, count
from core.evaluation.curves import Areas, areas
from core.progress import SILENT, Monitor, Progress
from core.types import BoolArray, FloatArray

MODEL = "model"
"""How the model is called among the experts."""


@dataclass(frozen=True, slots=True)
class Pair:
    """``judged`` measured against ``truth``.

    Swapping the two swaps false positives and false negatives, hence sensitivity and precision; accuracy, F1, IoU, MCC,
    kappa and clDice stay.
    """

    judged: str
    truth: str
    counts: Counts
    scores: Scores
    centre_lines: CentreLineCounts = NO_CENTRE_LINES


def agreement(
    experts: Mapping[str, BoolArray],
    inside: BoolArray,
    *,
    vessel: BoolArray | None = None,
    values: FloatArray | None = None,
    centre_lines: bool = True,
    monitor: Monitor = SILENT,
) -> tuple[Pair, ...]:
    """Compare the model with each expert, and each later expert with each earlier one.

    Parameters
    ----------
    experts : name -> label, bool (H, W), the ground truth first.
    inside : bool (H, W), the region that counts.
    vessel : the model's mask, bool (H, W); None: experts only.
    values : its probabilities, float32 (H, W), for the areas under the curves; None: they stay undefined.
    centre_lines : whether to compute clDice, which takes most of the time (tenths of a second for 8 megapixels).

    Returns
    -------
    For experts "1" and "2": model against 1, model against 2, 2 against 1.
    """
    masks = ({} if vessel is None else {MODEL: vessel}) | dict(experts)
    if vessel is not None and MODEL in experts:
        raise ValueError(f"an expert cannot be called '{MODEL}'")
    names = list(experts)
    pairs = [(MODEL, name) for name in names] if vessel is not None else []
    pairs += [
        (names[later], names[earlier]) for earlier in range(len(names)) for later in range(earlier + 1, len(names))
    ]
    skeletons = Skeletons()
    result = []
    for number, (judged, truth) in enumerate(pairs):
        monitor.step(Progress(f"Comparing {judged} with {truth}", number, len(pairs)))
        counts = count(masks[judged], masks[truth], inside)
        area = areas(values, masks[truth], inside) if judged == MODEL and values is not None else Areas()
        course = skeletons.count(masks[judged], masks[truth], inside) if centre_lines else NO_CENTRE_LINES
        scores = counts.scores(
            auc_roc=area.auc_roc, auc_pr=area.auc_pr, cl_dice=course.cl_dice if centre_lines else math.nan
        )
        result.append(Pair(judged, truth, counts, scores, course))
    return tuple(result)
