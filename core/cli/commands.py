"""The commands by name, in the order of help. Each is imported when it is asked for: to declare options takes time."""

from collections.abc import Callable, Iterable
from typing import Any, Final

import typer

Command = Callable[..., Any] | typer.Typer


def _segment() -> Command:
    from core.cli.segment import segment

    return segment


def _watch() -> Command:
    from core.cli.watch import watch

    return watch


def _replay() -> Command:
    from core.cli.replay import replay

    return replay


def _evaluate() -> Command:
    from core.cli.evaluate import evaluate

    return evaluate


def _measure() -> Command:
    from core.cli.measure import measure

    return measure


def _compare_measures() -> Command:
    from core.cli.compare_measures import compare_measures

    return compare_measures


def _enhance() -> Command:
    from core.cli.enhance import enhance

    return enhance


def _train() -> Command:
    from core.cli.train import train

    return train


def _info() -> Command:
    from core.cli.info import info

    return info


def _batch() -> Command:
    from core.cli.batch import batch

    return batch


def _models() -> Command:
    from core.cli.models import models

    return models


def _dataset() -> Command:
    from core.cli.dataset import dataset

    return dataset


def _jobs() -> Command:
    from core.cli.jobs import jobs

    return jobs


def _session() -> Command:
    from core.cli.session import session

    return session


COMMANDS: Final[dict[str, Callable[[], Command]]] = {
    "segment": _segment,
    "watch": _watch,
    "replay": _replay,
    "evaluate": _evaluate,
    "measure": _measure,
    "compare-measures": _compare_measures,
    "enhance": _enhance,
    "train": _train,
    "info": _info,
    "batch": _batch,
    "models": _models,
    "dataset": _dataset,
    "jobs": _jobs,
    "session": _session,
}


def add_commands(app: typer.Typer, names: Iterable[str]) -> None:
    """Give a program these commands."""
    for name in names:
        command = COMMANDS[name]()
        if isinstance(command, typer.Typer):
            app.add_typer(command, name=name)
        else:
            app.command(name)(command)
