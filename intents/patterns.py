"""Files of regular expressions: one a line under a heading, with named pieces."""

import re
from collections.abc import Mapping
from importlib import resources

_BOUNDARY = r"\b"
_PIECE = re.compile(r"<([a-z]+)>")


class PatternError(ValueError):
    """A line of a pattern file cannot be read; the message names it."""


def load_patterns(file: str) -> Mapping[str, tuple[str, ...]]:
    """Heading -> its expressions, in order, with every `<piece>` put in. Raises PatternError."""
    pieces: dict[str, str] = {}
    found: dict[str, list[str]] = {}
    text = resources.files(__package__).joinpath(file).read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        heading, colon, rest = line.partition(": ")
        try:
            whole = _PIECE.sub(lambda match: pieces[match[1]], rest)
        except KeyError as error:
            raise PatternError(f"{file} line {number}: there is no piece {error}") from error
        if not colon or not rest:
            raise PatternError(f"{file} line {number}: no expression after {heading[:40]!r}")
        if _PIECE.fullmatch(heading):
            pieces[heading[1:-1]] = whole
        else:
            found.setdefault(heading, []).append(whole)
    return {heading: tuple(lines) for heading, lines in found.items()}


def _by_words(lines: tuple[str, ...]) -> list[str]:
    """The lines as groups; those that begin with a word boundary are tried at the beginnings of words alone."""
    worded = [f"(?:{line.removeprefix(_BOUNDARY)})" for line in lines if line.startswith(_BOUNDARY)]
    others = [f"(?:{line})" for line in lines if not line.startswith(_BOUNDARY)]
    return [*([rf"(?<!\w)(?=\w)(?:{'|'.join(worded)})"] if worded else []), *others]


def any_of(lines: tuple[str, ...], around: str = "{}") -> re.Pattern[str]:
    """One expression that matches what any of the lines matches; `around` holds it at `{}`. Raises PatternError."""
    whole = around.replace("{}", "(?:" + "|".join(_by_words(lines)) + ")")
    try:
        return re.compile(whole, re.IGNORECASE)
    except re.error as error:
        raise PatternError(f"{error}, in one of: {lines[0][:60]} …") from error
