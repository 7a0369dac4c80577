"""What a training run is made of: a typed, documented configuration that is read from and written to TOML."""

import re
import textwrap
from collections.abc import Collection
from pathlib import Path, PurePath
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from core.errors import TrainingError, WeightsError
from core.models.model_card import check_name
from core.networks.families import DEFAULT_FAMILY, validated
from core.photo.recipe import MOST_DIAMETER_PX, Preprocessing
from core.resources import resource_path
from core.strict import Malformed, read_toml

_MANY: Final = 10**9
"""More steps than anybody waits for; the numbers of a recipe have bounds, since it may be anybody's."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


class SourceSection(_Section):
    """One split of one data set."""

    dataset: str = Field(
        default="drive",
        description="drive, stare, chase_db1 or hrf; or a data set file (NAME.serr-dataset), or a folder (with a "
        "slash, such as ./eyes); paths begin at the data folder",
    )
    split: str = Field(default="train", description="the split whose photographs are used")
    labels: str = Field(default="", description="name of the expert to learn from; empty for the usual one")
    vessel_values: str = Field(
        default="",
        description="values of the labels that are vessel, such as 1,2 or #ff0000,#0000ff, where labels are not black "
        "and white; empty: as the data set file says",
    )
    ignored_values: str = Field(
        default="", description="values of the labels that are neither learned from nor scored, such as 255"
    )
    validation_photos: int = Field(
        default=4,
        ge=0,
        le=_MANY,
        description="photographs of the split that are held out to choose the weights and the threshold; all "
        "photographs of one person are held out together. A data set file with a validation part holds out that part. "
        "0 holds out none, for the last fit of a recipe that is settled: the choice is then made on the very "
        "photographs that were learned from, and no score of the training says how good the model is",
    )


class DataSection(_Section):
    """Which photographs are learned from, and which choose the weights and the threshold.

    A single source may be written directly into this part, without a list.
    """

    sources: tuple[SourceSection, ...] = Field(
        default=(SourceSection(),),
        min_length=1,
        description="crops are drawn from each source equally often, and each counts alike in the choice",
    )
    targets: Literal["hard", "soft"] = Field(
        default="hard",
        description="what is learned on a resampled photograph: vessel or not by half of the pixel's area, or the "
        "share of the area",
    )
    check_pairs: bool = Field(
        default=True,
        description="refuse a label whose vessels are not darker than their surroundings: it belongs to another "
        "photograph. Leave it out for angiograms, where vessels are bright",
    )

    @model_validator(mode="before")
    @classmethod
    def _single(cls, fields: Any) -> Any:
        if not isinstance(fields, dict):
            return fields
        single = {name: fields[name] for name in SourceSection.model_fields if name in fields}
        if not single:
            return fields
        sources = fields.get("sources", [{}])
        if not isinstance(sources, (list, tuple)) or not all(
            isinstance(each, (dict, SourceSection)) for each in sources
        ):
            raise ValueError("sources must be a list of data sets")
        if len(sources) != 1:
            raise ValueError(f"{', '.join(single)} must be in one of the {len(sources)} sources")
        others = {name: value for name, value in fields.items() if name not in single}
        return others | {"sources": [dict(sources[0]) | single]}


class NetworkSection(_Section):
    architecture: str = Field(
        default=DEFAULT_FAMILY, description="family of the network; 'serr models architectures' lists them"
    )
    config: dict[str, bool | int | float | str] = Field(
        default_factory=dict, description="fields of that family, such as width; those that are left out are its usual"
    )
    start_from: str = Field(
        default="",
        description="model to train on (its name or its weights file), with its own architecture and preprocessing; "
        "empty to start from scratch",
    )
    keep_scale: bool = Field(
        default=True,
        description="resample photographs as that model has it; false: as fov_diameter_px and fov_diameter_max_px say",
    )
    start_sha256: str = Field(default="", description="of that model's tensors; written by the program")
    start_sources: tuple[dict[str, Any], ...] = Field(
        default=(), description="what that model had learned from; written by the program"
    )

    @model_validator(mode="after")
    def _can_be_built(self) -> "NetworkSection":
        try:
            validated(self.architecture, self.config)
        except WeightsError as error:
            raise ValueError(str(error)) from None
        return self


class TeacherSection(_Section):
    """Another model whose probabilities are learned from, beside the experts' labels (distillation)."""

    model: str = Field(
        default="",
        description="name or weights file of the teacher, such as a larger network; empty for labels alone. What is "
        "learned of a labelled photograph is a mean of the label and the teacher's probabilities",
    )
    share: float = Field(
        default=0.5, gt=0, le=1, description="the teacher's weight in that mean; 1: labels do not count"
    )
    photographs: str = Field(
        default="",
        description="folder of photographs without labels, which are learned from the teacher alone, like one more "
        "data set; a relative path begins at the data folder",
    )
    sha256: str = Field(default="", description="of the teacher's tensors; written by the program")
    sources: tuple[dict[str, Any], ...] = Field(
        default=(), description="what the teacher had learned from; written by the program"
    )

    @model_validator(mode="after")
    def _has_a_teacher(self) -> "TeacherSection":
        if self.photographs and not self.model:
            raise ValueError("photographs without labels need a teacher: name its model")
        return self


