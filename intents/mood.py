"""Is it said to the bot, and how: command, question, report, negated, conditional, wish, or other talk.

Only a command may start a write. The rules are about the shape of a clause (who does what, in which tense), never
about single sentences.
"""

import re
from collections.abc import Callable, Sequence

from intents.readings import Mood
from intents.tokens import Token

PersonTest = Callable[[int], bool]
VerbForm = Callable[[int], str]

_POLITE = frozenset(
    [
        "please",
        "pls",
        "plz",
        "plase",
        "kindly",
        "hey",
        "hi",
        "hello",
        "ok",
        "okay",
        "so",
        "and",
        "then",
        "just",
        "now",
        "also",
        "quick",
        "quickly",
        "well",
        "alright",
        "yo",
        "hm",
        "hmm",
        "oh",
        "thanks",
        "thx",
        "yes",
        "yeah",
        "morning",
        "btw",
        "simply",
        "actually",
        "maybe",
        "again",
    ]
)
_SELF = frozenset({"stackhand", "bot"})
_PRONOUNS = frozenset(["i", "we", "he", "she", "they"])
_PEOPLE = frozenset(
    [
        "customer",
        "customers",
        "vendor",
        "dba",
        "dbas",
        "management",
        "manager",
        "boss",
        "team",
        "colleague",
        "colleagues",
        "someone",
        "somebody",
        "everybody",
        "everyone",
        "nobody",
        "people",
        "support",
        "auditor",
        "auditors",
        "client",
        "admins",
        "operators",
        "users",
        "devs",
        "ops",
        "security",
        "guys",
        "developers",
        "folks",
        "requester",
        "oncall",
        "on-call",
        "nightshift",
        "intern",
        "supplier",
        "provider",
    ]
)
_AUX_PAST = frozenset(
    [
        "was",
        "were",
        "had",
        "did",
        "got",
        "has",
        "have",
        "been",
        "hasn't",
        "haven't",
        "didn't",
        "wasn't",
        "weren't",
        "hadn't",
    ]
)
_FINITE_PAST = frozenset(
    [
        "was",
        "were",
        "had",
        "did",
        "took",
        "went",
        "came",
        "got",
        "said",
        "told",
        "called",
        "failed",
        "broke",
        "died",
        "crashed",
        "happened",
        "worked",
        "ran",
        "found",
        "lost",
        "made",
        "gave",
        "left",
        "saw",
        "thought",
        "knew",
        "began",
        "became",
        "wrote",
        "sent",
        "forgot",
        "kept",
        "meant",
        "heard",
        "met",
        "paid",
        "brought",
        "bought",
        "felt",
        "held",
        "hung",
        "fell",
        "rose",
        "hit",
        "ended",
        "started",
        "stopped",
        "asked",
        "tried",
        "seemed",
        "needed",
        "wanted",
        "helped",
        "caused",
        "finished",
        "moved",
        "decided",
        "agreed",
        "promised",
        "used",
        "looked",
        "showed",
        "turned",
        "changed",
        "belonged",
    ]
)
_FUTURE = frozenset(
    [
        "will",
        "would",
        "'ll",
        "gonna",
        "shall",
        "wants",
        "plans",
        "intends",
        "might",
        "must",
        "should",
        "may",
        "could",
        "can",
        "has",
        "have",
        "needs",
        "going",
    ]
)
_NEGATIONS = frozenset({"don't", "dont", "never", "doesn't", "not"})
_WH = frozenset(["what", "which", "who", "whom", "whose", "when", "where", "why", "how", "whats", "what's"])
_AUX = frozenset(
    [
        "is",
        "are",
        "was",
        "were",
        "do",
        "does",
        "did",
        "has",
        "have",
        "had",
        "can",
        "could",
        "will",
        "would",
        "should",
        "shall",
        "may",
        "might",
        "am",
        "any",
        "isn't",
        "aren't",
        "doesn't",
        "don't",
        "didn't",
        "hasn't",
    ]
)
_CONDITIONS = frozenset(
    [
        "if",
        "once",
        "suppose",
        "supposing",
        "imagine",
        "unless",
        "assuming",
        "provided",
        "whenever",
        "should",
        "had",
        "until",
    ]
)
_WISHES = (
    ("i", "wish"),
    ("if", "only"),
    ("would", "be", "nice"),
    ("wouldn't",),
    ("i", "hope"),
    ("we", "could"),
    ("maybe", "we"),
    ("we", "should"),
    ("i'd", "love"),
    ("would", "love"),
    ("someday",),
    ("some", "day"),
    ("it'd",),
    ("lets", "discuss"),
    ("let's", "discuss"),
    ("in", "theory"),
    ("perhaps", "we"),
    ("thinking", "about"),
    ("think", "about"),
    ("thinking", "of"),
    ("i", "think"),
    ("in", "my", "opinion"),
    ("would", "be", "great"),
    ("would", "be", "good"),
    ("we", "might"),
    ("we", "would"),
)
_WILL_NOT = (
    ("do", "not"),
    ("don't",),
    ("dont",),
    ("never",),
    ("not", "yet"),
    ("hands", "off"),
    ("no", "need"),
    ("must", "not"),
    ("should", "not"),
    ("shouldn't",),
    ("mustn't",),
    ("shall", "not"),
    ("by", "no", "means"),
    ("under", "no"),
    ("please", "not"),
    ("rather", "not"),
    ("better", "not"),
    ("nobody", "should"),
    ("nobody", "may"),
    ("no", "one", "should"),
    ("let's", "not"),
    ("lets", "not"),
    ("leave",),
    ("wait", "with"),
    ("hold", "off"),
    ("refrain",),
    ("stay", "away"),
    ("keep", "away"),
    ("without", "me"),
    ("no", ","),
    ("nope",),
    ("not", "that"),
    ("not", "this"),
    ("never", "mind"),
    ("nevermind",),
    ("forget", "it"),
    ("forget", "that"),
    ("avoid",),
)
_LOG = re.compile(
    r"^\s*(\[?\d{4}-\d\d-\d\d[t ]\d\d:\d\d|\w{3}\s+\d{1,2} \d\d:\d\d:\d\d|\[\w+[:\]]|\{|<\d+>|\$ |# |> |(info|warn|warning|error|debug|fatal|critical|trace|traceback)\b[: \[]+\d|(zabbix|nagios|prometheus|grafana|alertmanager|icinga|checkmk|pagerduty|opsgenie|datadog)\b\s*[:\[-])"
    r"|^(error|warning|critical|alert|problem|resolved|ok|fatal|exception)\s*:|\b(select .+ from|delete from|insert into|update .+ set|drop table)\b.*[;=]|;\s*$"
    r"|\b(openstack|nova|cinder|neutron|govc|kubectl|virsh|systemctl|ansible|terraform|docker|ncli|acli|sudo|ssh|curl|git|esxcli)\s+(\S+\s+)*--?\w|^\s*(openstack (server|volume|network|project|user)|nova|cinder|kubectl|virsh|systemctl|sudo|govc|terraform|ansible-playbook|docker|curl|git|ssh|esxcli|acli|ncli)\s+[a-z0-9]"
    r"|\w+\.\w+\(|\w+\(\)|==|!=|&&|\|\||\brc=\d|\w+=\w+ \w+=|\bif \S+ ?: |traceback \(most|\bat 0x|stack trace|^\s*(def|class|import|from) \w+.*[:;]\s*$|\bexit code\b|\[\w+\[\d+\]|\w\[\d+\]:",
    re.IGNORECASE | re.DOTALL,
)  # fmt: skip
_BREAKS = frozenset({".", "!", "?", ";", ",", "\n", " - ", "-", "--", ":"})


