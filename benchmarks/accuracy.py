"""How good are the models? Measures them on DRIVE, STARE, CHASE_DB1 and HRF, and writes the page with the tables.

    python benchmarks/accuracy.py --root DATA [--models NAME ...] [--results FOLDER] [--out docs/benchmarks]

Writes ``accuracy.md`` (its words are in ``accuracy_page.md``) and its pictures. DATA holds the data sets as they are
published. Models that are named are measured on everything. Where none are named, all that ship are measured on
photographs that they have not seen; one that continues from another model only on the data sets that it has learned
from, for elsewhere the other one tells. ``--seeds`` takes weights files that the recipe of one of them made with other
seeds: mean and standard deviation are told, on the first protocol that is a test for them, and what all of them reach
together, averaged. With ``--results`` every result is kept, so that the program continues where it was stopped and the
average of seeds needs no second run of their networks.
"""

import argparse
import platform
import re
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from string import Template
from typing import cast

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
sys.path.insert(0, str(Path(__file__).resolve().parent))

import numpy as np
from vessel_errors import VesselErrors

from core.datasets.layouts import read_layout
from core.datasets.leakage import seen_by
from core.evaluation.confusion import Scores
from core.evaluation.dataset_evaluation import Extras, evaluate_dataset
from core.evaluation.plots import Curve, Mark, curve_plot, to_svg
from core.evaluation.report import EvaluationReport, Method
from core.evaluation.tables import cell
from core.files import write_bytes_atomic
from core.inference.options import InferenceOptions, TestTimeAugmentation
from core.models.catalogue import list_models, load_model
from core.models.weights_file import LoadedModel
from core.photo.field_of_view import estimate_field_of_view
from core.photo.reading import read_fov, read_fundus, read_label
from core.photo.sibling_files import output_stems
from core.progress import Monitor, Progress
from core.reuse import ReusedResults
from core.threshold_rule import ThresholdRule
from core.types import FieldOfView, FundusImage, ProbabilityMap

RESAMPLES, SEED = 1000, 0
PAGE = Path(__file__).with_name("accuracy_page.md")


@dataclass(frozen=True)
class Protocol:
    """A data set and split, how it is called in the tables, and how its pictures are called."""

    dataset: str
    split: str
    title: str
    stem: str


PROTOCOLS = (
    Protocol("drive", "test", "DRIVE, test", "drive"),
    Protocol("stare", "10/10", "STARE, last ten (`10/10`), labels ah", "stare"),
    Protocol("stare", "seed", "STARE, six (`seed`), labels vk", "stare-seed"),
    Protocol("chase_db1", "train", "CHASE_DB1, first 20", "chase"),
    Protocol("hrf", "train", "HRF, 01 to 10 of each group", "hrf"),
)
AVERAGING: tuple[TestTimeAugmentation, ...] = ("none", "flips")


@dataclass(frozen=True)
class Result:
    """One model with one averaging by one protocol."""

    protocol: Protocol
    model: LoadedModel
    report: EvaluationReport
    errors: VesselErrors
    reused: int

    @property
    def name(self) -> str:
        flips = ", flips" if self.report.method.tta == "flips" else ""
        return f"{self.model.card.name}{flips}"

    @property
    def seen(self) -> bool:
        """Whether the model has seen any of these photographs, or that cannot be known."""
        return self.report.method.seen != 0


@dataclass(frozen=True)
class Seeds:
    """Runs of one recipe that differ in the seed, and what the mean of their probabilities gives."""

    runs: Sequence[Result]
    together: EvaluationReport


class _Lines:
    """Progress as a line for each photograph."""

    def __init__(self, what: str) -> None:
        self._what, self._last = what, -1

    def step(self, progress: Progress) -> None:
        if progress.done != self._last:
            self._last = progress.done
            print(f"{self._what}: {progress.stage}", file=sys.stderr, flush=True)

    def note(self, message: str) -> None:
        print(f"{self._what}: {message}", file=sys.stderr, flush=True)


def worth_measuring(protocol: Protocol, model: LoadedModel, root: Path) -> bool:
    """Whether a model's scores by this protocol would be a test, and tell what no other model's tell."""
    photos = [case.photo for case in read_layout(protocol.dataset, root, protocol.split).cases]
    seen = seen_by(model.card, protocol.dataset, root, photos)
    if seen.seen or seen.unknown:
        return False
    learned_from = {source["dataset"] for source in model.card.sources}
    return "started_from" not in model.card.training or protocol.dataset in learned_from


