"""``serr info``: versions, devices, and where files are; what a bug report needs."""

import platform
import sys

from core import __version__
from core.cli.console import NotesOnly, say, say_json
from core.cli.options import AsJson
from core.resources import resource_path, sample_path


def info(as_json: AsJson = False) -> None:
    """Say versions, devices, and where files are."""
    import cv2
    import numpy as np
    import torch

    from core.inference.device import choose_device, list_devices
    from core.inference.engine_choice import engine_versions
    from core.models.catalogue import list_models, user_models_folder

    devices = list_devices()
    values: dict[str, dict[str, str]] = {
        "versions": {
            "serr-fundus": __version__,
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "opencv": str(cv2.__version__),
            "numpy": np.__version__,
            "system": platform.platform(),
        },
        "engines": engine_versions(),
        "devices": {device.torch_name: device.label for device in devices} | {"auto": choose_device("auto").torch_name},
        "files": {
            "python": sys.executable,
            "program": str(resource_path().parent),
            "bundled models": str(resource_path("weights")),
            "your models": str(user_models_folder()),
            "sample photograph": str(sample_path()),
        },
        "models": {entry.card.name: str(entry.path) for entry in list_models(monitor=NotesOnly())},
        "enhancers": {entry.card.name: str(entry.path) for entry in list_models(task="enhancement")},
    }
    if as_json:
        say_json(values)
        return
    for part, entries in values.items():
        say(part)
        width = max((len(name) for name in entries), default=0)
        for name, value in entries.items():
            say(f"  {name:<{width}}  {value}")
