"""``python -m tests.killed_exports PHOTO MODEL_A MODEL_B FOLDER SUFFIX``: exports that are killed on their way.

Writes the results of two models for one photograph to FOLDER/a and FOLDER/b. Then, for each n, writes those of the
second model over a copy of the first's in FOLDER/n and kills the process that does it at its n-th file event. Ends with
the first n at which the export was through before. The same into an empty folder, FOLDER/first-n.
"""

import os
import shutil
import signal
import sys
from pathlib import Path

from core.export import ExportChoices, export_segmentation
from core.models.catalogue import load_model
from core.photo.reading import read_fundus
from core.segment import segment_photo
from core.segmentation import Segmentation


def main(photo: Path, one: Path, other: Path, folder: Path, suffix: str) -> None:
    """Make all folders."""
    image = read_fundus(photo)
    before, after = (segment_photo(image, load_model(path)) for path in (one, other))
    choices = ExportChoices(float_probability=suffix == ".tif")
    for name, found in (("a", before), ("b", after)):
        (folder / name).mkdir(parents=True)
        export_segmentation(found, folder / name, photo.stem, choices)
    for prefix in ("", "first-"):
        _kill_at_each_event(after, folder, prefix, photo.stem, choices)


def _kill_at_each_event(after: Segmentation, folder: Path, prefix: str, stem: str, choices: ExportChoices) -> None:
    number, killed = 0, True
    while killed:
        number += 1
        out = folder / f"{prefix}{number}"
        if prefix:
            out.mkdir()
        else:
            shutil.copytree(folder / "a", out)
        child = os.fork()
        if not child:
            _export_and_die(after, out, stem, choices, number)
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status)
        assert killed or os.waitstatus_to_exitcode(status) == 0


def _export_and_die(found: Segmentation, out: Path, stem: str, choices: ExportChoices, number: int) -> None:
    left = number

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal left
        if event in {"os.rename", "os.remove", "os.chmod"} or (event == "open" and str(out) in str(arguments[0])):
            left -= 1
            if not left:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)
    export_segmentation(found, out, stem, choices)
    os._exit(0)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:5]), sys.argv[5])
