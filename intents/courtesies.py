"""Courtesies around a request: "I would be interested in …", "would you mind …ing", "…, if you would be so kind".

They say nothing about what is wanted, and their grammar (a wish, a condition, a report) is not that of the request.
What is left is what a terse colleague would have typed. Nothing is cut that could mean "not", "later" or "perhaps".
"""

import re
from collections.abc import Callable, Collection, Container, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from intents.patterns import any_of, load_patterns
from intents.spelling import one_edit
from intents.surface import plain_words

_ASKING = frozenset({"how", "what", "why", "who", "when", "where", "which", "whose"})
_LEADS = re.compile(r"^(?:please |pls |so |ok |okay |well |and |also |but |then )*", re.IGNORECASE)
_MIND = re.compile(
    r"(?:would|do|could) you mind(?: terribly)? (?:quickly |please |maybe )?"
    r"(?:to\b|if (?:i|we) asked you to\b|(\w+)\b)",
    re.IGNORECASE,
)
_ADDRESSED = re.compile(r"\b(?:ips?|address(?:es)?) (?:if|when)\b", re.IGNORECASE)  # "the same ips if possible"
_MANY = re.compile(
    r"\bhow much ((?:vms|machines|servers|instances|boxes|nodes|hosts|volumes|snapshots|projects|users)\b)",
    re.IGNORECASE,
)
_NOTED = re.compile(
    r"\b(?:deny|denied|reject|decline|refuse|ack\w*|note|comment|remark|memo|annotat\w+|saying|because|reason)\b",
    re.IGNORECASE,
)
_MARK = re.compile(r"[:,]\s|\s-+\s|\b(?:saying|says|because|reason|that)\b", re.IGNORECASE)
_PAIRED = re.compile(
    r"\s*(?:[a-z]+|[a-z][\w.-]*)(?: +[\w./#-]+)* +[a-z_]+=[\w./#-]+(?: +[\w.,/#=-]+)*\s*$", re.IGNORECASE
)
_PAIR = re.compile(r"\b([a-z_]+)=([\w./#-]+)", re.IGNORECASE)
_KEYS = MappingProxyType(
    {"name": "called", "new_name": "called", "limit": "limit", "mode": "", "state": "", "vm": "vm"}
)
_POWERED = re.compile(r"\b(?:power_?)?state=(on|off)\b", re.IGNORECASE)
_SHAPE = re.compile(
    r"\b(\d+) ?(?:c|v|vcpus?|cpus?|cores?) ?/ ?(\d+) ?(?:gigs?|g|gb|gib)?\b(?: of (?:ram|memory)| ram| memory)?",
    re.IGNORECASE,
)
_SHORT = re.compile(r"(?<![\w./@#-])[\w/]+(?:'\w+)?(?![\w@-]|[./]\w)")
_QUOTED = re.compile(r"(\"[^\"]*\"|`[^`]*`)")
_TAG = re.compile(r"\b(?:would|will|could|can) (?:you|ya|u)\s*\?*$", re.IGNORECASE)  # "reboot it, would you?"
_TAIL = 90  # characters in which the last courtesy lies
_WHETHER = re.compile(r"(?:if|whether)\b", re.IGNORECASE)
_ASKED = re.compile(r"\b(?:ask\w*|wonders?|know|see)\b", re.IGNORECASE)
_OPENINGS = 3
_LEAST = 6  # characters of a request
_HEAD = 8  # words at either end of a message where a courtesy may stand
_WORD = re.compile(r"(?<![\\\w<])[a-z]{4,}")
_WISE = re.compile(
    r"\b(project|domain|customer|tenant|host|cluster|platform|os|state|owner|user|network)[- ]wise\b", re.IGNORECASE
)
_UNIT = re.compile(
    r"\b(\d+)-(v?cpus?|cores?|gb|gib|tb)\b|\b(\d+) (?:virtual )?(?:processors|cpu cores)\b", re.IGNORECASE
)


