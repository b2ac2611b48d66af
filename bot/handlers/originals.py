"""Deleting: so far the originals that replaces have kept, and nothing else."""

from bot.changing import propose
from bot.handlers.asking import Ask, refs
from bot.handlers.registry import answers
from bot.replies import Choice, Choices, Reply, Text
from bot.restoring import cannot, may_not
from engines.restore.kept import plan_delete_kept
from engines.restore.wishes import CannotPlanError
from intents.readings import Name
from storage import restore_facts
from storage.kept_originals import Kept, kept_originals


@answers("delete")
async def delete(ask: Ask, kind: str, name: str, original: bool | None) -> Reply:
    """Of a VM that a replace brought back its original, or that original by its own name."""
    if kind != "vm":
        return _only_kept(f"I delete no {kind.replace('_', ' ')}s.")
    named = ask.reading.objects.get("name") or Name("vm", name)
    found = await kept_originals(ask.conn, ask.who.scope, vms=refs(named) if named.source else (), name=name)
    if not original:
        found = [one for one in found if name in (one.kept, one.vm_id) or (named.id and named.id == one.vm_id)]
    there = [one for one in found if await _is_there(ask, one)]
    if not there:
        what = "has no original that I keep" if original else "is no original that I keep"
        return _only_kept(f"{name} {what}.")
    if len(there) > 1:
        choices = tuple(Choice(one.kept, f"delete vm {one.kept}", one.job) for one in there[:10])
        return Reply((Text(f"{len(there)} originals of {name} are kept.", "heading"), Choices(choices, "Which?")),
                     "ambiguous")  # fmt: skip
    return await _ask_for(ask, there[0])


async def _is_there(ask: Ask, kept: Kept) -> bool:
    vm = await restore_facts.vm_of(ask.conn, ask.who.scope, kept.source, kept.vm_id)
    return vm is not None and vm.deleted_at is None


async def _ask_for(ask: Ask, kept: Kept) -> Reply:
    vm = await restore_facts.vm_of(ask.conn, ask.who.scope, kept.source, kept.vm_id)
    refused = may_not(ask, vm) if vm is not None else None
    if refused:
        return refused
    try:
        return await propose(ask, await plan_delete_kept(ask.conn, ask.who.scope, kept, ask.now, ask.house))
    except CannotPlanError as error:
        return cannot(error)


def _only_kept(what: str) -> Reply:
    fix = "I delete only what a restore of mine has kept: delete the kept original of NAME. See: restore history"
    return Reply((Text(what, "heading"), Text(fix)), "not_found")
