"""How a recipe does on cameras that it has never seen: each data set is left out once and then measured on.

    python benchmarks/unseen_cameras.py --root DATA --out RUNS [--from MODEL] [--steps N] [--only NAME ...] [--tta T]
        [--preset PRESET] [--teachers RUNS] [--set PART.FIELD=VALUE ...]

For each source of the recipe a network learns from all the others, chooses its weights and its threshold on their
validation photographs, and is scored on the photographs that the left-out source would have given: inside the field of
view, all pixels pooled, at its own default threshold. No test photograph takes part. Where the recipe starts from a
model that has learned from the left-out data set, the network starts from scratch instead, with that model's
preprocessing, ``--scratch-steps`` and the optimisation of the preset ``strong``. Where the recipe has a teacher, the
network of ``--teachers`` without the same data set takes its place. It can be stopped at any time: called
again it continues where it was. The table is printed and is in RUNS/unseen-cameras.md.
"""

import argparse
import os
from pathlib import Path

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from core.cli.console import monitored
from core.datasets.layouts import read_layout
from core.evaluation.confusion import Scores
from core.evaluation.dataset_evaluation import evaluate_dataset
from core.evaluation.report import Method
from core.files import write_bytes_atomic
from core.inference.options import InferenceOptions, TestTimeAugmentation
from core.models.catalogue import load_model
from core.progress import Monitor
from core.segment import segment_photo
from core.training.config import SourceSection, TrainingConfig, load_preset
from core.training.fine_tuning import prepare_config
from core.training.loop import train
from core.types import FieldOfView, FundusImage, ProbabilityMap


def without(recipe: TrainingConfig, left_out: SourceSection, scratch_steps: int) -> TrainingConfig:
    """The recipe with one source fewer, and without a model to start from that knows that source."""
    sources = [source.model_dump() for source in recipe.data.sources if source != left_out]
    recipe = recipe.replaced("data", sources=sources).replaced("run", name=f"without-{left_out.dataset}")
    if not recipe.network.start_from:
        return recipe
    card = load_model(recipe.network.start_from).card
    if all(source["dataset"] != left_out.dataset for source in card.sources):
        return recipe
    recipe = recipe.replaced("preprocessing", **prepare_config(recipe).preprocessing.to_dict())
    recipe = recipe.replaced("network", start_from="", architecture=card.architecture, config=card.config)
    scratch = load_preset("strong").optimisation.model_dump() | {"steps": scratch_steps}
    return recipe.replaced("optimisation", **scratch)


def taught_by(recipe: TrainingConfig, teachers: Path, left_out: SourceSection) -> TrainingConfig:
    """The recipe with the network without the same data set as its teacher."""
    found = sorted((teachers / left_out.dataset).glob("*.safetensors"))
    if len(found) != 1:
        raise SystemExit(f"{teachers / left_out.dataset} has {len(found)} weights files; one is wanted, the teacher")
    return recipe.replaced("teacher", model=str(found[0].resolve()))


def score(weights: Path, source: SourceSection, root: Path, tta: TestTimeAugmentation, monitor: Monitor) -> Scores:
    """The pooled scores of a network on a source's photographs."""
    model = load_model(weights)
    options = InferenceOptions(tta=tta)

    def find(image: FundusImage, fov: FieldOfView, inner: Monitor) -> ProbabilityMap:
        return segment_photo(image, model, fov=fov, options=options, monitor=inner).probability

    method = Method(model.card.name, model.sha256, tta, model.card.seeds)
    report = evaluate_dataset(
        read_layout(source.dataset, root, source.split),
        find,
        method=method,
        rule=model.card.rule,
        labels=source.labels or None,
        monitor=monitor,
    )
    return report.total.pooled


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--preset", default="serr-unet-general")
    parser.add_argument("--from", dest="start_from", default="", help="model to start from, instead of the recipe's")
    parser.add_argument("--steps", type=int, default=0, help="instead of the recipe's")
    parser.add_argument(
        "--set", dest="changes", nargs="+", default=[], metavar="PART.FIELD=VALUE", help="of the recipe"
    )
    parser.add_argument("--scratch-steps", type=int, default=1500, help="where a network cannot start from a model")
    parser.add_argument("--only", nargs="+", default=[], help="names of data sets to leave out; all by default")
    parser.add_argument("--teachers", type=Path, help="runs of this program whose networks become the teachers")
    parser.add_argument("--tta", choices=("none", "flips"), default="none")
    chosen = parser.parse_args()
    recipe = load_preset(chosen.preset)
    if chosen.start_from:
        recipe = recipe.replaced("network", start_from=chosen.start_from)
    if chosen.steps:
        recipe = recipe.replaced("optimisation", steps=chosen.steps)
    for change in chosen.changes:
        where, _, value = change.partition("=")
        part, _, name = where.partition(".")
        recipe = recipe.replaced(part, **{name: value})
    if recipe.teacher.model and chosen.teachers is None:
        parser.error(f"the recipe {chosen.preset} has a teacher that knows every data set: give --teachers")
    lines = [
        "| left out, and measured on | threshold | AUC | F1 | SE | SP | ACC |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for source in recipe.data.sources:
        if chosen.only and source.dataset not in chosen.only:
            continue
        part = without(recipe, source, chosen.scratch_steps)
        if recipe.teacher.model:
            part = taught_by(part, chosen.teachers, source)
        with monitored() as monitor:
            weights = train(
                part,
                chosen.root,
                chosen.out / source.dataset,
                resume=True,
                monitor=monitor,
            ).weights
            scores = score(weights, source, chosen.root, chosen.tta, monitor)
        level = load_model(weights).card.rule.level
        lines.append(
            f"| {source.dataset} {source.split} | {level}/256 | {scores.auc_roc:.4f} | {scores.f1:.4f} | "
            f"{scores.sensitivity:.4f} | {scores.specificity:.4f} | {scores.accuracy:.4f} |"
        )
        write_bytes_atomic(chosen.out / "unseen-cameras.md", ("\n".join(lines) + "\n").encode())
    print("\n".join(lines))


if __name__ == "__main__":
    main()