def measure(
    protocol: Protocol, model: LoadedModel, tta: TestTimeAugmentation, root: Path, results: Path | None
) -> Result:
    """Score one model with one averaging by one protocol."""
    data = read_layout(protocol.dataset, root, protocol.split)
    photos = [case.photo for case in data.cases]
    kept = _results_of(model, protocol, photos, tta, results)
    labels = {case.photo: next(iter(case.labels.values())) for case in data.cases}
    errors = VesselErrors()

    def predict(image: FundusImage, fov: FieldOfView, monitor: Monitor) -> ProbabilityMap:
        found = kept.predict(image, fov, monitor)
        assert image.source is not None
        errors.add(found.levels >= model.card.rule.level, read_label(labels[image.source]).vessel, fov)
        return found

    seen = seen_by(model.card, protocol.dataset, root, photos)
    method = Method(model.card.name, model.sha256, tta, model.card.seeds, seen=len(seen.seen), unknown=seen.unknown)
    monitor = _Lines(f"{model.card.name}, {tta}, {protocol.stem}")
    report = evaluate_dataset(
        data, predict, method=method, rule=model.card.rule, extras=Extras(RESAMPLES, SEED), monitor=monitor
    )
    if not report.complete:
        raise SystemExit(f"{protocol.title}: {report.failed}")
    report = replace(report, method=replace(method, device="; ".join(sorted(kept.ran_on))))
    return Result(protocol, model, report, errors, len(kept.reused))


def _results_of(
    model: LoadedModel, protocol: Protocol, photos: Sequence[Path], tta: TestTimeAugmentation, results: Path | None
) -> ReusedResults:
    """What a model finds by a protocol, kept in a folder of its own."""
    folder = None
    if results is not None:
        folder = results / f"{model.card.name}-{model.sha256[:8]}" / tta / protocol.stem
        folder.mkdir(parents=True, exist_ok=True)
    return ReusedResults(model, InferenceOptions(tta=tta), model.card.rule, folder, output_stems(photos))


def measure_together(runs: Sequence[Result], root: Path, results: Path | None) -> EvaluationReport:
    """Score the mean of several models' probabilities at the mean of their thresholds."""
    protocol, tta = runs[0].protocol, cast(TestTimeAugmentation, runs[0].report.method.tta)
    models = [run.model for run in runs]
    data = read_layout(protocol.dataset, root, protocol.split)
    photos = [case.photo for case in data.cases]
    kept = [_results_of(model, protocol, photos, tta, results) for model in models]

    def predict(image: FundusImage, fov: FieldOfView, monitor: Monitor) -> ProbabilityMap:
        maps = [one.predict(image, fov, monitor).values for one in kept]
        return ProbabilityMap(np.mean(maps, axis=0, dtype=np.float64).astype(np.float32))

    name = f"mean of {len(models)} {models[0].card.name}"
    report = evaluate_dataset(
        data,
        predict,
        method=Method(name, tta=tta, seeds=tuple(seed for model in models for seed in model.card.seeds)),
        rule=ThresholdRule.nearest(statistics.fmean(model.card.rule.threshold for model in models), "model"),
        monitor=_Lines(f"{name}, {tta}, {protocol.stem}"),
    )
    if not report.complete:
        raise SystemExit(f"{protocol.title}: {report.failed}")
    return report


def measure_seeds(
    others: Sequence[LoadedModel], results: Sequence[Result], root: Path, folder: Path | None
) -> list[Seeds]:
    """Runs with other seeds beside the ones of the same name among the results, on the first protocol of these."""
    found: list[Seeds] = []
    for name in dict.fromkeys(model.card.name for model in others):
        first = [result for result in results if result.model.card.name == name and not result.seen]
        if not first:
            raise SystemExit(f"{name} is not among the measured models")
        protocol = first[0].protocol
        for tta in AVERAGING:
            runs = [one for one in first if one.protocol == protocol and one.report.method.tta == tta]
            runs += [measure(protocol, model, tta, root, folder) for model in others if model.card.name == name]
            found.append(Seeds(runs, measure_together(runs, root, folder)))
    return found


def measure_experts(protocol: Protocol, root: Path) -> dict[str, VesselErrors]:
    """The errors of each other expert against the first one."""
    found: dict[str, VesselErrors] = {}
    for case in read_layout(protocol.dataset, root, protocol.split).cases:
        truth, *others = case.labels.items()
        if not others:
            continue
        fov = estimate_field_of_view(read_fundus(case.photo)) if case.fov is None else read_fov(case.fov)
        label = read_label(truth[1]).vessel
        for name, path in others:
            errors = found.setdefault(f"expert {name} against {truth[0]}", VesselErrors())
            errors.add(read_label(path).vessel, label, fov)
    return found


