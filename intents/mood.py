"""Is it said to the bot, and how: command, question, report, negated, conditional, wish, or other talk.

Only a command may start a write. The rules are about the shape of a clause (who does what, in which tense), never
about single sentences.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources

from intents.generalities import is_general
from intents.logs import is_log
from intents.readings import Mood
from intents.tokens import Token

At = Callable[[int], bool]
VerbForm = Callable[[int], str]

_BREAKS = frozenset({".", "!", "?", ";", ",", "\n", "-", "--", ":"})
_JOINTS = frozenset({"because", "but", "cause", "cuz"})
_NEEDS = frozenset({"want", "need", "require", "like", "love", "appreciate", "wish"})
_INTENDING = frozenset({"plans", "wants", "intends", "hopes", "considers", "asked", "went", "will", "would"})
_BEING = frozenset({"am", "are", "was", "were", "wonder", "seek"})
_PLURAL_DO = frozenset(
    {"want", "take", "need", "think", "say", "plan", "get", "do", "go", "come", "hope", "ask", "love"}
)
_OURS = frozenset({"others", "always", "yours", "perhaps", "backups"})
_HERE = frozenset(
    {"we", "our", "us", "here", "now", "any", "today", "currently", "still", "left", "exist", "my", "this"}
)
_SUBJECTS = frozenset(
    {"i", "we", "you", "they", "he", "she", "it", "any", "there", "been", "u", "people", "users", "someone"}
)
_AFTER_ASKING = frozenset({"question", "fragment", "negated", "other", "report"})
_MOMENTS = frozenset({"minute", "minutes", "min", "moment", "second", "seconds", "sec", "break", "hour", "day"})
_MUST_NOT = (("must", "not"), ("shall", "not"), ("may", "not"), ("should", "not"), ("cannot", "be"), ("mustn't",),
             ("shouldn't",), ("can", "not", "be"), ("is", "not", "to", "be"))  # fmt: skip
_DETERMINERS = frozenset(
    {"the", "this", "that", "these", "those", "our", "my", "their", "his", "her", "a", "an", "its"}
)
_LEARN = frozenset({"know", "see", "learn", "understand", "have"})
_ASKING = frozenset({"what", "which", "how", "who", "when", "where"})


@dataclass(frozen=True)
class Words:
    """The lists of moods.txt: `single` words, and `runs` of words."""

    single: Mapping[str, frozenset[str]]
    known: frozenset[str]
    runs: Mapping[str, tuple[tuple[str, ...], ...]]


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
    return Words(single, known, runs)


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
    words: Words, text: str, tokens: Sequence[Token], taken: Sequence[bool], person: At, form: VerbForm
) -> tuple[Mood, list[tuple[int, int, str]]]:
    """The mood of the whole, and (start, end, mood) of each clause.

    `person(i)`: token i is a person's name; `form(i)`: "base", "past", ... of the operations verb there, or "".
    """
    if is_log(text) or is_general(text):
        return "other", []
    first = tokens[0] if tokens else None
    if first and first.kind == "mention" and first.fold.lstrip("@") not in words.single["self"] and len(tokens) > 1:
        return "other", []
    spoken_of = {"he", "she", "they", "his", "her", "him"} & {token.fold for token in tokens}
    if len(tokens) > 2 and tokens[1].fold == "," and person(0) and tokens[2].kind == "word" and not spoken_of:
        return "other", []  # "bob, how many cables are left": said to somebody
    reader = _Reader(words, tokens, taken, person, form)
    clauses = [(start, end, reader.clause(start, end)) for start, end in split_clauses(tokens, taken)]
    for at, (start, _, mood) in enumerate(clauses):
        before = {token.fold for token in tokens[:start]} if at else set()
        if mood == "command" and before & words.single["told"] and tokens[start].fold not in {"show", "list"}:
            return "report", clauses  # "mia wrote: reboot web-01"
    clauses = _with_reasons(clauses, tokens, taken)
    return _of_all(clauses, tokens), clauses


def _with_reasons(
    clauses: list[tuple[int, int, str]], tokens: Sequence[Token], taken: Sequence[bool]
) -> list[tuple[int, int, str]]:
    """The clauses, where one that only gives a reason behind a request does not set the mood of the whole."""
    if len(clauses) > 1 and [token.fold for token in tokens[slice(*clauses[0][:2])]] in (["nope"], ["no"], ["nah"]):
        clauses = clauses[1:]  # "nope, reject REQ-7"
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
        known = moods[0] == "question" or tokens[clauses[first][0]].fold in _ASKING | {"would"}
        if (
            known
            and "negated" not in moods[:first]
            and (first or moods[0] == "question")
            and set(moods[first:]) <= _AFTER_ASKING
        ):
            return "question"  # "if we add agents, how long does it take?"; "what if ...? don't do it"
    order: tuple[Mood, ...] = ("negated", "conditional", "wish", "command", "question", "report", "other")
    return next((mood for mood in order if mood in moods), "command")


def _is_request(clauses: Sequence[tuple[int, int, str]], tokens: Sequence[Token], taken: Sequence[bool]) -> bool:
    """ "digest of acme, ...", "stop the restore of web-01, ...": no sentence of its own, but about something of ours."""
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


class _Reader:
    def __init__(
        self, words: Words, tokens: Sequence[Token], taken: Sequence[bool], person: At, form: VerbForm
    ) -> None:
        self.lists, self.runs = words.single, words.runs
        self.tokens, self.named, self.person, self.form = tokens, taken, person, form

    def clause(self, start: int, end: int) -> Mood | str:
        start = self._skip(start, end)
        words = [token.fold for token in self.tokens[start:end]]
        if not words:
            return "fragment"
        asks = end < len(self.tokens) and self.tokens[end].fold == "?"
        if self._banned(words, start):
            return (
                "question"
                if asks and words[0] in self.lists["auxiliaries"] | self.lists["question words"]
                else "negated"
            )
        if words[0] == "what" and words[1:2] and words[1] in {"a", "an"} and not asks:
            return "other"  # "what a mess"
        if _starts(words, (("what", "if"), ("what", "would"), ("what", "happens"))):
            return "question"
        return self._conditional(words, asks) or self._plain(words, start, asks)

    def _skip(self, start: int, end: int) -> int:
        while start < end and (
            self.tokens[start].fold in self.lists["polite"] | self.lists["self"] or self.tokens[start].kind == "mention"
        ):
            start += 1
        return start

    def _banned(self, words: list[str], start: int) -> bool:
        """ "don't", "never", "hands off", "leave it alone"; not "we don't need": what somebody does not do."""
        first = words[0]
        if first in self.lists["pronouns"] or self.person(start):
            return False
        if words in (["don't"], ["dont"], ["do", "not"], ["never"], ["not"]):
            return True
        if first == "leave":
            return bool(self.lists["left alone"] & set(words))
        if words[:4] == ["not", "on", "my", "watch"]:
            return False
        if first in {"no", "nope", "not"} and len(words) > 1:
            opening = not any(
                token.kind == "word" and token.fold not in self.lists["polite"] for token in self.tokens[:start]
            )
            if first == "not" and not opening and (words[1] in self.lists["beside the point"] or self._past(start + 1)):
                return False  # "reject REQ-7, not needed"
            return (
                first == "not"
                or words[1] in {"that", "this", "yet", "need", "way"}
                or (opening and words[1] not in {"more", "to", "changes", "further"})
            )
        if first in self.lists["auxiliaries"] and not first.startswith(("do", "don")):
            return False
        if first == "nobody" and (
            self.form(start + 1) == "base" or words[1:2] in [[word] for word in self.lists["doing"]]
        ):
            return True
        if words[:2] in (["no", "changes"], ["no", "further"]):
            return False  # "no changes until monday" asks for a freeze
        return _starts(words, self.runs["bans"]) or self._forbids(words, start)

    def _forbids(self, words: list[str], start: int) -> bool:
        """ "please don't reboot": the word behind "don't" is something that the bot could do."""
        for at, word in enumerate(words[:4]):
            end = at + (2 if words[at : at + 2] == ["do", "not"] else 1)
            if (word in {"don't", "dont", "never"} or end == at + 2) and end < len(words):
                return bool(self.form(start + end)) or words[end] in self.lists["doing"]
        return False

    def _conditional(self, words: list[str], asks: bool) -> str:
        first, second = words[0], words[1:2]
        if first in self.lists["leading"] and second and second[0] in self.lists["question words"]:
            return "question"
        if _starts(words, (("in", "case"), ("as", "soon", "as"), ("in", "the", "event"), ("in", "event"))):
            return "conditional"
        if first in self.lists["conditions"] and not (first == "should" and asks):
            if first == "if" and second == ["only"]:
                return "wish"
            if first not in {"had", "should", "until"} or (len(words) > 2 and not asks):
                return "conditional"
        known = self.lists["auxiliaries"] | {"goes", "go", "'s", "s"}
        if first == "when" and second and second[0] not in known and not asks:
            return "conditional"
        return "wish" if not asks and _anywhere(words[:6], self.runs["wishes"]) else ""

    def _plain(self, words: list[str], start: int, asks: bool) -> str:
        first, second = words[0], words[1:2]
        if first in {"can", "may", "could", "do", "does", "must", "why"} and self._of_kinds(words, start):
            return "other"
        if first in {"can", "could", "would", "will"} and second == ["you"]:
            return "command"
        if first in {"can", "could"} and not asks and "i" not in words[:2]:
            return "command"
        done = {"me", "us", "a", "an", "it", "one", "decline", "approve", "reject"} | (
            {"the"} if "of" in words[2:5] else set()
        )
        if first == "do" and second and (second[0] in done or self.named[start + 1] or words[2:3] == ["of"]):
            return "command"
        if first in self.lists["question words"]:
            return "question"
        if first == "have" and second and second[0] not in _SUBJECTS and not asks:
            return "command"  # "have web-01 rebooted"
        if first in self.lists["auxiliaries"]:
            if self.person(start + 1) and self.lists["minding"] & set(words[2:4]):
                return "other"  # "does bob know about this"
            past = first in {"had", "have", "did", "has"} and not asks and (second == ["to"] or self._past(start + 1))
            return "report" if past else "question"
        if asks:
            return "question"
        return self._tense(words, start)

    def _of_kinds(self, words: list[str], start: int) -> bool:
        """ "can a vm have two addresses", "do snapshots survive a deletion": about such things, not about ours."""
        at = 2 if words[0] == "why" and words[1:2] in (["do"], ["does"]) else 1
        subject = words[at] if at < len(words) else ""
        kinds = (subject in {"a", "an", "people"} and words[0] != "do") or (
            subject.endswith("s") and len(subject) > 4 and subject not in _OURS
        )
        rest = range(start, start + len(words))
        there = _HERE & set(words)
        return (words[0] != "why" or at == 2) and kinds and not there and not any(self.named[i] for i in rest)

    def _past(self, at: int) -> bool:
        return at < len(self.tokens) and self.form(at) == "past"

    def _tense(self, words: list[str], start: int) -> str:
        if (
            self.person(start)
            and words[1:2]
            and words[1].endswith("s")
            and words[1] not in {"has", "is", "does", "was", "'s", "s"}
        ):
            return "fragment" if words[1] in {"gets", "needs", "becomes", "owns", "leaves"} else "other"
        if words[:3] in (["i'd", "like", "to"], ["we'd", "like", "to"], ["i'd", "want", "to"]):
            return "command"
        if words[0] in {"anything", "any", "anyone", "anybody", "something"}:
            return "question"
        if words[0] in self.lists["telling verbs"] and words[1:2] and words[1] in {"me", "us", "this", "here"}:
            return "question" if _ASKING - {"when"} & set(words[2:4]) else "command"
        if _ASKING & set(words[1:3]) or words[-1] in self.lists["question words"]:
            return "question"
        people = self.lists["people"]
        if words[0] in {"the", "our", "my", "their"}:
            ahead = next((at for at in (1, 2) if at < len(words) and words[at] in people), 0)
            words, start = words[ahead:], start + ahead
        if words[0] in self.lists["pronouns"] | people or self.person(start):
            return self._subject_clause(words, start)
        if words[0] in self.lists["contracted"]:
            return "question" if words[1:2] and words[1] in self.lists["seeking"] else "other"
        form = self.form(start)
        if words[0] in self.lists["imperatives"]:
            return "other" if words[:2] == ["give", "me"] and _MOMENTS & set(words[2:6]) else "command"
        if len(words) == 1:
            return "command" if form == "base" else "fragment"
        if (form == "past" and self._has_object(start + 1)) or words[0] in self.lists["past auxiliaries"]:
            return "report"
        if form == "base":
            if words[0] not in self.lists["telling verbs"] and self._hangs_on(words):
                return "conditional"
            told = {"was", "were"} & set(words[1:7]) and not (_ASKING | {"that", "because"}) & set(words)
            return "report" if told else "command"
        return self._statement(words, start)

    def _hangs_on(self, words: list[str]) -> bool:
        """ "reboot it if it hangs", "approve it as soon as legal agrees"."""
        at_once = _anywhere(words, (("at", "once"), ("once", "more"), ("once", "again")))
        hanging = {"if", "unless", "when", "whenever"} | (set() if at_once else {"once"})
        return bool(hanging & set(words[1:])) or _anywhere(words, (("as", "soon"),))

    def _has_object(self, at: int) -> bool:
        """ "rebooted web-01", "deleted the volume" tell; "deleted volumes", "failed logins" name."""
        at += 1 if at < len(self.tokens) and self.tokens[at].fold in self.lists["particles"] else 0
        return at < len(self.tokens) and (self.named[at] or self.tokens[at].fold in self.lists["objects"])

    def _subject_clause(self, words: list[str], start: int) -> str:
        """A pronoun or a person, then what they do: a request only in "I want", "we need", "I'd like"."""
        subject, rest = words[0], [word for word in words[1:] if word not in self.lists["adverbs"]] or words[1:]
        if not rest:
            return "fragment"
        if subject in self.lists["people"] and rest[0] in {"from", "in", "at", "on", "of"} and len(rest) > 2:
            rest = rest[2:]  # "the guys from networking will ..."
        if subject in {"i", "we"} and (rest[0] in _NEEDS or (rest[0] == "would" and rest[1:2] and rest[1] in _NEEDS)):
            return "command"
        if subject in {"i", "we"} and self.lists["seeking"] & set(rest[:2]) and rest[0] in _BEING:
            return "question"  # "i am looking for ...", "we were wondering which ..."
        if subject in {"i", "we"} and rest[0] in {"don't", "dont"} and rest[1:2] == ["want"]:
            return "negated"
        if rest[0] in {"needs", "wants"} and rest[1:2] == ["to"] and rest[2:3] and rest[2] in _LEARN:
            return "question"  # "the auditor needs to know ..."
        if rest[0] in {"'s", "s"}:
            return "fragment"  # "dave's role assignments"
        if self.person(start) and self.person(start + 1):
            rest = rest[1:] or [""]
        if self.person(start) and self.lists["owning"] & set(words) and self.lists["turning"] & set(words):
            return "fragment"  # "Alice Chen is now responsible for web-01"
        if subject == "i" and rest[0] in self.lists["performatives"]:
            return "command"
        if rest[0] in {"should", "shall", "must"} and {"be", "become", "lose"} & set(rest[1:3]) and self.person(start):
            return "fragment"
        if (rest[0] == "needs" and rest[1:2] != ["to"]) or rest[:2] in (["should", "get"], ["should", "have"]):
            return "fragment"
        if _anywhere(rest, (("has", "been"), ("have", "been"), ("had", "been"))):
            return "report"
        past = self.lists["past verbs"] | self.lists["past auxiliaries"]
        if self._past(start + 1) or rest[0] in past or rest[0].endswith("ed"):
            return "report"
        if rest[0] in self.lists["future"] | self.lists["telling"] or subject in self.lists["pronouns"]:
            return "other"
        if rest[0].endswith("s") or any(
            self.form(at) == "s" for at in range(start + 1, min(start + 7, len(self.tokens)))
        ):
            return "other"
        return "fragment"

    def _statement(self, words: list[str], start: int) -> str:
        """No subject that is a person: "snapshot of X took 40 minutes" tells; "X must be enabled" asks for it."""
        if self.lists["told"] & set(words[:4]):
            return "report"
        if words[0] in {"it", "that", "this", "there"} and words[1] in {"was", "were", "had"}:
            return "report"  # "it was me who stopped it"
        if self._forbidden(words, start):
            return "negated"
        if (_ASKING | {"that", "whose"}) & set(words):
            return "fragment"
        if self._of_others(words, start):
            return "other"
        if words[0] in {"this", "that", "our", "my", "the"} and _anywhere(words[1:5], (("is", "a"), ("is", "an"))):
            return "report"  # "this project is a nightmare"
        if words[0] in {"all", "every", "any"} and not self._told_of(words, start):
            return "fragment"  # "all the stopped machines": which ones
        if words[0].endswith("s") and not self.named[start] and words[1] in self.lists["making"]:
            return "fragment"  # "instances started this week": which ones
        if _anywhere(words, (("has", "to"), ("have", "to"), ("must",), ("needs", "to"), ("need", "to"), ("should",))):
            return "command"
        if self.named[start] and words[1:2] and words[1] in _INTENDING:
            return "other"  # "initech plans to order more": somebody's plan
        if self._told_of(words, start) or self.lists["told"] & set(words):
            return "report"
        for at, word in enumerate(words[1:], 1):
            if word in {"must", "should", "can", "has", "needs", "have", "shall", "may"} and "be" in words[at : at + 3]:
                return "command"
            after = words[at + 1] if at + 1 < len(words) else ""
            if word == "left" and after in {"", "on", "in", "for", "of", "over", "at", "overall", "now", "today", "?"}:
                continue  # "cores left on compute-01"
            if word in self.lists["past verbs"] - {"called"} and self.form(start + at) != "base":
                return "report"
            if word in {"has", "have"} and (after in {"been", "already"} or after.endswith("ed")):
                return "report"
        return "fragment"

    def _forbidden(self, words: list[str], start: int) -> bool:
        """ "web-01 must not be stopped", "JOB-7 shall not be aborted"; what a person must not do is a right to take."""
        thing = (self.named[start] and not self.person(start)) or self.tokens[start].kind in {"request", "job"}
        return (
            not {"before", "until", "till"} & set(words)
            and (thing or words[0] in {"the", "this", "our"})
            and _anywhere(words[:8], _MUST_NOT)
        )

    def _of_others(self, words: list[str], start: int) -> bool:
        """ "tomorrow the network guys take it down", "storage team will swap disks", "acme always complains"."""
        for at, word in enumerate(words[:7]):
            if at and word in {"will", "would", "won't", "wont"}:
                return True
            if at and word in self.lists["talking"] and self.form(start + at) in {"", "s"}:
                return True
            if word in self.lists["subject breaks"]:
                break
            if word in self.lists["people"]:
                rest = next((a for a in range(at + 1, len(words)) if words[a] not in self.lists["adverbs"]), 0)
                return bool(rest) and (
                    bool(self.form(start + rest))
                    or words[rest] in self.lists["future"] | self.lists["past verbs"] | self.lists["told"] | _PLURAL_DO
                    or words[rest].endswith("ed")
                )
        named = self.named[start] and not self.person(start)
        if named and words[1:2] in (["is"], ["are"]) and words[2:3] and words[2].endswith("ing"):
            return not self.form(start + 2) and words[2] not in {
                "missing",
                "building",
                "pending",
            }  # "acme is complaining"
        return (
            named and words[1:2] == ["is"] and bool(words[2:3]) and words[2] in {"the", "a", "an", "such", "so", "my"}
        )

    def _told_of(self, words: list[str], start: int) -> bool:
        """ "web-01 rebooted", "REQ-5 approved by noah", "pci tagged yesterday": a name, then what was done to it."""
        after = self.lists["told after"]
        for at in range(1, len(words)):
            if self._past(start + at) and self.named[start + at - 1]:
                rest = words[at + 1 : at + 2]
                code = self.tokens[start + at - 1].kind == "request"
                if (not rest and not code) or (rest and rest[0] in after):
                    return True
        return False


def _starts(words: Sequence[str], runs: Sequence[tuple[str, ...]]) -> bool:
    return any(tuple(words[: len(run)]) == run for run in runs)


def _anywhere(words: Sequence[str], runs: Sequence[tuple[str, ...]]) -> bool:
    said = set(words)
    return any(tuple(words[at : at + len(run)]) == run for run in runs if run[0] in said for at in range(len(words)))
