"""Reading tables of measures and comparing groups or visits in them, in a thread."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from core.errors import InputError, SerrError
from core.files import display_path, ensure_folder, path_text, write_together
from core.measures.setup import MeasureSetup
from core.progress import Monitor, Progress, part_of
from core.threshold_rule import ThresholdRule
from serr_gui.model.i18n import translate
from serr_gui.model.measuring import MeasureInputs
from serr_gui.model.result_store import ResultStore
from serr_gui.model.study import Row, Study
from serr_gui.tasks.measuring import measure_whole, table_row

if TYPE_CHECKING:
    from core.studies.design import Member


def read_tables(paths: Sequence[Path], study: Study, monitor: Monitor) -> Study:
    """The same study with the rows of tables of measures, such as ``serr measure`` and the panel Measure write them.

    They replace rows with the same absolute path. The same name without its folder may be that of another photograph:
    both rows stay, and the comparison refuses them.

    Raises
    ------
    InputError : one of them is another table.
    """
    from core.studies.tables import read_table

    rows: list[dict[str, object]] = []
    for number, path in enumerate(paths):
        monitor.step(Progress("Reading", number, len(paths)))
        rows += read_table(path)
    known = [row for row in study.rows if row not in rows]
    return _with_rows(replace(study, rows=tuple(known)), rows)


def _with_rows(study: Study, rows: Sequence[Row]) -> Study:
    """With further rows; those of photographs that are certainly the same are replaced."""
    new = {file for row in rows if PurePath(file := str(row["file"])).is_absolute()}
    kept = [row for row in study.rows if row["file"] not in new]
    return replace(study, rows=(*kept, *rows), design=None, comparison=None, problem="", doing="")


@dataclass(frozen=True, slots=True)
class OpenPhoto:
    """A photograph of the list with a mask, its threshold (None: the model's), and what was said of its measures."""

    path: Path
    rule: ThresholdRule | None
    setup: MeasureSetup


def measure_open(photos: Sequence[OpenPhoto], study: Study, store: ResultStore, monitor: Monitor) -> Study:
    """The same study with the measures of open photographs, in the place of rows of the same files.

    One that cannot be measured has a row with the reason.

    Raises
    ------
    Cancelled : by the monitor.
    """
    rows: list[Row] = []
    for number, photo in enumerate(photos):
        part = part_of(monitor, number, len(photos), display_path(photo.path.name))
        part.step(Progress("Measuring"))
        rows.append(_measured(photo, store, part))
    return _with_rows(study, rows)


def _measured(photo: OpenPhoto, store: ResultStore, monitor: Monitor) -> Row:
    from core.photo.reading import read_fundus

    try:
        result = store.in_memory(photo.path) or store.get(photo.path, read_fundus(photo.path), keep=False)
    except SerrError as error:
        return {"file": path_text(photo.path), "error": str(error)}
    if result is None:
        problem = translate("Work", "The photograph has changed since it was segmented.")
        return {"file": path_text(photo.path), "error": problem}
    rule = photo.rule or result.segmentation.card.rule
    found = measure_whole(MeasureInputs(result, rule, result.levels, photo.setup), monitor)
    return table_row(found, photo.path)


def read_groups(path: Path, study: Study, _monitor: Monitor) -> Study:
    """The same with the groups or visits that a file says, each photograph by the path that it has in the tables.

    Raises
    ------
    InputError : it is not such a file, or names photographs that are in no table or in several rows.
    """
    from core.studies.comparison import match_rows
    from core.studies.design import read_design

    design = read_design(path)
    members = tuple(replace(member, file=str(row["file"])) for member, row in match_rows(study.rows, design))
    return replace(study, members=members, paired=design.paired, design=None, comparison=None, problem="")


def compare(study: Study, members: Sequence["Member"], monitor: Monitor, *, paired: bool) -> Study:
    """The comparison of two groups or visits; without one, what is missing for it."""
    from core.studies.comparison import compare_measures
    from core.studies.design import design_of

    monitor.step(Progress("Comparing"))
    try:
        design = design_of(members, paired=paired)
        return replace(study, design=design, comparison=compare_measures(study.rows, design), problem="")
    except SerrError as error:
        return replace(study, design=None, comparison=None, problem=str(error))


def files_of(path: Path) -> tuple[Path, ...]:
    """The files that ``write`` writes for a table at ``path``."""
    return path, path.with_suffix(".html"), path.with_name(f"{path.stem}_long.csv"), path.with_suffix(".R")


def write(study: Study, path: Path, _monitor: Monitor) -> tuple[Path, ...]:
    """Write the table of tests, a page with plots, and the tidy table with its script for R.

    Raises
    ------
    OutputError : they cannot be written.
    """
    from core.studies.tables import study_files

    if study.design is None or study.comparison is None:
        raise InputError(translate("Work", "Nothing was compared yet."))
    files = study_files(study.rows, study.design, study.comparison, path)
    ensure_folder(path.parent)
    write_together(files)
    return tuple(file for file, _ in files)
