"""A sentence without the names, addresses, mails and ids in it: each is replaced by a token that stays the same.

For what leaves the house (a language model) or is read by others (the list of what was not understood). What the
inventory knows is given as `known`; what only looks like a name is masked too.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass

from intents.lexicon import Lexicon
from intents.names import Names, span_text
from intents.tokens import Token, clean, fold, tokenize

LONGEST = 12
"""Words in the longest name that is looked for."""
_OUTRIGHT = re.compile(
    r"""(?P<MAIL>[^\s<>()"',;@]{1,64}@[\w-]+(?:\.[\w-]+)+)
    | (?P<ADDRESS>\b[a-z][a-z+.-]{1,20}://\S+
        | (?<![\w:])[0-9a-f]{0,4}(?::[0-9a-f]{1,4}){0,6}
          ::(?:[0-9a-f]{1,4}(?::[0-9a-f]{1,4}){0,6})?(?:/\d{1,3})?(?![\w:]))""",
    re.IGNORECASE | re.VERBOSE,
)
_LABELS: Mapping[str, str] = {
    "ip": "ADDRESS", "mac": "ADDRESS", "uuid": "ID", "request": "REQUEST", "job": "JOB", "channel": "CHANNEL",
    "mention": "PERSON", "quoted": "NAME",
}  # fmt: skip
_TOKEN = re.compile(r"[A-Z]+_\d{1,3}")
_KEPT_MARKS = frozenset(".,?!:()'s") | {"'s"}
_LONG_NUMBER = 5


@dataclass(frozen=True, slots=True)
class Masked:
    """`said`: token -> the words that it stands for."""

    text: str
    said: Mapping[str, str]

    def back(self, text: str) -> str:
        """The text with every known token as it was said; once, so that nothing in a name is read as a token."""
        return _TOKEN.sub(lambda match: self.said.get(match[0], match[0]), text)


def candidates(text: str) -> tuple[str, ...]:
    """Folded spans of the text that may be names, to be looked up for `known`."""
    found: dict[str, None] = {}
    for piece, label in _pieces(clean(text)):
        tokens = () if label else tokenize(piece)
        for start in range(len(tokens)):
            for end in range(start + 1, min(start + LONGEST, len(tokens)) + 1):
                found.update(dict.fromkeys(_forms(span_text(piece, tokens, start, end))))
    return tuple(found)


def mask(text: str, known: Collection[str], lexicon: Lexicon, names: Names | None = None) -> Masked:
    """`known` holds those of `candidates(text)` that are names; for those in `names` the token tells their kind."""
    given: dict[str, str] = {}
    counts: dict[str, int] = {}
    said: dict[str, str] = {}

    def token(label: str, words: str) -> str:
        if fold(words) not in given:
            counts[label] = counts.get(label, 0) + 1
            given[fold(words)] = f"{label}_{counts[label]}"
            said[given[fold(words)]] = words
        return given[fold(words)]

    parts: list[str] = []
    for piece, label in _pieces(clean(text)):
        found = [(label, piece)] if label else _read(piece, known, lexicon, names or Names())
        parts += [token(kind, words) if kind else words for kind, words in found]
    return Masked(" ".join(parts), said)


def _pieces(text: str) -> Iterator[tuple[str, str]]:
    """The text cut at mails and links, which are labelled."""
    at = 0
    for match in _OUTRIGHT.finditer(text):
        yield text[at : match.start()], ""
        yield match[0], match.lastgroup or "NAME"
        at = match.end()
    yield text[at:], ""


def _read(piece: str, known: Collection[str], lexicon: Lexicon, names: Names) -> Iterator[tuple[str, str]]:
    """(label, words) of what is masked, ("", word) of what is kept. Odd marks are left out: they say nothing."""
    tokens = tokenize(piece)
    at = 0
    while at < len(tokens):
        end = _named(piece, tokens, at, known)
        if end:
            said = piece[tokens[at].start : tokens[end - 1].end].strip("\"'` ")
            yield _kind(said, names), said
        elif label := _label(tokens, at, lexicon):
            yield label, tokens[at].text
        elif tokens[at].kind != "mark" or tokens[at].text in _KEPT_MARKS:
            yield "", tokens[at].text
        at = end or at + 1


def _named(piece: str, tokens: tuple[Token, ...], start: int, known: Collection[str]) -> int:
    """Where the longest known name that begins here ends; 0 without one."""
    for end in range(min(start + LONGEST, len(tokens)), start, -1):
        if any(form in known for form in _forms(span_text(piece, tokens, start, end))):
            return end
    return 0


def _kind(said: str, names: Names) -> str:
    found = next((one for form in _forms(fold(said)) for one in names.at(form)), None)
    return found.kind.replace("_", "").upper() if found else "NAME"


def _label(tokens: tuple[Token, ...], at: int, lexicon: Lexicon) -> str:
    """What a token looks like, when it looks like a name, an address or an id."""
    token = tokens[at]
    if token.kind in _LABELS:
        return _LABELS[token.kind]
    if token.kind == "number":
        return "ID" if len(token.text) >= _LONG_NUMBER else ""
    if token.kind != "word" or lexicon.knows(token.fold):
        return ""
    odd = any(c.isdigit() or c in "-_.@+&" for c in token.text) or token.text[1:] != token.text[1:].lower()
    begins = at == 0 or tokens[at - 1].text in {".", "?", "!"}
    capital = token.text[0].isupper() and not begins
    return "NAME" if odd or capital else ""


def _forms(said: str) -> tuple[str, ...]:
    """A name as it may be spelt in the inventory: "acme prod" is acme-prod."""
    if " " not in said:
        return (said,) if said else ()
    return (said, *(said.replace(" ", mark) for mark in ("-", "_", ".", "")))
