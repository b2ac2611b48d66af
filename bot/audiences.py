"""What an answer is about, as far as that decides who may read it."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from bot.replies import Choices, Reply
from engines.policy import RESTRICTED_KINDS, Audience, goes_privately, is_restricted
from intents.readings import Reading
from storage.exchanges import Said

_ABOUT_THE_LAST = frozenset({"why", "export", "feedback"})
_NOUNS = "|".join(sorted((kind.replace("_", " ") for kind in RESTRICTED_KINDS), key=len, reverse=True))
_OPENS = re.compile(rf"\b({_NOUNS}) (?:\"[^\"]*\"|\S+) #")
_SUGGESTING = frozenset({"ambiguous", "not_found", "not_understood"})


def for_audience(audience: Audience, reading: Reading | None, before: Sequence[Said], reply: Reply) -> Reply:
    """The reply, marked as the asker's own where others would read what is not for them.

    `before` are the exchanges that the question may be about: how they came about, a file of them.
    """
    intent, kinds = (reading.intent if reading else None), {*reply.about, *_named(reading), *_suggested(reply)}
    private = goes_privately(audience, intent=intent, kinds=kinds, allowed=reply.outcome != "not_allowed")
    told_again = intent in _ABOUT_THE_LAST and audience.readers != "asker" and any(map(_was_restricted, before))
    return replace(reply, private=reply.private or private or told_again)


def _named(reading: Reading | None) -> Iterator[str]:
    """The kinds that were asked for, and those of the objects that were named."""
    if reading is None:
        return
    yield from (str(reading.slots[slot]) for slot in ("kind", "by") if reading.slots.get(slot))
    yield from (name.kind for name in reading.objects.values())
    yield from (name.kind for name in (reading.ask.names if reading.ask else ()))


def _was_restricted(said: Said) -> bool:
    slots, objects = said.reading.get("slots", {}), said.reading.get("objects", {})
    kinds = {str(slots.get(slot)) for slot in ("kind", "by")} | {str(o["kind"]) for o in objects.values()}
    return is_restricted(said.intent, kinds | set(said.reply.get("about", ())))


def _suggested(reply: Reply) -> Iterator[str]:
    """The kinds of "did you mean"."""
    for part in reply.parts if reply.outcome in _SUGGESTING else ():
        if isinstance(part, Choices):
            yield from (found[1].replace(" ", "_") for c in part.choices for found in _OPENS.finditer(c.said))
