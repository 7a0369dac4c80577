"""Measure the vessels of photographs and masks, one row of a table each."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, Literal

import numpy as np

from core.errors import InputError, OutputError, SerrError
from core.evaluation.csv_text import csv_text
from core.files import display_path, path_text
from core.inference.options import InferenceOptions
from core.masks.edits import BACKGROUND, VESSEL
from core.masks.threshold import apply_threshold
from core.measures.calibres import OpticDisc
from core.measures.disc import propose_disc
from core.measures.marks import MarkKind, VesselMark
from core.measures.pixels import pixel_from_disc
from core.measures.summary import (
    CODEBOOK,
    PixelSize,
    VesselMeasures,
    measure_traced,
    measure_vessels,
    unit_of,
)
from core.measures.traced import SPREAD, TracedMask, Variant, trace_mask
from core.models.weights_file import LoadedModel
from core.photo.label_checks import refuse_inverted
from core.photo.reading import read_fundus, read_label
from core.photo.sibling_files import FovOption, MaskFolder, mask_folder, resolve_fov
from core.progress import SILENT, Monitor, Progress, part_of
from core.segment import segment_photo
from core.segmentation import Segmentation
from core.types import LEVELS, ByteArray, FieldOfView, FundusImage, ProbabilityMap, ThresholdRule, VesselMask

FACTS: Final = ("file", "error", "field_of_view", "model", "threshold", "doubts", "disc", "pixel_um", "pixel_source")
"""Columns of a row before its measures."""
DISC_MEANS: Final = (
    "Row, column and radius of the optic disc; of an ellipse also the half axis across the first one, and the angle of "
    "the first one in degrees, clockwise from the direction of the columns."
)


@dataclass(frozen=True, slots=True)
class MeasureOptions:
    """What is the same for all photographs: see ``measure_vessels``.

    ``disc`` : "auto" looks for it in each photograph (``propose_disc``), and says its doubt.
    ``disc_mm`` : the size of a pixel is that of which the optic disc is so wide (``pixel_from_disc``).
    ``mirrored`` : the error bars are also those over the mirrored photograph, four times the work of the network.
    """

    disc: OpticDisc | Literal["auto"] | None = None
    pixel: PixelSize | None = None
    error_bars: bool = True
    marks: tuple[VesselMark, ...] = ()
    mirrored: bool = False
    disc_mm: float | None = None

    def pixel_of(self, disc: OpticDisc | None) -> PixelSize | None:
        """The size of a pixel: the given one, or that of which the disc is ``disc_mm`` wide.

        Raises
        ------
        InputError : it is to be taken from a disc that is not known.
        """
        if self.disc_mm is None:
            return self.pixel
        if disc is None:
            raise InputError(
                "The size of a pixel cannot be taken from the optic disc, which is not known: give its place."
            )
        return pixel_from_disc(disc, self.disc_mm)


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A photograph or mask: its measures, or in ``error`` why there are none, and what is doubtful about them."""

    path: Path
    measures: VesselMeasures | None = None
    error: str = ""
    field_of_view: str = ""
    model: str = ""
    threshold: float | None = None
    doubts: tuple[str, ...] = ()

    def row(self) -> dict[str, object]:
        """A row of a table, by the names of ``columns``; what is not known is left out."""
        facts: dict[str, object] = {
            "file": path_text(self.path),
            "error": self.error,
            "field_of_view": self.field_of_view,
            "model": self.model,
            "threshold": self.threshold,
            "doubts": " ".join(self.doubts),
        }
        if self.measures is None:
            return facts
        disc = self.measures.disc
        if disc is not None:  # as --disc takes it
            facts["disc"] = ",".join(f"{value:.1f}" for value in disc.values())
        if self.measures.pixel is not None:
            facts |= {"pixel_um": self.measures.pixel.um, "pixel_source": self.measures.pixel.source}
        for measure in self.measures.rows:
            values = {"": measure.value, "/low": measure.low, "/high": measure.high, UNCORRECTED: measure.uncorrected}
            facts |= {measure.name + end: round_off(value) for end, value in values.items() if not np.isnan(value)}
            if measure.note:
                facts[f"{measure.name}/note"] = measure.note
        return facts


