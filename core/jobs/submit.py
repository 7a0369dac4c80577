"""From a recipe to a job that waits for its device."""

from pathlib import Path
from typing import TYPE_CHECKING

from core.errors import DeviceError
from core.jobs.process import start_job
from core.jobs.store import Job, JobRequest, create_job

if TYPE_CHECKING:
    from core.training.config import TrainingConfig


def submit_job(
    config: "TrainingConfig",
    root: Path,
    *,
    name: str = "",
    notes: str = "",
    device: str = "auto",
    count: int = 1,
    estimate: dict[str, object] | None = None,
) -> Job:
    """Make a job of a recipe and start its process.

    Parameters
    ----------
    root : folder of the data sets; relative paths in the recipe begin there.
    device : as ``choose_device`` takes it; "auto": any graphics processor that becomes free, else the CPU.
    count : how many graphics processors it shall have at once.

    Raises
    ------
    SerrError : the model to start from, the device or the jobs' folder cannot be used, or the process does not start.
    """
    from core.training.config import to_toml
    from core.training.fine_tuning import prepare_config

    config = prepare_config(config)
    request = JobRequest(
        name=name or config.model_name,
        notes=notes,
        root=str(Path(root).absolute()),
        data=", ".join(f"{source.dataset} ({source.split})" for source in config.data.sources),
        start_from=Path(config.network.start_from).stem,
        devices=devices_for(device, count),
        count=count,
        estimate=estimate or {},
    )
    return start_job(create_job(request, to_toml(config)))


def devices_for(requested: str, count: int) -> tuple[str, ...]:
    """The devices that will do for what was requested, by torch's names.

    Raises
    ------
    DeviceError : it is not there, or there are not so many.
    """
    from core.inference.device import choose_device, list_devices

    chosen = choose_device(requested)
    if chosen.kind != "cuda":
        if count > 1:
            raise DeviceError(f"There are not {count} graphics processors to train on at once: {chosen.label}.")
        return (chosen.torch_name,)
    if ":" in requested and count == 1:
        return (chosen.torch_name,)
    usable = tuple(device.torch_name for device in list_devices() if device.kind == "cuda")
    if count > len(usable):
        raise DeviceError(f"There are not {count} graphics processors to train on at once, but {len(usable)}.")
    return usable
