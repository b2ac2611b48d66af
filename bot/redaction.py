"""What must never be read back: secrets are hidden in every line that leaves the program by log or error."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

HIDDEN = "[hidden]"
_LEAST_SECRET = 4  # shorter values would blot out ordinary words
_NAMES = re.compile(
    r"(password|passwd|passphrase|secret|token|authorization|cookie|credential|private_?key|api_?key|dsn)$", re.I
)
# Passwords in URLs, headers and key=value text that some library may print.
_PATTERNS = (
    (re.compile(r"(://[^\s:/@]*:)[^\s@]+(@)"), rf"\1{HIDDEN}\2"),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), rf"\1 {HIDDEN}"),
    (
        re.compile(
            r"(?i)([\w-]*(?:password|passwd|secret|token|api_?key)[\w-]*[\"']?\s*[:=]\s*)"
            r"(\"[^\"]*\"|'[^']*'|[^\s,;&}\]]+)"
        ),
        rf"\1{HIDDEN}",
    ),
)


def hide(text: str, secrets: Iterable[str] = ()) -> str:
    """The text without the given secrets, and without what looks like one."""
    for secret in sorted({s for s in secrets if len(s) >= _LEAST_SECRET}, key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    for pattern, instead in _PATTERNS:
        text = pattern.sub(instead, text)
    return text


def hide_values(name: str, value: Any, secrets: tuple[str, ...] = ()) -> Any:
    """The same for a JSON value called `name`: all of it if the name tells of a secret, else what is in it."""
    if _NAMES.search(name) and value is not None:
        return HIDDEN
    if isinstance(value, str):
        return hide(value, secrets)
    if isinstance(value, Mapping):
        return {k: hide_values(str(k), v, secrets) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [hide_values("", v, secrets) for v in value]
    return value if value is None or isinstance(value, int | float) else hide(str(value), secrets)


def secrets_in(data: Any) -> tuple[str, ...]:
    """Every text under a telling name in a parsed file, such as the passwords in a clouds.yaml."""
    if isinstance(data, Mapping):
        own = (str(v) for k, v in data.items() if _NAMES.search(str(k)) and isinstance(v, str | int))
        return (*own, *(s for v in data.values() for s in secrets_in(v)))
    return tuple(s for v in data for s in secrets_in(v)) if isinstance(data, list) else ()
