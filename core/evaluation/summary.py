"""ScoreSet over several photographs: all pixels pooled, mean and standard deviation over photographs, intervals."""

import math
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

from core.evaluation.confusion import SCORE_NAMES, Counts, Scores
from core.evaluation.curves import Areas
from core.evaluation.measure import Measured, pool

CONFIDENCE = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """From ``low`` to ``high`` for each score, NaN where undefined."""

    low: Scores
    high: Scores

    def to_dict(self) -> dict[str, list[float] | None]:
        """Names and pairs, None where undefined."""
        pairs = {name: [getattr(self.low, name), getattr(self.high, name)] for name in SCORE_NAMES}
        return {name: None if any(map(math.isnan, pair)) else pair for name, pair in pairs.items()}


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """95 % intervals by drawing photographs with replacement ``resamples`` times (percentiles; Efron 1979).

    ``pooled`` and ``mean`` are the intervals of the scores of those names. The photograph is the unit that is drawn,
    because its pixels are not independent observations; two photographs of one person are taken for independent.
    """

    resamples: int
    seed: int
    pooled: Interval
    mean: Interval

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "resamples": self.resamples,
            "seed": self.seed,
            "confidence": CONFIDENCE,
            "unit": "image",
            "pooled": self.pooled.to_dict(),
            "mean": self.mean.to_dict(),
        }


@dataclass(frozen=True, slots=True)
class Summary:
    """ScoreSet over several photographs.

    ``pooled``: all pixels taken together. ``mean`` and ``std``: over the photographs in which a score is defined, the
    standard deviation being that of a sample (n - 1), NaN for a single photograph.
    """

    n_images: int
    counts: Counts
    pooled: Scores
    mean: Scores
    std: Scores
    bootstrap: Bootstrap | None = None

    @classmethod
    def of(
        cls, each: Sequence[Measured], *, exact: Areas | None = None, bootstrap: Bootstrap | None = None
    ) -> "Summary":
        """Sum up photographs.

        Parameters
        ----------
        exact : the areas under the pooled curves, which cannot be had from the single ones; None: from fine bins.
        """
        whole = pool(each, exact)
        scores = [one.scores for one in each]
        return cls(
            n_images=len(each),
            counts=whole.counts,
            pooled=whole.scores,
            mean=_over_images(scores, statistics.fmean, needed=1),
            std=_over_images(scores, statistics.stdev, needed=2),
            bootstrap=bootstrap,
        )

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        return {
            "n_images": self.n_images,
            "counts": asdict(self.counts),
            "pooled": self.pooled.to_dict(),
            "mean": self.mean.to_dict(),
            "std": self.std.to_dict(),
            "bootstrap": None if self.bootstrap is None else self.bootstrap.to_dict(),
        }


def _over_images(each: Sequence[Scores], function: Callable[[list[float]], float], *, needed: int) -> Scores:
    values = {
        name: [value for scores in each if not math.isnan(value := getattr(scores, name))] for name in SCORE_NAMES
    }
    return Scores(**{name: function(column) if len(column) >= needed else math.nan for name, column in values.items()})