_SEEDS = """\
The same recipe with other seeds, which change the first weights, the crops and, where any are, the photographs that
are held out: `serr train --preset NAME --root DATA --out RUN --seed N`, and here `--seeds` with their weights.
The model that ships is the one with seed 0, as was settled before any of them was measured. The last line of each kind
asks what these networks would reach together: the mean of their probability maps at the mean of their thresholds."""


def row(*cells: object) -> str:
    return "| " + " | ".join(str(value) for value in cells) + " |"


def header(*names: str) -> list[str]:
    return [row(*names), "|" + " --- |" * len(names)]


def figures(scores: Scores, *names: str) -> list[str]:
    return [cell(getattr(scores, name)) for name in names]


_MAIN = ("accuracy", "sensitivity", "specificity", "f1", "auc_roc")


def drive_table(results: Sequence[Result]) -> list[str]:
    """DRIVE's test photographs: the models beside what others have published, with protocols."""
    lines = header("method", "ACC", "SE", "SP", "F1", "AUC", "region", "pixels", "threshold", "averaging", "where from")
    drive = [result for result in results if result.protocol.stem == "drive"]
    for result in drive:
        threshold = f"{result.report.rule.level}/256, its own" if result.report.rule else "-"
        seen = _seen_words(result)
        lines.append(
            row(
                f"**{result.model.card.name}**{seen}",
                *figures(result.report.pooled, *_MAIN),
                *("FOV", "pooled", threshold, result.report.method.tta, "measured here"),
            )
        )
    lines.append(
        row(
            "lwnet, W-Net (Galdran et al. 2022)",
            *("0.9560", "-", "-", "0.8290", "0.9810"),
            *("FOV", "pooled", "best Dice on its training photographs", "flips", "measured again for this project"),
        )
    )
    lines.append(
        row(
            "SERR-U-Net as published (Wang et al. 2021)",
            *("0.9552", "-", "-", "-", "0.9784"),
            *("not said", "not said", "not said", "not said", "doi 10.1155/2021/5976097"),
        )
    )
    for result in drive[:1]:
        human = figures(result.report.experts[0][1].pooled, *_MAIN)
        lines.append(row("2nd observer against the 1st", *human, "FOV", "pooled", "-", "-", "measured here"))
    return lines


def stare_table(results: Sequence[Result]) -> list[str]:
    """STARE beside the published scores, in both regions because the publication does not say which it took."""
    lines = header("method", "photographs, labels", "region", "ACC", "SE", "SP", "F1", "AUC")
    for result in results:
        if result.protocol.dataset != "stare":
            continue
        what = result.protocol.title.removeprefix("STARE, ")
        for region in (result.report.result, result.report.beside):
            place = "FOV (estimated)" if region.region == "fov" else "whole image"
            lines.append(row(f"{result.name}{_seen_words(result)}", what, place, *figures(region.total.pooled, *_MAIN)))
    lines.append(
        row(
            "SERR-U-Net as published (Wang et al. 2021)",
            *("not said", "not said; see below", "0.9796", "0.8220", "0.9926", "-", "0.9859"),
        )
    )
    shown = set[str]()
    for result in results:
        if result.protocol.dataset == "stare" and result.protocol.stem not in shown:
            shown.add(result.protocol.stem)
            name, expert = result.report.experts[0]
            lines.append(
                row(
                    f"expert {name} against {result.report.labels}",
                    result.protocol.title.removeprefix("STARE, "),
                    "FOV (estimated)",
                    *figures(expert.pooled, *_MAIN),
                )
            )
    return lines