class AugmentationSection(_Section):
    """Random changes of each crop; a range of 0 leaves a change out."""

    rotation_deg: float = Field(default=180.0, ge=0, le=180, description="rotation by an angle within +- this")
    flip: bool = Field(default=True, description="mirror every second crop")
    log_scale: float = Field(default=0.25, ge=0, le=1, description="zoom by exp(+- this)")
    log_aspect: float = Field(default=0.1, ge=0, le=1, description="stretch one axis by exp(+- this)")
    log_gamma: float = Field(default=0.25, ge=0, le=2, description="gamma of exp(+- this)")
    log_contrast: float = Field(default=0.25, ge=0, le=2, description="contrast of exp(+- this)")
    brightness: float = Field(default=0.3, ge=0, le=2, description="offset within +- this (planes span about 4)")
    noise_sd: float = Field(default=0.08, ge=0, le=1, description="largest standard deviation of added noise")
    blur_sd_px: float = Field(
        default=0.7, ge=0, le=5, description="largest blur, in pixels; applied to a quarter of the crops"
    )
    cameras: int = Field(
        default=0,
        ge=0,
        le=64,
        description="how many more times each photograph is prepared as if another camera had taken it (colours, "
        "light, haze, sharpness, noise, JPEG); crops are drawn from all of them",
    )
    distractors: float = Field(
        default=0.0,
        ge=0,
        le=1,
        description="share of the crops into which things are drawn that look like vessels and are none: laser scars, "
        "haemorrhages, rims of atrophy, vessels of the choroid",
    )


