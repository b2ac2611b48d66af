"""Passwords in notes are seen; ordinary notes are not taken for one."""

import pytest

from engines.migration.reading.private_texts import HIDDEN, holds_secret, safe_text


@pytest.mark.parametrize(
    "note",
    [
        "password: hunter2",
        "Passwort = geheim",
        "root pw is in the safe, pwd: abc",
        "admin / S3cret!!",
        "login: bob/x",
        "sa:Tr0ub4dor",
        "ＰＡＳＳＷＯＲＤ：ｘｙｚ",
        "API-Key=abc",
        "https://user:pass@host/",
        "-----BEGIN RSA " + "PRIVATE KEY-----",
        "Kennwort: x",
        "password hunter2",
        "token -> abcdef",
        "contraseña: abc",
    ],
)
def test_a_secret_is_seen(note: str) -> None:
    assert holds_secret(note)
    assert safe_text(note) == HIDDEN


@pytest.mark.parametrize(
    "note",
    [
        "",
        None,
        "Do not reboot without CAB",
        "App: web / owner team: Acme",
        "ask Bob to reset the password",
        "ticket 4711",
        "Migrated from physical 2016",
        "Ünïcödé nöte – テスト",
        "passenger service",
        "compass: north",
        "before patch 1",
    ],
)
def test_an_ordinary_note_is_not(note: str | None) -> None:
    assert not holds_secret(note)


def test_a_long_text_is_cut() -> None:
    assert safe_text("x" * 500, 10) == "xxxxxxxxx…"