def split_clauses(tokens: Sequence[Token], taken: Sequence[bool]) -> list[tuple[int, int]]:
    """Token ranges between marks and before "and then", "because", "but"."""
    clauses: list[tuple[int, int]] = []
    start = 0
    for at, token in enumerate(tokens):
        joint = token.fold in {"because", "but", "cause", "cuz"} and at > start
        if taken[at] and token.kind == "mark":
            continue
        if token.fold in _BREAKS or joint:
            if at > start:
                clauses.append((start, at))
            start = at + (0 if joint else 1)
    if start < len(tokens):
        clauses.append((start, len(tokens)))
    return clauses


def is_log(text: str) -> bool:
    return bool(_LOG.search(text[:600]))


def read_mood(text: str, tokens: Sequence[Token], taken: Sequence[bool], person: PersonTest, form: VerbForm) -> Mood:
    """`person(i)`: token i is a person's name; `form(i)`: "base", "past", ... of the operations verb there, or ""."""
    if is_log(text):
        return "other"
    if any(t.kind == "mention" and t.fold.lstrip("@") not in _SELF for t in tokens[:1]) and len(tokens) > 1:
        return "other"
    reader = _Reader(tokens, taken, person, form, "?" in text)
    moods = [reader.clause(start, end) for start, end in split_clauses(tokens, taken)]
    for first in ("negated", "conditional", "wish"):
        if first in moods:
            return first
    for mood in ("command", "question"):
        if mood in moods:
            return mood
    if "other" in moods or "report" in moods:
        return "report" if "report" in moods else "other"
    return "command"


