"""What each part of a recipe is worth: the same budget for every variant, measured on validation photographs only.

    python benchmarks/ablation.py --root DATA --out RUNS [--steps N] [--seeds 0 1 2] [--only NAME ...] [--preset NAME]
    python benchmarks/ablation.py ... --preset fine-tune --from MODEL

The second form asks what a variant adds to a network that has learned already; the variants of the network itself, and
those of the preprocessing but for the scale, are the model's own there.

Every variant changes one thing of the recipe and is trained in a folder of its own under RUNS. A network that begins
from scratch with a smaller budget than the recipe's has a running mean of the weights that is shortened by as much. The
program can be stopped at any time: called again it leaves out what is done and continues with what was begun. The table
is printed at the end, and is in RUNS/ablation.md after every run. Another seed holds out other photographs, so that
seeds differ more than most variants do: compare variants of the same seeds.
"""

import argparse
import os
import statistics
from collections.abc import Mapping
from pathlib import Path
from typing import Final

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

from core.cli.console import monitored
from core.files import write_bytes_atomic
from core.training.config import TrainingConfig, load_preset
from core.training.events import read_events
from core.training.loop import EVENTS_FILE, train

Change = Mapping[str, Mapping[str, object]]

VARIANTS: Final[dict[str, Change]] = {
    "the recipe": {},
    "no CLAHE": {"preprocessing": {"clahe_clip": 0.0}},
    "no gamma": {"preprocessing": {"gamma": 1.0}},
    "no standardisation": {"preprocessing": {"standardise": False}},
    "neither CLAHE nor gamma": {"preprocessing": {"clahe_clip": 0.0, "gamma": 1.0}},
    "green alone": {"preprocessing": {"mix": (0.0, 1.0, 0.0)}},
    "three colours": {"preprocessing": {"colour": "rgb"}},
    "field of view of 720 pixels": {"preprocessing": {"fov_diameter_px": 720.0}},
    "crops of 128": {"optimisation": {"crop_px": 128, "batch": 16}},
    "crops of 512": {"optimisation": {"crop_px": 512, "batch": 1}},
    "loss: BCE": {"optimisation": {"loss": "bce"}},
    "loss: Dice": {"optimisation": {"loss": "dice"}},
    "loss: BCE, Dice and clDice": {"optimisation": {"loss": "bce_dice_cldice"}},
    "loss: focal Tversky": {"optimisation": {"loss": "focal_tversky"}},
    "t = 0": {"network": {"config": {"steps": 0}}},
    "t = 1": {"network": {"config": {"steps": 1}}},
    "t = 3": {"network": {"config": {"steps": 3}}},
    "r = 2": {"network": {"config": {"reduction": 2}}},
    "r = 16": {"network": {"config": {"reduction": 16}}},
    "width 8": {"network": {"config": {"width": 8}}},
    "width 32": {"network": {"config": {"width": 32}}},
    "depth 2": {"network": {"config": {"depth": 2}}},
    "plain U-Net": {"network": {"architecture": "unet"}},
    "no mirroring": {"augmentation": {"flip": False}},
    "no rotation": {"augmentation": {"rotation_deg": 0.0}},
    "no zoom": {"augmentation": {"log_scale": 0.0, "log_aspect": 0.0}},
    "no change of contrast": {
        "augmentation": {"log_gamma": 0.0, "log_contrast": 0.0, "brightness": 0.0, "noise_sd": 0.0, "blur_sd_px": 0.0}
    },
    "other cameras": {"augmentation": {"cameras": 4}},
    "no mean of the weights": {"optimisation": {"ema_decay": 0.0}},
    "constant rate of 1e-3": {"optimisation": {"schedule": "constant", "peak_rate": 1e-3}},
}


def shortened(recipe: TrainingConfig, steps: int) -> TrainingConfig:
    """The recipe with fewer steps, and a running mean over the same share of them."""
    usual = recipe.optimisation
    forgotten = min((1.0 - usual.ema_decay) * usual.steps / steps, 1.0) if usual.ema_decay else 1.0
    return recipe.replaced("optimisation", steps=steps, ema_decay=1.0 - forgotten)


def changed(recipe: TrainingConfig, change: Change) -> TrainingConfig:
    """The recipe with one change."""
    for part, fields in change.items():
        recipe = recipe.replaced(part, **fields)
    return recipe


def folder_of(out: Path, name: str, seed: int) -> Path:
    """Where a variant is trained."""
    return out / f"{''.join(letter if letter.isalnum() else '-' for letter in name)}-{seed}"


def finished(folder: Path) -> dict[str, float] | None:
    """The best validation of a run that has come to its end, and its seconds a step."""
    events = read_events(folder / EVENTS_FILE)
    if not events or events[-1]["event"] != "finished":
        return None
    seconds = [event["seconds_per_step"] for event in events if event["event"] == "learned"]
    return {**events[-1]["best"], "seconds": statistics.median(seconds) if seconds else float("nan")}


def table(out: Path, steps: int, seeds: list[int]) -> str:
    """All that is done so far, in Markdown, with the difference to the recipe itself."""
    lines = [
        f"{steps} steps, seeds {', '.join(map(str, seeds))}; means over the seeds that are done (standard deviation)",
        "",
        "| variant | runs | AUC | to the recipe | PR AUC | best F1 | s a step |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    base: float | None = None
    for name in VARIANTS:
        done = [one for seed in seeds if (one := finished(folder_of(out, name, seed))) is not None]
        if not done:
            continue
        auc = statistics.fmean(one["auc_roc"] for one in done)
        spread = f" ({statistics.stdev([one['auc_roc'] for one in done]):.4f})" if len(done) > 1 else ""
        base = auc if not VARIANTS[name] else base
        against = f"{auc - base:+.4f}" if base is not None and VARIANTS[name] else ""
        means = {key: statistics.fmean(one[key] for one in done) for key in ("auc_pr", "f1", "seconds")}
        lines.append(
            f"| {name} | {len(done)} | {auc:.4f}{spread} | {against} | {means['auc_pr']:.4f} | {means['f1']:.4f} | "
            f"{means['seconds']:.2f} |"
        )
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--only", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    parser.add_argument("--preset", default="strong")
    parser.add_argument("--from", dest="start_from", default="", help="model to train on")
    parser.add_argument("--peak-rate", type=float, help="instead of the recipe's")
    chosen = parser.parse_args()
    recipe = load_preset(chosen.preset)
    if chosen.start_from:
        recipe = recipe.replaced("network", start_from=chosen.start_from, keep_scale=False)
        recipe = recipe.replaced("optimisation", steps=chosen.steps)
    else:
        recipe = shortened(recipe, chosen.steps)
    if chosen.peak_rate is not None:
        recipe = recipe.replaced("optimisation", peak_rate=chosen.peak_rate)
    recipe = recipe.replaced("run", validate_every=max(1, chosen.steps // 4))
    chosen.out.mkdir(parents=True, exist_ok=True)
    for seed in chosen.seeds:
        for name in chosen.only:
            folder = folder_of(chosen.out, name, seed)
            if finished(folder) is None:
                print(f"{name}, seed {seed}", flush=True)
                with monitored() as monitor:
                    config = changed(recipe, VARIANTS[name]).replaced("run", seed=seed)
                    train(config, chosen.root, folder, resume=True, monitor=monitor)
            text = table(chosen.out, chosen.steps, chosen.seeds)
            write_bytes_atomic(chosen.out / "ablation.md", text.encode())
    print(table(chosen.out, chosen.steps, chosen.seeds))


if __name__ == "__main__":
    main()
