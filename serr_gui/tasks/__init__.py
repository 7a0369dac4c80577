"""The work of each kind of job: functions of a monitor that run in a thread, know no Qt and write no state.

The libraries that take long to load (torch above all) are imported where they are used: the window is there first.
"""

from serr_gui.tasks.carrying import Carried, Former, carry, carry_former
from serr_gui.tasks.exporting import Exported, ExportItem, ExportPart, export_many, spill
from serr_gui.tasks.models import (
    FirstModels,
    NameTaken,
    add_model,
    change_model,
    export_model,
    first_models,
    read_devices,
    read_entry,
    read_models,
    remove_model,
)
from serr_gui.tasks.monitor import BatchStep, YieldingMonitor
from serr_gui.tasks.photos import (
    FoundPhotos,
    Opened,
    Thumbnail,
    make_fov,
    make_thumbnails,
    open_document,
    photos_to_open,
    read_photo,
)
from serr_gui.tasks.segmenting import BatchPart, ModelCache, RunOptions, Segmented, segment_document, segment_many

__all__ = [
    "BatchPart",
    "BatchStep",
    "Carried",
    "ExportItem",
    "ExportPart",
    "Exported",
    "FirstModels",
    "Former",
    "FoundPhotos",
    "ModelCache",
    "NameTaken",
    "Opened",
    "RunOptions",
    "Segmented",
    "Thumbnail",
    "YieldingMonitor",
    "add_model",
    "carry",
    "carry_former",
    "change_model",
    "export_many",
    "export_model",
    "first_models",
    "make_fov",
    "make_thumbnails",
    "open_document",
    "photos_to_open",
    "read_devices",
    "read_entry",
    "read_models",
    "read_photo",
    "remove_model",
    "segment_document",
    "segment_many",
    "spill",
]
