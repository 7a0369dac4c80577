"""Intervals of scores over photographs, by drawing photographs with replacement."""

import warnings
from collections.abc import Sequence
from dataclasses import astuple

import numpy as np

from core.evaluation.calibration import Calibration
from core.evaluation.cldice import CentreLineCounts
from core.evaluation.confusion import SCORE_NAMES, Counts, IntArray, Scores
from core.evaluation.connectedness import Connectedness
from core.evaluation.curves import DoubleArray, FineHistogram
from core.evaluation.measure import Measured
from core.evaluation.summary import CONFIDENCE, Bootstrap, Interval
from core.progress import SILENT, Monitor, Progress


def bootstrap(each: Sequence[Measured], resamples: int, seed: int, monitor: Monitor = SILENT) -> Bootstrap:
    """Draw photographs with replacement; equal seeds give equal intervals.

    Pooled areas come from the fine bins (right to about 1e-6).
    """
    if not each or resamples < 1:
        raise ValueError("intervals need at least one photograph and one drawing")
    parts = _Parts(each)
    scores = np.array([_row(one.scores) for one in each])
    random = np.random.default_rng(seed)
    pooled, mean = np.empty((2, resamples, len(SCORE_NAMES)))
    for number in range(resamples):
        if number % 50 == 0:
            monitor.step(Progress("Resampling photographs for the intervals", number, resamples))
        drawn = random.integers(0, len(each), len(each))
        pooled[number] = _row(parts.total(np.bincount(drawn, minlength=len(each))))
        mean[number] = _mean(scores[drawn])
    return Bootstrap(resamples, seed, _percentiles(pooled), _percentiles(mean))


class _Parts:
    """What is known of each photograph, side by side, so that a drawing is a sum with weights."""

    def __init__(self, each: Sequence[Measured]) -> None:
        from scipy.sparse import csr_array

        self._counts = np.array([[c.tp, c.fp, c.tn, c.fn] for c in (one.counts for one in each)])
        self._lines = np.array(
            [[c.found_in_label, c.found, c.drawn_in_mask, c.drawn] for c in (one.centre_lines for one in each)]
        )
        self._connectedness = np.array([astuple(one.connectedness) for one in each])
        calibrations = [one.calibration for one in each if one.calibration is not None]
        fines = [one.fine for one in each if one.fine is not None]
        self._has_maps = len(calibrations) == len(fines) == len(each)
        if not self._has_maps:
            return
        self._calibration = np.array([[c.pixels, c.vessels, c.sums] for c in calibrations])
        self._bins = np.unique(np.concatenate([fine.bins for fine in fines]))
        starts = np.cumsum([0, *(fine.bins.size for fine in fines)])
        columns = np.concatenate([np.searchsorted(self._bins, fine.bins) for fine in fines])
        shape = (len(each), self._bins.size)
        self._vessel, self._background = (
            csr_array((np.concatenate([getattr(fine, name) for fine in fines]), columns, starts), shape=shape)
            for name in ("vessel", "background")
        )

    def total(self, times: IntArray) -> Scores:
        """All scores of the pixels of all photographs together, each taken so many times."""
        counts = Counts(*(int(value) for value in times @ self._counts))
        lines = CentreLineCounts(*(int(value) for value in times @ self._lines))
        connectedness = Connectedness(*(int(value) for value in times @ self._connectedness))
        if not self._has_maps:
            return Measured(counts, lines, connectedness=connectedness).scores
        pixels, vessels, sums = np.tensordot(times, self._calibration, axes=1)
        calibration = Calibration(np.rint(pixels).astype(np.int64), np.rint(vessels).astype(np.int64), sums)
        areas = FineHistogram(self._bins, times @ self._vessel, times @ self._background).points().areas
        return Measured(counts, lines, areas, calibration=calibration, connectedness=connectedness).scores


def _row(scores: Scores) -> list[float]:
    return [getattr(scores, name) for name in SCORE_NAMES]


def _mean(rows: DoubleArray) -> DoubleArray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # a score that is undefined in all photographs stays so
        return np.asarray(np.nanmean(rows, axis=0))


def _percentiles(drawings: DoubleArray) -> Interval:
    """Of each column; a score that is undefined in a drawing has no interval."""
    share = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(drawings, [share, 100 - share], axis=0)
    return Interval(*(Scores(*(float(value) for value in row)) for row in (low, high)))
