"""The mood of one clause: who does what in it, in which tense, and whether the bot is asked or told to."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from intents.readings import Mood
from intents.tokens import Token

if TYPE_CHECKING:
    from intents.mood import Words

At = Callable[[int], bool]
VerbForm = Callable[[int], str]

_NEEDS = frozenset({"want", "need", "require", "like", "love", "appreciate", "wish"})
_INTENDING = frozenset({"plans", "wants", "intends", "hopes", "considers", "asked", "went", "will", "would"})
_BEING = frozenset({"am", "are", "was", "were", "wonder", "seek"})
_PLURAL_DO = frozenset(
    {"want", "take", "need", "think", "say", "plan", "get", "do", "go", "come", "hope", "ask", "love"}
)
_AFTER_PLURAL = frozenset(
    {"last", "since", "yesterday", "today", "this", "in", "of", "between", "until", "from", "during"}
)
_SAID_BEFORE = frozenset({"asked", "wondered", "told", "said", "explained", "answered", "mentioned", "complained"})
_WHOSE = frozenset({"that", "which", "i", "we", "you", "they"})
_ELLIPTIC = frozenset({"so", "yes", "any", "not", "possible", "needed", "applicable", "available"})
_OURS = frozenset({"others", "always", "yours", "perhaps", "backups"})
_HERE = frozenset(
    {"we", "our", "us", "here", "now", "any", "today", "currently", "still", "left", "exist", "my", "this"}
)
_SUBJECTS = frozenset(
    {"i", "we", "you", "they", "he", "she", "it", "any", "there", "been", "u", "people", "users", "someone"}
)
_BEFORE_NOUNS = frozenset({"the", "of", "all", "any", "for", "with", "no", "and", "my", "these", "recent", "latest"})
_MOMENTS = frozenset({"minute", "minutes", "min", "moment", "second", "seconds", "sec", "break", "hour", "day"})
_MUST_NOT = (("must", "not"), ("shall", "not"), ("may", "not"), ("should", "not"), ("cannot", "be"), ("mustn't",),
             ("shouldn't",), ("can", "not", "be"), ("is", "not", "to", "be"))  # fmt: skip
_LEARN = frozenset({"know", "see", "learn", "understand", "have"})
ASKING = frozenset({"what", "which", "how", "who", "when", "where"})


class ClauseReader:
    """Reads the mood of single clauses of one message."""

    def __init__(
        self, words: "Words", tokens: Sequence[Token], taken: Sequence[bool], person: At, form: VerbForm
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
        if words[0] == "got" and words[1:2] and words[1] in {"any", "a", "an", "some"}:
            return "question"  # "got any runbooks for snapshots"
        if words[0] == "what" and words[1:2] and words[1] in {"a", "an"} and not asks and len(words) < 6:
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
                or (opening and words[1] not in {"more", "to", "changes", "further", "go"})
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
        if first == "if" and second and (second[0] in _ELLIPTIC or words[1:3] == ["i", "may"]):
            return "fragment"  # "and if so, which one"
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
        wanting = words[1:2] == ["would"] and words[2:3] and words[2] in _NEEDS and first in {"i", "we"}
        return "wish" if not asks and not wanting and _anywhere(words[:6], self.runs["wishes"]) else ""

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
            and (self.form(start + 1) == "s" or words[1] in self.lists["talking"] | self.lists["told"])
            and words[1] not in {"has", "is", "does", "was", "'s", "s"}
            and not (self.form(start + 1) == "s" and (len(words) == 2 or words[2] in _AFTER_PLURAL))
        ):
            return "fragment" if words[1] in {"gets", "needs", "becomes", "owns", "leaves"} else "other"
        if words[:3] in (["i'd", "like", "to"], ["we'd", "like", "to"], ["i'd", "want", "to"]):
            return "command"
        if words[0] in {"anything", "any", "anyone", "anybody", "something"}:
            return "question"
        if words[0] in self.lists["telling verbs"] and words[1:2] and words[1] in {"me", "us", "this", "here"}:
            return "question" if ASKING - {"when"} & set(words[2:4]) else "command"
        if ASKING & set(words[1:3]) or words[-1] in self.lists["question words"]:
            return "question"
        people = self.lists["people"]
        if words[0] in {"the", "our", "my", "their"}:
            ahead = next((at for at in (1, 2) if at < len(words) and words[at] in people), 0)
            words, start = words[ahead:], start + ahead
        if words[0] in self.lists["pronouns"] | people or self.person(start):
            return self._subject_clause(words, start)
        if words[0] in self.lists["contracted"]:
            asked = words[1:2] and words[1] in self.lists["seeking"]
            return "question" if asked else "command" if words[0] == "i'm" and _agrees(words[1:]) else "other"
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
            told = {"was", "were"} & set(words[1:7]) and not (ASKING | {"that", "because"}) & set(words)
            return "report" if told else "command"
        return self._statement(words, start)

    def _hangs_on(self, words: list[str]) -> bool:
        """ "reboot it if it hangs", "approve it as soon as legal agrees"."""
        at_once = words[-1] == "once" or _anywhere(words, (("at", "once"), ("once", "more"), ("once", "again")))
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
        if subject in self.lists["people"] and self.lists["told"] & set(rest[:3]):
            return "report"  # "customer acme says thanks"
        if self.person(start) and self.person(start + 1):
            rest = rest[1:] or [""]
        if self.person(start) and (words[1:4] == ["is", "no", "longer"] or rest[:2] == ["takes", "over"]):
            return "fragment"  # "dave is no longer operator", "Bob Ray takes over web-01"
        if self.person(start) and self.lists["owning"] & set(words) and self.lists["turning"] & set(words):
            return "fragment"  # "Alice Chen is now responsible for web-01"
        if subject == "i" and rest[0] in self.lists["performatives"]:
            return "command"
        if subject == "i" and rest[0] == "am" and _agrees(rest[1:]):
            return "command"  # "i am ok with REQ-12": by saying so it is done
        if subject == "we" and rest[0] in {"can", "may"} and {"now", "again"} & set(words):
            return "command"  # "we can lift the freeze now"
        if subject in {"i", "we"} and (rest[:2] == ["have", "to"] or rest[0] == "must") and self._performs(rest):
            return "command"  # "i have to turn down REQ-7": by saying so it is done
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
        if rest[0].endswith("s") and (len(rest) == 1 or rest[1] in _AFTER_PLURAL):
            return "fragment"  # "svc-backup sign-ins last week"
        if rest[0].endswith("s") or any(
            self.form(at) == "s" for at in range(start + 1, min(start + 7, len(self.tokens)))
        ):
            return "other"
        return "fragment"

    def _performs(self, rest: list[str]) -> bool:
        verb = rest[2:3] if rest[0] == "have" else rest[1:2]
        return bool(verb) and (verb[0] in self.lists["performatives"] or rest[2:4] == ["turn", "down"])

    def _statement(self, words: list[str], start: int) -> str:
        """No subject that is a person: "snapshot of X took 40 minutes" tells; "X must be enabled" asks for it."""
        if self.lists["told"] & set(words[:4]):
            return "report"
        if self.named[start] and not self.person(start) and words[1:3] in (["is", "a"], ["is", "an"], ["is", "the"]):
            return "report"  # "web-01 is a funny name for a server that ..."
        if self._somebody_did(words, start):
            return "report"  # "yesterday alice deleted the router"
        if words[0] in {"it", "that", "this", "there"} and words[1] in {"was", "were", "had"}:
            return "report"  # "it was me who stopped it"
        if self._forbidden(words, start):
            return "negated"
        if (ASKING | {"that", "whose"}) & set(words):
            first = next(at for at, word in enumerate(words) if word in ASKING | {"that", "whose"})
            said = [at for at, word in enumerate(words[:first]) if word in _SAID_BEFORE]
            return "report" if said and not {"me", "us"} & set(words[said[0] : first]) else "fragment"
        if self._of_others(words, start):
            return "other"
        if words[0] in {"this", "that", "our", "my", "the"} and _anywhere(words[1:5], (("is", "a"), ("is", "an"))):
            return "report"  # "this project is a nightmare"
        if words[0] in {"everything", "whatever"} and (words[1] in _WHOSE or self.named[start + 1]):
            return "fragment"  # "everything dave did yesterday"
        if words[0] in {"all", "every", "any"} and not self._told_of(words, start):
            return "fragment"  # "all the stopped machines": which ones
        if words[0].endswith("s") and not self.named[start] and words[1] in self.lists["making"]:
            return "fragment"  # "instances started this week": which ones
        if _anywhere(words, (("has", "to"), ("have", "to"), ("must",), ("needs", "to"), ("need", "to"), ("should",))):
            return "command"
        if self.named[start] and words[1:2] and words[1] in _INTENDING:
            return "other"  # "initech plans to order more": somebody's plan
        if self._told_of(words, start) or self.lists["told"] & set(words[:6]):
            return "report"
        for at, word in enumerate(words[1:], 1):
            if word in {"must", "should", "can", "has", "needs", "have", "shall", "may"} and "be" in words[at : at + 3]:
                return "command"
            after = words[at + 1] if at + 1 < len(words) else ""
            if word == "left" and after in {"", "on", "in", "for", "of", "over", "at", "overall", "now", "today", "?"}:
                continue  # "cores left on compute-01"
            if words[at - 1] in _BEFORE_NOUNS:
                continue  # "log of finished restores", "also the failed ones"
            if (
                word in self.lists["past verbs"]
                and not (word == "called" and after not in {"back", "me", "us", "in", ""})
                and self.form(start + at) != "base"
            ):
                return "report"
            if word in {"has", "have"} and (after in {"been", "already"} or after.endswith("ed")):
                return "report"
        return "fragment"

    def _somebody_did(self, words: list[str], start: int) -> bool:
        did = any(self.person(start + at - 1) and self._past(start + at) for at in range(1, len(words)))
        return did and not (ASKING | {"that", "whose", "everything", "whatever", "all"}) & set(words)

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
            if at and word in {"i'll", "we'll", "i", "we"} and (at < 5 or word[-1:] == "l"):
                return word not in {"i", "we"} or self._past(
                    start + at + 1
                )  # "tomorrow I'll ...", "my first day I ..."
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


def _agrees(words: Sequence[str]) -> bool:
    return words[:1] in (["ok"], ["okay"], ["fine"], ["happy"], ["good"], ["cool"]) and words[1:2] in (
        ["with"],
        ["for"],
    )


def _starts(words: Sequence[str], runs: Sequence[tuple[str, ...]]) -> bool:
    return any(tuple(words[: len(run)]) == run for run in runs)


def _anywhere(words: Sequence[str], runs: Sequence[tuple[str, ...]]) -> bool:
    said = set(words)
    return any(tuple(words[at : at + len(run)]) == run for run in runs if run[0] in said for at in range(len(words)))
