"""``serr models``: the models, their cards, adding and removing models."""

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.console import NotesOnly, UsageError, monitored, say, say_json, tell
from core.cli.options import (
    AsJson,
    Device,
    EngineName,
    Tta,
    checked_dataset,
    checked_device,
    checked_engine,
    checked_task,
    checked_tta,
    found_model,
)

if TYPE_CHECKING:
    from core.models.catalogue import ModelEntry

models = typer.Typer(help="List the models, show their cards, add and remove models.", invoke_without_command=True)


@models.callback()
def list_all(
    context: typer.Context,
    *,
    task: Annotated[
        str, typer.Option("--task", help="What for: vessels, enhancement (for 'serr enhance'), any.")
    ] = "vessels",
    as_json: AsJson = False,
) -> None:
    """List the models that find vessels, or those for --task; 'serr models show NAME' shows the card of one."""
    if context.invoked_subcommand is not None:
        return
    from core.models.catalogue import DEFAULT_MODEL, list_models, user_models_folder

    chosen = checked_task(task)
    entries = list_models(task=chosen, monitor=NotesOnly())
    if as_json:
        say_json(
            [
                {
                    **entry.card.to_dict(),
                    "path": str(entry.path),
                    "bundled": entry.bundled,
                    "default": entry.card.name == DEFAULT_MODEL,
                }
                for entry in entries
            ]
        )
        return
    if not entries:
        say(f"There are no models yet. Train one with 'serr train', or put weights files into {user_models_folder()}.")
        return
    _say_table(entries)
    default = "* is used where no model is named. " if chosen != "enhancement" else ""
    say(f"\n{default}Your folder is {user_models_folder()}.")
    enhancers = ", ".join(entry.card.name for entry in list_models(task="enhancement"))
    if enhancers:
        say(f"For 'serr enhance --model', which finds no vessels: {enhancers}.")


