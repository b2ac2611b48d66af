"""Secrets that people leave in notes: seen, counted, and never carried on."""

import re
import unicodedata

HIDDEN = "(hidden: it seems to hold a password)"

_WORDS = (
    r"pass(?:word|wort|wd|phrase|code)?s?|passwd|pwd|kennwort|mot de passe|contrase(?:n|ñ)a|senha|secret|"
    r"api[ _-]?key|access[ _-]?key|token|credential(?:s)?|creds?|pin|login|zugangsdaten|user(?:name)?\s*/\s*pass\w*"
)
_SAID = re.compile(rf"(?<![a-z0-9])(?:{_WORDS})(?![a-z0-9])[\"']?\s*(?:is|ist|=|:|->|→|-|/)\s*\S", re.IGNORECASE)
_BARE = re.compile(
    r"(?<![a-z0-9])(?:password|passwort|passwd|pwd|kennwort)s?\s+\S*(?:\d|[^\w\s,.;:()])\S*", re.IGNORECASE
)
_PAIR = re.compile(
    r"(?<![\w.@])(?:root|admin(?:istrator)?|sa|sysadmin|oracle|postgres|vagrant|ubuntu|user)\s*[/:]\s*(?=\S*[^\w\s./-]|\S*\d)\S{6,}",
    re.IGNORECASE,
)
_URL = re.compile(r"\w+://[^\s:/@]+:[^\s@]+@", re.IGNORECASE)
_KEY = re.compile(
    r"-----BEGIN [A-Z ]+-----|(?<![A-Z0-9])AKIA[A-Z0-9]{16}|(?<!\w)gh[pousr]_\w{30,}|eyJ\w{10,}\.eyJ", re.I
)


def holds_secret(text: str | None) -> bool:
    """Whether a note looks as if it held a password or a key. Rather once too often than once too seldom."""
    if not text:
        return False
    plain = unicodedata.normalize("NFKC", text)
    return any(pattern.search(plain) for pattern in (_SAID, _BARE, _PAIR, _URL, _KEY))


def safe_text(text: str | None, most: int = 200) -> str | None:
    """The text, cut to a length; a secret is taken out whole."""
    if text is None:
        return None
    if holds_secret(text):
        return HIDDEN
    return text if len(text) <= most else text[: most - 1] + "…"
