"""Text to tokens: words, names, numbers, addresses, each with its place in the text."""

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

MAX_TEXT = 4000
_CODES = frozenset({"uuid", "mac", "ip", "request", "job", "channel"})
TokenKind = Literal[
    "word",
    "quoted",
    "number",
    "size",
    "clock",
    "ip",
    "mac",
    "uuid",
    "request",
    "job",
    "channel",
    "mention",
    "date",
    "mark",
]

_QUOTES = str.maketrans(
    {
        "\u201c": '"',
        "\u201d": '"',
        "\u201e": '"',
        "\u00ab": '"',
        "\u00bb": '"',
        "\u2018": "'",
        "\u2019": "'",
        "\u00b4": "'",
        "\u2013": "-",
        "\u2014": " - ",
        "\u2192": "->",
        "\u21d2": "->",
        "\u00d7": "x",
        "\u2026": "...",
        "\u00a0": " ",
        "\u2011": "-",
        "\u2010": "-",
    }
)
# direction marks, zero-width characters and controls say nothing and hide names from the look-up
_HIDDEN = re.compile("[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]")
_LINK = re.compile(r"<(?:[a-z][a-z+.-]*:[^|>\s]*|#[A-Z0-9]+)\|([^>]{1,200})>")
_PLAIN_LINK = re.compile(r"<((?:https?|mailto):[^|>\s]{1,500})>")
_USER = re.compile(r"<@([A-Za-z0-9._-]{1,64})(?:\|[^>]{0,64})?>")

_TOKEN = re.compile(
    r"""
      `(?P<tick>[^`\n]{1,200})` | "(?P<double>[^"\n]{1,200})" | (?<![\w])'(?P<single>[^'\n]{1,200})'(?![\w])
    | (?P<uuid>[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})(?![\w-])
    | (?P<mac>(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2})(?![\w:-])
    | (?P<ip>\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2})?|(?:[0-9a-f]{1,4}:){2,7}[0-9a-f]{0,4}(?:/\d{1,3})?|::/0)(?![\w-])
    | (?P<request>(?:req|request)[-\s]?(?:\#|no\.?\s)?\d{1,9})
      (?![\w-]|\s(?:x|more|new|vms?|servers?|machines?|volumes?|cores?|gb)\b)
    | (?P<job>job[-\s]\#?\d{1,9})(?![\w-])
    | (?P<channel>\#[a-z][\w-]{0,80}) | (?P<mention>@[\w.-]{0,63}\w)
    | (?P<date>\d{4}-\d{2}-\d{2}(?:t\d{2}:\d{2}(?::\d{2})?z?)? | \d{1,2}\.\d{1,2}\.(?:\d{4}|\d{2})?(?![\w]))
    | (?P<clock>\d{1,2}:\d{2})(?![\w:])
    | (?P<size>\d+(?:[.,]\d+)?\s?(?:gib|gb|tb|tib|mb|mib|gbps|gbit/s|gbit|mbit|vcpus?|cpus?|cores?|g|t|x)(?![\w-])
        | \d+/\d+(?![\w/]))
    | (?P<number>\d+(?:[.,]\d+)?)(?![\w-]|\.\w)
    | (?P<word>\w(?:[\w.\-+&]*[\w+])?(?:'(?:t|re|ve|ll|m|d|clock)(?!\w))?)
    | (?P<mark>'s(?!\w)|->|=>|--+|[^\s])
    """,
    re.VERBOSE | re.IGNORECASE,
)


def word_set(text: str) -> frozenset[str]:
    """The words of a line."""
    return frozenset(text.split())


@dataclass(frozen=True, slots=True)
class Token:
    """`text` as it stood (without quotes), `fold` for comparing; `start`, `end` in the cleaned text."""

    text: str
    fold: str
    kind: TokenKind
    start: int
    end: int


def fold(text: str) -> str:
    """Equal to PostgreSQL's lower(normalize(text, 'NFKC'))."""
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).lower()


def clean(text: str) -> str:
    """Quotes and dashes made plain, links and mentions as a person reads them, hidden characters gone."""
    text = text[:MAX_TEXT]
    if not text.isascii():
        text = unicodedata.normalize("NFKC", text.translate(_QUOTES))
    text = _HIDDEN.sub("", text)
    if "<" in text:
        text = _PLAIN_LINK.sub(r"\1", _LINK.sub(r"\1", _USER.sub(r"@\1", text)))
    if "&" in text:
        text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return text.strip()


def tokenize(text: str) -> tuple[Token, ...]:
    """`text` is cleaned. A possessive ('s) is cut off its word: it never belongs to a name."""
    return tuple(_token(match) for match in _TOKEN.finditer(text))


def _token(match: re.Match[str]) -> Token:
    kind = match.lastgroup or "mark"
    said = match.group(kind)
    if kind not in {"tick", "double", "single"}:
        return Token(said, fold(said), kind, match.start(), match.end())  # type: ignore[arg-type]
    said = said.strip()
    inner = _TOKEN.fullmatch(said)
    if inner and inner.lastgroup in _CODES:  # `REQ-12` is the request, quoted or not
        return Token(said, fold(said), inner.lastgroup, match.start(), match.end())  # type: ignore[arg-type]
    return Token(said, fold(said), "quoted", match.start(), match.end())
