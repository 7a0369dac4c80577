"""Scripts that run the shards of a batch: for Slurm, for PBS, and for a plain shell."""

import shlex
import stat
from pathlib import Path
from typing import Final

from core.batch.plan import BATCH_FOLDER, Batch
from core.files import write_bytes_atomic

_SLURM: Final = """\
#!/bin/bash
# The photographs of a batch, a shard in each task of an array. Written by 'serr batch plan'; change what your
# cluster needs:
#
#     sbatch {script}
#
# Submit it again after tasks were killed or ran out of time: each continues where it was, and nothing is done twice.
# At the end: {collect}
#
#SBATCH --job-name=serr-batch
#SBATCH --array=1-{shards}
# (1-{shards}%8 runs at most eight tasks at a time.)
#SBATCH --cpus-per-task=4
#SBATCH --mem=4G
#SBATCH --time=24:00:00
#SBATCH --requeue
# A GPU for each task: remove one # of the next line.
##SBATCH --gres=gpu:1
#SBATCH --output={logs}/slurm-%A-%a.log

# Load modules or activate an environment here, where the program needs one.
export OMP_NUM_THREADS="${{SLURM_CPUS_PER_TASK:-1}}"
exec {run} --shard "$SLURM_ARRAY_TASK_ID"
"""
_PBS: Final = """\
#!/bin/bash
# The photographs of a batch, a shard in each job of an array (PBS Professional, OpenPBS). Written by
# 'serr batch plan'; change what your cluster needs:
#
#     qsub {script}
#
# With Torque write "-t" for "-J" and PBS_ARRAYID for PBS_ARRAY_INDEX. Submit it again after jobs were killed.
# At the end: {collect}
#
#PBS -N serr-batch
#PBS -J 1-{shards}
#PBS -l select=1:ncpus=4:mem=4gb
#PBS -l walltime=24:00:00
#PBS -r y
#PBS -j oe

# Load modules or activate an environment here, where the program needs one.
export OMP_NUM_THREADS=4
exec {run} --shard "$PBS_ARRAY_INDEX"
"""
_LOOP: Final = """\
#!/bin/sh
# The photographs of a batch, one shard after the other on this machine. Written by 'serr batch plan'. For other
# schedulers: run the one line with a number from 1 to {shards} in each job.
# At the end: {collect}
failed=0
for shard in $(seq 1 {shards}); do
    {run} --shard "$shard" || failed=1
done
exit $failed
"""


def write_scripts(batch: Batch, program: str) -> tuple[Path, ...]:
    """Write the scripts next to the manifests, and return where they are.

    Parameters
    ----------
    program : how the program is started, quoted for a shell.

    Raises
    ------
    OutputError : one cannot be written.
    """
    folder = batch.folder.absolute()
    quoted = shlex.quote(str(folder))
    # What a scheduler reads in a comment is not a shell: a name that it could misread is left to its default.
    logs = str(folder / BATCH_FOLDER)
    plain = logs.isascii() and logs.isprintable() and not set(logs) & set("%\"'\\ ")
    written = []
    for name, text in (("slurm.sbatch", _SLURM), ("pbs.sh", _PBS), ("loop.sh", _LOOP)):
        path = folder / BATCH_FOLDER / name
        filled = text.format(
            shards=batch.shards,
            script=_in_comment(shlex.quote(str(path))),
            logs=logs,
            run=f"{program} batch run {quoted}",
            collect=_in_comment(f"{program} batch collect {quoted}"),
        )
        if not plain:
            filled = "".join(line for line in filled.splitlines(True) if not line.startswith("#SBATCH --output"))
        write_bytes_atomic(path, filled.encode(errors="surrogateescape"))
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        written.append(path)
    return tuple(written)


def _in_comment(text: str) -> str:
    """One line, whatever a path holds."""
    return " ".join(text.split("\n"))
