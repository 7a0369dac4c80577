"""Records of a session survive as JSON and bytes, and damage costs no more than what is damaged."""

import json
import zlib
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.masks.edits import BACKGROUND, UNTOUCHED, VESSEL, MaskEdits
from core.session.fields import photo_from, photo_values
from core.session.packing import inflated, packed_floats, unpacked_floats
from core.session.records import (
    EditsRecord,
    EnhancedRecord,
    FovSetting,
    LabelRecord,
    MapPlace,
    PackedMask,
    PhotoRecord,
    PhotoRef,
    StepRecord,
    ViewRecord,
)
from core.strict import Malformed, parse_json
from core.threshold_rule import ThresholdRule

SHAPE = (23, 31)


def painted(strokes: int, undone: int = 0, seed: int = 0) -> EditsRecord:
    """Corrections by random squares, of which some were taken back."""
    random = np.random.default_rng(seed)
    edits, steps = MaskEdits(np.zeros(SHAPE, np.uint8)), []
    while len(steps) < strokes:
        top, left = random.integers(-2, SHAPE[0]), random.integers(-2, SHAPE[1])
        code = random.choice([UNTOUCHED, BACKGROUND, VESSEL])
        delta = edits.paint(int(top), int(left), np.ones((5, 4), np.bool_), int(code))
        if delta is not None:
            steps.append(StepRecord("Brush", delta))
    for step in reversed(steps[strokes - undone :]):
        assert step.delta is not None
        edits.undo(step.delta)
    return EditsRecord(edits.packed(), tuple(steps), strokes - undone)


def full_record() -> PhotoRecord:
    """A record in which nothing is at its default."""
    mask = np.random.default_rng(1).random(SHAPE) < 0.4
    return PhotoRecord(
        PhotoRef(Path("/photographs/eye \u00e4\udcff.png"), "ab" * 32, SHAPE),
        map=MapPlace(Path("somewhere"), "a/"),
        edits=painted(7, 2),
        questionable=PackedMask.of(mask),
        fov_edited=PackedMask.of(~mask),
        rule=ThresholdRule(77, "otsu"),
        fov=FovSetting("file", Path("/masks/eye.png")),
        labels=(LabelRecord("expert 2", Path("/labels/eye.png"), {"inverted": True}),),
        labels_known=True,
        model="serr-unet-drive",
        done=True,
        doubtful=True,
        note="looks like a bifurcation\nat the rim",
        seconds=83.5,
        view=ViewRecord(2.5, 100.0, 40.5),
        measuring={"disc": [10.0, 12.5, 4.0], "disc_doubt": "", "marks": [[3.0, 4.0, "venule"]]},
        enhanced=EnhancedRecord("serr-enhance-2x", "cd" * 32, 2),
        unsaved=True,
        unknown={"mood": {"from": "a newer version"}},
    )


def through_json(record: PhotoRecord) -> tuple[PhotoRecord, tuple[str, ...]]:
    values, blobs = photo_values(record)
    return photo_from(parse_json(json.dumps(values), surrogates=True), blobs)


def plain(data: bytes | None) -> bytes:
    return zlib.decompress(data) if data else b""


def content(step: StepRecord) -> object:
    delta = step.delta
    return delta and (delta.box, plain(delta.before), plain(delta.after))


def same(one: Any, other: Any) -> bool:
    if isinstance(one, PackedMask) and isinstance(other, PackedMask):
        return np.array_equal(one.mask, other.mask)
    if isinstance(one, EditsRecord) and isinstance(other, EditsRecord):
        return (plain(one.codes), one.done) == (plain(other.codes), other.done) and all(
            (a.name, a.kind, a.before, a.after, content(a)) == (b.name, b.kind, b.before, b.after, content(b))
            for a, b in zip(one.steps, other.steps, strict=True)
        )
    return bool(one == other)


