"""``serr replay``: make the result of a side-car again."""

from pathlib import Path
from typing import Annotated

import typer

from core.cli.console import UsageError, monitored, say, say_json
from core.cli.options import (
    ALL_KINDS,
    AsFloat,
    AsJson,
    Model,
    Out,
    Save,
    checked_kinds,
    checked_out,
    export_choices,
    found_model,
)
from core.cli.session import replay_of_session


def replay(
    *,
    sidecar: Annotated[
        Path,
        typer.Argument(
            metavar="SIDECAR", help="A STEM.serr.json that 'serr segment' wrote, or a session (NAME.serr-session)."
        ),
    ],
    photo: Annotated[
        Path | None, typer.Option("--photo", help="The photograph, where it is no longer where the side-car says.")
    ] = None,
    out: Out,
    model: Model = None,
    save: Save = ALL_KINDS,
    as_float: AsFloat = False,
    as_json: AsJson = False,
) -> int:
    """Make the result of a side-car again, with its photograph, weights, field of view, options and threshold.

    Of a session: the results of all its photographs, with the corrections laid over.

    Says whether the mask is identical, pixel for pixel. Ends with 1 where it is not, or where files beside the side-car
    are not those that it describes.
    """
    kinds = checked_kinds(save)
    checked_out(out)
    if sidecar.suffix == ".serr-session":
        if photo is not None or model is not None:
            raise UsageError("--photo and --model are for a side-car: a session has photographs and models of its own.")
        return replay_of_session(sidecar, out, kinds, as_float=as_float, as_json=as_json)
    weights = None if model is None else found_model(model)

    from core.claims import refuse_another, refuse_unclaimed
    from core.errors import InputError
    from core.export import export_segmentation
    from core.files import display_path, ensure_folder, path_text
    from core.models.catalogue import load_model
    from core.replay import replay_sidecar
    from core.results import changed_files, corrected_by_hand
    from core.sidecar import pixels_sha256, read_sidecar

    said = read_sidecar(sidecar)
    changed = changed_files(said)
    choices = export_choices(kinds, as_float)
    stem = sidecar.name.removesuffix(".json").removesuffix(".serr")
    by_hand = corrected_by_hand(out, stem)
    if by_hand:
        raise InputError(f"{by_hand} Choose another --out.")
    with monitored() as monitor:
        found = replay_sidecar(sidecar, photo, model=load_model(weights) if weights else None, monitor=monitor)
        ensure_folder(out)
        refuse_another(out, stem, found.image, way_out="")
        refuse_unclaimed(out, stem, choices, way_out="")
        written = export_segmentation(found, out, stem, choices)
        for note in found.notes:
            monitor.note(note)
    identical = pixels_sha256(found.mask.vessel) == said.mask_sha256
    files = {kind: path_text(path) for kind, path in written.items()}
    if as_json:
        say_json(
            {
                "photo": path_text(found.image.source or ""),
                "model": {"name": found.card.name, "sha256": found.model_sha256},
                "files": files,
                "identical": identical,
                "changed_files": list(changed),
                "notes": list(found.notes),
            }
        )
    else:
        verdict = "identical" if identical else "NOT identical"
        say(f"{display_path(found.image.source or '')}: {verdict} ({found.card.name}); {', '.join(files.values())}")
    return 0 if identical and not changed else 1
