"""``serr compare-measures``: two groups, or two visits of the same eyes, out of a table of ``serr measure``."""

from pathlib import Path
from typing import Annotated

import typer

from core.cli.console import ResultLines, UsageError, say_json, tell
from core.cli.options import AsJson
from core.files import display_path, ensure_folder, path_text, write_together


def compare_measures(
    *,
    table: Annotated[Path, typer.Argument(metavar="TABLE", help="What serr measure has written (.csv).")],
    groups: Annotated[
        Path,
        typer.Option(
            "--groups",
            help="Which photograph belongs where (.csv): columns file,group and perhaps subject for two groups; "
            "file,subject,visit and perhaps eye for two visits of the same eyes.",
        ),
    ],
    out: Annotated[Path, typer.Option("--out", "-o", help="Table of tests to write (.csv).")],
    measures: Annotated[
        str | None,
        typer.Option(
            "--measures",
            metavar="NAME,NAME",
            help="Compare only these, such as width/mean/all/fov: p is corrected for fewer tests. Choose them before "
            "you see the results.",
        ),
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite existing files.")] = False,
    as_json: AsJson = False,
) -> int:
    """Compare the measures of two groups of photographs, or of two visits.

    Beside the table of tests it writes NAME.html with plots, NAME_long.csv with all values in tidy form, and NAME.R,
    which makes the same tests of it in R. p is given as it is and for all tests together (Holm).
    """
    if out.suffix.lower() != ".csv" or out.is_dir():
        raise UsageError(f"--out {display_path(out)} must be a file that ends in .csv.")
    from core.studies.comparison import compare_measures as compared
    from core.studies.design import read_design
    from core.studies.tables import read_table, row_of, study_files

    names = [name.strip() for name in measures.split(",") if name.strip()] if measures is not None else []
    if measures is not None and not names:
        raise UsageError("--measures names no measure. Names are as in the table, such as width/mean/all/fov.")
    rows, design = read_table(table), read_design(groups)
    comparison = compared(rows, design, names)
    files = study_files(rows, design, comparison, out)
    for path, _ in files:
        if path.exists() and not replace:
            raise UsageError(f"{display_path(path)} already exists; choose another name for --out, or add --replace.")
        if path.exists() and any(path.samefile(read) for read in (table, groups)):
            raise UsageError(f"{display_path(path)} is read here; choose another name for --out.")
    ensure_folder(out.parent)
    write_together(files)
    for text in (*comparison.left_out, *comparison.notes):
        tell(f"serr: {text}")
    if as_json:
        tests = [row_of(test, comparison) for test in comparison.tests]
        written = [path_text(path) for path, _ in files]
        notes = [*comparison.left_out, *comparison.notes]
        say_json({"files": written, "paired": comparison.paired, "tests": tests, "notes": notes})
        return 0
    lines = ResultLines()
    low = [test for test in comparison.tests if test.p_holm < 0.05]
    for test in sorted(low, key=lambda each: each.p_holm):
        lines.say(
            f"{test.name}: difference {test.difference:.4g} {test.unit} ({test.low:.4g} to {test.high:.4g}), "
            f"p {test.p:.2g}, {test.p_holm:.2g} for all {comparison.tested} tests together (Holm)"
        )
    lines.say(f"{display_path(out)}: {comparison.tested} measures were tested, {len(low)} with p (Holm) below 0.05.")
    return 0
