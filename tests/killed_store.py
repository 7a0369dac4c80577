"""``python -m tests.killed_store``: a batch from a bucket into a bucket is killed again and again, and goes through.

Not in the gate: each process has to load torch first. The S3 server is one of this machine. Prints what was seen.
"""

import logging
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from core.resources import command_line
from core.sidecar import SUFFIX
from tests.cli.program import process_environment, write_photo
from tests.core.test_batch_kills import untrained

_FILES = 4
"""Of a result."""


def killed_and_completed(folder: Path, server: str, *, count: int = 60, kills: int = 3) -> list[str]:
    """What was seen. Raises AssertionError where a photograph was lost or made twice."""
    import s3fs

    os.environ |= {
        **{"AWS_ENDPOINT_URL": server, "AWS_DEFAULT_REGION": "us-east-1"},
        **{"AWS_ACCESS_KEY_ID": "someone", "AWS_SECRET_ACCESS_KEY": "something"},
    }
    system = s3fs.S3FileSystem(use_listings_cache=False)
    system.mkdir("eyes")
    (folder / "photos").mkdir()
    for number in range(count):
        write_photo(folder / "photos" / f"{number:03}.png", 200 + number, 200)
    system.put(str(folder / "photos"), "eyes/in", recursive=True)
    weights = untrained(folder / "small.safetensors")
    command = [
        *command_line(),
        "batch",
        "run",
        "s3://eyes/in",
        "--out",
        "s3://eyes/out",
        "--work",
        str(folder / "work"),
    ]
    command += ["--model", str(weights), "--fov", "full"]
    whole: dict[str, tuple[str, str]] = {}
    said = []
    for number in range(1, kills + 1):
        process = subprocess.Popen(command, env=process_environment(), stdout=subprocess.DEVNULL)
        while process.poll() is None and len(_published(system)) < number * count // (kills + 1):
            pass
        process.kill()
        assert process.wait() == -9, "it was through before it could be killed"
        now = _published(system)
        assert {key: now[key] for key in whole} == whole
        whole = now
        said.append(f"Killed with {len(now)} of {count} results in the store.")
    assert subprocess.run(command, env=process_environment(), check=False).returncode == 0
    now = _published(system)
    assert len(now) == count
    assert {key: now[key] for key in whole} == whole, "a result that was whole was made again"
    assert len(system.find("eyes/out")) == _FILES * count + 1
    return [*said, f"{count} results; none that was whole was made again."]


def _published(system: Any) -> dict[str, tuple[str, str]]:
    found = system.find("eyes/out", detail=True)
    return {key: (info["ETag"], str(info["LastModified"])) for key, info in found.items() if key.endswith(SUFFIX)}


if __name__ == "__main__":
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    here = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    here.start()
    with tempfile.TemporaryDirectory() as place:
        for line in killed_and_completed(Path(place), "http://{}:{}".format(*here.get_host_and_port())):
            sys.stdout.write(f"{line}\n")
    here.stop()
