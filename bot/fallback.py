"""A sentence that nothing understood, shown masked to a language model: what it costs, and what comes of it."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.messages import Message
from bot.models import Prompt, Router
from bot.models.asking import ask
from bot.naming import names_in
from bot.people import Principal
from bot.plan_sights import reaches_of
from bot.replies import Choice as Button
from bot.replies import Choices, Reply, Text
from intents.fallback import SYSTEM, Choice, askable, parse, resolve, suggestion, tools
from intents.grammar import load_templates
from intents.masking import Masked, candidates, mask
from intents.matcher import Matcher
from intents.readings import Ask as Question
from intents.readings import Reading
from intents.registry import Intent
from storage.known_names import known_names
from storage.model_calls import spend

log = structlog.get_logger(__name__)
SOURCE = "model"


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds for one answer; calls of one person, and of all, in a UTC day."""

    deadline_s: float = 8.0
    of_person: int = 50
    of_all: int = 500


@dataclass(frozen=True, slots=True)
class Pending:
    """What is about to be asked. Nothing in the prompt is a name."""

    masked: Masked
    prompt: Prompt


@dataclass(frozen=True, slots=True)
class Routed:
    """What the model chose; None when it chose nothing that can be used."""

    masked: Masked
    choice: Choice | None


class Fallback:
    """Holds no state of a message; one for a process."""

    def __init__(self, router: Router, matcher: Matcher, answered: Collection[str], limits: Limits) -> None:
        self._router = router
        self._matcher = matcher
        self._limits = limits
        self._tools = tools(matcher.catalogue, answered, matcher.lexicon)
        self._templates = load_templates()

    async def prepare(
        self, conn: AsyncConnection, who: Principal, message: Message, readings: Sequence[Reading], now: datetime
    ) -> Pending | None:
        """None where a model is not asked: something was understood, it is no request, or the budget is spent."""
        if not askable(message.text, readings):
            return None
        text, names = await names_in(
            conn, who.scope, message.text, self._matcher.lexicon.knows, await reaches_of(conn, who, message.channel)
        )
        known = await known_names(conn, candidates(text))
        masked = mask(text, known, self._matcher.lexicon, names)
        paid = await spend(
            conn,
            person=who.id,
            at=now,
            model=self._router.about,
            of_person=self._limits.of_person,
            of_all=self._limits.of_all,
            conversation=message.conversation,
        )
        if not paid:
            log.warning("model.budget_spent", person=who.id)
            return None
        return Pending(masked, Prompt(SYSTEM, masked.text, self._tools))

    async def ask(self, pending: Pending) -> Routed:
        """Takes up to the deadline: no transaction may be open meanwhile."""
        called = await ask(self._router, pending.prompt, self._limits.deadline_s)
        choice = parse(self._matcher.catalogue, called.name, called.arguments) if called else None
        return Routed(pending.masked, choice)

    async def reading(
        self, conn: AsyncConnection, who: Principal, message: Message, nothing: Reading, routed: Routed, now: datetime
    ) -> Reading:
        """What was chosen, resolved as this person may know names now; else `nothing`, which was not understood.

        A write comes back without an intent, and with the sentence to offer.
        """
        if routed.choice is None:
            return nothing
        text, names = await names_in(
            conn, who.scope, message.text, self._matcher.lexicon.knows, await reaches_of(conn, who, message.channel)
        )
        intent = self._matcher.catalogue.intents[routed.choice.intent]
        if not intent.writes:
            return resolve(self._matcher, routed.choice, routed.masked, text, names, now) or nothing
        if not who.may(intent).allowed:
            return nothing
        said = suggestion(self._matcher, routed.choice, routed.masked, text, names, now, self._templates)
        offer = Question("confirm", said=said, intents=(intent.name,))
        return replace(nothing, source=SOURCE, ask=offer) if said else nothing


def offered(reading: Reading) -> bool:
    """Is it a write that a model named, to be offered only?"""
    return reading.intent is None and reading.source == SOURCE and reading.ask is not None


def offer(intent: Intent, said: str) -> Reply:
    button = Choices((Button(said, said, intent.does),), "Did you mean")
    note = Text("A language model suggests this; it may be wrong. Nothing was started.", "note")
    return Reply((Text("I did not get that.", "heading"), button, note), "not_understood")


def marked(reply: Reply, reading: Reading, intent: Intent | None) -> Reply:
    """An answer says when a model chose what it is an answer to."""
    if reading.source != SOURCE or intent is None:
        return reply
    note = Text(f"Routed by a language model as: {intent.does}. If that is not what you meant, say it anew.", "note")
    return replace(reply, parts=(*reply.parts, note))
