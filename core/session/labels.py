"""What an observer made of a photograph, from the observer's session, as a label to compare with."""

from pathlib import Path

import numpy as np

from core.errors import InputError, LabelError
from core.files import display_path
from core.masks.edits import edited_levels
from core.masks.threshold import ruled_levels
from core.session.archive import SUFFIX, read_result, read_session
from core.session.maps import result_from
from core.session.packing import unpacked_codes
from core.session.records import PhotoRecord
from core.strict import Malformed
from core.types import ExpertLabel, FundusImage


def is_session(path: Path) -> bool:
    """Whether the name is that of a session file."""
    return path.suffix.lower() == SUFFIX


def label_of_session(path: Path, image: FundusImage) -> ExpertLabel:
    """The mask of a photograph as a session has it: the network's with the corrections, at the threshold that was left.

    What the observer has marked as questionable is what the label leaves open.

    Raises
    ------
    LabelError : the session cannot be read, does not hold the very same photograph, or no mask of it.
    """
    name = display_path(path.name)
    try:
        records = read_session(path).record.photos
    except InputError as error:
        raise LabelError(str(error)) from error
    record = next((one for one in records if image.sha256 is not None and one.photo.sha256 == image.sha256), None)
    if record is None:
        raise LabelError(
            f"The session {name} does not hold this photograph (it has {len(records)} others). Choose the session in "
            "which it was corrected."
        )
    if record.map is None:
        raise LabelError(f"The session {name} holds no mask of this photograph: it was not segmented there.")
    try:
        return _label(path, record, image)
    except (OSError, InputError, Malformed, ValueError) as error:
        raise LabelError(f"The mask of this photograph in the session {name} cannot be used: {error}.") from error


def _label(path: Path, record: PhotoRecord, image: FundusImage) -> ExpertLabel:
    assert record.map is not None
    found = result_from(read_result(record.map, image.shape), image).segmentation
    rule = record.rule or found.card.rule
    levels = ruled_levels(found.probability.levels, rule)
    if record.edits is not None and record.edits.codes is not None:
        levels = edited_levels(levels, unpacked_codes(record.edits.codes, image.shape))
    vessel = np.asarray(levels >= rule.level)
    questionable = None if record.questionable is None else record.questionable.mask
    return ExpertLabel(vessel, path, questionable)
