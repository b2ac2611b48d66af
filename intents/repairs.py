"""Misspelt words: what each may have meant, and the names of several words that one slip of the finger hides."""

from collections.abc import Mapping, Sequence

from intents.calendars import DAYS, MONTHS
from intents.hits import Hit
from intents.lexicon import REPAIR_FROM, Lexicon
from intents.names import Names
from intents.readings import Name
from intents.spelling import one_edit
from intents.tokens import Token, fold, word_set

_BOT = "@stackhand"
_CALENDAR = tuple(word for word in (*DAYS, *MONTHS, "today", "yesterday", "tomorrow") if len(word) >= REPAIR_FROM)
_BEFORE_TIMES = word_set("every each on since until till last next this by from before after in at")


def repair_words(
    lexicon: Lexicon, tokens: Sequence[Token], taken: Sequence[bool], more: frozenset[str], known: frozenset[str]
) -> Mapping[int, Sequence[str]]:
    """Token -> the words that may have been meant, where one edit makes it a word of ours or one of `more`."""
    found: dict[int, Sequence[str]] = {}
    for at, token in enumerate(tokens):
        word = token.fold
        if token.kind == "mention" and not at and one_edit(word, _BOT):
            found[at] = (_BOT,)
        if taken[at] or token.kind != "word" or word in lexicon.vocabulary or word in more or word in known:
            continue
        right = list(lexicon.candidates(word))
        right = right or [m for m in more if len(m) >= REPAIR_FROM and _alike(word, m) and one_edit(word, m)][:1]
        if dated := next((day for day in _CALENDAR if _alike(word, day) and one_edit(word, day)), ""):
            of_time = (
                at + 1 >= len(tokens) or tokens[at + 1].kind == "mark" or (at and tokens[at - 1].fold in _BEFORE_TIMES)
            )
            right = [dated, *right] if of_time else [*right, dated]
        if right:
            found[at] = right
    return found


def _alike(word: str, other: str) -> bool:
    """Can they be one slip apart? A quick look at their beginnings."""
    return word[:1] in other[:2] or other[:1] in word[:2]


def misspelt_names(tokens: Sequence[Token], names: Names, lexicon: Lexicon) -> list[tuple[Hit, int, str]]:
    """Names of several words with an error in one of them: (the name, the token with the error, its right word)."""
    found: list[tuple[Hit, int, str]] = []
    end = 0
    for at, token in enumerate(tokens):
        if role := _misspelt_role(token, names, lexicon):
            found.append((Hit(at, at + 1, (role,), False), at, role.name.lower()))
        for words, place in names.by_part.get(token.fold, ()):
            start = at - place
            if start < end or start + len(words) > len(tokens):
                continue
            wrong = [i for i, word in enumerate(words) if tokens[start + i].fold != word]
            if len(wrong) != 1:
                continue
            there = start + wrong[0]
            if _is_slip(tokens[there], words[wrong[0]], lexicon):
                hit = Hit(start, start + len(words), names.at(" ".join(words)), False)
                found.append((hit, there, words[wrong[0]]))
                end = hit.end
    return found


def _misspelt_role(token: Token, names: Names, lexicon: Lexicon) -> Name | None:
    """ "operatr", "superadmns": roles are few, and are words of the language."""
    word = token.fold
    if len(word) <= REPAIR_FROM or token.kind != "word" or word in lexicon.vocabulary or names.at(word):
        return None
    said = {word, word.removesuffix("s")}
    return next((role for role in names.of("role") if any(one_edit(form, fold(role.name)) for form in said)), None)


def _is_slip(token: Token, word: str, lexicon: Lexicon) -> bool:
    known = token.fold in lexicon.vocabulary or token.kind != "word"
    return not known and len(word) >= REPAIR_FROM - 1 and one_edit(fold(token.text), word)
