"""Options that several commands share: how they are declared, and checks before anything heavy is loaded."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal, cast

import typer

from core.cli.console import NotesOnly, UsageError

if TYPE_CHECKING:
    from core.export import ExportChoices
    from core.inference.options import Engine
    from core.models.model_card import Task
    from core.photo.label_values import LabelValues
    from core.photo.sibling_files import FovOption

KINDS = ("mask", "probability", "overlay", "sidecar")
ALL_KINDS = ",".join(KINDS)

DEVICE = typer.Option("--device", help="auto, cpu, cuda or mps; auto takes a GPU where there is one.")
ENGINE = typer.Option(
    "--engine",
    help="What runs the network: torch, or openvino on the CPU where it is installed ('serr info' says so).",
)
MODEL = typer.Option("--model", help="Name of a model ('serr models' lists them) or a weights file.")
TTA = typer.Option(
    "--tta",
    help="none, or flips: average over the four mirrored photographs; a little better, four times slower.",
)


def _of_this_machine(out: Path | None) -> Path | None:
    """Not an address, of which a folder called "s3:" would be made."""
    if out is not None and re.match(r"(s3|gs|gcs|az|abfss?|https?):[/\\]", str(out), re.IGNORECASE):
        raise UsageError("--out is in an object store. 'serr batch run' can write there; here give a folder.")
    return out


OUT_HELP = "Folder for the results; made where it is missing."
OUT = typer.Option("--out", "-o", help=OUT_HELP)
FLOAT_HELP = "Write the probability as 32-bit float TIFF, not as 16-bit PNG."

Photos = Annotated[list[str], typer.Argument(metavar="PATH", help="Photographs, folders of them, or patterns.")]
Recursive = Annotated[bool, typer.Option("--recursive", "-r", help="Look through the sub-folders of folders as well.")]
Device = Annotated[str, DEVICE]
EngineName = Annotated[str, ENGINE]
Model = Annotated[str | None, MODEL]
Tta = Annotated[str, TTA]
Out = Annotated[Path, typer.Option("--out", "-o", help=OUT_HELP, callback=_of_this_machine)]
Save = Annotated[
    str,
    typer.Option(
        "--save",
        metavar="KIND,...",
        help=f"What to write, of {', '.join(KINDS)}; all by default.",
        show_default=False,
    ),
]
AsFloat = Annotated[bool, typer.Option("--float", help=FLOAT_HELP)]
VesselValues = Annotated[
    str | None,
    typer.Option(
        "--vessel-values",
        help="Values of the labels that are vessel, where they are not black and white: grey values or colours with "
        "commas, such as 1,2 or #ff0000,#0000ff.",
    ),
]
IgnoreValues = Annotated[
    str | None,
    typer.Option(
        "--ignore-values", help="With --vessel-values: values that are neither learned from nor scored, such as 255."
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]

DEVICES = ("auto", "cpu", "cuda", "mps")


def one_of(option: str, value: str, known: tuple[str, ...]) -> str:
    """The value in lower case. Raises UsageError that lists what is known."""
    lower = value.strip().lower()
    if lower not in known:
        raise UsageError(f"{option} {value} is not known; choose one of: {', '.join(known)}.")
    return lower


def checked_device(device: str) -> str:
    """A kind of device, also with a number such as cuda:1."""
    kind, _, number = device.partition(":")
    if number and not (kind.lower() == "cuda" and number.isdecimal()):
        raise UsageError(f"--device {device} is not known; choose one of: {', '.join(DEVICES)}, or cuda:0, cuda:1 ...")
    return one_of("--device", kind, DEVICES) + (f":{number}" if number else "")


def checked_engine(engine: str, device: str) -> "Engine":
    """An engine that is installed and can compute on the device. Raises UsageError, EngineError."""
    from core.inference.engine_choice import checked_engine as checked
    from core.inference.options import ENGINES, Engine

    return checked(cast(Engine, one_of("--engine", engine, ENGINES)), device)


def checked_fov(fov: str) -> "FovOption":
    """auto, full, or a path that exists."""
    if fov in {"auto", "full"}:
        return cast(Literal["auto", "full"], fov)
    if not Path(fov).exists():
        raise UsageError(f"--fov {fov} is neither auto nor full nor an existing mask file or folder of masks.")
    return Path(fov)


def checked_tta(tta: str) -> Literal["none", "flips"]:
    """How to average over mirrored photographs."""
    return cast(Literal["none", "flips"], one_of("--tta", tta, ("none", "flips")))


def checked_task(task: str) -> "Task | None":
    """What the models of a list are for; None for any."""
    chosen = one_of("--task", task, ("vessels", "enhancement", "any"))
    return None if chosen == "any" else cast("Task", chosen)


def checked_values(vessel: str | None, ignored: str | None) -> "LabelValues | None":
    """What the values of labels mean; None where nothing is said."""
    from core.errors import LabelError
    from core.photo.label_values import LabelValues

    if vessel is None:
        if ignored is not None:
            raise UsageError("--ignore-values needs --vessel-values: which values are vessel?")
        return None
    try:
        return LabelValues.parse(vessel, ignored or "")
    except LabelError as error:
        raise UsageError(f"--vessel-values: {error}") from None


def checked_out(out: Path) -> None:
    """Refuse a file where a folder is needed; whether it can be written to shows when it is made."""
    if out.exists() and not out.is_dir():
        raise UsageError(f"--out {out} is a file; give a folder for the results.")


def checked_kinds(save: str) -> set[str]:
    """The kinds of results in a list with commas."""
    kinds = {kind.strip().lower() for kind in save.split(",") if kind.strip()}
    unknown = sorted(kinds - set(KINDS))
    if unknown or not kinds:
        what = f"{', '.join(unknown)} is not known" if unknown else "is empty"
        raise UsageError(f"--save {what}; choose any of: {', '.join(KINDS)}.")
    return kinds


def export_choices(kinds: set[str], as_float: bool) -> "ExportChoices":
    """What is written, as the library wants to know it."""
    from core.export import ExportChoices

    return ExportChoices(
        mask="mask" in kinds,
        probability="probability" in kinds,
        overlay="overlay" in kinds,
        sidecar="sidecar" in kinds,
        float_probability=as_float,
    )


def checked_dataset(name: str) -> str:
    """The name of a data set whose layout is known, a data set file, or a folder (with a slash)."""
    from core.datasets.finding import is_own_data_set
    from core.datasets.layouts import data_set_names, splits
    from core.errors import InputError

    if is_own_data_set(name):
        return name
    try:
        splits(name)
    except InputError:
        raise UsageError(
            f"--dataset {name} is not known; choose one of: {', '.join(data_set_names())}, a .serr-dataset file, or a "
            "folder with a slash in its name."
        ) from None
    return name


def found_model(name: str, *, any_task: bool = False) -> Path:
    """The file of a model that finds vessels, or of one for anything. An unknown name is a usage error that lists all.

    Where models are looked through, those that cannot be used are named on stderr.
    """
    from core.errors import WeightsError
    from core.models.catalogue import find_model

    try:
        return find_model(name, task=None if any_task else "vessels", monitor=NotesOnly())
    except WeightsError as error:
        raise UsageError(str(error)) from None
