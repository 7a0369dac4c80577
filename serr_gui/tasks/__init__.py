"""The work of each kind of job: functions of a monitor that run in a thread, know no Qt and write no state.

The libraries that take long to load (torch above all) are imported where they are used: the window is there first.
"""

from serr_gui.tasks.exporting import Exported, ExportItem, ExportPart, export_many, spill
from serr_gui.tasks.models import check_model_file, read_devices, read_model_file, read_models
from serr_gui.tasks.monitor import BatchStep, YieldingMonitor
from serr_gui.tasks.photos import (
    FoundPhotos,
    Opened,
    Thumbnail,
    find_photos,
    make_fov,
    make_thumbnails,
    open_document,
    read_photo,
)
from serr_gui.tasks.segmenting import BatchPart, ModelCache, RunOptions, Segmented, segment_document, segment_many

__all__ = [
    "BatchPart",
    "BatchStep",
    "ExportItem",
    "ExportPart",
    "Exported",
    "FoundPhotos",
    "ModelCache",
    "Opened",
    "RunOptions",
    "Segmented",
    "Thumbnail",
    "YieldingMonitor",
    "check_model_file",
    "export_many",
    "find_photos",
    "make_fov",
    "make_thumbnails",
    "open_document",
    "read_devices",
    "read_model_file",
    "read_models",
    "read_photo",
    "segment_document",
    "segment_many",
    "spill",
]
