"""Misspelt words: what each may have meant, and the names of several words that one slip of the finger hides."""

from collections.abc import Mapping, Sequence

from intents.hits import Hit
from intents.lexicon import REPAIR_FROM, Lexicon
from intents.names import Names
from intents.spelling import one_edit
from intents.tokens import Token, fold

_BOT = "@stackhand"


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
        right = lexicon.candidates(word) or [m for m in more if len(m) >= REPAIR_FROM and one_edit(word, m)][:1]
        if right:
            found[at] = right
    return found


def misspelt_names(tokens: Sequence[Token], names: Names, lexicon: Lexicon) -> list[tuple[Hit, int, str]]:
    """Names of several words with an error in one of them: (the name, the token with the error, its right word)."""
    found: list[tuple[Hit, int, str]] = []
    end = 0
    for at, token in enumerate(tokens):
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


def _is_slip(token: Token, word: str, lexicon: Lexicon) -> bool:
    known = token.fold in lexicon.vocabulary or token.kind != "word"
    return not known and len(word) >= REPAIR_FROM - 1 and one_edit(fold(token.text), word)
