"""The model card: what a weights file says about itself, as plain JSON values."""

import hashlib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import PurePath
from typing import Any, Literal, get_args

from core.errors import StyleError
from core.models.drawing_style import DrawingStyle, checked_styles, style_named
from core.models.temperature import Temperature
from core.photo.recipe import Preprocessing
from core.threshold_rule import LEVELS, ThresholdRule

Task = Literal["vessels", "artery_vein", "enhancement"]
_LONGEST_NAME = 200  # bytes, so that it does as the name of a file with a suffix
_PLAIN_TYPES = (bool, int, float, str, type(None))


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What a weights file says about itself.

    Parameters
    ----------
    name : short name by which the model is chosen, for example "serr-unet-drive".
    architecture, config : what ``core.networks.registry.build`` needs to make the network.
    preprocessing : how a photograph is prepared for it.
    trained_on : the data, in words. ``training`` : how, as plain JSON values. ``seeds`` : the random seeds.
    default_threshold : k/256 with k in 1..255.
    scores : each a flat mapping of scores together with the protocol that they were measured by.
    licence, notes : terms of use; anything else a person should know.
    created : ISO 8601 time, and ``version`` that of this program, both filled in when the file is written.
    sha256 : of the tensors, filled in when the file is written.
    task : what it is for: "vessels" (a map of vessels), "artery_vein" (a map of each) or "enhancement" (a photograph).
    scaling : by which the network's probabilities are calibrated; ``default_threshold`` is of those.
    styles : for each data set the threshold that draws like its expert (``core.models.drawing_style``), of the
        calibrated probabilities as well; may be empty.

    Raises
    ------
    ValueError, TypeError : for a value that cannot be in a card.
    """

    name: str
    architecture: str
    config: dict[str, object]
    preprocessing: Preprocessing
    trained_on: str = ""
    training: dict[str, object] = field(default_factory=dict)
    seeds: tuple[int, ...] = ()
    default_threshold: float = 0.5
    scores: tuple[dict[str, object], ...] = ()
    licence: str = ""
    notes: str = ""
    created: str = ""
    version: str = ""
    sha256: str = ""
    task: Task = "vessels"
    scaling: Temperature = Temperature()  # noqa: RUF009 - a frozen value
    styles: tuple[DrawingStyle, ...] = ()

    def __post_init__(self) -> None:
        for name in ("name", "architecture", "trained_on", "licence", "notes", "created", "version", "sha256"):
            if not isinstance(getattr(self, name), str):
                raise TypeError(f"{name} must be text")
        for name in ("seeds", "scores"):
            if not isinstance(getattr(self, name), (list, tuple)):
                raise TypeError(f"{name} must be a list")
        check_name(self.name)
        if self.task not in get_args(Task):
            raise ValueError(f"task must be one of {', '.join(get_args(Task))}, not {self.task!r:.80}")
        level = float(self.default_threshold) * LEVELS
        if not (level.is_integer() and 1 <= level <= LEVELS - 1):
            raise ValueError(
                f"default_threshold must be k/{LEVELS} with k in 1..{LEVELS - 1}, not {self.default_threshold}"
            )
        object.__setattr__(self, "default_threshold", level / LEVELS)
        object.__setattr__(self, "styles", checked_styles(self.styles))
        object.__setattr__(self, "config", _plain_mapping(self.config, "config"))
        object.__setattr__(self, "training", _plain_mapping(self.training, "training"))
        object.__setattr__(self, "seeds", tuple(int(seed) for seed in self.seeds))
        object.__setattr__(self, "scores", tuple(_plain_mapping(score, "scores") for score in self.scores))

    @property
    def rule(self) -> ThresholdRule:
        """The default threshold as a rule."""
        return ThresholdRule(round(self.default_threshold * LEVELS), "model")

    def style_rule(self, name: str) -> ThresholdRule:
        """The rule that draws like the expert of a data set.

        Raises
        ------
        StyleError : the model has no such style; the sentence names those that it has.
        """
        found = style_named(self.styles, name)
        if found is None:
            raise StyleError(self._no_style(name))
        return found.rule

    def _no_style(self, name: str) -> str:
        if not self.styles:
            return (
                f'{self.name} cannot draw like "{name:.80}": it has no drawing styles. Models have them that learned '
                "from several data sets. Leave the style out, or choose another model."
            )
        names = ", ".join(one.name for one in self.styles)
        return f'{self.name} has no drawing style "{name:.80}". It can draw like: {names}.'

    @property
    def applied_sha256(self) -> str:
        """Of how photographs are prepared for it and its logits scaled, which the hash of its tensors lacks."""
        how = {"preprocessing": self.preprocessing.to_dict(), "scaling": self.scaling.to_record()}
        return hashlib.sha256(json.dumps(how, sort_keys=True).encode()).hexdigest()

    @property
    def sources(self) -> tuple[Mapping[str, Any], ...]:
        """What it learned from, as far as the card has it: by its own recipe, and before as the model it began with.

        What its teacher had learned from counts as well: the teacher's probabilities tell of it.
        """
        data = self.training.get("data")
        own: tuple[Mapping[str, Any], ...] = ()
        if isinstance(data, Mapping):
            # Cards of the first version have a single source without a list.
            own = _mappings(data["sources"]) if "sources" in data else (data,) if "dataset" in data else ()
        return own + self._sources_of("started_from") + self._sources_of("taught_by")

    def _sources_of(self, other: str) -> tuple[Mapping[str, Any], ...]:
        model = self.training.get(other)
        return _mappings(model.get("sources")) if isinstance(model, Mapping) else ()

    @property
    def unknown_start(self) -> str:
        """The model that it began with, or its teacher, in words, where the card lacks what that had learned from."""
        earlier, then, _ = self.trained_on.partition(", then ")
        if then and not self._sources_of("started_from"):
            return earlier
        teacher = self.training.get("taught_by")
        if isinstance(teacher, Mapping) and not teacher.get("knows_sources"):
            return str(teacher.get("name"))
        return ""

    @property
    def knows_its_sources(self) -> bool:
        """Whether ``sources`` is all that it has learned from."""
        return bool(self.sources) and not self.unknown_start

    @property
    def steps(self) -> int | None:
        """How many steps it was trained, None where the card does not say."""
        optimisation = self.training.get("optimisation")
        steps = optimisation.get("steps") if isinstance(optimisation, Mapping) else None
        found = self.training.get("best_step", steps)
        return found if isinstance(found, int) else None

    @property
    def photographs(self) -> int | None:
        """How many photographs it learned from, None where the card does not say."""
        counts = [int(count) for count in re.findall(r"(\d{1,7}) photographs? to learn from", self.trained_on)]
        return sum(counts) or None

    @property
    def held_out_scores(self) -> Mapping[str, Any] | None:
        """Its scores on photographs that it did not learn from; None where it was not measured on any."""
        return next((score for score in self.scores if str(score.get("protocol", "")).startswith("held-out")), None)

    @property
    def experience(self) -> str:
        """What it has learned from and how good it was on photographs that it did not learn from, in sentences."""
        counted = ((self.photographs, "photographs"), (self.steps, "steps"))
        much = ", ".join(f"{count} {what}" for count, what in counted if count) or "how much is not known"
        if self.task == "enhancement":
            return f"Learned from: {self.trained_on or 'not known'}. {self._clearer}"
        sentences = [f"Learned from: {self.trained_on or 'not known'} ({much})."]
        scores = self.held_out_scores
        if scores is None:
            sentences.append("It was not measured on photographs that were held out, so how good it is is not known.")
        else:
            figures = [
                f"{name} {value:.4f}"
                for name, key in (("AUC", "auc_roc"), ("F1", "f1"))
                if isinstance(value := scores.get(key), (int, float))
            ]
            sentences.append(f"On photographs held out from it: {', '.join(figures)}.")
        return " ".join(sentences)

    @property
    def _clearer(self) -> str:
        """How much nearer its pictures come to the photographs that were spoiled on purpose, where that is known."""
        for score in self.scores:
            before, after = score.get("psnr_before_db"), score.get("psnr_db")
            if isinstance(before, (int, float)) and isinstance(after, (int, float)):
                where = score.get("protocol") or "photographs"
                return f"PSNR before and after enhancing: {before:.1f} and {after:.1f} dB ({where})."
        return "Its pictures were not measured, so how good they are is not known."

    @property
    def data_sets(self) -> tuple[str, ...]:
        """The names of what it learned from, each once."""
        names = [PurePath(str(source.get("dataset", ""))).stem for source in self.sources]
        return tuple(dict.fromkeys(name for name in names if name))

    def to_dict(self) -> dict[str, object]:
        """The card as plain JSON values."""
        values: dict[str, object] = {f.name: getattr(self, f.name) for f in fields(self)}
        return values | {
            "preprocessing": self.preprocessing.to_dict(),
            "seeds": list(self.seeds),
            "scores": list(self.scores),
            "scaling": self.scaling.to_record(),
            "styles": [style.to_record() for style in self.styles],
        }

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "ModelCard":
        """The card from plain JSON values; keys that this version does not know are left out.

        Raises
        ------
        ValueError, TypeError, KeyError : where a value is missing or of the wrong kind.
        """
        known = {f.name: values[f.name] for f in fields(cls) if f.name in values}
        known["preprocessing"] = Preprocessing.from_dict(values["preprocessing"])
        known["scaling"] = Temperature.from_record(values.get("scaling"))
        return cls(**known)


def check_name(name: str) -> None:
    """Raise ValueError for text that cannot be the name of a model, which is the name of a file, too."""
    forbidden = not set(name).isdisjoint('/\\:*?"<>|') or not name.isprintable()  # half a character is not, either
    if not name or forbidden or name != name.strip(" .") or len(name.encode("utf-8", "replace")) > _LONGEST_NAME:
        raise ValueError(f"{name[:80]!r} cannot be the name of a model: it must also do as the name of a file")


def _mappings(values: object) -> tuple[Mapping[str, Any], ...]:
    listed = values if isinstance(values, Sequence) else ()
    return tuple(value for value in listed if isinstance(value, Mapping))


def _plain_mapping(values: object, name: str) -> dict[str, object]:
    if not isinstance(values, Mapping):
        raise TypeError(f"{name} must be a mapping, not {type(values).__name__}")
    return {str(key): _plain(value) for key, value in values.items()}


def _plain(value: object) -> object:
    """The value in the form in which it comes back from JSON; numbers that JSON does not have become None."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if type(value) not in _PLAIN_TYPES:  # never so in a card from a file: to list models needs no NumPy
        import numpy as np

        if isinstance(value, np.generic):
            value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    return str(value)