def _say_table(entries: "list[ModelEntry]") -> None:
    from core.models.catalogue import DEFAULT_MODEL

    rows = [("NAME", "FROM", "TASK", "NETWORK", "THRESHOLD", "TRAINED ON")]
    for entry in entries:
        card = entry.card
        name = card.name + (" *" if card.name == DEFAULT_MODEL else "")
        source = "this program" if entry.bundled else "your folder"
        threshold = "-" if card.task == "enhancement" else f"{card.default_threshold:.4f}"
        data = ", ".join(card.data_sets) or "-"
        rows.append((name, source, card.task, card.architecture, threshold, data))
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)] + [0]
    for row in rows:
        say("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@models.command()
def show(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A model's name, or a weights file.")],
    as_json: AsJson = False,
) -> None:
    """Show the card of one model: what it is, how it was trained, and what it was measured to do."""
    from core.models.weights_header import read_card

    path = found_model(name, any_task=True)
    card = read_card(path)
    values = {"path": str(path), **card.to_dict()}
    if as_json:
        say_json(values)
    else:
        _say_indented({**values, "styles": [style.text for style in card.styles]}, "")


@models.command()
def architectures(as_json: AsJson = False) -> None:
    """List the networks that can be trained: what each is, its parameters, and GFLOP for a photograph of DRIVE."""
    from core.networks.cost import list_architectures

    known = list_architectures()
    if as_json:
        say_json([one.to_dict() for one in known])
        return
    for one in known:
        say(f"{one.name}  {one.title}: {one.publication}")
        say(textwrap.fill(one.summary, 110, initial_indent="  ", subsequent_indent="  ", break_on_hyphens=False))
        for words, size in (("usual", one.usual), ("published", one.published)):
            chosen = ", ".join(f"{field}={value}" for field, value in size.config.items() if field != "in_channels")
            say(f"  {words:<9}  {size.parameters / 1e6:6.2f} M parameters  {size.gflop:6.1f} GFLOP  ({chosen})")
        say("")
    say(
        "GFLOP: two operations for each multiplication, one photograph of DRIVE (584 x 565 pixels).\n"
        "Train one with 'serr train --architecture NAME --network FIELD=VALUE'."
    )


@models.command()
def add(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The weights file.")],
    *,
    name: Annotated[str | None, typer.Option("--name", help="Name for it; its own by default.")] = None,
    notes: Annotated[str | None, typer.Option("--notes", help="Notes for its card.")] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Replace your model of that name.")] = False,
) -> None:
    """Take a weights file into your own models, so that it can be chosen by its name. The default stays as it is.

    A network that enhances photographs is taken in as well; it is offered by 'serr enhance' alone.
    """
    from core.models.catalogue import DEFAULT_MODEL
    from core.models.user_models import add_model

    entry = add_model(file, name=name, notes=notes, overwrite=replace)
    say(f"{entry.card.name}  {entry.path}")
    tell(f"serr: {entry.card.experience}")
    if entry.card.task == "enhancement":
        tell("serr: It enhances photographs and finds no vessels: use it with 'serr enhance --model'.")
    elif entry.card.name != DEFAULT_MODEL:
        tell(f"serr: Where no model is named, {DEFAULT_MODEL} is used as before; use this one with --model.")


@models.command()
def edit(
    name: Annotated[str, typer.Argument(metavar="NAME", help="One of your own models.")],
    *,
    new_name: Annotated[str | None, typer.Option("--name", help="Its new name.")] = None,
    notes: Annotated[str | None, typer.Option("--notes", help="Notes for its card.")] = None,
) -> None:
    """Give one of your own models another name or other notes."""
    from core.models.user_models import change_model

    if new_name is None and notes is None:
        raise UsageError("nothing to change: give --name or --notes.")
    entry = change_model(name, new_name=new_name, notes=notes)
    say(f"{entry.card.name}  {entry.path}")


@models.command()
def remove(name: Annotated[str, typer.Argument(metavar="NAME", help="One of your own models.")]) -> None:
    """Remove one of your own models; those that came with the program stay."""
    from core.models.user_models import remove_model

    say(f"removed {remove_model(name)}")


@models.command()
def export(
    name: Annotated[str, typer.Argument(metavar="NAME|FILE", help="A model's name, or a weights file.")],
    target: Annotated[Path, typer.Argument(metavar="TARGET", help="File or folder to write to.")],
    replace: Annotated[bool, typer.Option("--replace", help="Overwrite an existing file.")] = False,
) -> None:
    """Write a model's weights file for another machine, where 'serr models add' takes it in."""
    from core.models.user_models import export_model

    say(str(export_model(found_model(name, any_task=True), target, overwrite=replace)))


@models.command()
def compare(
    old: Annotated[str, typer.Argument(metavar="OLD", help="Name or weights file of the current model.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Name or weights file of the other one.")],
    *,
    dataset: Annotated[str, typer.Option("--dataset", help="Published data set, data set file, or folder.")] = "drive",
    root: Annotated[Path, typer.Option("--root", help="Folder of the data sets; here by default.")] = Path(),
    split: Annotated[str, typer.Option("--split", help="Part that neither model has seen: test, validation.")] = "test",
    labels: Annotated[str | None, typer.Option("--labels", help="Name of the expert to take for the truth.")] = None,
    tta: Tta = "none",
    device: Device = "auto",
    engine: EngineName = "torch",
    as_json: AsJson = False,
) -> None:
    """Compare two models on the same labelled photographs, each at its own threshold, by Wilcoxon's paired test."""
    averaging, device, dataset = checked_tta(tta), checked_device(device), checked_dataset(dataset)
    by = checked_engine(engine, device)
    paths = found_model(old), found_model(new)
    from core.datasets.finding import find_split
    from core.inference.options import InferenceOptions
    from core.model_comparison import compare_models

    options = InferenceOptions(device=device, tta=averaging, engine=by)
    cases = find_split(dataset, root, split)
    with monitored() as monitor:
        done = compare_models(*paths, cases, name=dataset, root=root, options=options, labels=labels, monitor=monitor)
    if as_json:
        say_json(done.to_dict())
    else:
        say(done.to_text())


def _say_indented(values: dict[str, object], indent: str) -> None:
    width = max((len(key) for key in values), default=0)
    for key, value in values.items():
        if isinstance(value, dict) and value:
            say(f"{indent}{key}")
            _say_indented(value, indent + "  ")
        elif isinstance(value, list) and any(isinstance(item, dict) for item in value):
            for number, item in enumerate(value, start=1):
                say(f"{indent}{key} {number}")
                _say_indented(item, indent + "  ")
        else:
            text = ", ".join(str(item) for item in value) if isinstance(value, list) else value
            say(f"{indent}{key:<{width}}  {'-' if text in ('', None, {}) else text}")
