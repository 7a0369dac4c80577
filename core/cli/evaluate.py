"""``serr evaluate``: score a model, or results that somebody else made, on a data set with expert labels."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from core.cli.console import ConsoleMonitor, UsageError, monitored, say, say_json, tell
from core.cli.options import (
    AsJson,
    Device,
    EngineName,
    IgnoreValues,
    Model,
    Tta,
    VesselValues,
    checked_dataset,
    checked_device,
    checked_engine,
    checked_tta,
    checked_values,
    found_model,
    one_of,
)
from core.cli.rule_options import MIN_PIXELS, DrawLike, Low, RuleChoice
from core.progress import Cancelled, Progress

if TYPE_CHECKING:
    from core.datasets.layouts import DataSet
    from core.evaluation.confusion import Region
    from core.evaluation.dataset_evaluation import Extras, Reader
    from core.evaluation.prediction_values import Said
    from core.evaluation.report import EvaluationReport
    from core.inference.options import InferenceOptions

_REPORTS = (".html", ".pdf")
_PICTURE_PX = 360


@dataclass(frozen=True, slots=True)
class _Given:
    """What is evaluated, whatever found the vessels."""

    cases: "DataSet"
    dataset: str
    root: Path
    rule: RuleChoice
    region: "Region"
    labels: str | None
    extras: "Extras"
    said: "Said"
    reader: "Reader"


def evaluate(
    *,
    root: Annotated[
        Path, typer.Option("--root", help="Folder of the data set, or the folder that holds it; here by default.")
    ] = Path(),
    dataset: Annotated[
        str,
        typer.Option(
            "--dataset",
            help="drive, stare, chase_db1 or hrf; a .serr-dataset file; or a folder of photographs and labels, with a "
            "slash in its name.",
        ),
    ] = "drive",
    split: Annotated[
        str | None,
        typer.Option(
            "--split",
            help="Part of the data set: test (the default), train or all; for STARE also 10/10 and seed, its two "
            "protocols. Your own data set without a test part is taken whole.",
        ),
    ] = None,
    model: Model = None,
    predictions: Annotated[
        Path | None,
        typer.Option(
            "--predictions",
            help="Score the files in this folder instead of a model's results: probability maps (8- or 16-bit "
            "pictures, TIFF with decimals, .npy) or masks, named like the photographs.",
        ),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option(
            "--threshold",
            help="Vessel where the probability is at least this, between 0 and 1; the model's own by default, 0.5 for "
            "maps of --predictions.",
        ),
    ] = None,
    draw_like: DrawLike = None,
    low: Low = None,
    min_pixels: Annotated[int, MIN_PIXELS] = 0,
    region: Annotated[
        str,
        typer.Option(
            "--region", help="fov: count inside the field of view; image: in the whole image. The other is shown, too."
        ),
    ] = "fov",
    labels: Annotated[
        str | None,
        typer.Option(
            "--labels", help="Expert to take for the truth, by number (1, 2) or name; the usual one by default."
        ),
    ] = None,
    vessel_values: VesselValues = None,
    ignore_values: IgnoreValues = None,
    prediction_values: Annotated[
        str | None,
        typer.Option(
            "--prediction-values",
            help="Values of the files of --predictions that are vessel, where they are classes, such as 1,2.",
        ),
    ] = None,
    prediction_max: Annotated[
        float | None,
        typer.Option(
            "--prediction-max", help="Value of the files of --predictions that is certainty, such as 100 for percent."
        ),
    ] = None,
    questionable: Annotated[
        Path | None,
        typer.Option(
            "--questionable",
            help="Folder with masks of pixels that are not counted, named like the photographs, with _questionable, as "
            "the window exports them. The report says how many they are.",
        ),
    ] = None,
    tta: Tta = "none",
    device: Device = "auto",
    engine: EngineName = "torch",
    bootstrap: Annotated[
        int,
        typer.Option(
            "--bootstrap",
            min=0,
            help="95 % intervals from this many bootstrap samples of the photographs, such as 1000.",
        ),
    ] = 0,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Random seed of the bootstrap.")] = 0,
    results: Annotated[
        Path | None,
        typer.Option("--results", help="Folder to keep the results in; those that it holds are not computed again."),
    ] = None,
    report: Annotated[
        list[Path] | None,
        typer.Option("--report", help="Also write a report with pictures to this .html or .pdf file; may be repeated."),
    ] = None,
    measures: Annotated[
        bool,
        typer.Option(
            "--measures", help="Also measure the vessels that are scored, for --report and --json (serr measure)."
        ),
    ] = False,
    csv: Annotated[Path | None, typer.Option("--csv", help="Also write the table to this file.")] = None,
    as_json: AsJson = False,
) -> int:
    """Score a model on a data set: each photograph, all pixels pooled, and the mean over photographs.

    Where a second expert has drawn the same photographs, that expert's scores are next to the model's, and the
    model's against that expert. A photograph that cannot be evaluated does not end the work; it is listed, and the
    command ends with exit code 1.
    """
    counted = cast(Literal["fov", "image"], one_of("--region", region, ("fov", "image")))
    averaging = checked_tta(tta)
    device = checked_device(device)
    by = checked_engine(engine, device)
    rule = RuleChoice(threshold, low, min_pixels, draw_like)
    _check_files(csv, report or [])
    if measures and not report and not as_json:
        raise UsageError("--measures are shown in reports: add --report FILE, or --json.")
    if predictions is not None:
        unused = {"--model": model, "--results": results, "--draw-like": draw_like}
        idle = [name for name, value in unused.items() if value is not None]
        idle += ["--tta"] if averaging != "none" else []
        idle += ["--engine"] if by != "torch" else []
        if idle:
            raise UsageError(f"--predictions scores existing files; leave out {', '.join(idle)}.")
    said = _said(predictions, prediction_values, prediction_max)
    values = checked_values(vessel_values, ignore_values)
    cases = _found_cases(dataset, root, split)
    if values is not None:
        cases = cases.with_values(values)
    truth = _label_name(labels, cases)

    from core.evaluation.dataset_evaluation import Extras, FileReader, Reader
    from core.evaluation.left_out import WithoutQuestionable
    from core.inference.options import InferenceOptions
    from core.models.catalogue import DEFAULT_MODEL
    from core.report_measures import ReportMeasures

    extras = Extras(bootstrap, seed, _PICTURE_PX if report else 0, ReportMeasures() if measures else None)
    reader: Reader = FileReader()
    if questionable is not None:
        reader = WithoutQuestionable(questionable, [case.photo for case in cases.cases], reader)
    given = _Given(cases, dataset, root, rule, counted, truth, extras, said, reader)
    weights = found_model(model if model is not None else DEFAULT_MODEL) if predictions is None else None
    with monitored() as monitor:
        if predictions is not None:
            done = _score_predictions(predictions, given, monitor)
        else:
            assert weights is not None
            options = InferenceOptions(device=device, tta=averaging, engine=by)
            done = _score_model(weights, options, results, given, monitor)
        _write(done, csv, report or [], monitor)
    if as_json:
        say_json(done.to_dict())
    else:
        from core.evaluation.tables import to_text

        say(to_text(done))
    for failed, why in done.failed:
        tell(f"serr: not evaluated: {failed}: {why}")
    return 0 if done.complete else 1


def _said(folder: Path | None, values: str | None, highest: float | None) -> "Said":
    """What the options say about the files of --predictions."""
    from core.evaluation.prediction_values import Said

    if values is None and highest is None:
        return Said()
    if folder is None or (values is not None and highest is not None):
        raise UsageError("--prediction-values or --prediction-max says what the files of --predictions hold: give one.")
    try:
        vessel = tuple(float(word) for word in (values or "").replace(",", " ").split())
    except ValueError:
        raise UsageError(f"--prediction-values {values}: give numbers with commas, such as 1,2.") from None
    if not vessel and not (highest is not None and 0 < highest < float("inf")):
        raise UsageError("--prediction-values needs a number, and --prediction-max one above 0.")
    return Said(vessel, highest)


def _check_files(csv: Path | None, reports: list[Path]) -> None:
    """Refuse what could not be written, before the long work."""
    if csv is not None and (csv.is_dir() or not csv.absolute().parent.is_dir()):
        raise UsageError(f"--csv {csv} is not a file in an existing folder.")
    for path in reports:
        if path.suffix.lower() not in _REPORTS:
            raise UsageError(f"--report {path} must end in one of: {', '.join(_REPORTS)}.")
        if path.is_dir() or not path.absolute().parent.is_dir():
            raise UsageError(f"--report {path} is not a file in an existing folder.")


def _found_cases(name: str, root: Path, split: str | None) -> "DataSet":
    """The photographs of a published data set, of a data set file, or of a folder."""
    from core.datasets.finding import own_data_set
    from core.datasets.layouts import read_layout, splits

    own = own_data_set(name, root)
    if own is not None:
        split = split or ("test" if own.count("test") else "all")
        return own.whole() if split == "all" else own.part(split)
    checked_dataset(name)
    return read_layout(name, root, one_of("--split", split or "test", splits(name)), complete=False)


def _label_name(wanted: str | None, cases: "DataSet") -> str | None:
    """The name of an expert who is given by number or name."""
    known = tuple(dict.fromkeys(name for case in cases.cases for name in case.labels))
    if wanted is None or wanted in known:
        return wanted
    if wanted.isdecimal() and 1 <= int(wanted) <= len(known):
        return known[int(wanted) - 1]
    numbered = ", ".join(f"{number} ({name})" for number, name in enumerate(known, start=1)) or "none"
    raise UsageError(f"--labels {wanted} is not known; this data set has: {numbered}.")


def _score_predictions(folder: Path, given: _Given, monitor: ConsoleMonitor) -> "EvaluationReport":
    from core.evaluation.dataset_evaluation import evaluate_dataset
    from core.evaluation.predictions import find_predictions
    from core.evaluation.report import Method
    from core.threshold_rule import LEVELS, ThresholdRule

    found = find_predictions(folder, [case.photo for case in given.cases.cases], monitor, said=given.said)
    for note in found.notes:
        monitor.note(note)
    rule = None
    if found.kind == "probabilities":
        rule = given.rule.over(ThresholdRule(LEVELS // 2, "default"))
    elif given.rule.is_given:
        raise UsageError(
            f"--threshold, --low, --min-pixels: the files in {folder} are masks of two values; they need no threshold."
        )
    return evaluate_dataset(
        given.cases,
        found.predict,
        method=Method(folder.absolute().name, found.sha256, kind=found.kind, made_by=found.made_by, notes=found.notes),
        rule=rule,
        region=given.region,
        labels=given.labels,
        extras=given.extras,
        reader=given.reader,
        monitor=monitor,
    )


def _score_model(
    path: Path,
    options: "InferenceOptions",
    results: Path | None,
    given: _Given,
    monitor: ConsoleMonitor,
) -> "EvaluationReport":
    from core.datasets.leakage import seen_by
    from core.files import ensure_folder
    from core.model_evaluation import evaluate_model
    from core.models.catalogue import load_model

    model = load_model(path)
    if results is not None:
        ensure_folder(results)
    try:
        made = evaluate_model(
            model,
            given.cases,
            seen_by(model.card, given.dataset, given.root, [case.photo for case in given.cases.cases]),
            options=options,
            rule=given.rule.of(model.card) or model.card.rule,
            region=given.region,
            labels=given.labels,
            extras=given.extras,
            reader=given.reader,
            results=results,
            monitor=monitor,
        )
    except Cancelled:
        if results is None:
            raise
        raise Cancelled(f"What is finished is in {results}; the same command continues there.") from None
    if made.reused:
        tell(f"serr: {len(made.reused)} of {made.report.n_images} results were in {results} and not computed again.")
    return made.report


def _write(report: "EvaluationReport", csv: Path | None, reports: list[Path], monitor: ConsoleMonitor) -> None:
    from core.evaluation.documents import write_report
    from core.evaluation.tables import to_csv
    from core.files import write_bytes_atomic

    if csv is not None:
        write_bytes_atomic(csv, to_csv(report).encode(), follow_link=True)
    for path in reports:
        monitor.step(Progress(f"Writing {path.name}"))
        write_report(path, report)