def all_table(results: Sequence[Result]) -> list[str]:
    """Every model on every data set that it has not seen, inside the field of view, at its own threshold."""
    lines = header(
        "data set", "n", "method", "SE", "SP", "ACC", "F1", "best F1 here", "MCC", "clDice", "AUC", "AP", "ECE"
    )
    for result in results:
        best = result.report.result.best
        pooled = result.report.pooled
        lines.append(
            row(
                result.protocol.title,
                result.report.n_images,
                f"{result.name}{_seen_words(result)}",
                *figures(pooled, "sensitivity", "specificity", "accuracy", "f1"),
                f"{best.score_set.scores.f1:.4f} ({best.rule.level}/256)" if best else "-",
                *figures(pooled, "mcc", "cl_dice", "auc_roc", "auc_pr", "ece"),
            )
        )
    for result in _one_for_each(results):
        for name, expert in result.report.experts:
            pooled = expert.pooled
            lines.append(
                row(
                    result.protocol.title,
                    expert.n_images,
                    f"expert {name} against {result.report.labels}",
                    *figures(pooled, "sensitivity", "specificity", "accuracy", "f1"),
                    "-",
                    *figures(pooled, "mcc", "cl_dice", "auc_roc", "auc_pr", "ece"),
                )
            )
    return lines


def spread_table(results: Sequence[Result]) -> list[str]:
    """Mean and standard deviation over photographs, intervals of the pooled scores, whole image beside."""
    names = ["data set", "method", "F1, mean +- sd", "F1 pooled, 95 %", "AUC, mean +- sd", "AUC pooled, 95 %"]
    lines = header(*names, "whole image: ACC", "whole image: F1", "whole image: AUC")
    for result in results:
        total, image = result.report.total, result.report.beside.total.pooled
        assert total.bootstrap is not None
        drawn = total.bootstrap.pooled
        lines.append(
            row(
                result.protocol.title,
                result.name,
                f"{total.mean.f1:.4f} +- {total.std.f1:.4f}",
                f"{drawn.low.f1:.4f} to {drawn.high.f1:.4f}",
                f"{total.mean.auc_roc:.4f} +- {total.std.auc_roc:.4f}",
                f"{drawn.low.auc_roc:.4f} to {drawn.high.auc_roc:.4f}",
                *figures(image, "accuracy", "f1", "auc_roc"),
            )
        )
    return lines


def error_table(results: Sequence[Result], experts: dict[Protocol, dict[str, VesselErrors]]) -> list[str]:
    """What is missed and what is too much, by the models and by other experts."""
    names = ["data set", "method", "thin, found", "middle, found", "wide, found"]
    lines = header(*names, "false positives at the edge of a drawn vessel", "worst photographs (F1)")
    for result in results:
        if result.report.method.tta != "none":
            continue
        worst = sorted(result.report.images, key=lambda image: image.scores.f1)[:3]
        names = ", ".join(f"`{image.stem}` {image.scores.f1:.3f}" for image in worst)
        lines.append(row(result.protocol.title, result.name, *result.errors.shares, names))
    for protocol, others in experts.items():
        lines += [row(protocol.title, name, *errors.shares, "-") for name, errors in others.items()]
    return lines


def seeds_table(found: Sequence[Seeds]) -> list[str]:
    """Runs of one recipe that differ in the seed, then their mean and standard deviation, then their joint result."""
    lines = header("model", "averaging", "seed", "threshold", "ACC", "SE", "SP", "F1", "AUC", "AP")
    names = (*_MAIN, "auc_pr")
    for seeds in found:
        name, tta = seeds.runs[0].model.card.name, seeds.runs[0].report.method.tta
        for run in seeds.runs:
            seed = ", ".join(map(str, run.model.card.seeds))
            lines.append(row(name, tta, seed, f"{run.model.card.rule.level}/256", *figures(run.report.pooled, *names)))
        values = [[getattr(run.report.pooled, figure) for run in seeds.runs] for figure in names]
        spread = [f"{statistics.fmean(of):.4f} +- {statistics.stdev(of):.4f}" for of in values]
        lines.append(row(name, tta, f"**mean +- sd of {len(seeds.runs)}**", "-", *spread))
        rule = seeds.together.rule
        joint = figures(seeds.together.pooled, *names)
        lines.append(
            row(name, tta, f"their probabilities averaged ({len(seeds.runs)} networks)", f"{rule.level}/256", *joint)
        )
    return lines


def pictures(results: Sequence[Result], folder: Path) -> list[str]:
    """ROC and precision-recall curves of every protocol as SVG files; gives the lines that show them."""
    lines = []
    for protocol in dict.fromkeys(result.protocol for result in results):
        shown = [r for r in results if r.protocol == protocol and r.report.result.curve is not None]
        curves = [Curve(r.name, r.report.result.curve) for r in shown if r.report.result.curve is not None]
        marks = [Mark(f"{r.name}, its threshold", r.report.pooled) for r in shown]
        marks += [Mark(f"expert {name}", summary.pooled) for name, summary in shown[0].report.experts]
        lines += [f"### {protocol.title}", ""]
        for kind, x, y in (("roc", (0.0, 0.2), (0.5, 1.0)), ("pr", (0.4, 1.0), (0.4, 1.0))):
            drawing = curve_plot(kind, curves, marks, size=(470, 380), x_range=x, y_range=y)  # type: ignore[arg-type]
            name = f"images/accuracy-{protocol.stem}-{kind}.svg"
            write_bytes_atomic(folder / name, to_svg(drawing).encode())
            what = "ROC curve" if kind == "roc" else "Precision-recall curve"
            lines.append(f"![{what}, {protocol.title}]({name})")
        lines.append("")
    return lines


