"""What every change goes through: its plan is asked for, and the answer is its card."""

from dataclasses import replace

from bot.cards_of_changes import Card, View, asks_for_one, card, dry_run, load
from bot.handlers.asking import Ask
from bot.replies import Outcome, Part, Reply, Text
from engines.changes import requests as changes
from engines.changes.voices import Refused
from engines.plans import Plan, from_json
from storage.requests import Request


async def propose(ask: Ask, plan: Plan, *, said: str = "", instead_of: Request | None = None) -> Reply:
    """The plan as a card with the buttons that the rules give it; or without any, for a dry run and where it is
    refused. What is followed shows how it goes on, in every place that can be edited.

    `said` asks for the same again, where the sentence at hand would not. `instead_of` is withdrawn for it.
    """
    if plan.options.get("dry_run"):
        return dry_run(plan)
    place = changes.Place(*place_of(ask), ask.conversation)
    asker = changes.Asker(ask.who.id, said or ask.reading.text, ask.account)
    if instead_of is None:
        done = await changes.submit(ask.conn, plan, asker, place, ask.now)
    else:
        done = await changes.resubmit(ask.conn, instead_of.id, plan, asker, place, voter_of(ask), ask.now)
    if done.request is None:
        return _refused(ask, plan, done.refused)
    reply = await shown(ask, done.request)
    if instead_of is not None:
        lead = Text(f"{instead_of.name} is withdrawn: {done.request.name} takes its place.", "note")
        reply = replace(reply, parts=(reply.parts[0], lead, *reply.parts[1:]))
    return replace(reply, outcome="incomplete" if _waits_for_asker(done.request) else "answered")


def _waits_for_asker(request: Request) -> bool:
    return request.state == "pending" and request.mode == "confirm"


def place_of(ask: Ask) -> tuple[str, str]:
    return (ask.channel.surface, ask.channel.id) if ask.channel else ("", "")


def voter_of(ask: Ask) -> changes.Voter:
    surface, channel = place_of(ask)
    return changes.Voter(ask.who.id, surface, channel, ask.account, chat=ask.channel is not None)


async def shown(ask: Ask, request: Request) -> Reply:
    """The card of a request for whoever reads it here."""
    view: View = "all"
    own = request.mode == "approve" or asks_for_one(from_json(request.plan))
    if ask.is_private and own:
        view = "asker" if request.asker == ask.who.id else "approver"
    reply = card(await load(ask.conn, request), view, ask.now)
    return replace(reply, follows=(f"request/{request.id}" + ("" if view == "all" else f"/{view}"),))


def _refused(ask: Ask, plan: Plan, refused: Refused | None) -> Reply:
    """The plan as far as it is of use, and why it cannot be asked for."""
    told = card(Card(plan), "asker", ask.now)
    why = refused or Refused("forbidden", "This cannot be asked for.")
    outcome: Outcome = "not_allowed" if why.why in ("role", "forbidden") else "failed"
    lead = Text(f"{plan.title}: not asked for", "heading")
    if outcome == "not_allowed":  # what it would touch is nothing to whoever may not touch it
        return replace(told, parts=(lead, *said(why)), outcome=outcome)
    return replace(told, parts=(lead, *said(why), *told.parts[1:]), outcome=outcome)


def said(refused: Refused) -> tuple[Part, ...]:
    """Why not, who may, what to do."""
    could = f"{', '.join(refused.could[:5])} can." if refused.could else ""
    rest = " ".join(words for words in (could, refused.fix) if words)
    return (Text(refused.what), *((Text(rest),) if rest else ()))
