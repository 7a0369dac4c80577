"""``serr dataset``: make and check your own data set files."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.console import UsageError, flush, monitored, say, say_json, tell
from core.cli.options import AsJson, IgnoreValues, VesselValues, checked_values

if TYPE_CHECKING:
    from core.datasets.checks import Finding
    from core.datasets.dataset_file import DataSetFile

dataset = typer.Typer(help="Make and check data set files (.serr-dataset) of your own photographs.")

_SHOWN = 10


@dataset.command()
def new(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="FOLDER",
            help="DRIVE, STARE, CHASE_DB1 or HRF as published, or folders images, labels and masks.",
        ),
    ],
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The data set file to write, NAME.serr-dataset.")],
    *,
    name: Annotated[str | None, typer.Option("--name", help="Name of the data set; the folder's by default.")] = None,
    validation: Annotated[
        float,
        typer.Option("--validation", min=0.0, max=0.9, help="Share that chooses weights and threshold; 0: no split."),
    ] = 0.2,
    test: Annotated[
        float,
        typer.Option("--test", min=0.0, max=0.9, help="Share that is kept for final scores; 0: as the folder says."),
    ] = 0.0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Random seed of the split.")] = 0,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite an existing data set file.")] = False,
    vessel_values: VesselValues = None,
    ignore_values: IgnoreValues = None,
    as_json: AsJson = False,
) -> None:
    """Find the photographs, labels and masks of a folder, check them, split them, and write a data set file.

    Photographs of one patient stay together where the names tell the patient. What cannot be used is put into the part
    "unused", with a sentence; what has a name that is not text is left out, with a sentence.
    """
    from dataclasses import replace as changed

    from core.datasets.checks import Finding, check, compare_parts
    from core.datasets.dataset_file import dataset_path, is_dataset_file, writable, write_dataset_file
    from core.datasets.recognise import recognise
    from core.datasets.splits import kept_together, split_by_seed
    from core.errors import InputError

    if not is_dataset_file(file):
        better = dataset_path(file)
        raise UsageError(f"{file} is not the name of a data set file; give it the suffix .serr-dataset: {better}.")
    if validation + test >= 1.0:
        raise UsageError("--validation and --test leave nothing to learn from; together they must be below 1.")
    if file.exists() and not replace:
        raise UsageError(f"{file} already exists; choose another name, or add --replace.")
    values = checked_values(vessel_values, ignore_values)
    found = recognise(folder)
    data = found.dataset if name is None else changed(found.dataset, name=name)
    if values is not None:
        data = data.with_values(values)
    data, nameless = writable(file, data)
    with monitored() as monitor:
        training = tuple(changed(entry, part="training") for entry in data.entries)  # the parts are still to come
        findings = check(training, monitor=monitor)
    bad = {row for finding in findings if finding.severe for row in finding.rows}
    entries = kept_together(data.entries, (finding.rows for finding in findings if finding.kind == "copy"))
    entries = tuple(changed(entry, part="unused") if row in bad else entry for row, entry in enumerate(entries))
    data = changed(data, entries=entries)
    if validation or test:
        try:
            data = split_by_seed(data, seed=seed, validation_share=validation, test_share=test, keep_test=not test)
        except InputError as error:
            _tell(findings)
            raise InputError(f"{error} With --validation 0 they are not divided.") from None
    write_dataset_file(file, data)
    findings += compare_parts(data.entries)
    findings += [Finding("name", True, why) for why in nameless]
    _say(file, data, findings, (*found.notes,), as_json)


def _tell(findings: "list[Finding]") -> None:
    """Say what is wrong, the first few sentences, and first of what cannot be used."""
    said = [finding.sentence for finding in sorted(findings, key=lambda finding: not finding.severe)]
    for sentence in said[:_SHOWN]:
        tell(f"serr: {sentence}")
    if len(said) > _SHOWN:
        tell(f"serr: ... and {len(said) - _SHOWN} more.")


@dataset.command()
def check(
    file: Annotated[
        Path, typer.Argument(metavar="FILE|FOLDER", help="A data set file, or a folder of photographs and labels.")
    ],
    vessel_values: VesselValues = None,
    ignore_values: IgnoreValues = None,
    as_json: AsJson = False,
) -> None:
    """Look for what is missing, of another size, empty, inverted or double, and for patients in several parts.

    Ends with 1 where a photograph cannot be used.
    """
    from core.datasets.checks import check as run_check
    from core.datasets.dataset_file import read_dataset_file
    from core.datasets.recognise import recognise

    values = checked_values(vessel_values, ignore_values)
    notes: tuple[str, ...] = ()
    if file.is_dir():
        found = recognise(file)
        data, notes = found.dataset, found.notes
    else:
        data = read_dataset_file(file)
    if values is not None:
        data = data.with_values(values)
    with monitored() as monitor:
        findings = run_check(data.entries, monitor=monitor)
    _say(file, data, findings, notes, as_json)
    flush()
    if any(finding.severe for finding in findings):
        raise typer.Exit(1)


@dataset.command()
def folds(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A data set file.")],
    *,
    count: Annotated[int, typer.Option("--count", min=2, help="How many folds.")] = 5,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Random seed of the folds.")] = 0,
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite existing data set files.")] = False,
    as_json: AsJson = False,
) -> None:
    """Write the data set files of a cross-validation next to a data set file, one for each fold.

    Each photograph of the parts training and validation is in the validation part of one fold; photographs of one
    patient stay together, and the test part stays as it is.
    """
    from core.datasets.dataset_file import SUFFIX, read_dataset_file, write_dataset_file
    from core.datasets.splits import folds_by_seed
    from core.files import path_text

    made = folds_by_seed(read_dataset_file(file), count=count, seed=seed)
    stem = file.name.removesuffix(SUFFIX)
    files = [file.with_name(f"{stem}-fold{number}{SUFFIX}") for number in range(1, count + 1)]
    there = next((path for path in files if path.exists()), None)
    if there is not None and not replace:
        raise UsageError(f"{there} already exists; add --replace, or move it away.")
    for path, data in zip(files, made, strict=True):
        write_dataset_file(path, data)
    if as_json:
        say_json({"files": [path_text(path) for path in files]})
        return
    for path, data in zip(files, made, strict=True):
        say(f"{path}: {data.count('training')} training, {data.count('validation')} validation")


def _say(file: Path, data: "DataSetFile", findings: "list[Finding]", notes: tuple[str, ...], as_json: bool) -> None:
    from core.datasets.dataset_file import PARTS
    from core.files import path_text

    counts = {part: data.count(part) for part in PARTS}
    if as_json:
        rows = [
            {
                "kind": finding.kind,
                "severe": finding.severe,
                "sentence": finding.sentence,
                "photographs": [path_text(data.entries[row].case.photo) for row in finding.rows],
            }
            for finding in findings
        ]
        say_json({"file": path_text(file), "name": data.name, "parts": counts, "findings": rows, "notes": list(notes)})
        return
    for note in notes:
        say(note)
    parts = ", ".join(f"{count} {part}" for part, count in counts.items() if count)
    say(f"{file}: {data.name}, {len(data.entries)} photographs ({parts})")
    for finding in findings:
        say(f"  {'ERROR' if finding.severe else 'warning'}  {finding.sentence}")
    if not findings:
        say("  nothing wrong was found")
