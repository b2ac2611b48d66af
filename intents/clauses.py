"""The mood of one clause: who does what in it, in which tense, and whether the bot is asked or told to."""

from collections.abc import Sequence

from intents.readings import Mood
from intents.statements import ASKING, StatementReader, anywhere, starts

_NEEDS = frozenset({"want", "need", "require", "like", "love", "appreciate", "wish"})
_BEING = frozenset({"am", "are", "was", "were", "wonder", "seek"})
_AFTER_PLURAL = frozenset(
    {"last", "since", "yesterday", "today", "this", "in", "of", "between", "until", "from", "during"}
)
_REFUSES = frozenset({"don't", "dont", "can't", "cannot", "won't", "wont"})
_ELLIPTIC = frozenset({"so", "yes", "any", "not", "possible", "needed", "applicable", "available"})
_OURS = frozenset({"others", "always", "yours", "perhaps", "backups"})
_HERE = frozenset(
    {"we", "our", "us", "here", "now", "any", "today", "currently", "still", "left", "exist", "my", "this"}
)
_SUBJECTS = frozenset(
    {"i", "we", "you", "they", "he", "she", "it", "any", "there", "been", "u", "people", "users", "someone"}
)
_INTENT = frozenset({"gonna", "going", "planning", "trying", "about", "thinking", "hoping", "keen", "been", "not"})
_NO_MATTER = frozenset({"idea", "clue", "rush", "worries", "drama", "dramas", "stress", "hurry", "pressure", "panic"})
_ANYBODY = frozenset({"someone", "somebody", "anyone", "anybody", "one"})
_GOSSIP = frozenset(
    (do, you, saw)
    for you in ("you", "u", "anyone", "anybody")
    for do, saws in (("did", "see hear notice"), ("have", "seen heard noticed"), ("can", "believe imagine"))
    for saw in saws.split()
)
_NAMERS = frozenset({"the", "a", "all", "our", "those", "these", "this", "that", "my", "some"})
_MOMENTS = frozenset({"minute", "minutes", "min", "moment", "second", "seconds", "sec", "break", "hour", "day"})
_ME = frozenset({"i", "we", "it", "that", "this", "my"})
_NO_DENIAL = frozenset({"urgent", "important", "critical", "sure", "complaining", "judging", "kidding", "joking"})
_AND_ME = frozenset({"me", "i", "us", "myself", "we"})
_WOULD_BE = frozenset({"be", "rather", "love", "hate", "make", "mean", "help", "prefer", "never", "have", "do", "so"})
_LEARN = frozenset({"know", "see", "learn", "understand", "have"})


def _is_unwanted(words: list[str]) -> bool:
    """ "(I) need not any restart of jenkins", "(we) want no reboot"; "no more digests" is another matter."""
    wanting = words[:1] in (["need"], ["want"], ["needs"], ["wants"]) and words[1:2] in (["no"], ["not"], ["nothing"])
    return wanting and words[2:3] not in (["more"], ["longer"], ["further"], ["changes"], ["change"])


