"""Whatever Python can hold becomes JSON that PostgreSQL takes."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.json_texts import NAME_LENGTH, clean_name, clean_text, hot_text, json_text, json_value

_texts = st.text(st.characters(), max_size=20)
_values: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _texts | st.binary(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3) | st.tuples(inner),
    max_leaves=8,
)


def _fit(value: Any) -> bool:
    match value:
        case str():
            return "\x00" not in value and value.encode("utf-8", "ignore").decode() == value
        case dict():
            return all(_fit(key) and _fit(one) for key, one in value.items())
        case list():
            return all(map(_fit, value))
        case float():
            return value == value and abs(value) != float("inf")
    return True


@given(st.dictionaries(_texts, _values, max_size=4))
def test_anything_becomes_json_that_fits(value: dict[str, Any]) -> None:
    assert _fit(json.loads(json_text(value)))
    assert _fit(json.loads(hot_text(value)))
    assert json_value(value) == json.loads(json_text(value))


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        ({"a": [1, 2.5, None, True, "ü", {"b": []}]}, {"a": [1, 2.5, None, True, "ü", {"b": []}]}),
        ({"a": float("nan"), "b": [float("inf")]}, {"a": None, "b": [None]}),
        ({"a": 10**5000, "b": 10**100}, {"a": None, "b": 10**100}),
        ({"a\x00": "b\x00c"}, {"a": "bc"}),
        ({"a": "\\u0000"}, {"a": "\\u0000"}),
        ({"a": "\ud83d\ude00"}, {"a": "😀"}),
        ({"a": "\ud83d"}, {"a": "\ufffd"}),
        ({"a": (1, "\x00")}, {"a": [1, ""]}),
    ],
)
def test_what_is_kept(value: dict[str, Any], kept: dict[str, Any]) -> None:
    assert json_value(value) == kept


@given(st.text(st.characters(), max_size=3000))
def test_a_name_fits_an_index_in_every_form(name: str) -> None:
    import unicodedata

    kept = clean_name(name)
    assert len(kept) <= NAME_LENGTH and clean_text(name).startswith(kept)
    assert len(unicodedata.normalize("NFKC", kept).lower().encode()) <= 2700
    assert clean_name(kept) == kept
    if name.isascii() and "\x00" not in name:
        assert kept == name[:NAME_LENGTH]
