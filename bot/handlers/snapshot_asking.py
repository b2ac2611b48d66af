"""What the handlers of snapshots share: the policy and the object that were named, and who may change what."""

from bot.handlers.asking import Ask, UnknownNameError, refs
from bot.misunderstandings import not_allowed
from bot.naming import JOINT
from bot.replies import Choice, Choices, Reply, Text
from engines.snapshots import gathering
from engines.snapshots.planning import Asked, PlanError
from engines.snapshots.policies import Policy
from engines.snapshots.ticks import policies_in_use
from intents.readings import Name
from storage import inventory
from storage.filters import Ref
from storage.inventory import Found


def asked(ask: Ask) -> Asked:
    return Asked(ask.who.id, ask.who.scope, ask.now)


async def policy_named(ask: Ask, policy: Name) -> Policy | Reply:
    """The policy, or what to say where there is none of the name."""
    found = (await gathering.policies(ask.conn)).find(policy.name)
    return found or await no_such_policy(ask, policy.name)


async def no_such_policy(ask: Ask, said: str) -> Reply:
    used = list(await policies_in_use(ask.conn)) if ask.who.scope.everything else []
    names = ", ".join(used[:8]) or "daily_5, hourly_24, weekly_4, monthly_1st, monthly_15th"
    lead = Text(f"I know no snapshot policy “{said[:60]}”.", "heading")
    choices = Choices((Choice("policies", "snapshot policies"),))
    return Reply((lead, Text(f"For example: {names}. The number is how many copies are kept."), choices), "not_found")


async def object_named(ask: Ask, kind: str, name: Name) -> Found:
    """Raises UnknownNameError where there is none that the asker may see."""
    ref = one_ref(name)
    found = await inventory.one(ask.conn, ask.who.scope, kind, ref)
    if found is None:
        raise UnknownNameError(name)
    return found


def one_ref(name: Name) -> Ref:
    found = refs(name)
    if len(found) != 1 or JOINT in name.source:
        raise UnknownNameError(name)
    return found[0]


def may_not(ask: Ask, source: str, project_id: str | None) -> Reply | None:
    """The refusal, where the asker's roles in this project do not reach for what was asked; None: they do."""
    intent = ask.catalogue.intents[str(ask.reading.intent)]
    verdict = ask.who.may(intent, (source, project_id or ""))
    return None if verdict.allowed else not_allowed(ask.who.name, intent, verdict.needs)


def cannot(error: PlanError) -> Reply:
    """Names stay as they are spelt."""
    fix = (Text(f"{error.fix[:1].upper()}{error.fix[1:]}."),) if error.fix else ()
    return Reply((Text(f"{error.what}.", "heading"), *fix), "failed")