class ClauseReader(StatementReader):
    """Reads the mood of single clauses of one message."""

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
        if tuple(words[:3]) in _GOSSIP:
            return "other"  # "did you see that bill"
        if starts(words, (("what", "if"), ("what", "would"), ("what", "happens"))):
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
        if first in self.lists["pronouns"] or first == "you" or self.person(start):
            return _is_unwanted(words[1:])
        if words in (["don't"], ["dont"], ["do", "not"], ["never"], ["not"]):
            return True
        if first == "leave":
            return bool(self.lists["left alone"] & set(words))
        if first == "not" and (words[1:2] == ["to"] or (words[1:2] and words[1] in _NO_DENIAL)):
            return False  # "(not urgent)", "not to be a pain"
        if words[:4] == ["not", "on", "my", "watch"] or (first == "no" and words[1:2] and words[1] in _NO_MATTER):
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
        return self.runs["bans"].start(words) or self._forbids(words, start)

    def _forbids(self, words: list[str], start: int) -> bool:
        """ "please don't reboot": the word behind "don't" is something that the bot could do."""
        if words[0] in {"the", "these", "those", "our", "my", "their", "this", "that"}:
            return False  # "the numbers don't match"
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
        if starts(
            words, (("in", "case"), ("as", "soon", "as"), ("as", "long", "as"), ("in", "the", "event"), ("in", "event"))
        ):
            return "conditional"
        if first in self.lists["conditions"] and not (first == "should" and asks):
            if first == "if" and second == ["only"]:
                return "wish"
            if first == "had" and second and second[0] in _NAMERS | {"no", "another", "enough"}:
                return "report"  # "had a good look"
            if first not in {"had", "should", "until"} or (len(words) > 2 and not asks):
                return "conditional"
        known = self.lists["auxiliaries"] | {"goes", "go", "'s", "s"}
        if first == "when" and second and second[0] not in known and not asks:
            return "conditional"
        wanting = words[1:2] == ["would"] and words[2:3] and words[2] in _NEEDS and first in {"i", "we"}
        if first in self.lists["question words"] and len(words) > 3:
            return ""  # "how many nodes we should buy"
        return "wish" if not asks and not wanting and self.runs["wishes"].within(words[:6]) else ""

    def _plain(self, words: list[str], start: int, asks: bool) -> str:
        first, second = words[0], words[1:2]
        if first in {"can", "may", "could", "do", "does", "must", "why"} and self._of_kinds(words, start):
            return "other"
        if first == "or" and second and second[0] in self.lists["auxiliaries"] and words[2:3] and words[2] in _ME:
            return "other"  # "or should i cancel lunch", "or is that too much to ask"
        if first == "would" and second and not asks and (second[0] in _WOULD_BE or self.form(start + 1) == "base"):
            return "other"  # "would save my day"
        if first in {"can", "could", "would", "will"} and second == ["you"]:
            return "command"
        if words[1:4] in (["any", "of", "you"], ["anyone", "of", "you"], ["one", "of", "you"]) or words[:3] in (
            ["any", "of", "you"], ["who", "of", "you"], ["which", "of", "you"]):  # fmt: skip
            return "other"  # said to the people of the channel
        if words[:3] in (["is", "anyone", "from"], ["is", "anybody", "from"], ["is", "someone", "from"]):
            return "other"
        if words == ["tell", "me", "about", "it"]:
            return "other"
        if words[:2] == ["can", "confirm"]:
            return "report"
        if first == "no" and second and second[0] in {"idea", "clue"} and len(words) < 5:
            return "other"  # "…, no idea why"
        if first in {"can", "could"} and second and second[0] in _ANYBODY:
            return "question"  # "can someone from the storage team restart it": may be answered, orders nothing
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
        if words[1:2] == ["not"] and first in {"did", "does", "was", "has", "is"} and not asks:
            return "report"  # "did not help"
        if first.endswith(("n't", "ont")) and not asks and second and second[0] not in _SUBJECTS | _NAMERS:
            return "other"  # "don't want to blow it up", "didn't help": who does not is left unsaid
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

    def _tense(self, words: list[str], start: int) -> str:
        if (
            self.person(start)
            and words[1:2]
            and (self.form(start + 1) == "s" or words[1] in self.lists["talking"] | self.lists["told"])
            and words[1] not in {"has", "is", "does", "was", "'s", "s"}
            and not (self.form(start + 1) == "s" and (len(words) == 2 or words[2] in _AFTER_PLURAL))
        ):
            return "fragment" if words[1] in {"gets", "needs", "becomes", "owns", "leaves"} else "other"
        if words[0] in {"i'd", "we'd"} and words[1:2] and words[1] in _NEEDS:
            return "command"
        if words[0] in {"ask", "remind", "invite", "tell", "call", "email", "message"} and self.person(start + 1):
            return "other"  # "please ask bob to look at it"
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
        at_once = words[-1] == "once" or anywhere(words, (("at", "once"), ("once", "more"), ("once", "again")))
        hanging = {"if", "unless", "when", "whenever"} | (set() if at_once else {"once"})
        return bool(hanging & set(words[1:])) or anywhere(words, (("as", "soon"),))

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
        if rest[0] in {"'s", "s"} and {"is", "was"} & set(rest[2:6]):
            return "other"  # "dave's theory is that ..."
        if rest[0] in {"'s", "s"}:  # "dave's gonna move it"; "dave's role assignments"
            return "other" if rest[1:2] and rest[1] in _INTENT and rest[2:] else "fragment"
        if subject in self.lists["people"] and self.lists["told"] & set(rest[:3]):
            return "report"  # "customer acme says thanks"
        if rest[0] == "and" and rest[1:2] and (rest[1] in _AND_ME or self.person(start + 2)):
            return "other"  # "alice and me are moving it to the weekend"
        if self.person(start) and self.person(start + 1):
            rest = rest[1:] or [""]
        if self.person(start) and (words[1:4] == ["is", "no", "longer"] or rest[:2] == ["takes", "over"]):
            return "fragment"  # "dave is no longer operator", "Bob Ray takes over web-01"
        if self.person(start) and self.lists["owning"] & set(words) and self.lists["turning"] & set(words):
            return "fragment"  # "Alice Chen is now responsible for web-01"
        if subject == "i" and rest[0] in self.lists["performatives"]:
            return "command"
        if subject == "i" and rest[0] in _REFUSES and rest[1:2] and rest[1] in {"approve", "accept", "agree"}:
            return "command"  # "i don't approve REQ-12"
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
        if anywhere(rest, (("has", "been"), ("have", "been"), ("had", "been"))):
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


def _agrees(words: Sequence[str]) -> bool:
    return words[:1] in (["ok"], ["okay"], ["fine"], ["happy"], ["good"], ["cool"]) and words[1:2] in (
        ["with"],
        ["for"],
    )