UNCORRECTED: Final = "/uncorrected"
"""Behind the name of a measure: its value without corrections by hand."""


def columns(*, error_bars: bool, corrected: bool = False) -> list[str]:
    """The columns of a table: facts, values, error bars, values without corrections, and notes on values."""
    ends = [*(("/low", "/high") if error_bars else ()), *((UNCORRECTED,) if corrected else ())]
    others = [name + end for name in CODEBOOK for end in ends]
    return [*FACTS, *CODEBOOK, *others, *(f"{name}/note" for name in CODEBOOK)]


def codebook(pixel: PixelSize | None = None) -> list[dict[str, object]]:
    """What the columns mean, as rows of name, unit and description."""
    rows: list[dict[str, object]] = [
        {"name": name, "unit": unit_of(name, pixel), "description": text} for name, text in CODEBOOK.items()
    ]
    moved = (
        f"when the threshold moves by {SPREAD} to both sides, and, where that was asked for, in the mirrored photograph"
    )
    return [
        {"name": "disc", "unit": "px", "description": DISC_MEANS},
        *rows,
        {"name": "MEASURE/low, MEASURE/high", "unit": "", "description": f"Least and greatest value {moved}."},
        {
            "name": f"MEASURE{UNCORRECTED}",
            "unit": "",
            "description": "The value without the corrections by hand; only in tables of photographs that have some.",
        },
        {"name": "MEASURE/note", "unit": "", "description": "Why a value is missing, or how far it is uncertain."},
    ]


def measure_segmentation(
    found: Segmentation,
    options: MeasureOptions = MeasureOptions(),
    *,
    kinds: Mapping[int, MarkKind] | None = None,
    variants: Sequence[Variant] = (),
) -> VesselMeasures:
    """Measure the vessels of a segmentation (``trace_probability``); ``variants`` : more of them, for error bars.

    Raises
    ------
    InputError : there is no vessel.
    """
    traced = trace_probability(found.probability, found.mask, found.fov, variants=variants)
    disc, doubt = options.disc, ""
    if disc == "auto":
        disc, doubt = _proposed(found, traced)
    traced = traced.with_bars() if options.error_bars else traced
    pixel = options.pixel_of(disc)
    measures = measure_traced(traced, disc=disc, kinds=kinds, marks=options.marks, pixel=pixel)
    return replace(measures, doubts=(doubt,) if doubt else ())


PROPOSED: Final = "The optic disc was proposed by the program: look whether it is right."


def _proposed(found: Segmentation, traced: TracedMask) -> tuple[OpticDisc | None, str]:
    """A proposal for the optic disc with its doubt; without one the reason."""
    try:
        proposal = propose_disc(found.image, found.fov, traced.state.tree)
    except InputError as error:
        return None, str(error)
    return proposal.disc, proposal.doubt or PROPOSED


def trace_probability(
    probability: ProbabilityMap,
    mask: VesselMask,
    fov: FieldOfView,
    *,
    variants: Sequence[Variant] = (),
    monitor: Monitor = SILENT,
) -> TracedMask:
    """Follow the vessels of a mask that was made of a probability map.

    Widths are taken from the probabilities. Where the mask is more than these at a threshold, the mask itself is
    measured: with error bars where a rule made it (hysteresis, smallest vessels), without where a hand changed it.

    Raises
    ------
    InputError : there is no vessel.
    """
    rule, vessel = mask.rule, mask.vessel
    if np.array_equal(probability.levels >= rule.level, vessel):
        return trace_mask(probability.values, fov.inside, rule.threshold, variants=variants, monitor=monitor)
    if np.array_equal(apply_threshold(probability, rule).vessel, vessel):
        moved = (Variant("threshold", apply_threshold(probability, each).vessel) for each in moved_rules(rule))
        variants = (*moved, *variants)
    return trace_mask(vessel, fov.inside, rule.threshold, variants=variants, monitor=monitor)


def moved_rules(rule: ThresholdRule) -> tuple[ThresholdRule, ThresholdRule]:
    """A rule with its thresholds lower and higher by SPREAD, as far as there are thresholds."""

    def moved(by: int) -> ThresholdRule:
        level = min(max(rule.level + by, 1), LEVELS - 1)
        low = None if rule.low_level is None else min(max(rule.low_level + by, 1), level)
        return replace(rule, level=level, low_level=low)

    by = round(SPREAD * LEVELS)
    return moved(-by), moved(by)


