"""Filters of questions as conditions: applied, or refused, never ignored."""

from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest

from engines.inventory.filters import _SAID, Filters, NotApplicableError, where
from engines.inventory.kinds import KINDS

_SOME: dict[str, Any] = {
    "state": "",
    "platform": "openstack",
    "os": "debian",
    "tag": "gold",
    "owner": "alice",
    "since": datetime(2026, 1, 1, tzinfo=UTC),
    "until": datetime(2026, 2, 1, tzinfo=UTC),
}
_REFS = (("lab", "x1"),)
_NAMES = [f.name for f in fields(Filters) if f.name != "state"]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", _NAMES)
def test_each_filter_is_a_condition_or_an_error(kind: str, name: str) -> None:
    filters = Filters(**{name: _SOME.get(name, _REFS)})
    if name in KINDS[kind].filters:
        assert where(kind, filters) != where(kind, Filters())
    else:
        with pytest.raises(NotApplicableError, match=name) as told:
            where(kind, filters)
        assert told.value.kind is KINDS[kind] and told.value.name == name


@pytest.mark.parametrize("kind", KINDS)
def test_each_state_that_a_kind_declares_filters_it(kind: str) -> None:
    for state in KINDS[kind].states:
        found = where(kind, Filters(state=state))
        assert found.states == (state,) or found.disabled is True


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("state", ["", "on", "off", "no-such-state", "'; DROP TABLE resource; --", "ON", "n" * 5000])
def test_a_state_that_a_kind_does_not_have_is_an_error(kind: str, state: str) -> None:
    meant = _SAID.get((kind, state), state)
    if not state:
        assert where(kind, Filters(state=state)).states == ()
    elif meant in KINDS[kind].states:
        assert where(kind, Filters(state=state)).states == (meant,)
    else:
        with pytest.raises(NotApplicableError, match="state"):
            where(kind, Filters(state=state))


def test_every_word_of_the_people_leads_to_a_state_of_the_kind() -> None:
    assert [pair for pair, state in _SAID.items() if state not in KINDS[pair[0]].states] == []


@pytest.mark.parametrize(
    ("kind", "said", "state"),
    [
        ("volume", "unused", "unattached"),
        ("volume", "orphaned", "unattached"),
        ("floating_ip", "unattached", "unused"),
        ("port", "unattached", "unused"),
        ("host", "off", "down"),
        ("host", "on", "up"),
        ("user", "off", "disabled"),
        ("vm", "down", "off"),
        ("network", "off", "down"),
    ],
)
def test_what_people_say_of_one_kind_is_another_word_for_the_next(kind: str, said: str, state: str) -> None:
    assert where(kind, Filters(state=said)) == where(kind, Filters(state=state))


def test_a_host_is_disabled_by_its_switch_though_it_is_up() -> None:
    found = where("host", Filters(state="disabled"))
    assert found.disabled is True and found.states == ()
    assert where("host", Filters(state="up")).disabled is None


def test_several_filters_hold_together() -> None:
    found = where("vm", Filters(state="error", project=_REFS, os="windows", tag="gold", since=_SOME["since"]))
    assert (found.states, found.projects, found.os, found.tag) == (("error",), _REFS, "windows", "gold")
    assert found.created_since == _SOME["since"] and found.created_until is None


def test_the_error_says_kind_and_filter_in_words() -> None:
    with pytest.raises(NotApplicableError) as told:
        where("flavor", Filters(state="error"))
    assert str(told.value) == "flavors cannot be filtered by state error"