class _Reader:
    def __init__(self, tokens: Sequence[Token], taken: Sequence[bool], person: PersonTest, form: VerbForm, asks: bool) -> None:
        self.tokens, self.person, self.form, self.asks = tokens, person, form, asks
        self.named = taken.__getitem__

    def words(self, start: int, end: int) -> list[str]:
        return [token.fold for token in self.tokens[start:end]]

    def clause(self, start: int, end: int) -> str:
        start = self._skip(start, end)
        words = self.words(start, end)
        if not words:
            return "fragment"
        ends_asking = end < len(self.tokens) and self.tokens[end].fold == "?"
        negated = self._negated(words, start)
        if negated:
            return "question" if ends_asking and words[0] in _AUX | _WH else "negated"
        if _starts(words, (("what", "if"), ("what", "would"), ("what", "happens"))):
            return "question"
        if words[0] in _CONDITIONS and not (words[0] == "should" and ends_asking):
            if words[0] not in {"had", "should", "until"} or (len(words) > 2 and not ends_asking):
                return "conditional" if words[0] != "if" or words[1:2] != ["only"] else "wish"
        if words[0] == "when" and len(words) > 1 and words[1] not in _AUX | {"goes", "go"} and not ends_asking:
            return "conditional"
        if _any_run(words, _WISHES) and not ends_asking:
            return "wish"
        return self._plain(words, start, end, ends_asking)

    def _skip(self, start: int, end: int) -> int:
        while start < end and (
            self.tokens[start].fold in _POLITE
            or self.tokens[start].kind == "mention"
            or self.tokens[start].fold in _SELF
        ):
            start += 1
        return start

    def _negated(self, words: list[str], start: int) -> bool:
        if words[0] in _PRONOUNS or self.person(start):
            return False  # "we don't need": what somebody does not do, no ban
        if words[0] == "leave" and not {"alone", "off", "as", "on", "running", "untouched", "it", "switched"} & set(
            words
        ):
            return False
        if words[0] in {"no", "nope", "not"} and len(words) > 1:
            return (
                words[1] in {"that", "this", "yet", "web", "need", ",", "way", "more"} - {"more"} or words[0] == "not"
            )
        return _starts(words, _WILL_NOT) or any(_starts(words[1:], (run,)) for run in _WILL_NOT[:3] if not self.asks)

    def _plain(self, words: list[str], start: int, end: int, ends_asking: bool) -> str:
        polite = words[0] in {"can", "could", "would", "will"} and words[1:2] == ["you"]
        if polite or (words[0] in {"can", "could"} and not ends_asking and "i" not in words[:2]):
            return "command"
        if words[0] in _WH or words[0] in _AUX:
            return (
                "question"
                if words[0] not in {"had", "have", "did", "has"}
                or ends_asking
                or (len(words) > 2 and words[1] not in {"to"} and self._subject(start + 1))
                else self._tense(words, start, end)
            )
        if ends_asking:
            return "question"
        return self._tense(words, start, end)

    def _subject(self, at: int) -> bool:
        return at < len(self.tokens) and self.form(at) != "past"

    def _tense(self, words: list[str], start: int, end: int) -> str:
        if {"what", "which", "how", "who", "when", "where"} & set(words[1:3]) or words[-1] in _WH:
            return "question"
        subject = words[0] in _PRONOUNS or self.person(start) or words[0] in _PEOPLE
        if words[0] in {"the", "our", "my", "their"} and words[1:2] and words[1] in _PEOPLE:
            subject, words, start = True, words[1:], start + 1
        if subject:
            return self._subject_clause(words, start)
        if words[0] in {
            "i'll",
            "we'll",
            "he'll",
            "she'll",
            "they'll",
            "i've",
            "we've",
            "they've",
            "i'm",
            "we're",
            "he's",
            "she's",
        }:
            return "other"
        if len(words) == 1:
            return "fragment"
        form = self.form(start)
        if (form == "past" and self._has_object(start + 1)) or words[0] in _AUX_PAST:
            return "report"
        if form == "base":
            return "command"
        return self._statement(words, start)

    def _has_object(self, at: int) -> bool:
        """"rebooted web-01", "deleted the volume" tell; "deleted volumes", "failed logins" name."""
        if at >= len(self.tokens):
            return False
        return self.named(at) or self.tokens[at].fold in {"the", "a", "an", "it", "this", "that", "these", "them", "all", "to", "again", "our", "my", "twice", "both", "some"}

    def _subject_clause(self, words: list[str], start: int) -> str:
        """A pronoun or a person, then what they do: a request only in "I want", "we need", "I'd like"."""
        rest = words[1:]
        if rest[:2] == ["and", "me"] or rest[:2] == ["and", "i"]:
            return "other"
        if words[0] in {"i", "we"} and rest[:1] and rest[0] in {"want", "need", "would"} and rest[1:2] != ["to"]:
            return "command"
        if words[0] in {"i", "we"} and rest[:2] in (["want", "to"], ["need", "to"], ["would", "like"]):
            return "command"
        if not rest:
            return "fragment"
        if self.form(start + 1) == "past" or rest[0] in _FINITE_PAST or rest[0] in _AUX_PAST or rest[0].endswith("ed"):
            return "report"
        if rest[0] in _FUTURE | {"is", "are", "am", "says", "takes", "thinks", "goes", "comes", "means", "and"}:
            return "other"
        if words[0] in _PRONOUNS or rest[0].endswith("s"):
            return "other"
        return "fragment"

    def _statement(self, words: list[str], start: int) -> str:
        """No subject that is a person: "snapshot of X took 40 minutes" tells; "X must be enabled" asks for it."""
        if not {"which", "who", "that", "what", "how", "when", "where", "whose"} & set(words):
            for at, word in enumerate(words[1:], 1):
                if word in {"must", "should", "can", "has", "needs", "have"} and "be" in words[at : at + 3]:
                    return "command"
                if word in _FINITE_PAST and self.form(start + at) != "base":
                    return "report"
                if (
                    word in {"has", "have"}
                    and at + 1 < len(words)
                    and (words[at + 1] in {"been", "already"} or words[at + 1].endswith("ed"))
                ):
                    return "report"
        return "fragment"


def _starts(words: Sequence[str], runs: Sequence[tuple[str, ...]]) -> bool:
    return any(tuple(words[: len(run)]) == run for run in runs)


def _any_run(words: Sequence[str], runs: Sequence[tuple[str, ...]]) -> bool:
    return any(tuple(words[at : at + len(run)]) == run for run in runs for at in range(min(4, len(words))))
