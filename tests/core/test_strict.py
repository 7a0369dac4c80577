"""Files that ask for too much: each is refused with a reason, in time and memory that its size bounds."""

import json
import math
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.numpy import save

from core.strict import (
    Malformed,
    parse_json,
    parse_tensor_header,
    parse_toml,
    read_bytes,
    read_json,
    read_npy,
)

DEEP = 100_000

BAD_JSON: dict[str, tuple[bytes, str]] = {
    "deep lists": (b"[" * DEEP, "nested"),
    "deep lists that end": (b"[" * DEEP + b"]" * DEEP, "nested"),
    "deep mappings": (b'{"a":' * DEEP, "nested"),
    "a little too deep": (b"[" * 65 + b"]" * 65, "nested"),
    "infinity": (b'{"a": Infinity}', "Infinity"),
    "minus infinity": (b"[-Infinity]", "Infinity"),
    "not a number": (b"[NaN]", "NaN"),
    "a decimal beyond all": (b'{"a": [1e999]}', r"'a\.1' is not finite"),
    "a number of a million digits": (b"[" + b"9" * 1_000_000 + b"]", "digits"),
    "a number of 300 digits": (b'{"steps": ' + b"9" * 300 + b"}", "'steps' is too large"),
    "NUL": (b'["a\\u0000b"]', "characters"),
    "half a character": (b'["\\ud800"]', "characters"),
    "half a character in a key": (b'{"\\ud800": 1}', "key"),
    "a key without end": (b'{"' + b"k" * 5000 + b'": 1}', "key"),
    "the same key twice": (b'{"a": 1, "a": 2}', "twice"),
    "no text": (b"\xff\xfe{}", "UTF-8"),
    "nothing": (b"", "not JSON"),
    "a text that never ends": (b'["' + b'\\"' * 500_000, "not JSON"),
    "quotation marks without end": (b'"' * 500_001, "not JSON"),
}

BAD_TOML: dict[str, tuple[bytes, str]] = {
    "deep lists": (b"a = " + b"[" * DEEP, "nested"),
    "deep tables": (b"a = " + b"{a=" * DEEP, "nested"),
    "a key of 100,000 parts": (b".".join([b"a"] * DEEP) + b" = 1", "parts"),
    "a table of 100,000 parts": (b"[" + b".".join([b'"a"'] * DEEP) + b"]", "parts"),
    "parts with blanks between": (b" . ".join([b"'a'"] * 40) + b" = 1", "parts"),
    "not a number": (b"a = nan", "'a' is not finite"),
    "infinity": (b"a = [{b = -inf}]", "not finite"),
    "a number of a million digits": (b"a = " + b"9" * 1_000_000, "digits"),
    "a number of 300 digits": (b"a = " + b"9" * 300, "too large"),
    "a long number in base 16": (b"a = 0x" + b"f" * 300, "too large"),
    "NUL": (b'a = "\0"', "."),
    "NUL as an escape": (b'a = "\\u0000"', "characters"),
    "half a character": (b'a = "\\ud800"', "."),
    "no text": (b"\xff\xfe", "UTF-8"),
    "a text that never ends": (b'a = """' + b'\\"' * 300_000, "."),
    "quotation marks without end": (b"a = " + b'"' * 300_001, "."),
}


@pytest.mark.parametrize("name", BAD_JSON)
def test_json_that_asks_for_too_much_is_refused(name: str) -> None:
    data, words = BAD_JSON[name]
    with pytest.raises(Malformed, match=words) as caught:
        parse_json(data)
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", BAD_TOML)
def test_toml_that_asks_for_too_much_is_refused(name: str) -> None:
    data, words = BAD_TOML[name]
    with pytest.raises(Malformed, match=words) as caught:
        parse_toml(data)
    assert len(str(caught.value)) < 300
    assert str(caught.value).isprintable()


plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    lambda children: st.lists(children) | st.dictionaries(st.text("abc[]{}\"'\\.#=", max_size=9), children),
    max_leaves=30,
)


@settings(max_examples=40)
@given(plain)
def test_sound_json_comes_back_as_it_went_in(values: object) -> None:
    assert parse_json(json.dumps(values)) == values
    assert parse_json(json.dumps(values, ensure_ascii=False, indent=1).encode()) == values


toml_values = st.recursive(
    st.booleans()
    | st.integers(-(2**62), 2**62)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r")),
    lambda children: st.lists(children) | st.dictionaries(st.text("abc[]{}\"'\\.#=", min_size=1, max_size=9), children),
    max_leaves=20,
)


@settings(max_examples=40)
@given(st.dictionaries(st.text("abc[]{}\"'\\.#= ", min_size=1, max_size=9), toml_values, max_size=5), st.booleans())
def test_sound_toml_comes_back_as_it_went_in(values: dict[str, object], multiline: bool) -> None:
    import tomli_w

    assert parse_toml(tomli_w.dumps(values, multiline_strings=multiline)) == values


def test_what_only_looks_deep_is_read() -> None:
    assert parse_json(json.dumps({"a": "[" * 1000, "b": '"' * 9 + "\\"})) == {"a": "[" * 1000, "b": '"' * 9 + "\\"}
    text = (
        "# " + "[" * 999 + "\na = '" + "[" * 999 + '\'\nb = """' + '""{' * 99 + '"""\nc = ' + "'''" + "''[" * 99 + "'''"
    )
    assert parse_toml(text) == {"a": "[" * 999, "b": '""{' * 99, "c": "''[" * 99}