class OptimisationSection(_Section):
    steps: int = Field(default=4500, ge=1, le=_MANY, description="optimiser steps")
    batch: int = Field(default=4, ge=1, le=4096, description="crops in a step, over all processes")
    crop_px: int = Field(
        default=256, ge=16, le=MOST_DIAMETER_PX, description="side of a crop, a multiple of the network's stride"
    )
    loss: Literal["bce", "dice", "bce_dice", "bce_dice_cldice", "focal_tversky"] = Field(
        default="bce_dice", description="all count inside the field of view only"
    )
    dice_weight: float = Field(default=0.3, ge=0, le=1000, description="weight of soft Dice beside BCE")
    cldice_weight: float = Field(
        default=0.2, ge=0, le=1000, description="weight of soft clDice beside BCE and soft Dice"
    )
    cldice_iterations: int = Field(
        default=6, ge=1, le=50, description="half the width of the widest vessel in pixels, for the soft skeleton"
    )
    tversky_missed: float = Field(
        default=0.7, gt=0, lt=1, description="weight of missed vessels in focal_tversky; the rest is for false ones"
    )
    tversky_focus: float = Field(default=0.75, gt=0, le=4, description="power of 1 - Tversky index in focal_tversky")
    schedule: Literal["one_cycle", "constant"] = Field(
        default="one_cycle", description="the learning rate rises to peak_rate and falls again, or stays there"
    )
    peak_rate: float = Field(default=3e-3, gt=0, le=1000, description="highest learning rate")
    warmup_share: float = Field(default=0.2, gt=0, lt=1, description="share of the steps on which the rate rises")
    weight_decay: float = Field(default=0.01, ge=0, le=1000, description="AdamW decay, on matrices and kernels only")
    gradient_norm: float = Field(
        default=1.0, ge=0, le=1e12, description="gradients are clipped to this norm; 0 for never"
    )
    ema_decay: float = Field(
        default=0.998, ge=0, lt=1, description="decay of the running mean of the weights; 0 for none"
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = Field(
        default="auto", description="autocast to bf16 (or fp16, on older GPUs) where the device is fast at it"
    )
    choose_by: Literal["auc_roc", "auc_pr", "f1"] = Field(
        default="auc_roc",
        description="the validations' score that chooses the weights; f1 is at one threshold for all sources",
    )
    patience: int = Field(
        default=0,
        ge=0,
        le=_MANY,
        description="end after this many validations in a row without a better one; 0 for never",
    )


class RunSection(_Section):
    name: str = Field(default="", description="name of the model; empty for <architecture>-<data sets>")
    seed: int = Field(default=0, ge=0, le=2**63 - 1, description="of the weights, the split and every random choice")
    validate_every: int = Field(default=250, ge=1, le=_MANY, description="steps between validations and checkpoints")
    log_every: int = Field(default=10, ge=1, le=_MANY, description="steps between two points of the training curve")
    threads: int = Field(default=0, ge=0, le=1024, description="CPU threads; 0 for all")
    compile: bool = Field(
        default=False,
        description="have torch compile the network first: some minutes, then faster steps; on a CPU it needs a C++ "
        "compiler",
    )
    tensorboard: bool = Field(
        default=False, description="also write the curves for TensorBoard (the package tensorboard must be installed)"
    )

    @field_validator("name")
    @classmethod
    def _is_a_name(cls, name: str) -> str:
        if name:
            check_name(name)
        return name


class TrainingConfig(_Section):
    """Everything that decides the result of a run, beside the data and the program's version."""

    data: DataSection = DataSection()
    teacher: TeacherSection = TeacherSection()
    network: NetworkSection = NetworkSection()
    preprocessing: Preprocessing = Preprocessing()
    augmentation: AugmentationSection = AugmentationSection()
    optimisation: OptimisationSection = OptimisationSection()
    run: RunSection = RunSection()

    @property
    def model_name(self) -> str:
        """The name of the model that this run makes."""
        # The name becomes that of a file, too.
        names = (re.sub(r"[^\w.-]+", "-", PurePath(source.dataset).stem) for source in self.data.sources)
        return self.run.name or f"{self.network.architecture}-{'-'.join(dict.fromkeys(names))}"

    @property
    def soft_targets(self) -> bool:
        """Whether a target can be anything from 0 to 1: a share of the area, or a teacher's probability."""
        return self.data.targets == "soft" or bool(self.teacher.model)

    def replaced(self, part: str, **fields: object) -> "TrainingConfig":
        """A copy with some fields of one part changed and checked. Raises TrainingError for a wrong value."""
        everything = self.model_dump()
        everything[part].update(fields)
        return _checked(everything, "the command's options")


def load_config(path: Path) -> TrainingConfig:
    """Read a TOML file; fields that are not given have their defaults.

    Raises
    ------
    TrainingError : the file cannot be read, is not TOML, or holds an unknown field or a wrong value.
    """
    try:
        fields = read_toml(Path(path))
    except OSError as error:
        raise TrainingError(f"cannot read the training configuration {path}: {error.strerror}") from None
    except Malformed as error:
        raise TrainingError(f"the training configuration {path} cannot be used: {error}") from None
    return _checked(fields, str(path))


FINE_TUNING = "fine-tune"
"""The preset for training on from a model."""


def presets() -> tuple[str, ...]:
    """Names of the recipes for anybody's photographs that ship with the program."""
    return _recipes_in("training")


def recipes_of_models() -> tuple[str, ...]:
    """Names of the models that ship with the recipe that made them, which learns from the published data sets."""
    return _recipes_in("weights")


def load_preset(name: str) -> TrainingConfig:
    """A recipe that ships with the program. Raises TrainingError for an unknown name."""
    for folder in ("training", "weights"):
        if name in _recipes_in(folder):
            return load_config(resource_path(folder, f"{name}.toml"))
    known = ", ".join([*presets(), *recipes_of_models()])
    raise TrainingError(f"there is no training preset '{name}'; choose one of: {known}")


def _recipes_in(folder: str) -> tuple[str, ...]:
    return tuple(sorted(path.stem for path in resource_path(folder).glob("*.toml")))


def _checked(fields: dict[str, object], source: str) -> TrainingConfig:
    try:
        return TrainingConfig.model_validate(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])[:100]
        what = first["msg"].removeprefix("Value error, ")
        raise TrainingError(f"{source}: the training configuration is wrong at '{where}': {what}") from None


def to_toml(config: TrainingConfig) -> str:
    """The whole configuration, defaults written out, with what each field means as a comment."""
    lines = ["# A recipe for `serr train --config`; fields that are left out have their defaults.", ""]
    for name in TrainingConfig.model_fields:
        part: BaseModel = getattr(config, name)
        lines += [f"[{name}]", *_fields_as_toml(part, {"sources"})]
        if isinstance(part, DataSection):
            for number, source in enumerate(part.sources):
                lines += ["[[data.sources]]", *_fields_as_toml(source, explained=number == 0)]
    return "\n".join(lines)


def _fields_as_toml(part: BaseModel, left_out: Collection[str] = (), *, explained: bool = True) -> list[str]:
    lines: list[str] = []
    values = part.model_dump(mode="json")
    for name, field in type(part).model_fields.items():
        if name in left_out:
            continue
        if explained and field.description:
            lines += textwrap.wrap(field.description, 110, initial_indent="# ", subsequent_indent="# ")
        lines.append(f"{name} = {_on_one_line(values[name])}")
    return [*lines, ""]


def _on_one_line(value: object) -> str:
    import tomli_w

    if isinstance(value, dict):
        return "{ " + ", ".join(f"{name} = {_on_one_line(item)}" for name, item in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(_on_one_line(item) for item in value) + "]"
    return tomli_w.dumps({"value": value}).partition(" = ")[2].rstrip("\n")