def mirrored_maps(
    image: FundusImage,
    model: LoadedModel,
    fov: FieldOfView,
    *,
    inference: InferenceOptions = InferenceOptions(),  # noqa: B008 - frozen
    monitor: Monitor = SILENT,
) -> tuple[ProbabilityMap, ...]:
    """What a network finds in the mirrored photograph, mirrored back: upside down, left to right, and both.

    It depends neither on the threshold nor on corrections by hand.

    Raises
    ------
    SerrError : the photograph or the device cannot be used. Cancelled : by the monitor.
    """
    found = []
    for number, axes in enumerate(((0,), (1,), (0, 1))):
        turned = FundusImage(np.flip(image.rgb, axes).copy(), source=image.source)
        field = FieldOfView(np.flip(fov.inside, axes).copy(), fov.origin, fov.source)
        part = part_of(monitor, number, 3, "")
        made = segment_photo(turned, model, fov=field, options=inference, monitor=part)
        found.append(ProbabilityMap(np.flip(made.probability.values, axes).copy()))
    return tuple(found)


def mirrored_variants(
    maps: Sequence[ProbabilityMap], rule: ThresholdRule, codes: ByteArray | None = None
) -> tuple[Variant, ...]:
    """The vessels of ``mirrored_maps`` at a threshold, for error bars.

    ``codes`` : uint8 (H, W) of ``core.masks.edits``, what a hand has decided: it is decided in the mirror, too.
    """
    found = []
    for each in maps:
        plain = each.values if rule.is_plain else apply_threshold(each, rule).vessel.astype(np.float32)
        values = plain if codes is None else np.where(codes == VESSEL, 1.0, np.where(codes == BACKGROUND, 0.0, plain))
        if rule.is_plain:
            found.append(Variant("mirrored", np.asarray(values, np.float32), rule.threshold))
        else:
            found.append(Variant("mirrored", values > 0))
    return tuple(found)


def measure_files(
    paths: Sequence[Path],
    model: LoadedModel | None,
    *,
    fov: FovOption = "auto",
    inference: InferenceOptions = InferenceOptions(),  # noqa: B008 - frozen
    rule: ThresholdRule | None = None,
    options: MeasureOptions = MeasureOptions(),
    monitor: Monitor = SILENT,
) -> Iterator[Measured]:
    """Measure photographs, or masks where ``model`` is None; one that cannot be measured does not stop the others.

    Each comes as soon as it is measured, and is as large as several pictures: keep its ``row()``, not the whole.

    Parameters
    ----------
    paths : photographs, or masks of two values.
    model : finds the vessels in photographs.
    fov : where the fields of view come from; of masks "auto" takes the whole picture, and says so.

    Raises
    ------
    FieldOfViewError : the folder of masks in ``fov`` cannot be read. Cancelled : by the monitor.
    """
    masks = mask_folder(fov)
    for number, path in enumerate(paths):
        name = display_path(path.name)
        part = part_of(monitor, number, len(paths), name)
        try:
            part.step(Progress("Measuring"))
            if model is None:
                yield _of_mask(path, masks, options)
                continue
            image = read_fundus(path)
            found = segment_photo(
                image, model, fov=resolve_fov(masks, path, image), options=inference, rule=rule, monitor=part
            )
            variants: tuple[Variant, ...] = ()
            if options.mirrored and options.error_bars:
                maps = mirrored_maps(image, model, found.fov, inference=inference, monitor=part)
                variants = mirrored_variants(maps, found.mask.rule)
            measures = measure_segmentation(found, options, variants=variants)
            yield Measured(
                path,
                measures,
                field_of_view=found.fov.origin,
                model=found.card.name,
                threshold=found.mask.rule.threshold,
                doubts=(*found.notes, *(doubt.text for doubt in found.doubts), *measures.doubts),
            )
        except (SerrError, MemoryError) as error:
            text = str(error) or "There is not enough memory."
            yield Measured(path, error=text if name in text else f"{name}: {text}")


