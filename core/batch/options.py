"""How the results of a batch are made: options that stay with its manifest, so that a mixture is noticed."""

import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import TYPE_CHECKING, Any, Final, Literal, cast

from core.errors import InputError
from core.inference.options import ENGINES, Engine
from core.strict import is_text
from core.threshold_rule import ThresholdOrigin, ThresholdRule

if TYPE_CHECKING:
    from core.models.weights_file import LoadedModel

KINDS: Final = frozenset({"mask", "probability", "overlay"})
"""What may be written besides the side-car."""
_UNSAID: Final[dict[str, Any]] = {"engine": "torch", "model_applied": "", "style": ""}
"""What older manifests do not say."""


@dataclass(frozen=True, slots=True)
class BatchOptions:
    """What makes a result what it is; the device is none of it.

    Parameters
    ----------
    model : its name or the path of its file, to load it again. ``model_sha256`` : of its tensors.
    model_applied : its card's ``applied_sha256``; empty in older manifests, which do not say it.
    level, low_level, min_pixels : as of a ``ThresholdRule``; ``is_own_rule``: the model's own, chosen by nobody.
    style : the drawing style that the rule is; empty: none.
    fov : "auto", "full", or the path of a mask file or a folder of masks.
    engine : what runs the network, as of ``InferenceOptions``.
    kinds : what is written besides the side-car: "mask", "probability", "overlay".
    """

    model: str
    model_name: str
    model_sha256: str
    level: int
    is_own_rule: bool = True
    low_level: int | None = None
    min_pixels: int = 0
    tta: Literal["none", "flips"] = "none"
    fov: str = "auto"
    kinds: tuple[str, ...] = ("mask", "probability", "overlay")
    float_probability: bool = False
    engine: Engine = "torch"
    model_applied: str = ""
    style: str = ""

    @property
    def rule(self) -> ThresholdRule:
        """How probabilities become masks, as somebody chose it."""
        origin: ThresholdOrigin = "style" if self.style else "user"
        return ThresholdRule(self.level, origin, self.low_level, self.min_pixels, self.style)

    @property
    def sha256(self) -> str:
        """Of all that changes a result."""
        told = {key: value for key, value in self.to_dict().items() if key not in {"model", "model_name"}}
        # As in older manifests: what is done there stays done.
        told = {key: value for key, value in told.items() if key not in _UNSAID or value != _UNSAID[key]}
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    def is_for(self, model: "LoadedModel") -> bool:
        """Whether a model is the one of these options, applied in the same way."""
        applied = self.model_applied in {"", model.card.applied_sha256}
        return model.sha256 == self.model_sha256 and applied

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON values."""
        return {**asdict(self), "kinds": sorted(self.kinds)}

    @classmethod
    def from_dict(cls, values: object) -> "BatchOptions":
        """Raises InputError where they are not those of a batch, whoever wrote them."""
        try:
            given = {**_UNSAID, **cast(dict[str, Any], values)}
            taken = {field.name: given[field.name] for field in fields(cls)}
            if not _are_sound(taken):
                raise ValueError
            options = cls(**{**taken, "kinds": tuple(taken["kinds"])})
            _ = options.rule  # which checks its numbers
        except (KeyError, TypeError, ValueError):
            raise InputError("The manifest does not say how its results are made. Plan the batch again.") from None
        return options

    def differences(self, other: "BatchOptions") -> tuple[str, ...]:
        """In which way others are not these, in words: what the others have, then what these have."""
        pairs = (
            ("model", other.model_name, self.model_name),
            ("threshold", f"{other.level / 256:g}", f"{self.level / 256:g}"),
            ("drawing style", other.style or "none", self.style or "none"),
            ("lower threshold", *("none" if one.rule.low is None else f"{one.rule.low:g}" for one in (other, self))),
            ("smallest vessel in pixels", str(other.min_pixels), str(self.min_pixels)),
            ("averaging over mirror images", other.tta, self.tta),
            ("engine", other.engine, self.engine),
            ("field of view", other.fov, self.fov),
            ("results", ", ".join(sorted(other.kinds)), ", ".join(sorted(self.kinds))),
            ("format of the probabilities", *("float" if one.float_probability else "16 bit" for one in (other, self))),
        )
        found = [f"{what} {theirs}, not {ours}" for what, theirs, ours in pairs if theirs != ours]
        if other.model_sha256 != self.model_sha256 and other.model_name == self.model_name:
            found.append(f"another model that is called {self.model_name}, too")
        elif other.model_sha256 == self.model_sha256 and other.model_applied != self.model_applied:
            found.append(f"the model {self.model_name} with another preparation of photographs, or another calibration")
        return tuple(found)


def _are_sound(values: dict[str, Any]) -> bool:
    """Whether each field is of its kind."""
    texts = [values[name] for name in ("model", "model_name", "model_sha256", "fov", "model_applied", "style")]
    numbers = [values["level"], values["min_pixels"], *([] if values["low_level"] is None else [values["low_level"]])]
    return (
        all(isinstance(text, str) and is_text(text) for text in texts)
        and all(type(number) is int for number in numbers)
        and all(isinstance(values[name], bool) for name in ("is_own_rule", "float_probability"))
        and values["engine"] in ENGINES
        and values["tta"] in {"none", "flips"}
        and isinstance(values["kinds"], list)
        and set(values["kinds"]) <= KINDS
    )
