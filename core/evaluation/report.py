"""The result of an evaluation, with everything that a score needs to mean something, as plain values.

``core.evaluation.tables`` makes text and CSV of it, ``report_html`` and ``report_pdf`` documents.
"""

from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from core.evaluation.confusion import Counts, Region, Scores
from core.evaluation.curves import FINE_BINS, OperatingPoints
from core.evaluation.measure import ScoreSet
from core.evaluation.pictures import Thumbnails
from core.evaluation.summary import Summary
from core.evaluation.vessel_measures import MeasuredVessels
from core.files import path_text
from core.threshold_rule import ThresholdRule
from core.types import FovOrigin


@dataclass(frozen=True, slots=True)
class Method:
    """What found the vessels: a model by name and hash with its test-time averaging, or any other source by name.

    ``kind`` is "model", "probabilities" or "masks", the last two for results that were given as files; ``sha256`` is
    that of the model's tensors, or of all these files; ``notes`` say how these files were taken. ``seen`` is how many
    of the photographs it learned from or was chosen by, None where that is not known; ``unknown`` says in words what
    else it may have seen. ``made_by`` is the model that the side-cars of given files name.
    """

    name: str
    sha256: str = ""
    tta: str = "none"
    seeds: tuple[int, ...] = ()
    device: str = ""
    kind: str = "model"
    seen: int | None = None
    unknown: tuple[str, ...] = ()
    made_by: str = ""
    notes: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        parts = [] if self.kind == "model" else [f"{self.kind} as given"]
        parts += [f"made by {self.made_by}"] if self.made_by else []
        parts += [f"sha256 {self.sha256[:12]}"] if self.sha256 else []
        if self.tta != "none":
            parts.append(f"averaged over {self.tta}")
        return f"{self.name} ({', '.join(parts)})" if parts else self.name


@dataclass(frozen=True, slots=True, eq=False)
class ImageScores:
    """One photograph's result.

    ``fov_origin`` says where the field of view came from; ``beside`` are the scores in the other region; ``experts``
    those of the other experts against the same truth, ``against`` those of the method against the other experts;
    ``notes`` are sentences, and ``doubts`` those of them that say that the label or the field of view may be a wrong
    one; ``pictures`` and ``vessels`` (what is measured of the vessels that were found) were made where asked for.
    """

    stem: str
    photo: Path
    score_set: ScoreSet
    fov_origin: FovOrigin
    beside: ScoreSet
    experts: tuple[tuple[str, ScoreSet], ...] = ()
    against: tuple[tuple[str, ScoreSet], ...] = ()
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    pictures: Thumbnails | None = None
    vessels: MeasuredVessels | None = None

    @property
    def counts(self) -> Counts:
        return self.score_set.counts

    @property
    def scores(self) -> Scores:
        return self.score_set.scores


@dataclass(frozen=True, slots=True, eq=False)
class Best:
    """The threshold with the largest pooled F1 on the very labels that are evaluated, and the scores there.

    It shows what another threshold could do. It is not a result: who reports it has looked at the answers.
    """

    rule: ThresholdRule
    score_set: ScoreSet