@dataclass(frozen=True)
class Courtesies:
    """`starts`: what opens a request, and what stands for it then. `short`: an abbreviation -> what it stands for."""

    greeting: re.Pattern[str]
    preface: re.Pattern[str]
    starts: "Instead"
    end: re.Pattern[str]
    short: Mapping[str, str]
    words: frozenset[str]
    said: "Instead"

    def plain(
        self, text: str, base: Callable[[str], str], names: Container[str] = (), known: Collection[str] = ()
    ) -> tuple[str, bool]:
        """The request without its courtesies, or the text as it is; and whether a courtesy had to be respelt.

        `base`: "restarting" -> "restart", "" for no verb. `names` are words that are names here and stay as they are,
        `known` those that are no misspelt courtesies.
        """
        text = self._spelled(text, names)
        bare = self._bare(text, base)
        if (respelt := self._respelt(text, known)) != text:
            again = self._bare(respelt, base)
            if len(respelt) - len(again) > len(text) - len(bare) + 2:
                return again, True
        return bare, False

    def _respelt(self, text: str, known: Collection[str]) -> str:
        """The first and last words that miss a courtesy by one letter, as the courtesy has them."""
        words = text.split(" ")
        for at, word in enumerate(words):
            bare = word.strip(".,;:!?").lower()
            if (at < _HEAD or at >= len(words) - _HEAD) and len(bare) > 3 and bare.isalpha() and bare not in self.words:
                options = () if bare in known else self.by_head.get(bare[0], ())
                meant = next((option for option in options if one_edit(bare, option)), "")
                words[at] = word.lower().replace(bare, meant) if meant else word
        return " ".join(words)

    @cached_property
    def by_head(self) -> Mapping[str, Sequence[str]]:
        """The words of courtesies by their first letters."""
        found: dict[str, list[str]] = {}
        for word in sorted(self.words):
            if len(word) > 4:
                found.setdefault(word[0], []).append(word)
        return found

    def _bare(self, text: str, base: Callable[[str], str]) -> str:
        bare = text
        for _ in range(_OPENINGS):
            greeted = self.greeting.sub("", bare, count=1)
            opening = self.preface.match(greeted)
            shorter = greeted[opening.end() :] if opening else greeted
            if opening and _WHETHER.match(shorter) and _ASKED.search(opening[0]):
                shorter = f"check {shorter}"  # "sales asks if we have room"
            if len(shorter) == len(bare) or len(shorter) < _LEAST:
                break
            bare = shorter
        bare = self._without_end(bare)
        lead = _LEADS.match(bare)
        at = lead.end() if lead else 0
        match = _MIND.match(bare, at)
        verb = base(match[1].lower()) if match and match[1] else ""
        if match and (verb or not match[1] or match[1].lower().endswith("ing")):
            verb = verb or match[1] or ""
            bare = f"could you {verb} {bare[match.end() :].strip()}"
        if match := self.starts.pattern.match(bare, at):
            bare = f"{self.starts.instead(match)} {bare[match.end() :].strip(' ,')}".strip()
        return bare if len(bare) > 3 else text

    def _spelled(self, text: str, names: Container[str]) -> str:
        """Abbreviations, "project-wise" and "32-vcpu" as they are usually written; a text with quotes stays."""
        if '"' in text or "`" in text:
            return "".join(
                part if at % 2 or not part.strip() else " " * (at > 0 and part[0] == " ") + plain_words(part, names)
                for at, part in enumerate(_QUOTED.split(text))
            )
        noted = _NOTED.search(text)
        mark = _MARK.search(text, noted.start()) if noted else None
        text, rest = (text[: mark.start()], text[mark.start() :]) if mark else (text, "")
        text = plain_words(text, names) or text
        if not self.short.keys().isdisjoint(_SHORT.findall(text.lower())):
            text = _SHORT.sub(lambda match: self._in_full(match[0], names), text)
        if "=" in text and _PAIRED.match(text):
            text = _PAIR.sub(_as_words, _POWERED.sub(r"powered \1", text))
        text = self.said.pattern.sub(self.said.instead, text)
        return self._usual(text) + rest

    def _in_full(self, word: str, names: Container[str]) -> str:
        return word if word.lower() in names else self.short.get(word.lower(), word)

    def _usual(self, text: str) -> str:
        text = _MANY.sub(r"how many \1", text)
        text = _SHAPE.sub(r"\1/\2", text)
        text = _WISE.sub(r"per \1", text)
        return _UNIT.sub(lambda match: f"{match[1]} {match[2]}" if match[1] else f"{match[3]} vcpus", text)

    def _without_end(self, text: str) -> str:
        """ "…, if you would be so kind?" leaves its question mark."""
        for _ in range(0 if _ADDRESSED.search(text) else 2):
            match = self.end.search(text, max(0, len(text) - _TAIL))
            left = text[: match.start()].split() if match else []
            if not match or len(left) < 2 or left[-1].lower() in _ASKING:
                break
            text = text[: match.start()] + ("" if _TAG.search(match[0]) else match["asks"])
        return text


def _as_words(match: re.Match[str]) -> str:
    """ "project=acme" -> "project acme", "name=x" -> "called x"."""
    return f"{_KEYS.get(match[1].lower(), match[1])} {match[2]}"


def load_courtesies() -> Courtesies:
    """Those of courtesies.txt. Raises PatternError."""
    lines = load_patterns("courtesies.txt")
    short = {
        word: heading.removeprefix("short ")
        for heading, words in lines.items()
        if heading.startswith("short ")
        for word in words
    }
    return Courtesies(
        any_of(lines["greeting"], "^{}"),
        any_of(lines["preface"], "^{}"),
        _instead(lines, "start", "{}"),
        any_of(lines["end"], r"(?:\s*[,;.!]+\s+|\s+-+\s*|\s+){}\s*[.!]*(?P<asks>\?*)\s*$"),
        short,
        frozenset(word for found in lines.values() for line in found for word in _WORD.findall(line)),
        _instead(lines, "say", r"(?<!\w)(?=\w){}\b"),
    )


@dataclass(frozen=True)
class Instead:
    """One expression of many alternatives, and what stands for the one that matched."""

    pattern: re.Pattern[str]
    said: Sequence[str]

    def instead(self, match: re.Match[str]) -> str:
        return self.said[int((match.lastgroup or "g0")[1:])]


def _instead(lines: Mapping[str, tuple[str, ...]], kind: str, around: str) -> Instead:
    """The lines under "start WORDS" or "say WORDS" as one expression, tried in order."""
    pairs = [(line, heading) for heading, found in lines.items() if heading.split()[0] == kind for line in found]
    whole = "|".join(f"(?P<g{at}>{line})" for at, (line, _) in enumerate(pairs))
    said = tuple(heading.removeprefix(kind).strip() for _, heading in pairs)
    return Instead(re.compile(around.replace("{}", f"(?:{whole})"), re.IGNORECASE), said)
