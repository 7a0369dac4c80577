"""Retinal vessels from colour fundus photographs, from Python.

>>> import serr
>>> found = serr.segment("eye.jpg")                # doctest: +SKIP
>>> found.save("results")                          # doctest: +SKIP
>>> serr.evaluate(found, "eye_manual1.png").f1     # doctest: +SKIP

What this package exports is stable; the modules of ``core`` behind it may change. Nothing heavy is imported before it
is needed.
"""

from typing import TYPE_CHECKING, Any

from core import __version__

if TYPE_CHECKING:
    from core.api.enhancing import Enhanced, enhance
    from core.api.evaluating import evaluate
    from core.api.models import Architecture, LoadedModel, ModelEntry, architectures, load_model, models
    from core.api.segmenting import Segmentation, segment, segment_many
    from core.api.training import TrainingResult, train
    from core.errors import ArgumentError, DoubtWarning, SerrError
    from core.evaluation.confusion import Scores
    from core.photo.label_values import LabelValues
    from core.photo.reading import read_fov, read_fundus, read_label
    from core.threshold_rule import ThresholdRule
    from core.types import ExpertLabel, FieldOfView, FundusImage, ProbabilityMap, VesselMask

_PLACES = {
    "core.api.enhancing": ("Enhanced", "enhance"),
    "core.api.evaluating": ("evaluate",),
    "core.api.measuring": ("OpticDisc", "PixelSize", "VesselMeasures", "measure"),
    "core.api.models": ("Architecture", "LoadedModel", "ModelEntry", "architectures", "load_model", "models"),
    "core.api.segmenting": ("Segmentation", "segment", "segment_many"),
    "core.api.training": ("TrainingResult", "train"),
    "core.errors": ("ArgumentError", "DoubtWarning", "SerrError"),
    "core.evaluation.confusion": ("Scores",),
    "core.photo.label_values": ("LabelValues",),
    "core.photo.reading": ("read_fov", "read_fundus", "read_label"),
    "core.threshold_rule": ("ThresholdRule",),
    "core.types": ("ExpertLabel", "FieldOfView", "FundusImage", "ProbabilityMap", "VesselMask"),
}
_PLACE_OF = {name: module for module, names in _PLACES.items() for name in names}

__all__ = [
    "Architecture",
    "ArgumentError",
    "DoubtWarning",
    "Enhanced",
    "ExpertLabel",
    "FieldOfView",
    "FundusImage",
    "LabelValues",
    "LoadedModel",
    "ModelEntry",
    "OpticDisc",
    "PixelSize",
    "ProbabilityMap",
    "Scores",
    "Segmentation",
    "SerrError",
    "ThresholdRule",
    "TrainingResult",
    "VesselMask",
    "VesselMeasures",
    "__version__",
    "architectures",
    "enhance",
    "evaluate",
    "load_model",
    "measure",
    "models",
    "read_fov",
    "read_fundus",
    "read_label",
    "segment",
    "segment_many",
    "train",
]


def __getattr__(name: str) -> Any:
    """Import what is asked for when it is first asked for (PEP 562)."""
    if name not in _PLACE_OF:
        raise AttributeError(f"module 'serr' has no attribute '{name}'")
    from importlib import import_module

    value = getattr(import_module(_PLACE_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
