"""From a recipe to a job that waits for its device."""

from pathlib import Path

from core.errors import DeviceError
from core.jobs.process import start_job
from core.jobs.records import JobRequest
from core.jobs.requests import TrainingRequest
from core.jobs.slurm import slurm_options
from core.jobs.store import Job, create_job


def submit_job(request: TrainingRequest) -> Job:
    """Make a job of a request and start its process.

    Raises
    ------
    SerrError : the model to start from, the device or the jobs' folder cannot be used, or the process does not start.
    """
    from core.training.config import to_toml
    from core.training.fine_tuning import prepare_config

    config = prepare_config(request.config)
    is_cluster = request.engine == "slurm"
    if is_cluster:
        slurm_options(request.slurm)  # now, before a folder is made
    stored = JobRequest(
        name=request.name or config.model_name,
        notes=request.notes,
        root=str(request.root.absolute()),
        data=", ".join(f"{source.dataset} ({source.split})" for source in config.data.sources),
        start_from=Path(config.network.start_from).stem,
        devices=("Slurm",) * request.count if is_cluster else devices_for(request.device, request.count),
        count=request.count,
        estimate=request.estimate,
        engine=request.engine,
        slurm=request.slurm,
    )
    return start_job(create_job(stored, to_toml(config)))


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
