"""What is compared: each arm changes one thing of a recipe, or puts another network in its place."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from core.errors import WeightsError
from core.models.catalogue import find_model
from core.networks.families import FAMILIES
from core.training.config import TrainingConfig

Change = Mapping[str, Mapping[str, object]]

BASELINE: Final = "serr-unet"
ENOUGH_SEEDS: Final = 3
"""Below, differences say nothing."""
_PLAIN: Final = {"log_gamma": 0.0, "log_contrast": 0.0, "brightness": 0.0, "noise_sd": 0.0, "blur_sd_px": 0.0}
_UNMOVED: Final = {"rotation_deg": 0.0, "flip": False, "log_scale": 0.0, "log_aspect": 0.0}


@dataclass(frozen=True)
class Arm:
    """One thing to train.

    Parameters
    ----------
    change : the fields of the recipe that differ, by part.
    fixed_places : crops are cut at a grid of places that never change, in the place of random ones.
    early_seeds : how many of the seeds are trained before the other arms get more than one.
    says : for the page, where the name does not say it.
    """

    name: str
    change: Change = field(default_factory=dict)
    fixed_places: bool = False
    early_seeds: int = 1
    says: str = ""

    def recipe(self, recipe: TrainingConfig, seed: int) -> TrainingConfig:
        """The recipe with this arm's change and this seed."""
        for part, fields in self.change.items():
            recipe = recipe.replaced(part, **fields)
        return recipe.replaced("run", seed=seed, name=self.key(seed))

    @property
    def lacks(self) -> str:
        """The network that it needs and that is not here; empty where nothing is missing."""
        name = str(self.change.get("preprocessing", {}).get("enhance", ""))
        try:
            return "" if not name or find_model(name, task="enhancement").is_file() else name
        except WeightsError:
            return name

    def key(self, seed: int) -> str:
        """How its files are called."""
        return f"{''.join(letter if letter.isalnum() else '-' for letter in self.name)}-{seed}"


def _network(name: str, config: Mapping[str, object] | None = None) -> Change:
    return {"network": {"architecture": name, "config": dict(config or {})}}


_MAIN: Final = ("serr-unet", "unet", "se-unet", "r2-unet", "res-unet")
SE_RES: Final = "se-res-unet"
NETWORKS: Final = (
    *(Arm(name, _network(name), early_seeds=ENOUGH_SEEDS) for name in _MAIN),
    Arm(
        SE_RES,
        _network("serr-unet", {"steps": 0}),
        early_seeds=ENOUGH_SEEDS,
        says="SERR-U-Net without its recurrence (t = 0)",
    ),
    *(Arm(name, _network(name)) for name in FAMILIES if name not in _MAIN),
)

ENHANCEMENT: Final = "serr-enhance-1x"
"""The network that sharpens photographs; the arm that needs it is left out where there is none."""

PREPROCESSING: Final = (
    Arm("no CLAHE", {"preprocessing": {"clahe_clip": 0.0}}),
    Arm("no gamma", {"preprocessing": {"gamma": 1.0}}),
    Arm(
        "no random crops",
        fixed_places=True,
        says="crops are centred on the nine places of a grid that covers the photograph, and rotated about them",
    ),
    Arm("no rotation", {"augmentation": {"rotation_deg": 0.0}}),
    Arm(
        "no random change",
        {"augmentation": _PLAIN | _UNMOVED},
        says="neither rotation, mirroring and zoom nor changes of light, contrast, noise and blur",
    ),
    Arm("with enhancement", {"preprocessing": {"enhance": ENHANCEMENT}}, says="photographs first sharpened by ESRGAN"),
)

