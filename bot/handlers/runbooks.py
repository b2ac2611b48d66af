"""Runbooks: which there are, what one does, a run of one, and what the runs came to."""

from dataclasses import replace
from datetime import datetime

from bot.cards_of_changes import dry_run as shown_dry
from bot.changing import propose
from bot.drilling import drilled
from bot.handlers.asking import Ask, UnknownNameError, refs
from bot.handlers.registry import answers
from bot.misunderstandings import not_allowed
from bot.naming import marked
from bot.replies import Choice, Choices, Column, Fields, Part, Reply, Table, Text
from bot.restoring import cannot, vm_named
from engines.changes.rules import RISKS
from engines.plans import Plan
from engines.restore.wishes import CannotPlanError
from engines.runbooks.runbook import Run, Runbook, find_runbooks
from intents.readings import Name
from storage import inventory
from storage.drills import Window
from storage.filters import Ref
from storage.inventory import Found

_COLUMNS = (Column("runbook", "runbook"), Column("does", "does"), Column("on", "on"), Column("needs", "needs"))
_NEEDS = {"confirm": "a confirmation", "approve": "an approval by another person"}


@answers("runbook_list")
async def runbook_list(ask: Ask, text: str | None) -> Reply:
    found = [one for one in find_runbooks().values() if not text or one.is_about(text)]
    if not found:
        return Reply((Text(f"There is no runbook about {text}.", "heading"), _all()), "not_found")
    mine = [one for one in found if _may_somewhere(ask)]
    lead = f"{len(found)} runbook{'s' if len(found) != 1 else ''}" + (f" about {text}" if text else "")
    parts: list[Part] = [Text(lead, "heading")]
    if not mine:
        parts.append(Text("You may look at them; to run one needs a role that you do not hold.", "note"))
    cells = tuple((one.name, one.does, " or ".join(one.on), _NEEDS[RISKS[one.kind]]) for one in found)
    parts.append(Table(_COLUMNS, cells, len(cells), opens=tuple(f"describe runbook {one.name}" for one in found)))
    return Reply(tuple(parts), scope="runbooks")


def _may_somewhere(ask: Ask) -> bool:
    intent = ask.catalogue.intents["runbook_run"]
    return ask.who.may(intent, ("", "")).allowed or any(ask.who.may(intent, ref).allowed for ref in ask.who.on)


def _all() -> Choices:
    return Choices((Choice("all runbooks", "which runbooks are there"),))


@answers("runbook_show")
async def runbook_show(ask: Ask, runbook: Name) -> Reply:
    one = find_runbooks().get(runbook.name)
    if one is None:
        return _unknown(runbook)
    pairs = (
        ("name", one.name), ("also called", ", ".join(one.also)), *one.parameters, ("needs", _NEEDS[RISKS[one.kind]]),
        ("dry run", f"what it would do, nothing is changed: run {one.name} on PROJECT"),
        ("for real", f"run {one.name} on PROJECT for real"),
    )  # fmt: skip
    past = Choices((Choice("past runs", f"last runs of {one.name}"),))
    return Reply((Text(one.title, "heading"), Text(f"{one.does[:1].upper()}{one.does[1:]}."), Fields(pairs), past),
                 scope=one.name)  # fmt: skip


@answers("runbook_run")
async def runbook_run(
    ask: Ask, runbook: Name, project: Name | None, vm: Name | None, host: Name | None, dry_run: bool | None
) -> Reply:
    """A dry run unless it is said to be for real."""
    one = find_runbooks().get(runbook.name)
    if one is None:
        return _unknown(runbook)
    on = await _on(ask, one, project, vm, host)
    if isinstance(on, Reply):
        return on
    place, found = on
    refused = _may_not(ask, place)
    if refused:
        return refused
    try:
        plan = await one.plan(ask.conn, Run(ask.who.scope, place, found, ask.now, ask.house))
    except CannotPlanError as error:
        return cannot(error)
    return await propose(ask, plan) if dry_run is False else _would(one, plan, project, found)


async def _on(
    ask: Ask, one: Runbook, project: Name | None, vm: Name | None, host: Name | None
) -> tuple[Ref, Found | None] | Reply:
    """The project, and the VM of it where one is named."""
    if host is not None:
        lead = Text(f"{one.name} is run on a {' or a '.join(one.on)}, not on a host.", "heading")
        return Reply((lead, Text(f"Say: run {one.name} on PROJECT")), "incomplete")
    if vm is not None:
        found = await vm_named(ask, vm)
        if isinstance(found, Reply):
            return found
        ref = (found.source, found.project_id or "")
        if project is not None and ref not in refs(project):
            raise UnknownNameError(vm)
        return ref, found
    if project is None:
        return await _which_project(ask, one)
    there = refs(project)
    if len(there) == 1:
        return there[0], None
    raise UnknownNameError(project)


async def _which_project(ask: Ask, one: Runbook) -> Reply:
    """Those where the asker holds a role by name; the others are too many for buttons."""
    names = await inventory.names_of(ask.conn, ask.who.scope, "project", sorted(ask.who.on)[:10])
    choices = tuple(
        Choice(name.name, f"run {one.name} on {marked('project', name.name, *ref)}") for ref, name in names.items()
    )
    lead = Text(f"{one.title}: on what?", "heading")
    rest: tuple[Part, ...] = (Choices(choices, "Which project?"),) if choices else ()
    return Reply((lead, Text(f"Say: run {one.name} on PROJECT, or on a VM"), *rest), "incomplete")


def _may_not(ask: Ask, place: Ref) -> Reply | None:
    intent = ask.catalogue.intents["runbook_run"]
    verdict = ask.who.may(intent, place)
    return None if verdict.allowed else not_allowed(ask.who.name, intent, verdict.needs)


def _would(one: Runbook, plan: Plan, project: Name | None, vm: Found | None) -> Reply:
    """The dry run, and the words that ask for the run itself."""
    if vm is not None:
        on = marked("vm", vm.name, vm.source, vm.external_id)
    else:
        assert project is not None
        on = marked("project", project.name, project.source, project.id)
    shown = shown_dry(plan)
    ask_for = () if plan.failed else (Choices((Choice("ask for it", f"run {one.name} on {on} for real"),)),)
    return replace(shown, parts=(*shown.parts, *ask_for), scope=f"dry run of {one.name}")


@answers("runbook_history")
async def runbook_history(ask: Ask, runbook: Name | None, since: datetime | None, until: datetime | None) -> Reply:
    if runbook is not None and runbook.name not in find_runbooks():
        return _unknown(runbook)
    parts, demo = await drilled(ask.conn, ask.who.scope, Window((), (), since, until), ask.rows)
    if not parts:
        of = f" of {runbook.name}" if runbook else ""
        return Reply((Text(f"No run{of} is on record there.", "heading"), _all()), "not_found", scope="runbook runs")
    return Reply((Text("Runs of runbooks", "heading"), *parts), scope="runbook runs", demo=demo)


def _unknown(runbook: Name) -> Reply:
    names = ", ".join(find_runbooks())
    lead = Text(f"The runbook {runbook.name} is not here.", "heading")
    return Reply((lead, Text(f"There is: {names}."), _all()), "not_found")