def page(
    results: Sequence[Result],
    seeds: Sequence[Seeds],
    experts: dict[Protocol, dict[str, VesselErrors]],
    out: Path,
    minutes: float,
) -> str:
    """The whole page: ``accuracy_page.md`` with its tables."""
    fair = [result for result in results if not result.seen]
    unfair = [result for result in results if result.seen]
    models = {result.model.card.name: result.model for result in results}.values()
    versions = ", ".join(f"{name} {version}" for name, version in results[0].report.versions.items())
    device = results[0].report.method.device
    took = "" if any(result.reused for result in results) else f", in {minutes:.0f} minutes"
    made = f"Measured {datetime.now(UTC):%d %B %Y} on {platform.system()}, {device}{took}. {versions}."
    parts = {
        "made": [made],
        "models": [_about(model) for model in models],
        "drive": drive_table(fair),
        "stare": stare_table(fair),
        "all": all_table(fair),
        "spread": spread_table(fair),
        "seeds": ["## Other seeds", "", _SEEDS, "", *seeds_table(seeds)] if seeds else [],
        "unfair": ["## Photographs that a model has seen: no test", "", *all_table(unfair)] if unfair else [],
        "errors": error_table(fair, experts),
        "curves": pictures(fair, out),
    }
    text = Template(PAGE.read_text(encoding="utf-8")).substitute(
        {name: "\n".join(lines).strip() for name, lines in parts.items()}, resamples=RESAMPLES, seed=SEED
    )
    return re.sub(r"\n{3,}", "\n\n", text)


def _about(model: LoadedModel) -> str:
    card = model.card
    return (
        f"- `{card.name}` (SHA-256 {model.sha256[:12]}...): {card.trained_on}. Its threshold is {card.rule.level}/256. "
        f"Seeds {', '.join(map(str, card.seeds))}."
    )


def _seen_words(result: Result) -> str:
    method = result.report.method
    if method.seen:
        return f" (has seen {method.seen} of them: no test)"
    return f" (not known whether it has seen them: {', '.join(method.unknown)})" if method.unknown else ""


def _one_for_each(results: Sequence[Result]) -> list[Result]:
    return list({result.protocol: result for result in reversed(results)}.values())[::-1]


def main(words: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--root", type=Path, required=True, help="the folder that holds DRIVE, STARE, CHASE_DB1 and HRF"
    )
    parser.add_argument("--models", nargs="+", help="names or files; all that ship by default")
    parser.add_argument("--seeds", nargs="+", default=[], help="weights files of the same recipes with other seeds")
    parser.add_argument("--only", nargs="+", choices=[p.stem for p in PROTOCOLS], help="only these protocols")
    parser.add_argument("--results", type=Path, help="keep every result in this folder, and use those that it holds")
    parser.add_argument("--out", type=Path, default=Path("docs/benchmarks"), help="where the page is written")
    given = parser.parse_args(words)

    started = time.perf_counter()
    names = given.models or [str(entry.path) for entry in list_models() if entry.bundled]
    models = [load_model(name) for name in names]
    protocols = [p for p in PROTOCOLS if given.only is None or p.stem in given.only]
    results = [
        measure(protocol, model, tta, given.root, given.results)
        for protocol in protocols
        for model in models
        if given.models or worth_measuring(protocol, model, given.root)
        for tta in AVERAGING
    ]
    seeds = measure_seeds([load_model(name) for name in given.seeds], results, given.root, given.results)
    experts = {protocol: measure_experts(protocol, given.root) for protocol in protocols}
    (given.out / "images").mkdir(parents=True, exist_ok=True)
    text = page(results, seeds, experts, given.out, (time.perf_counter() - started) / 60)
    write_bytes_atomic(given.out / "accuracy.md", text.encode())
    print(given.out / "accuracy.md")


if __name__ == "__main__":
    main()