@dataclass(frozen=True, slots=True, eq=False)
class RegionResult:
    """The scores over all photographs in one region.

    ``experts`` : those of the other experts against the same truth; ``against`` : those of the method against the other
    experts (their pooled areas from fine bins, right to about 1e-6).
    ``exact_auc`` : whether the pooled areas come from every float value, not from fine bins. ``curve`` and ``best`` are
    None for masks without probabilities.
    """

    region: Region
    total: Summary
    experts: tuple[tuple[str, Summary], ...]
    against: tuple[tuple[str, Summary], ...] = ()
    exact_auc: bool = True
    curve: OperatingPoints | None = None
    best: Best | None = None

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values."""
        best = self.best
        return {
            "region": self.region,
            **self.total.to_dict(),
            "pooled_auc": "exact" if self.exact_auc else f"{FINE_BINS} bins",
            "best_f1": None
            if best is None
            else {
                "honest": False,
                "threshold": best.rule.threshold,
                "threshold_origin": best.rule.origin,
                "counts": asdict(best.score_set.counts),
                "pooled": best.score_set.scores.to_dict(),
            },
            "experts": [{"name": name, **summary.to_dict()} for name, summary in self.experts],
            "against": [{"name": name, **summary.to_dict()} for name, summary in self.against],
        }


@dataclass(frozen=True, slots=True, eq=False)
class EvaluationReport:
    """How well a method finds the vessels of a data set.

    Parameters
    ----------
    dataset, split, protocol : what was evaluated, ``protocol`` in words.
    labels : the expert taken for the truth.
    rule, method : the threshold (None for masks as given), and whose masks.
    result : the scores in the region that was asked for; ``beside`` : those in the other one.
    images : those of each photograph.
    failed : photographs that could not be evaluated, with a sentence each. Where there are some, no score here is
        that of the whole data set.
    versions : of the program and the libraries that made the scores.
    created : UTC, ISO 8601.
    """

    dataset: str
    split: str
    protocol: str
    labels: str
    rule: ThresholdRule | None
    method: Method
    result: RegionResult
    beside: RegionResult
    images: tuple[ImageScores, ...]
    failed: tuple[tuple[Path, str], ...]
    versions: dict[str, str]
    created: str

    @property
    def region(self) -> Region:
        return self.result.region

    @property
    def total(self) -> Summary:
        return self.result.total

    @property
    def experts(self) -> tuple[tuple[str, Summary], ...]:
        return self.result.experts

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

    @property
    def complete(self) -> bool:
        """Whether every photograph of the data set was evaluated."""
        return not self.failed

    @property
    def doubtful(self) -> tuple[ImageScores, ...]:
        """The photographs whose label or field of view may be a wrong one."""
        return tuple(image for image in self.images if image.doubts)

    @property
    def fov_origins(self) -> dict[FovOrigin, int]:
        """How many fields of view came from where."""
        return dict(Counter(image.fov_origin for image in self.images))

    def to_dict(self) -> dict[str, object]:
        """Plain JSON values; a score that is undefined is None."""
        return {
            "dataset": self.dataset,
            "split": self.split,
            "protocol": self.protocol,
            "complete": self.complete,
            "doubtful": len(self.doubtful),
            "labels": self.labels,
            "field_of_view": self.fov_origins,
            "threshold": None if self.rule is None else self.rule.threshold,
            "threshold_origin": "masks as given" if self.rule is None else self.rule.origin,
            "drawing_style": "" if self.rule is None else self.rule.style,
            "low": None if self.rule is None else self.rule.low,
            "min_pixels": 0 if self.rule is None else self.rule.min_pixels,
            "model": asdict(self.method) | {"seeds": list(self.method.seeds), "unknown": list(self.method.unknown)},
            "tta": self.method.tta,
            **self.result.to_dict(),
            "beside": self.beside.to_dict(),
            "per_image": [_image(image) for image in self.images],
            "failed": [{"photo": path_text(path), "why": why} for path, why in self.failed],
            "versions": dict(self.versions),
            "created": self.created,
        }


def _image(image: ImageScores) -> dict[str, object]:
    return {
        "stem": image.stem,
        "photo": path_text(image.photo),
        "field_of_view": image.fov_origin,
        **_flat(image.score_set),
        "beside": _flat(image.beside),
        "experts": [{"name": name, **_flat(figures)} for name, figures in image.experts],
        "against": [{"name": name, **_flat(figures)} for name, figures in image.against],
        "notes": list(image.notes),
        "doubts": list(image.doubts),
        **({} if image.vessels is None else {"vessels": image.vessels.to_dict()}),
    }


def _flat(score_set: ScoreSet) -> dict[str, object]:
    return {**asdict(score_set.counts), **score_set.scores.to_dict()}
