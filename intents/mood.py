"""Is it said to the bot, and how: command, question, report, negated, conditional, wish, or other talk.

Only a command may start a write. The rules are about the shape of a clause (who does what, in which tense), never
about single sentences.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from intents.clauses import ClauseReader
from intents.courtesies import Courtesies, load_courtesies
from intents.generalities import Generalities, load_generalities
from intents.logs import is_log
from intents.readings import Mood
from intents.statements import ASKING, At, Runs, VerbForm
from intents.tokens import Token

_BREAKS = frozenset({".", "!", "?", ";", ",", "\n", "-", "--", ":", "(", ")"})
_JOINTS = frozenset({"because", "but", "cause", "cuz"})
_AFTERASKING = frozenset({"question", "fragment", "negated", "other", "report"})
_TELLING = frozenset({"report", "other"})
_RELATIVE = frozenset({"which", "who", "whose", "whom", "was", "were"})
_NO = (["nope"], ["no"], ["nah"], ["no", "way"], ["never"], ["no", "sorry"])
_DETERMINERS = frozenset(
    {"the", "this", "that", "these", "those", "our", "my", "their", "his", "her", "a", "an", "its"}
)


@dataclass(frozen=True)
class Words:
    """The lists of moods.txt: `single` words, and `runs` of words; and what is only courtesy or no request at all."""

    single: Mapping[str, frozenset[str]]
    known: frozenset[str]
    runs: Mapping[str, Runs]
    courtesies: Courtesies
    generalities: Generalities


def load_words(text: str | None = None) -> Words:
    if text is None:
        text = resources.files(__package__).joinpath("moods.txt").read_text(encoding="utf-8")
    single: dict[str, frozenset[str]] = {}
    runs: dict[str, tuple[tuple[str, ...], ...]] = {}
    for line in text.splitlines():
        if line and not line.startswith("#"):
            name, _, rest = line.partition(":")
            phrases = tuple(tuple(phrase.split()) for phrase in rest.split(",") if phrase.strip())
            runs[name] = phrases
            single[name] = frozenset(phrase[0] for phrase in phrases if len(phrase) == 1)
    known = frozenset(word for phrases in runs.values() for phrase in phrases for word in phrase)
    return Words(
        single, known, {name: Runs(phrases) for name, phrases in runs.items()}, load_courtesies(), load_generalities()
    )


def split_clauses(tokens: Sequence[Token], taken: Sequence[bool]) -> list[tuple[int, int]]:
    """Token ranges between marks and before "because", "but"."""
    clauses: list[tuple[int, int]] = []
    start = 0
    for at, token in enumerate(tokens):
        joint = token.fold in _JOINTS and at > start
        if taken[at] and token.kind == "mark":
            continue
        if token.fold in _BREAKS or joint:
            if at > start:
                clauses.append((start, at))
            start = at + (0 if joint else 1)
    if start < len(tokens):
        clauses.append((start, len(tokens)))
    return clauses


def clause_moods(
    words: Words, text: str, tokens: Sequence[Token], taken: Sequence[bool], person: At, form: VerbForm, ours: At
) -> tuple[Mood, list[tuple[int, int, str]]]:
    """The mood of the whole, and (start, end, mood) of each clause.

    `person(i)`: token i is a person's name; `ours(i)`: the noun of a kind; `form(i)`: "base", "past", ... of the
    operations verb there, or "".
    """
    if is_log(text) or words.generalities.holds(text):
        return "other", []
    first = tokens[0] if tokens else None
    if first and first.kind == "mention" and first.fold.lstrip("@") not in words.single["self"] and len(tokens) > 1:
        return "other", []
    spoken_of = {"he", "she", "they", "his", "her", "him"} & {token.fold for token in tokens}
    if _is_called(words, tokens, person) and not spoken_of:
        return "other", []  # "bob, how many cables are left": said to somebody
    reader = ClauseReader(words, tokens, taken, person, form)
    clauses = [(start, end, reader.clause(start, end)) for start, end in split_clauses(tokens, taken)]
    for at, (start, _, mood) in enumerate(clauses):
        before = {token.fold for token in tokens[:start]} if at else set()
        if mood == "command" and before & words.single["told"] and tokens[start].fold not in {"show", "list"}:
            return "report", clauses  # "mia wrote: reboot web-01"
    if len(clauses) > 1 and clauses[0][2] == "question" and tokens[clauses[0][0]].fold in ASKING:
        clauses = [(start, end, "fragment" if end - start < 3 and mood == "command" else mood)
                   for start, end, mood in clauses]  # "how compliant are we, snapshot wise"  # fmt: skip
    held = [there or ours(at) for at, there in enumerate(taken)]
    clauses = _with_reasons(_with_relatives(clauses, tokens), tokens, held)
    return _of_all(clauses, tokens), clauses


def _is_called(words: Words, tokens: Sequence[Token], person: At) -> bool:
    """ "bob, …", "hey Carol Diaz, …", "bob you saved my weekend": does it begin with whom it is said to?"""
    start = next((at for at, token in enumerate(tokens) if token.fold not in words.single["polite"] | {"cheers"}), 0)
    end = next((at for at in range(start, len(tokens)) if not person(at)), start)
    if end == start or end + 1 >= len(tokens):
        return False
    comma = tokens[end].fold == "," and tokens[end + 1].kind == "word"
    return comma or tokens[end].fold in {"you", "your", "u"}


def _with_relatives(
    clauses: list[tuple[int, int, str]], tokens: Sequence[Token]
) -> list[tuple[int, int, str]]:  # fmt: skip
    """ "the restore took four hours, which nobody liked": no question, but more of what is told."""
    return [
        (start, end, "other")
        if at and tokens[start].fold in _RELATIVE and clauses[at - 1][2] in _TELLING and not _is_asked(tokens, end)
        else (start, end, mood)
        for at, (start, end, mood) in enumerate(clauses)
    ]


def _is_asked(tokens: Sequence[Token], end: int) -> bool:
    return end < len(tokens) and tokens[end].fold == "?"


def _with_reasons(
    clauses: list[tuple[int, int, str]], tokens: Sequence[Token], taken: Sequence[bool]
) -> list[tuple[int, int, str]]:
    """The clauses, where one that only gives a reason behind a request does not set the mood of the whole."""
    if len(clauses) > 1 and [token.fold for token in tokens[slice(*clauses[0][:2])]] in _NO:
        clauses = clauses[1:]  # "nope, reject REQ-7"
    clauses = [
        (start, end, "other" if at and tokens[start].fold in _JOINTS and clauses[at - 1][2] in _TELLING else mood)
        for at, (start, end, mood) in enumerate(clauses)
    ]
    reasons = {at for at in range(1, len(clauses)) if _speaks_of(tokens, clauses[at])}
    spoken = {at for at in range(1, len(clauses)) if clauses[at][2] in {"report", "other"}}
    asked = bool(reasons) and spoken <= reasons and _is_request(clauses, tokens, taken)
    return [
        (start, end, "other" if at in reasons and mood == "fragment" else "command" if asked and not at else mood)
        for at, (start, end, mood) in enumerate(clauses)
    ]


def _of_all(clauses: Sequence[tuple[int, int, str]], tokens: Sequence[Token]) -> Mood:
    moods = [mood for _, _, mood in clauses]
    if any(mood == "other" and tokens[start].fold == "what" for start, _, mood in clauses):
        return "other"
    if "question" in moods and not {"command", "report", "wish"} & set(moods[: moods.index("question")]):
        first = moods.index("question")
        start = clauses[first][0]
        led = tokens[start].fold in {"in", "until", "for", "by", "with"} and tokens[start + 1].fold in ASKING
        known = moods[0] == "question" or led or tokens[start].fold in ASKING | {"would"}
        if (
            known
            and "negated" not in moods[:first]
            and (first or moods[0] == "question")
            and set(moods[first:]) <= _AFTERASKING
        ):
            return "question"  # "if we add agents, how long does it take?"; "what if ...? don't do it"
    order: tuple[Mood, ...] = ("negated", "conditional", "wish", "command", "question", "report", "other")
    if {"fyi", "jfyi"} & {token.fold for token in tokens} and "question" not in moods:
        return "report"
    return next((mood for mood in order if mood in moods), "command")


def _is_request(clauses: Sequence[tuple[int, int, str]], tokens: Sequence[Token], taken: Sequence[bool]) -> bool:
    """ "digest of acme, ...", "stop the restore of web-01, ...": no whole sentence, but about something of ours."""
    if len(clauses) < 2 or clauses[0][2] != "fragment":
        return False
    start, end, _ = clauses[0]
    return tokens[start].fold not in _DETERMINERS and tokens[end].fold == "," and any(taken[start:end])


def _speaks_of(tokens: Sequence[Token], clause: tuple[int, int, str]) -> bool:
    """ "…, it goes to the customer", "…, the customer has changed his mind", "…, I was on a call": a reason."""
    start, end, mood = clause
    first = tokens[start].fold
    if mood in {"report", "other"}:
        return True
    return mood == "fragment" and first in {"it", "it's", "my", "that's", "thats", "they"} and end - start > 2
