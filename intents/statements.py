"""What a clause without a person for its subject tells: what something did or is, or what is asked for in it."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from intents.tokens import Token

if TYPE_CHECKING:
    from intents.mood import Words

At = Callable[[int], bool]
VerbForm = Callable[[int], str]

_INTENDING = frozenset({"plans", "wants", "intends", "hopes", "considers", "asked", "went", "will", "would"})
_PLURAL_DO = frozenset(
    {"want", "take", "need", "think", "say", "plan", "get", "do", "go", "come", "hope", "ask", "love"}
)
_SAID_BEFORE = frozenset(
    {
        "asked",
        "wondered",
        "told",
        "said",
        "explained",
        "answered",
        "mentioned",
        "complained",
        "found",
        "showed",
        "revealed",
        "noticed",
        "says",
        "shows",
        "claims",
        "reported",
        "discovered",
        "learned",
        "heard",
        "thinks",
        "believes",
    }
)
_UNWELL = frozenset(
    {"down", "on", "off", "slow", "dead", "offline", "unreachable", "unstable", "hanging", "unresponsive", "crashing",
     "flapping", "acting", "stuck", "back", "fine", "fast", "quiet",
     "reachable", "stable", "useless", "slower", "unhappy", "behaving", "misbehaving"}
)  # fmt: skip
_BEYOND = frozenset({"above", "below", "over", "under", "at"})
_SETTING = frozenset({"in", "at", "back", "during", "with"})  # "in my old company we restarted servers"
_SOMEBODY = frozenset({"us", "me", "him", "her", "them", "everyone", "everybody"})
_WHOSE = frozenset({"that", "which", "i", "we", "you", "they"})
_BEFORE_NOUNS = frozenset({"the", "of", "all", "any", "for", "with", "no", "and", "my", "these", "recent", "latest"})
_MUST_NOT = (("must", "not"), ("shall", "not"), ("may", "not"), ("should", "not"), ("cannot", "be"), ("mustn't",),
             ("shouldn't",), ("can", "not", "be"), ("is", "not", "to", "be"))  # fmt: skip
_COUNTED = frozenset(
    (word, "of") for word in ("number", "amount", "count", "list", "names", "total", "sum", "set", "nr")
)
_AGAIN = frozenset({"again", "fine", "now", "ok", "okay", "well", "better", "nicely", "perfectly", "like", "since"})
_CALLED = frozenset({"back", "me", "us", "in", "", "off", "for", "about", "yesterday", "today", "again"})
_AGO = frozenset({"yesterday", "ago", "earlier"})
_NEWS = frozenset(
    {"planned", "scheduled", "due", "booked", "over", "live", "postponed", "cancelled", "underway", "imminent"}
)
_THEN_WE = frozenset({"after", "before", "tomorrow", "then", "later", "tonight", "during", "next", "at", "on", "soon"})
_ONLY = frozenset({"only", "cannot", "can't", "cant"})
_THEN = frozenset({"once", "after", "before", "until", "when"})
ASKING = frozenset({"what", "which", "how", "who", "when", "where"})


class StatementReader:
    """Reads clauses that tell or want something of a thing."""

    def __init__(
        self, words: "Words", tokens: Sequence[Token], taken: Sequence[bool], person: At, form: VerbForm
    ) -> None:
        self.lists, self.runs = words.single, words.runs
        self.tokens, self.named, self.person, self.form = tokens, taken, person, form

    def _past(self, at: int) -> bool:
        return at < len(self.tokens) and self.form(at) == "past"

    def _statement(self, words: list[str], start: int) -> str:
        """No subject that is a person: "snapshot of X took 40 minutes" tells; "X must be enabled" asks for it."""
        if tuple(words[:2]) in _COUNTED:
            return "fragment"  # "number of volumes created since tuesday"
        if self.named[start] and not self.person(start) and _ONLY & set(words[1:6]) and _THEN & set(words[2:]):
            return "command"  # "app01 can only move once erp-db has moved"
        if words[:2] in (["turns", "out"], ["can", "confirm"]):
            return "report"
        if words[0] in {"tonight", "tomorrow", "today", "later"} and self.person(start + 1):
            return "other"  # "tonight dave patches all machines"
        if self.lists["told"] & set(words[:4]) or self._tells_news(words, start):
            return "report"
        if self.named[start] and not self.person(start) and words[1:3] in (["is", "a"], ["is", "an"], ["is", "the"]):
            return "report"  # "web-01 is a funny name for a server that ..."
        if self._is_so(words, start):
            return "report"  # "erp-db is down", "disk usage on web-01 is above 90%"
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
        if words[0] in {"this", "that", "our", "my", "the"} and anywhere(words[1:5], (("is", "a"), ("is", "an"))):
            return "report"  # "this project is a nightmare"
        if words[0] in {"everything", "whatever"} and (words[1] in _WHOSE or self.named[start + 1]):
            return "fragment"  # "everything dave did yesterday"
        if words[0] in {"all", "every", "any"} and not self._told_of(words, start):
            return "fragment"  # "all the stopped machines": which ones
        if words[0].endswith("s") and not self.named[start] and words[1] in self.lists["making"]:
            return "fragment"  # "instances started this week": which ones
        if anywhere(words, (("has", "to"), ("have", "to"), ("must",), ("needs", "to"), ("need", "to"), ("should",))):
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
                and not (word == "called" and after not in _CALLED)
                and self.form(start + at) != "base"
            ):
                return "report"
            if word in {"has", "have"} and (after in {"been", "already"} or after.endswith("ed")):
                return "report"
        return "fragment"

    def _tells_news(self, words: list[str], start: int) -> bool:
        """ "restart of web-01 is planned for sunday", "the freeze is over", "reboot done on web-01", "it used to run".

        Of waves, tenants and requests the same words are orders, where no time is said: "wave 2 is done".
        """
        if words[0] in {"tomorrow", "today", "tonight"} and words[1] in {"is", "was"}:
            return True  # "tomorrow is the audit"
        if "used" in words and anywhere(words, (("used", "to"),)):
            return True
        if words[1] == "done" and words[2:3] and words[2] in {"on", "for", "at", "by", "yesterday", "today"}:
            return True
        if self.named[start] and self._past(start + 1) and (_AGO & set(words[2:]) or words[2:3] == ["by"]):
            return True
        for at, word in enumerate(words[:-1]):
            if at and word in {"is", "are", "was", "were"} and words[at + 1] in _NEWS:
                return not (ASKING | {"all", "any", "everything", "whatever", "that"}) & set(words[:at])
        return False

    def _is_so(self, words: list[str], start: int) -> bool:
        """Does it tell in which state something is, or what something did to somebody?"""
        fares = words[1] in self.lists["fares"] and (len(words) == 2 or words[2] in _AGAIN)
        if self.named[start] and not self.person(start) and fares:
            return True  # "web-02 works again"
        for at, word in enumerate(words[1:], 1):
            after, next_one = words[at + 1 : at + 2], words[at + 2 : at + 3]
            if (
                word in {"is", "are"}
                and (self.named[start] or self.named[start + at - 1])
                and after
                and after[0] in _UNWELL
            ):
                return True
            if word in {"is", "are"} and after and after[0] in _BEYOND and next_one and next_one[0][0].isdigit():
                return True
            if word in {"we", "i"} and words[0] in _SETTING and self._past(start + at + 1):
                return True
            if at > 1 and word.endswith("ed") and after and after[0] in _SOMEBODY:
                return True
        return False

    def _somebody_did(self, words: list[str], start: int) -> bool:
        did = any(self.person(start + at - 1) and self._past(start + at) for at in range(1, len(words)))
        return did and not (ASKING | {"that", "whose", "everything", "whatever", "all"}) & set(words)

    def _forbidden(self, words: list[str], start: int) -> bool:
        """ "web-01 must not be stopped", "JOB-7 shall not be aborted"; what a person must not do is a right to take."""
        thing = (self.named[start] and not self.person(start)) or self.tokens[start].kind in {"request", "job"}
        return (
            not {"before", "until", "till"} & set(words)
            and (thing or words[0] in {"the", "this", "our"})
            and anywhere(words[:8], _MUST_NOT)
        )

    def _of_others(self, words: list[str], start: int) -> bool:
        """ "tomorrow the network guys take it down", "storage team will swap disks", "acme always complains"."""
        for at, word in enumerate(words[:10]):
            if at and word in {"will", "would", "won't", "wont"}:
                return True
            if at and word in {"i'll", "we'll", "i", "we"} and (at < 5 or word[-1:] == "l"):
                return word not in {"i", "we"} or self._past(
                    start + at + 1
                )  # "tomorrow I'll ...", "my first day I ..."
            if word in {"i", "we"} and at > 1 and words[0] in _THEN_WE and self.form(start + at + 1) == "base":
                return True  # "after the patch we reboot web-01"
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
            done = self._past(start + at) or (words[at].endswith("ed") and not self.form(start + at))
            if done and self.named[start + at - 1] and not self.named[start + at]:
                rest = words[at + 1 : at + 2]
                if rest and self.tokens[start + at + 1].kind == "date":
                    return True
                code = self.tokens[start + at - 1].kind == "request"
                if (not rest and not code) or (rest and rest[0] in after):
                    return True
        return False


class Runs:
    """Runs of words, looked up by their first."""

    def __init__(self, runs: Sequence[tuple[str, ...]]) -> None:
        self.by_first: dict[str, list[tuple[str, ...]]] = {}
        for run in runs:
            self.by_first.setdefault(run[0], []).append(run)

    def start(self, words: Sequence[str]) -> bool:
        return any(tuple(words[: len(run)]) == run for run in self.by_first.get(words[0], ()))

    def within(self, words: Sequence[str]) -> bool:
        return any(
            tuple(words[at : at + len(run)]) == run
            for at, word in enumerate(words)
            if word in self.by_first
            for run in self.by_first[word]
        )


def starts(words: Sequence[str], runs: Sequence[tuple[str, ...]]) -> bool:
    return any(tuple(words[: len(run)]) == run for run in runs)


def anywhere(words: Sequence[str], runs: Sequence[tuple[str, ...]]) -> bool:
    said = set(words)
    return any(tuple(words[at : at + len(run)]) == run for run in runs if run[0] in said for at in range(len(words)))
