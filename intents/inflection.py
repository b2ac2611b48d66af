"""Forms of English verbs and nouns, as far as the lexicon needs them."""

import re
from collections.abc import Iterator
from types import MappingProxyType
from typing import Literal

Form = Literal["base", "s", "ing", "past", ""]
_VOWELS = frozenset("aeiou")
_TWICE = re.compile(r".*[^aeiou][aeiou][bdgmnprt]")
_SINGLE = re.compile(r".*[aeiou].*(?:er|en|or|[^m]it|limit)")  # "altered", "opened", "edited"; but "submitted"
_IRREGULAR = MappingProxyType({
    "get": "got", "set": "set", "reset": "reset", "unset": "unset", "put": "put", "cut": "cut", "let": "let",
    "shut": "shut", "hit": "hit", "split": "split", "run": "ran", "rerun": "reran", "re-run": "re-ran", "tell": "told",
    "spit": "spat", "fall": "fell", "find": "found", "give": "gave", "take": "took", "make": "made", "bring": "brought",
    "write": "wrote", "show": "showed", "tear": "tore", "throw": "threw", "hold": "held", "keep": "kept", "do": "did",
    "build": "built", "rebuild": "rebuilt", "see": "saw", "lose": "lost", "send": "sent", "spend": "spent",
    "leave": "left", "know": "knew", "begin": "began", "go": "went", "come": "came", "hang": "hung", "eat": "ate",
})  # fmt: skip
PARTICIPLES = MappingProxyType({
    "threw": "thrown", "took": "taken", "gave": "given", "began": "begun", "withdrew": "withdrawn",
    "froze": "frozen", "broke": "broken", "wrote": "written", "drew": "drawn", "went": "gone", "did": "done",
    "saw": "seen", "knew": "known", "ate": "eaten", "fell": "fallen", "tore": "torn", "showed": "shown",
})  # fmt: skip


def verb_forms(base: str, past: str = "") -> Iterator[tuple[Form, str]]:
    yield "base", base
    if base.endswith(("s", "x", "ch", "sh", "z")) or (base.endswith("o") and len(base) < 4):
        yield "s", base + "es"
    elif base.endswith("y") and base[-2:-1] not in _VOWELS:
        yield "s", base[:-1] + "ies"
    else:
        yield "s", base + "s"
    stem = base
    if base.endswith("e") and not base.endswith(("ee", "oe", "ye")):
        stem = base[:-1]
    elif len(base) < 6 and _TWICE.fullmatch(base) and not _SINGLE.fullmatch(base):
        stem = base + base[-1]
    yield "ing", stem + "ing"
    regular = base[:-1] + "ied" if base.endswith("y") and base[-2:-1] not in _VOWELS else stem.removesuffix("e") + "ed"
    yield "past", past or _IRREGULAR.get(base, regular)


def plural(noun: str) -> str:
    if noun.endswith("y") and noun[-2:-1] not in _VOWELS:
        return noun[:-1] + "ies"
    return noun + ("es" if noun.endswith(("s", "x", "ch", "sh")) else "s")