WHOLE_PICTURE: Final = (
    "The whole picture was taken for the field of view: areas, lengths per area and counts are of the picture."
)


def _of_mask(path: Path, fov: FovOption | MaskFolder, options: MeasureOptions) -> Measured:
    label = read_label(path)
    vessel = label.vessel
    field = FieldOfView.full(vessel.shape)
    doubts: tuple[str, ...] = (WHOLE_PICTURE,)
    if fov not in ("auto", "full"):
        blank = FundusImage(np.zeros((*vessel.shape, 3), np.uint8), source=path)
        field, doubts = resolve_fov(fov, path, blank), ()
    refuse_inverted(label, field.inside)
    if options.disc == "auto":
        raise InputError("A mask does not show the optic disc: give its place.")
    pixel = options.pixel_of(options.disc)
    found = measure_vessels(vessel, field.inside, disc=options.disc, pixel=pixel, error_bars=options.error_bars)
    return Measured(path, found, field_of_view=field.origin, doubts=doubts)


def segments_csv(measures: VesselMeasures) -> str:
    """The table of ``segment_rows``."""
    rows = list(segment_rows(measures))
    return csv_text(list(rows[0]), rows)


_CODEBOOK_COLUMNS: Final = ("name", "unit", "description")


def refuse_other_codebook(out: Path) -> None:
    """Make sure that the codebook of a table replaces nothing but a codebook: nobody has named that file.

    Raises
    ------
    OutputError : there is something else in its place.
    """
    path = codebook_path(out)
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            if file.readline(100).strip() == ",".join(_CODEBOOK_COLUMNS):
                return
    except FileNotFoundError:
        return
    except OSError as error:
        raise OutputError(f"{display_path(path)} cannot be read: {error.strerror}.") from None
    raise OutputError(
        f"{display_path(path)} is not a codebook of measures and would be overwritten. Move it away, or choose another "
        "name for the table."
    )


def codebook_path(out: Path) -> Path:
    """Where the codebook of a table is written."""
    return out.with_name(f"{out.stem}_codebook.csv")


def table_files(
    rows: Sequence[Mapping[str, object]],
    out: Path,
    *,
    pixel: PixelSize | None,
    error_bars: bool,
    segments: Iterable[tuple[Path, str]] = (),
) -> list[tuple[Path, bytes]]:
    """A table of measures, its codebook next to it, and tables of segments, as files for ``write_together``.

    Parameters
    ----------
    rows : of ``Measured.row``.
    out : of the table; the codebook is NAME_codebook.csv.
    segments : tables of ``segments_csv`` and where they go.
    """
    corrected = any(key.endswith(UNCORRECTED) for row in rows for key in row)
    tables = [
        (out, csv_text(columns(error_bars=error_bars, corrected=corrected), rows)),
        (codebook_path(out), csv_text(_CODEBOOK_COLUMNS, codebook(pixel))),
        *segments,
    ]
    return [(path, text.encode()) for path, text in tables]


def segment_rows(measures: VesselMeasures) -> Iterable[dict[str, object]]:
    """A row for each vessel segment: number, length, width, tortuosity, and the places of its ends in pixels."""
    from core.measures.tortuosity import tortuosity

    scale = measures.pixel.um if measures.pixel is not None else 1.0
    for number, vessel in enumerate(measures.tree.vessels):
        winding, (first, last) = tortuosity(vessel.line), (vessel.line.points[0], vessel.line.points[-1])
        yield {
            "segment": number,
            "kind": measures.kinds.get(number, ""),
            "length": round_off(vessel.line.length_px * scale),
            "width": round_off(vessel.width_px * scale),
            "twice_depth": round_off(vessel.twice_depth_px * scale),
            "unit": "px" if measures.pixel is None else "um",
            "arc_chord": round_off(winding.arc_chord),
            "grisan": round_off(winding.grisan / scale),
            "turning": round_off(winding.turning),
            "inflections": winding.inflections,
            "start_row": round_off(float(first[0])),
            "start_column": round_off(float(first[1])),
            "end_row": round_off(float(last[0])),
            "end_column": round_off(float(last[1])),
        }


def round_off(value: float) -> float | None:
    """Six figures are more than any measure has; None where there is no number."""
    return None if np.isnan(value) else float(f"{value:.6g}")
