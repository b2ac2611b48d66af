"""Secrets in text and in values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.redaction import HIDDEN, hide, hide_values, secrets_in


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://user:canary@host/name",
        "postgresql+asyncpg://user:canary@/postgres?host=/run",
        "password=canary",
        "password: canary,",
        '{"password": "canary"}',
        "{'adminPass': 1, 'auth_token': 'canary'}",
        "X-Auth-Token: canary",
        "X-Subject-Token:canary",
        "Authorization: Bearer canary.canary.canary",
        "OS_PASSWORD=canary",
        "api_key = canary",
        "?token=canary&x=1",
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str) -> None:
    hidden = hide(text)
    assert "canary" not in hidden
    assert HIDDEN in hidden


@pytest.mark.parametrize("text", ["how many VMs are in error", "http://127.0.0.1:8765/healthz", "3 tokens of 10"])
def test_ordinary_text_stays(text: str) -> None:
    assert hide(text) == text


@given(st.text(min_size=4), st.text(), st.text())
def test_a_known_secret_never_stays(secret: str, before: str, after: str) -> None:
    if secret not in HIDDEN:
        hidden = hide(before + secret + after, [secret])
        assert secret not in hidden.replace(HIDDEN, "")


def test_values_are_hidden_by_their_name_at_any_depth() -> None:
    value = {"a": [{"password": "canary"}, ("token=canary", {"deep": {"client_secret": ["canary"]}})], "n": 3}
    assert "canary" not in repr(hide_values("event", value))
    assert hide_values("event", value)["n"] == 3


def test_objects_are_hidden_as_they_print() -> None:
    class Loud:
        def __str__(self) -> str:
            return "dsn postgresql://u:canary@h"

    assert "canary" not in str(hide_values("error", Loud()))


def test_secrets_of_a_clouds_file_are_found() -> None:
    document = {
        "clouds": {
            "one": {"auth": {"password": "p-1", "username": "u"}, "region_name": "r"},
            "two": {"auth": {"application_credential_secret": "s-2", "token": "t-3"}, "list": [{"api_key": "k-4"}]},
        }
    }
    assert set(secrets_in(document)) == {"p-1", "s-2", "t-3", "k-4"}
    assert secrets_in(None) == ()