def test_halves_of_characters_and_undefined_figures_are_left_where_the_caller_looks_for_them() -> None:
    assert parse_json(b'["\\ud800", "\xff"]', surrogates=True) == ["\ud800", "\udcff"]
    (value,) = parse_json(b"[NaN]", nan=True)
    assert math.isnan(value)
    with pytest.raises(Malformed, match="not finite"):
        parse_json(b"[Infinity]", nan=True)


def test_only_regular_files_of_bounded_size_are_read(tmp_path: Path) -> None:
    path = tmp_path / "values.json"
    path.write_bytes(b"[1]")
    assert read_json(path) == [1]
    with pytest.raises(Malformed, match="larger than 2 bytes"):
        read_bytes(path, 2)
    with path.open("r+b") as file:
        file.truncate(1 << 40)  # without any content on the disk
    with pytest.raises(Malformed, match="larger than 16 MB"):
        read_json(path)
    with pytest.raises(IsADirectoryError):
        read_json(tmp_path)
    if hasattr(os, "mkfifo"):
        os.mkfifo(tmp_path / "pipe.json")
        with pytest.raises(Malformed, match="regular file"):
            read_json(tmp_path / "pipe.json")


def header_of(tensors: dict[str, np.ndarray]) -> dict[str, dict[str, object]]:
    data = save(tensors)
    return dict(json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")]))


TENSORS = {"a": np.ones((2, 3), np.float32), "b": np.ones((), np.int64)}

BAD_HEADERS: dict[str, Callable[[dict[str, dict[str, object]]], object]] = {
    "a gap": lambda header: header["a"].update(data_offsets=[16, 40]),
    "overlap": lambda header: header["a"].update(data_offsets=[0, 24]),
    "wrong length": lambda header: header["a"].update(shape=[2, 4]),
    "endless shape": lambda header: header["a"].update(shape=[1 << 60, 1 << 60]),
    "negative shape": lambda header: header["a"].update(shape=[-2, -3]),
    "truth as a size": lambda header: header["a"].update(shape=[True, 6]),
    "unknown type": lambda header: header["a"].update(dtype="F31"),
    "list as a type": lambda header: header["a"].update(dtype=["F32"]),
    "no mapping": lambda header: header.update(a=[]),  # type: ignore[arg-type]
    "missing": lambda header: header["a"].pop("shape"),
    "metadata of numbers": lambda header: header.update(__metadata__={"a": 1}),
}


@pytest.mark.parametrize("name", BAD_HEADERS)
def test_a_header_whose_tensors_do_not_fill_the_data_is_refused(name: str) -> None:
    header = header_of(TENSORS)
    _, places = parse_tensor_header(json.dumps(header).encode())
    assert {key: place.shape for key, place in places.items()} == {"a": (2, 3), "b": ()}
    BAD_HEADERS[name](header)
    with pytest.raises(Malformed):
        parse_tensor_header(json.dumps(header).encode())


@pytest.mark.parametrize("dtype", ["?", "u1", ">u2", "i8", "f2", "<f4", "f8"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_plain_arrays_come_back(tmp_path: Path, dtype: str, order: str) -> None:
    values = np.asarray(np.arange(12).reshape(3, 4), dtype=dtype, order=order)  # type: ignore[call-overload]
    np.save(tmp_path / "a.npy", values)
    read = read_npy(tmp_path / "a.npy", 12)
    assert read.dtype == values.dtype
    np.testing.assert_array_equal(read, values)


def npy(header: str, body: bytes = b"") -> bytes:
    text = header.encode("latin-1")
    return b"\x93NUMPY\1\0" + len(text).to_bytes(2, "little") + text + body


BAD_ARRAYS: dict[str, tuple[bytes, str]] = {
    "no array": (b"hello, this is no array", "numpy.save"),
    "empty": (b"", "numpy.save"),
    "objects": (npy("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", bytes(8)), "objects"),
    "records": (npy("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", bytes(4)), "plain numbers"),
    "text": (npy("{'descr': '<U9', 'fortran_order': False, 'shape': (1,)}", bytes(36)), "plain numbers"),
    "too many": (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (99999, 99999)}"), "too many"),
    "endless": (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (%s,)}" % ("9" * 3000)), "header"),
    "too few values": (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9,)}", bytes(35)), "36 bytes"),
    "too many values": (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (9,)}", bytes(37)), "36 bytes"),
    "deep header": (npy("(" * 9000), "header"),
    "header that ends early": (npy("{'descr': '<f4'}")[:12], "header"),
    "huge header": (b"\x93NUMPY\2\0\xff\xff\xff\x7f{", "header"),
    "a program as header": (npy("__import__('os').abort()"), "header"),
    "truth as size": (npy("{'descr': '<f4', 'fortran_order': False, 'shape': (True,)}", bytes(4)), "header"),
}


@pytest.mark.parametrize("name", BAD_ARRAYS)
def test_other_arrays_are_refused(tmp_path: Path, name: str) -> None:
    data, words = BAD_ARRAYS[name]
    (tmp_path / "a.npy").write_bytes(data)
    with pytest.raises(Malformed, match=words):
        read_npy(tmp_path / "a.npy", 1000)