VARIANTS: Final = (
    Arm("the recipe"),
    *PREPROCESSING,
    Arm("no standardisation", {"preprocessing": {"standardise": False}}),
    Arm("neither CLAHE nor gamma", {"preprocessing": {"clahe_clip": 0.0, "gamma": 1.0}}),
    Arm("green alone", {"preprocessing": {"mix": (0.0, 1.0, 0.0)}}),
    Arm("three colours", {"preprocessing": {"colour": "rgb"}}),
    Arm("field of view of 720 pixels", {"preprocessing": {"fov_diameter_px": 720.0}}),
    Arm("crops of 128", {"optimisation": {"crop_px": 128, "batch": 16}}),
    Arm("crops of 512", {"optimisation": {"crop_px": 512, "batch": 1}}),
    Arm("loss: BCE", {"optimisation": {"loss": "bce"}}),
    Arm("loss: Dice", {"optimisation": {"loss": "dice"}}),
    Arm("loss: BCE, Dice and clDice", {"optimisation": {"loss": "bce_dice_cldice"}}),
    Arm("loss: focal Tversky", {"optimisation": {"loss": "focal_tversky"}}),
    *(Arm(f"t = {steps}", {"network": {"config": {"steps": steps}}}) for steps in (0, 1, 3)),
    *(Arm(f"r = {reduction}", {"network": {"config": {"reduction": reduction}}}) for reduction in (2, 16)),
    *(Arm(f"width {width}", {"network": {"config": {"width": width}}}) for width in (8, 32)),
    Arm("depth 2", {"network": {"config": {"depth": 2}}}),
    Arm("gate on the sum", _network("serr-unet", {"gate": "sum"})),
    Arm("nearest upsampling", _network("serr-unet", {"upsampling": "nearest"})),
    Arm("plain U-Net", _network("unet")),
    Arm("no mirroring", {"augmentation": {"flip": False}}),
    Arm("no zoom", {"augmentation": {"log_scale": 0.0, "log_aspect": 0.0}}),
    Arm("no change of contrast", {"augmentation": _PLAIN}),
    Arm("other cameras", {"augmentation": {"cameras": 4}}),
    Arm("no mean of the weights", {"optimisation": {"ema_decay": 0.0}}),
    Arm("constant rate of 1e-3", {"optimisation": {"schedule": "constant", "peak_rate": 1e-3}}),
)

GROUPS: Final[Mapping[str, Sequence[Arm]]] = {
    "networks": NETWORKS,
    "preprocessing": PREPROCESSING,
    "published": tuple(Arm(f"{name}, published size", _network(name, one.published)) for name, one in FAMILIES.items()),
    "recipe": VARIANTS,
}


def arms_of(groups: Iterable[str], only: Sequence[str] | None = None) -> list[Arm]:
    """The arms of these groups, each once; ``only`` some of their names."""
    found = {arm.name: arm for group in groups for arm in GROUPS[group]}
    return [arm for name, arm in found.items() if only is None or name in only]


def in_order(arms: Sequence[Arm], seeds: Sequence[int]) -> list[tuple[Arm, int]]:
    """All runs, so that a stop at any time leaves as much of a comparison as can be.

    One seed of everything, then the other seeds of what is to be tested, then those of the rest.
    """
    runs = [(arm, number) for number in range(len(seeds)) for arm in arms]
    late = [(arm, number) for arm, number in runs if number >= arm.early_seeds]
    early = [run for run in runs if run not in late]
    return [(arm, seeds[number]) for arm, number in (*early, *late)]


def shortened(recipe: TrainingConfig, steps: int, batch: int) -> TrainingConfig:
    """The recipe with another budget: a running mean over the same share of the steps, and five validations."""
    usual = recipe.optimisation
    forgotten = min((1.0 - usual.ema_decay) * usual.steps / steps, 1.0) if usual.ema_decay else 1.0
    recipe = recipe.replaced("optimisation", steps=steps, batch=batch, ema_decay=1.0 - forgotten)
    return recipe.replaced("run", validate_every=max(1, -(-steps // 5)), log_every=50)


@dataclass(frozen=True)
class Folders:
    """Where everything is: the data sets; the small results; and the runs with their checkpoints."""

    root: Path
    out: Path
    runs: Path

    def model(self, key: str) -> Path:
        return self.out / "arms" / f"{key}.safetensors"

    def trained(self, key: str) -> Path:
        """What the training says; written last, so that it is there only where all of it is."""
        return self.out / "arms" / f"{key}.json"

    def scores(self, key: str) -> Path:
        """The scores on the test photographs."""
        return self.out / "scores" / f"{key}.json"

    def map(self, key: str, number: int) -> Path:
        """The network's map of a photograph that may be shown."""
        return self.out / "maps" / f"{key}-{number}.png"

    def times(self, kind: str) -> Path:
        """Seconds a photograph on "cpu" or "cuda"."""
        return self.out / f"times-{kind}.json"
