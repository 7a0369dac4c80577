"""From the options of a batch to what the chain wants to know. Apart, since who looks at a batch needs no torch."""

from pathlib import Path
from typing import cast

from core.batch.options import BatchOptions
from core.export import ExportChoices
from core.inference.engine_choice import checked_engine
from core.inference.options import InferenceOptions
from core.models.deferred import KnownModel
from core.photo.sibling_files import FovOption, mask_folder
from core.results import Wanted


def wanted_by(options: BatchOptions, model: KnownModel, device: str) -> Wanted:
    """Raises FieldOfViewError where a folder of masks cannot be read, EngineError where the engine cannot be had."""
    engine = checked_engine(options.engine, device)
    fov: FovOption = cast(FovOption, options.fov if options.fov in {"auto", "full"} else Path(options.fov))
    rule = model.card.rule if options.is_own_rule else options.rule
    export = ExportChoices(
        mask="mask" in options.kinds,
        probability="probability" in options.kinds,
        overlay="overlay" in options.kinds,
        float_probability=options.float_probability,
    )
    return Wanted(
        model, InferenceOptions(device=device, tta=options.tta, engine=engine), rule, mask_folder(fov), export
    )
