"""What is wished beside a restore: "…, snapshot it first", "only the data volume of …", "leave it stopped".

These clauses have a grammar of their own and would read as second requests. They are taken out before the sentence is
read, each whole clause or not at all; where what is left is no restore, the sentence is read as it was said.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

INTENTS = frozenset({"restore", "restore_plan"})
_BEGIN = r"(?:\s*[,;:]?\s*\b(?:and|but|then|with|please)\b\s*(?:then\s+|please\s+)?|\s*[,;]\s*(?:please\s+)?|\s+)"
_END = r"(?=\s*(?:[,;.!]|$|\band\b|\bbut\b|\bthen\b|\bplease\b|\bfrom\b|\bwith\b|\bas\b|\bin place\b))"
_ORIGINAL = r"(?:it|this|that|the (?:original|old one|current one|vm)|its (?:current |present )?(?:state|volumes))"
_ADMIN = r"(?:(?:admin(?:istrator)?|root)(?:'s)?\s+)?(?:passwords?|pass ?word|pw|credentials)"
_SNAP = r"(?:safety[- ])?snapshots?"

_CLAUSES: tuple[tuple[str, str, Any], ...] = (
    ("safety", rf"(?:first\s+)?(?:take|make|create|do)\s+(?:a\s+)?{_SNAP}(?:\s+of\s+{_ORIGINAL})?\s+"
               r"(?:first|before(?:hand| that)?)", True),
    ("safety", rf"first\s+(?:take|make|create|do)\s+(?:a\s+)?{_SNAP}(?:\s+of\s+{_ORIGINAL})?", True),
    ("safety", rf"(?:safety[- ])?snapshot(?:ting)?\s+(?:{_ORIGINAL}\s+)?(?:first|before(?:hand| that)?)", True),
    ("safety", r"(?:a\s+)?safety[- ]snapshots?(?:\s+first)?", True),
    ("safety", r"(?:without|no)\s+(?:a\s+|any\s+)?safety[- ]snapshots?", False),
    ("stopped", r"(?:leave|keep|leaving|keeping)\s+(?:it|the new (?:one|vm)|the copy)\s+"
                r"(?:stopped|off|switched off|powered off|shut ?off)", True),
    ("stopped", r"(?:without\s+starting(?:\s+it)?|(?:do not|don't|dont)\s+start\s+it)", True),
    ("stopped", r"(?:leave|keep|leaving)\s+it\s+(?:running|on|started)", False),
    ("macs", r"(?:keep|keeping|with|preserving)\s+(?:the\s+|its\s+)?(?:same\s+|old\s+)?macs?(?:\s+address(?:es)?)?",
     "same"),
    ("macs", r"(?:the\s+)?same\s+macs?(?:\s+address(?:es)?)?", "same"),
    ("macs", r"(?:with\s+)?(?:new|fresh|other|different)\s+macs?(?:\s+address(?:es)?)?", "new"),
    ("password", r"(?:do not|don't|dont)\s+(?:reset|set|change)\s+(?:the\s+|its\s+|a\s+)?(?:new\s+)?" + _ADMIN, False),
    ("password", r"(?:reset|resetting|set|change|renew)\s+(?:the\s+|its\s+|a\s+)?(?:new\s+)?" + _ADMIN, True),
    ("password", r"(?:with\s+)?(?:a\s+)?(?:new|fresh|another)\s+" + _ADMIN, True),
    ("password", r"(?:without|no)\s+(?:a\s+|any\s+)?(?:new\s+)?" + _ADMIN, False),
    ("password", r"(?:keep|keeping|leave|leaving|with)\s+(?:the\s+|its\s+)?(?:old\s+|same\s+)?" + _ADMIN
                 + r"(?:\s+as\s+(?:it|they)\s+(?:is|was|are|were))?", False),
    ("mode", r"attach(?:ed|ing)?\s+(?:the\s+)?(?:volumes?\s+)?only", "attach"),
)  # fmt: skip
_CUT = tuple((slot, re.compile(f"{_BEGIN}{said}{_END}", re.IGNORECASE), value) for slot, said, value in _CLAUSES)
_DISKS = re.compile(
    r"\b(?:only|just)\s+(?:the\s+)?(?:(?P<which>data|root|boot|system)\s+)?(?:volumes?|disks?)\s+of\s+"
    r"|\b(?:only|just)\s+(?:the\s+)?(?:volumes?|disks?)\s+(?P<name>[\w][\w.-]*)\s+of\s+",
    re.IGNORECASE,
)
_BACKUP = re.compile(
    r"(?P<from>\b(?:from|to|with|by|using|out of)\s+(?:(?!from\b|and\b)[\w':.-]+\s+){0,5}?)(?:volume\s+|cinder\s+)?"
    r"(?P<said>backup)(?P<many>s?)(?![\w-])",
    re.IGNORECASE,
)
_NAMED = re.compile(r"(?<![\w-])backup(?![\w-])", re.IGNORECASE)
_COPY = r"(?:copy|state|snapshot|backup|version|restore point)"
_REPLACE = re.compile(
    rf"^(?P<lead>(?:please\s+|pls\s+|now\s+)*)replace\s+(?P<vm>\S+(?:\s+\S+)?)\s+(?:with|by)\s+(?:the\s+|its\s+|a\s+)?"
    rf"(?:{_COPY}\s+(?:of|from)\s+|(?=\S+(?:\s+\S+)?\s+{_COPY}\b))",
    re.IGNORECASE,
)
_THEN = re.compile(rf"('s)\s+{_COPY}\b", re.IGNORECASE)
_KEPT = re.compile(
    r"^(?P<lead>(?:please\s+|pls\s+)*)(?P<verb>delete|remove)\s+(?:the\s+)?(?:kept\s+|old\s+|stopped\s+|previous\s+)*"
    r"original(?:\s+(?:vm|one|machine))?\s+(?:of|from|behind)\s+(?:vm\s+)?",
    re.IGNORECASE,
)
_TURNED = frozenset({"not", "never", "no", "don't", "dont", "without"})


@dataclass(frozen=True, slots=True)
class Wished:
    """`plain` is the sentence without its wishes; `said` has the words of each slot. `clash`: two of them do not go
    together, and it must be asked what is meant."""

    plain: str
    slots: Mapping[str, Any] = field(default_factory=dict)
    said: Mapping[str, str] = field(default_factory=dict)
    intents: frozenset[str] = INTENTS
    clash: bool = False


def cut(text: str) -> Wished:
    """The wishes of a sentence."""
    kept = _KEPT.match(text)
    if kept:
        plain = f"{kept['lead']}{kept['verb']} vm {text[kept.end() :]}"
        return Wished(plain, {"original": True}, {"original": kept[0].strip()}, frozenset({"delete"}))
    slots: dict[str, Any] = {}
    plain, said = _as_restore(text)
    if said and _NAMED.search(text):  # "replace db-02 with last night's backup"
        slots["copies"], said["copies"] = "backup", "backup"
    clash = False
    for slot, pattern, value in _CUT:
        found = pattern.search(plain)
        if found is None or _is_turned(plain[: found.start()]):
            continue
        clash = clash or slots.get(slot, value) != value
        slots[slot], said[slot] = value, found[0].strip(" ,;")
        plain = f"{plain[: found.start()]}{plain[found.end() :]}"
    plain, disks, words = _without_disks(plain)
    plain, backed = _of_backup(plain)
    slots, said = slots | backed, said | backed
    clash = clash or bool("mode" in {*slots, *said} and disks)
    slots, said = slots | disks, said | words
    return Wished(plain, slots, said, clash=clash) if said else Wished(text)


def _as_restore(text: str) -> tuple[str, dict[str, str]]:
    """ "replace db-02 with yesterday's copy": a restore in place."""
    found = _REPLACE.match(text)
    if found is None:
        return text, {}
    rest = _THEN.sub(r"\1 snapshot", text[found.end() :])
    return f"{found['lead']}restore {found['vm']} in place from {rest}", {"mode": "replace"}


def _of_backup(plain: str) -> tuple[str, dict[str, Any]]:
    """ "from the backup of yesterday": a copy like a snapshot, and volume backups are meant first."""
    found = _BACKUP.search(plain)
    if found is None or _is_turned(plain[: found.start()]):
        return plain, {}
    word = f"{found['from']}snapshot{found['many']}"
    return f"{plain[: found.start()]}{word}{plain[found.end() :]}", {"copies": "backup"}


def _without_disks(plain: str) -> tuple[str, dict[str, Any], dict[str, str]]:
    """ "only the data volume of": what is left, the slots, the words."""
    found = _DISKS.search(plain)
    if found is None or _is_turned(plain[: found.start()]):
        return plain, {}, {}
    slots: dict[str, Any] = {"mode": "attach"}
    which = (found["which"] or "").casefold()
    if found["name"]:
        slots["volume"] = found["name"]
    elif which:
        slots["disks"] = "data" if which == "data" else "root"
    return f"{plain[: found.start()]}{plain[found.end() :]}", slots, {"mode": found[0].strip()}


def _is_turned(before: str) -> bool:
    """Whether the word before turns a wish into its opposite: then it is left in the sentence, to be asked about."""
    words = before.casefold().replace(",", " ").split()
    return bool(words) and words[-1] in _TURNED
