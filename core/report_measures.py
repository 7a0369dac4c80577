"""Measures of the vessels for the report of an evaluation."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from core.errors import InputError
from core.evaluation.measure import GivenMask, Prediction
from core.evaluation.vessel_measures import MeasuredVessels, VesselMeasure
from core.measures.summary import CODEBOOK, VesselMeasures, measure_traced
from core.measures.traced import trace_mask
from core.measuring import MeasureOptions, trace_probability
from core.photo.photo_doubts import doubts_about
from core.progress import Monitor
from core.types import FieldOfView, FundusImage, VesselMask


@dataclass(frozen=True, slots=True)
class ReportMeasures:
    """Measures the vessels that an evaluation scores, with error bars over the threshold: a ``MeasureVessels``.

    ``options`` : optic disc, size of a pixel and marks of the photographs for which they are known, and in ``doubts``
    what is doubtful about these.
    """

    options: Mapping[Path, MeasureOptions] = field(default_factory=dict)
    doubts: Mapping[Path, str] = field(default_factory=dict)

    def __call__(
        self,
        image: FundusImage,
        fov: FieldOfView,
        found: Prediction,
        mask: VesselMask | None,
        monitor: Monitor,
    ) -> MeasuredVessels:
        path = image.source
        options = self.options.get(path, MeasureOptions()) if path is not None else MeasureOptions()
        said = self.doubts.get(path, "") if path is not None else ""
        about = doubts_about(image, fov)
        doubts = (*(doubt.text for doubt in about), *((said,) if said else ()))
        disc = options.disc if options.disc != "auto" else None
        try:
            if isinstance(found, GivenMask):
                traced = trace_mask(found.vessel, fov.inside, monitor=monitor)
            else:
                assert mask is not None  # of probabilities a rule makes one
                traced = trace_probability(found, mask, fov, monitor=monitor).with_bars(monitor)
            pixel = options.pixel_of(disc)
            against = () if options.despite_doubts else about
            measures = measure_traced(traced, disc=disc, marks=options.marks, pixel=pixel, doubts=against)
        except InputError as error:
            return MeasuredVessels(problem=str(error), doubts=doubts)
        source = () if pixel is None else (f"A pixel is {pixel.um:.4g} \u00b5m wide ({pixel.source}).",)
        return MeasuredVessels(tuple(_rows(measures)), doubts=(*doubts, *source))


def _rows(measures: VesselMeasures) -> list[VesselMeasure]:
    rows = []
    for row in measures.rows:
        name, _, zone = row.name.rpartition("/")
        zone = "field of view" if zone == "fov" else zone
        meaning = CODEBOOK[row.name]
        rows.append(
            VesselMeasure(name.removesuffix("/all"), meaning, zone, row.value, row.unit, row.low, row.high, row.note)
        )
    return rows
