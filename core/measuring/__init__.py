"""Measuring the vessels of photographs, masks and results, and the tables of it: what windows and commands call.

The measures themselves are in ``core.measures``.
"""

from core.measuring.files import measure_files
from core.measuring.mirrored import mirrored_maps, mirrored_variants
from core.measuring.options import MeasureOptions
from core.measuring.results import is_result, unused_results
from core.measuring.segmentations import measure_segmentation, moved_rules, sources_of, trace_probability
from core.measuring.tables import (
    Measured,
    codebook,
    codebook_path,
    columns,
    refuse_other_codebook,
    segment_rows,
    segments_csv,
    table_files,
)

__all__ = [
    "MeasureOptions",
    "Measured",
    "codebook",
    "codebook_path",
    "columns",
    "is_result",
    "measure_files",
    "measure_segmentation",
    "mirrored_maps",
    "mirrored_variants",
    "moved_rules",
    "refuse_other_codebook",
    "segment_rows",
    "segments_csv",
    "sources_of",
    "table_files",
    "trace_probability",
    "unused_results",
]