def test_every_attribute_survives() -> None:
    record = full_record()
    again, problems = through_json(record)
    assert not problems
    default = PhotoRecord(PhotoRef(Path("x")))
    for name in (f.name for f in fields(PhotoRecord)):
        assert not same(getattr(record, name), getattr(default, name)), f"the test leaves {name} at its default"
        if name != "map":  # a place outside the record
            assert same(getattr(record, name), getattr(again, name)), name


def test_an_untouched_photograph_needs_few_words() -> None:
    values, blobs = photo_values(PhotoRecord(PhotoRef(Path("/eye.png"))))
    assert values.keys() == {"photograph"}
    assert not blobs


@pytest.mark.parametrize(
    ("key", "bad"),
    [
        ("rule", {"level": 0}),
        ("rule", {"level": 77, "origin": "guess"}),
        ("rule", {"level": 77, "a field of a newer version": 3}),
        ("rule", {"level": 77, "origin": "style"}),
        ("rule", {"level": 77, "origin": "style", "style": 5}),
        ("fov", "estimated"),
        ("labels", [{"role": "expert 1"}]),
        ("note", ["a"]),
        ("note", "half a character \ud800"),
        ("labels", [{"role": "expert 1", "file": "/labels/\ud800.png"}]),
        ("seconds", True),
        ("seconds", -1),
        ("rule", {"level": True}),
        ("rule", {"level": 77, "low_level": 1.5}),
        ("rule", {"level": 77, "min_pixels": 1.5}),
        ("rule", {"level": 77, "min_pixels": True}),
        ("view", {"zoom": 0, "x": 1, "y": 1}),
        ("done", 1),
        ("enhanced", {"network": "serr-enhance-2x", "sha256": "cd", "scale": 3}),
    ],
)
def test_a_bad_value_costs_only_itself(key: str, bad: object) -> None:
    values, blobs = photo_values(full_record())
    again, problems = photo_from({**values, key: bad}, blobs)
    assert [problem for problem in problems if key in problem] == list(problems) != []
    for name in (f.name for f in fields(PhotoRecord)):
        if name not in {"map", key}:
            assert same(getattr(full_record(), name), getattr(again, name)), name


def test_a_history_that_does_not_lead_to_the_corrections_is_dropped_and_they_are_kept() -> None:
    record = full_record()
    assert record.edits is not None
    values, blobs = photo_values(replace(record, edits=replace(record.edits, codes=painted(3, seed=5).codes)))
    again, problems = photo_from(values, blobs)
    assert again.edits is not None
    assert again.edits.codes == blobs["edits"]
    assert not again.edits.steps
    assert "cannot be undone" in problems[0]


@given(st.integers(0, 300), st.integers(0, 255))
def test_no_damaged_byte_of_the_history_gets_through_unnoticed(place: int, value: int) -> None:
    record = PhotoRecord(PhotoRef(Path("/eye.png"), "ab", SHAPE), edits=painted(7, 2))
    values, blobs = photo_values(record)
    data = bytearray(blobs["history"])
    place %= len(data)
    data[place] = value
    again, problems = photo_from(values, {**blobs, "history": bytes(data)})
    assert again.edits is not None
    assert record.edits is not None
    assert again.edits.codes == record.edits.codes
    assert same(again.edits, record.edits) if not problems else not again.edits.steps


def test_codes_of_another_size_are_refused_without_taking_memory() -> None:
    bomb = zlib.compress(bytes(50_000_000), 9)
    values, blobs = photo_values(full_record())
    again, problems = photo_from(values, {**blobs, "edits": bomb, "questionable": bomb})
    assert again.edits is None
    assert again.questionable is None
    assert len(problems) == 2
    with pytest.raises(Malformed, match="not 10 bytes"):
        inflated(bomb, 10)


def test_probabilities_survive_to_the_last_bit() -> None:
    values = np.random.default_rng(3).random(SHAPE).astype(np.float32)
    values[:4] = 0
    assert unpacked_floats(packed_floats(values), SHAPE).tobytes() == values.tobytes()
