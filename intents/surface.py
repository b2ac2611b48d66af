"""What chat writes between the words: faces, laughs, hums, and letters held down ("sooo", "pleeease").

None of it says what is wanted. A face or a laugh ends a sentence, as a full stop would.
"""

import re
from collections.abc import Container

from intents.tokens import word_set

_FACE = re.compile(
    r"(?:\s*(?:[\u2600-\u27bf\u2b05-\u2b55\u2300-\u23ff\ufe0f\U0001f000-\U0001faff]"
    r"|(?<!\S)(?:[:;=]['-]?[()DPpOo/|*3]+|<3|\^\^|xD+|xoxo)(?=[\s.,!?)]|$)))+\s*"
)
_LAUGH = re.compile(
    r"(?<![\w.@/#-])(?:lo+l|lmao|rofl|(?:ha){2,}h?|(?:he){2,}h?|(?:hi){2,}|teehee|hah|heh|xoxo)(?![\w@-]|[./]\w)[.!]*",
    re.IGNORECASE,
)
_HUM = re.compile(
    r"(?<![\w.@/#-])(?:,\s*)?\b(?:erm+|e+hm+|u+hm+|u+m+|u+h+|er|hm+|mh+m+|tbh|imho|imo|ngl|fwiw|iirc|afaik)\b"
    r"(?:\s*(?:,|\.{2,})|(?=[\s?!.]|$))",
    re.IGNORECASE,
)
_ASIDE_WORD = re.compile(
    r",\s*(?:like|you know|ya know|i mean|let's say|lets say|so to speak|how (?:do you|to) say|as they say|"
    r"as i said|like i said|of course|obviously|by the way|btw|again)\s*,",
    re.IGNORECASE,
)
_HELD = re.compile(r"(?<![\w.@/#-])[a-z']*([a-z])\1\1[a-z']*(?![\w@-]|[./]\w)", re.IGNORECASE)
_THRICE = re.compile(r"([a-z])\1\1", re.IGNORECASE)
_FACED = re.compile(r"[:;=]['-]?[()DPpOo/|*3]|<3|\^\^|xD|xo")
_RUN = re.compile(r"([a-z])\1+", re.IGNORECASE)
# words that people stretch: none of them orders anything, so nothing that is read so can begin a change
_STRETCHED = word_set(
    "so please pls plz hey hi hiya hello yo ok okay no nope yes yep yeah thanks thx and but hm um uh er ah oh aw ugh "
    "argh well soon what why how who when where very really all too the you ya good great nice help sorry bye right "
    "now omg much many more long late old slow big huge way super again just cute sweet quick love need want"
)
_STOPS = ".!?,;:-("


def plain_words(text: str, names: Container[str]) -> str:
    """The text without them; `names` are words that are names here and stay as they are."""
    if _THRICE.search(text):
        text = _HELD.sub(lambda match: _unstretched(match[0], names), text)
    if not text.isascii() or _FACED.search(text):
        text = _FACE.sub(lambda match: _stop(match, text), text)
    text = _LAUGH.sub(lambda match: "\0" if match.start() and match[0].lower() not in names else match[0], text)
    text = re.sub(r"\s*\0\s*", lambda match: _stop(match, text), text)
    text = _ASIDE_WORD.sub("", text)
    return _HUM.sub(lambda match: match[0] if match[0].strip(" ,.").lower() in names else "", text).lstrip()


def _unstretched(word: str, names: Container[str]) -> str:
    if word.lower() in names:
        return word
    twice, once = _RUN.sub(r"\1\1", word), _RUN.sub(r"\1", word)
    return next((short for short in (once, twice) if short.lower() in _STRETCHED), word)


def _stop(match: re.Match[str], text: str) -> str:
    before, after = text[: match.start()].rstrip(" \0"), text[match.end() :].strip(" \0")
    if not before or not after:
        return ""
    return " " if before[-1] in _STOPS or after[0] in _STOPS else " . "
