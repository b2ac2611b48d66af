"""What the handlers of restores share: the VM that was named, living or gone, and the restores of it that go on."""

from dataclasses import replace

from bot.handlers.asking import Ask, UnknownNameError, refs
from bot.misunderstandings import not_allowed
from bot.naming import JOINT
from bot.replies import Choice, Choices, Reply, Text
from engines.restore.wishes import CannotPlanError
from intents.readings import Name, Reading
from storage import restore_facts, restores
from storage.inventory import Found
from storage.restores import Restore, Window

OPEN = ("waiting", "running")
_OF_THE_GONE = ("restore", "restore_plan", "restore_points")


async def about_the_gone(ask: Ask, reading: Reading) -> Reading:
    """A VM that is deleted is no name of the inventory any more, but it can come back."""
    back = reading.ask
    if reading.intent not in _OF_THE_GONE or back is None or (back.why, back.slot) != ("unknown", "vm"):
        return reading
    if not await restore_facts.deleted_vms(ask.conn, ask.who.scope, back.said):
        return reading
    others = tuple(one for one in reading.evidence if one.words.lower() != back.said.lower())
    return replace(reading, slots={**reading.slots, "vm": back.said}, ask=None, evidence=others)


async def vm_named(ask: Ask, vm: Name) -> Found | Reply:
    """The VM; one that is gone where no living one has the name, the last of them. Raises UnknownNameError."""
    found = refs(vm) if vm.source else ()
    if len(found) == 1 and JOINT not in vm.source:
        there = await restore_facts.vm_of(ask.conn, ask.who.scope, *found[0])
        if there is not None:
            return there
    if len(found) > 1:
        raise UnknownNameError(vm)
    gone = await restore_facts.deleted_vms(ask.conn, ask.who.scope, vm.name)
    if not gone:
        raise UnknownNameError(vm)
    if len({one.ref for one in gone}) > 1 and len({(one.source, one.project_id) for one in gone}) > 1:
        told = ", ".join(f"{one.source}/{one.derived.get('project') or one.project_id}" for one in gone[:5])
        lead = Text(f"Several VMs called {vm.name} were deleted: {told}.", "heading")
        return Reply((lead, Text("Say which by its project.")), "ambiguous")
    return gone[0]


def may_not(ask: Ask, vm: Found) -> Reply | None:
    """The refusal, where the asker's roles in the VM's project do not reach; None: they do."""
    intent = ask.catalogue.intents[str(ask.reading.intent)]
    verdict = ask.who.may(intent, (vm.source, vm.project_id or ""))
    return None if verdict.allowed else not_allowed(ask.who.name, intent, verdict.needs)


def cannot(error: CannotPlanError) -> Reply:
    fix = (Text(f"{error.fix[:1].upper()}{error.fix[1:]}."),) if error.fix else ()
    return Reply((Text(error.what, "heading"), *fix), "failed")


async def open_of_vm(ask: Ask, vm: Name) -> list[Restore]:
    """The restores of a VM that wait or run: what "cancel the restore of db-02" is about."""
    window = Window(vms=tuple(refs(vm)) if vm.source else (), states=OPEN)
    found, _ = await restores.restores(ask.conn, ask.who.scope, window, 10)
    return found if vm.source else [one for one in found if str(one.options.get("vm", "")).lower() == vm.name.lower()]


def which(found: list[Restore], said: str) -> Reply:
    """Several restores fit: a button for each."""
    choices = tuple(Choice(one.name, f"{said} {one.name}", one.title) for one in found)
    return Reply((Text("Which restore?", "heading"), Choices(choices)), "ambiguous")
