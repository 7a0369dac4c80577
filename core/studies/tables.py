"""The files of a comparison: its tests, a tidy table of all values with a script for R, and a page with plots."""

import math
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

from core import __version__
from core.errors import InputError
from core.evaluation.csv_text import csv_text
from core.files import display_path, printable
from core.measures.summary import CODEBOOK, PixelSize, unit_of
from core.resources import resource_path
from core.studies.comparison import Comparison, MeasureTest, match_rows
from core.studies.design import Design, read_rows

WARNING: Final = "For research and teaching. Not a medical device: no clinical decision may rest on these numbers."
_LONG: Final = (
    *("file", "subject", "eye", "group", "measure", "value", "unit", "low", "high", "note"),
    *("model", "threshold", "doubts"),
)


def read_table(path: Path) -> list[dict[str, object]]:
    """The rows of a table of ``serr measure``, with numbers where numbers are.

    Raises
    ------
    InputError : it cannot be read, or is another table.
    """
    rows = read_rows(path)
    if not rows or not {"file", "error"} <= rows[0].keys() or not rows[0].keys() & CODEBOOK.keys():
        raise InputError(f"{display_path(path)} is not a table of measures: give one that 'serr measure' has written.")
    numbers = {name + end for name in CODEBOOK for end in ("", "/low", "/high", "/uncorrected")} | {
        "pixel_um",
        "threshold",
    }
    found = []
    for number, row in enumerate(rows, 2):
        read: dict[str, object] = {}
        for key, value in row.items():
            try:
                if value:
                    read[key] = float(value) if key in numbers else value
            except ValueError:
                raise InputError(
                    f'{display_path(path)}, line {number}: {key} is "{printable(value)}", which is not a number. '
                    "Numbers have a point, not a comma, before their decimals."
                ) from None
        found.append(read)
    return [{"file": "", "error": "", **row} for row in found]


def row_of(test: MeasureTest, comparison: Comparison) -> dict[str, object]:
    """A row of the table of tests; what is not known is left out."""
    first, second = comparison.labels
    row: dict[str, object] = {"measure": test.name, "unit": test.unit, "reason": test.reason}
    for label, count, mean, sd in zip((first, second), test.count, test.mean, test.sd, strict=True):
        row |= {f"n {label}": count, f"mean {label}": mean, f"sd {label}": sd}
    row |= {
        "difference": test.difference,
        "ci95_low": test.low,
        "ci95_high": test.high,
        "effect": test.effect,
        "p": test.p,
        "p_holm": test.p_holm,
        "p_rank": test.p_rank,
        "p_rank_holm": test.p_rank_holm,
        "tests": comparison.tested,
    }
    return {key: _rounded(value) for key, value in row.items()}


def comparison_csv(comparison: Comparison) -> str:
    """The table of tests, one row a measure."""
    rows = [row_of(test, comparison) for test in comparison.tests]
    return csv_text(list(rows[0]), rows)


def long_csv(rows: Sequence[Mapping[str, object]], design: Design) -> str:
    """All values, one row for each photograph and measure: the tidy form that R and others take."""
    return csv_text(_LONG, _long_rows(rows, design))


def _long_rows(rows: Sequence[Mapping[str, object]], design: Design) -> Iterator[dict[str, object]]:
    for member, row in match_rows(rows, design):
        pixel = PixelSize(1.0, "the table") if row.get("pixel_um") else None
        for name in CODEBOOK:
            yield {
                **{"file": member.file, "subject": member.subject, "eye": member.eye, "group": member.group},
                **{"measure": name, "unit": unit_of(name, pixel), "value": row.get(name)},
                **{end: row.get(f"{name}/{end}") for end in ("low", "high", "note")},
                **{key: row.get(key) for key in ("model", "threshold", "doubts")},
            }


def r_script(table: str, design: Design) -> str:
    """A script for R, without packages, that makes the same tests of the tidy table."""
    template = resource_path("templates").joinpath("comparison.R").read_text(encoding="utf-8")
    first, second = (_r_text(label) for label in design.labels)
    values = {"TABLE": _r_text(table), "FIRST": first, "SECOND": second, "PAIRED": "TRUE" if design.paired else "FALSE"}
    for name, value in values.items():
        template = template.replace(f"@{name}@", value)
    return template


def comparison_html(comparison: Comparison) -> str:
    """A page with the table of tests and a plot of each measure, that needs nothing else."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    from core.evaluation.plots import to_svg
    from core.studies.plots import measure_plot

    environment = Environment(
        loader=FileSystemLoader(resource_path("templates")), autoescape=True, undefined=StrictUndefined
    )
    tested = [test for test in comparison.tests if not test.reason]
    return environment.get_template("comparison.html").render(
        warning=WARNING,
        version=__version__,
        comparison=comparison,
        tested=tested,
        untested=[test for test in comparison.tests if test.reason],
        drawings=[to_svg(measure_plot(comparison, test.name)) for test in tested],
        descriptions=CODEBOOK,
        number=lambda value: "\u2013" if math.isnan(value) else f"{value:.4g}",
    )


def study_files(
    rows: Sequence[Mapping[str, object]], design: Design, comparison: Comparison, out: Path
) -> list[tuple[Path, bytes]]:
    """All files of a comparison, for ``write_together``.

    The table of tests is ``out``; next to it are the page NAME.html, and NAME_long.csv with NAME.R.
    """
    long = out.with_name(f"{out.stem}_long.csv")
    texts = [
        (out, comparison_csv(comparison)),
        (out.with_suffix(".html"), printable(comparison_html(comparison), keep="\n\t")),
        (long, long_csv(rows, design)),
        (out.with_suffix(".R"), r_script(long.name, design)),
    ]
    return [(path, text.encode()) for path, text in texts]


def _rounded(value: object) -> object:
    if not isinstance(value, float):
        return value
    return None if math.isnan(value) else float(f"{value:.6g}")


def _r_text(text: str) -> str:
    """A string of R in ASCII: other characters as escapes, which mean the same to R in every locale."""
    escaped = "".join(f"\\{each}" if each in '"\\' else each for each in printable(text))
    return '"' + "".join(each if each.isascii() else f"\\U{ord(each):08x}" for each in escaped) + '"'
