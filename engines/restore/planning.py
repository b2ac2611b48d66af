"""The plan of a restore: what comes back, from when, what is made, what is not brought back, what it needs."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

from engines.plans import Plan, Target
from engines.restore.checks import checks_of, needs
from engines.restore.designs import Design, design
from engines.restore.facts import Facts
from engines.restore.points import Copy
from engines.restore.steps import old_name, steps_of
from engines.restore.wishes import House, Wish, to_json

KINDS = {"side_by_side": "restore", "attach": "restore", "replace": "restore_replace"}
"""A replace is a kind of change of its own: other people decide on it."""
_NEW_ONE = "a new one is set by the cloud once it runs; whoever asked is shown it once, and nobody else"
GUESS_S = (60, 20)
"""Without any past restore: seconds for the VM, and for each volume."""
GUESS_S_PER_GIB = 15
"""Without any past restore of a backup: what a GiB of it takes, at about 70 MiB a second."""


def plan_of(facts: Facts, wish: Wish, now: datetime, house: House) -> Plan:
    """Raises CannotPlanError when there is nothing to restore from."""
    made = design(facts, wish, now)
    return Plan(
        KINDS[wish.mode],
        _title(made),
        _targets(made),
        steps_of(made, house.probe, house.reader),
        _options(made, now),
        checks_of(made, house),
        tuple(_facts(made, now)),
        tuple(_warnings(made, now)),
        f"1 VM of {facts.project or made.recipe.project_id}",
        _undo(made),
        demo=facts.demo,
    )


def _title(made: Design) -> str:
    name = made.recipe.name
    if made.wish.mode == "attach":
        what = f"{len(made.disks)} volumes" if len(made.disks) != 1 else "a volume"
        return f"Attach {what} of {made.point.at:%Y-%m-%d %H:%M} UTC to {name}"
    if made.wish.mode == "replace":
        return f"Replace {name} by its state of {made.point.at:%Y-%m-%d %H:%M} UTC"
    return f"Restore {name} side by side as {made.name}"


def _options(made: Design, now: datetime) -> dict[str, object]:
    """`typed` is what whoever decides on a replace has to type; `wish` what a change of it begins with."""
    recipe, wish = made.recipe, made.wish
    told: dict[str, object] = {
        "mode": wish.mode,
        "ip_strategy": wish.addresses,
        "vm": recipe.name,
        "vm_id": recipe.vm_id,
        "new_name": made.name,
        "point": made.point.key,
        "point_at": made.point.at.isoformat(),
        "planned_at": now.isoformat(),
        "safety": wish.safety,
        "wish": to_json(replace(wish, snapshot=made.point.key, since=None, until=None, at=None, copies="")),
    }
    if backup_gib(made):
        told["backup_gib"] = backup_gib(made)
    return {**told, "typed": recipe.name} if wish.mode == "replace" else told


def _targets(made: Design) -> tuple[Target, ...]:
    """What is held while it runs: the VM, its volumes, and the copies, so that no retention takes them away."""
    recipe, project = made.recipe, made.recipe.project_id
    names = ("volume_ids", "addresses", "state") if made.wish.mode == "replace" else ("volume_ids",)
    kind, state = ("deleted_vm", {}) if recipe.deleted else ("vm", {n: made.facts.vm.value(n) for n in names})
    targets = [Target(recipe.source, kind, recipe.vm_id, recipe.name, project, state)]
    targets += [copy_target(recipe.source, one.copy, one.copy.project_id or project) for one in made.disks]
    return tuple(targets)


def copy_target(source: str, copy: Copy, project: str | None) -> Target:
    kind = "volume_backup" if copy.origin == "backup" else "snapshot"
    return Target(source, kind, copy.id, copy.name, project, {"parent_id": copy.volume_id, "status": "available"})


def _undo(made: Design) -> str:
    if made.wish.mode == "replace":
        return (
            f"everything made is removed; {made.recipe.name} gets its name, ports and addresses back and starts again"
        )
    return "everything made is removed; nothing else is touched"


def age(span: timedelta) -> str:
    """In the largest unit that tells enough: 40 min, 31 h, 6 days."""
    minutes = max(0, int(span.total_seconds() // 60))
    if minutes < 120:
        return f"{minutes} min"
    return f"{minutes // 60} h" if minutes < 72 * 60 else f"{minutes // 1440} days"


def _facts(made: Design, now: datetime) -> Iterator[tuple[str, str]]:
    point, recipe = made.point, made.recipe
    old = age(now - point.at)
    policy = f" · policy {point.policy}" if point.policy else ""
    moment = "crash-consistent" if point.one_moment else "not of one moment"
    yield (
        "from",
        f"{point.at:%Y-%m-%d %H:%M} UTC, {old} ago · {point.words}{policy} · {moment}: {old} of changes are lost",
    )
    yield "makes", "; ".join(_makes(made))
    if made.wish.mode == "replace":
        yield "original", f"is stopped, renamed to {old_name(made)} and kept; deleting it is a change of its own"
    elif made.wish.mode == "side_by_side" and not recipe.deleted:
        yield "original", f"{recipe.name} is not touched"
    shared = _shared(made)
    if shared:
        yield "shared", ", ".join(shared)
    lost = tuple(not_brought_back(made))
    if lost:
        yield "not brought back", "; ".join(lost)
    if made.wish.password and made.makes_vm:
        yield "password", _NEW_ONE
    if made.wish.stopped and made.makes_vm:
        yield "then", f"{made.name} is switched off again, once it was seen to run"
    yield "quota", "; ".join(need.words for need in needs(made)) or "nothing is added"
    yield "takes", _takes(made)


def _makes(made: Design) -> Iterator[str]:
    recipe = made.recipe
    if made.makes_vm:
        yield f"VM {made.name}"
        if made.flavor:
            same = made.flavor.name == recipe.flavor
            yield f"flavor {made.flavor.name}" + ("" if same else f" instead of {recipe.flavor or 'one that is gone'}")
    if made.disks:
        sizes = " + ".join(str(one.copy.size_gib) for one in made.disks)
        backed = ", out of volume backups" if all(one.backed for one in made.disks) else ""
        yield f"{len(made.disks)} volume{'s' if len(made.disks) != 1 else ''} ({sizes} GiB){backed}"
    if made.image_id and made.makes_vm:
        yield f"root disk from image {made.point.image or recipe.image or made.image_id}"
    wanted = made.addressing.wanted
    if wanted:
        nets = ", ".join(f"{one.nic.network} {_asked(one.kept, one.fixed)}" for one in wanted)
        yield f"{len(wanted)} port{'s' if len(wanted) != 1 else ''}: {nets}"
    if made.saves:
        yield f"{len(recipe.disks)} safety snapshots of the original first"


def _asked(kept: tuple[str, ...], fixed: tuple[object, ...]) -> str:
    new = len(fixed) - len(kept)
    parts = [*kept, *(["a new address"] if new == 1 else [f"{new} new addresses"] if new > 1 else [])]
    return " and ".join(parts) or "an address of the cloud's choice"


def _shared(made: Design) -> list[str]:
    """What the VM has together with others, or with its original."""
    if not made.makes_vm:
        return []
    groups = sorted(
        {made.facts.groups.get(g, g) for one in made.addressing.wanted for g in one.nic.security_groups or ()}
    )
    told = [f"security group{'s' if len(groups) != 1 else ''} {', '.join(groups)}"] if groups else []
    if made.recipe.key_name:
        told.append(f"keypair {made.recipe.key_name}")
    if made.keeps_group and made.facts.server_group:
        told.append(f"server group {made.facts.server_group.name}")
    return told


def not_brought_back(made: Design) -> Iterator[str]:
    """What the VM that comes back will not have, line by line."""
    recipe, mode = made.recipe, made.wish.mode
    for disk in made.without:
        yield f"volume {disk.name or disk.volume_id} ({disk.size_gib} GiB): the point has no copy of it"
    if mode == "attach":
        return
    for network, ip, why in made.addressing.lost:
        yield f"{network} {ip} {why}: a new address"
    if made.wish.macs == "same" and not (recipe.deleted or made.reused):
        macs = ", ".join(nic.mac for nic in recipe.nics if nic.mac)
        yield f"MAC {macs} (the original holds it)" if macs else "MACs (none is on record)"
    if mode == "side_by_side":
        stays = "stays with the port that was the VM's" if recipe.deleted else "stays with the original"
        left = [nic for nic in recipe.nics if not made.takes_over(nic)]
        yield from (f"floating IP {one.address} ({stays})" for nic in left for one in nic.floating)
    if recipe.server_group and not made.keeps_group:
        why = "full" if made.facts.server_group else "gone"
        yield f"server group {recipe.server_group} ({why})"
    if made.groups_lost:
        yield f"security groups that are gone: {', '.join(made.groups_lost)}"
    yield from recipe.lost
    if not made.wish.password:
        yield "passwords: they are those of that time; for a new one say “…, reset the password”"


def _takes(made: Design) -> str:
    past = [float(one) for one in made.facts.past.get(made.wish.mode, ())]
    more, read = backup_s(made), ""
    if more:
        known = "as the last ones" if made.facts.past_backup else "a guess, none was done here before"
        read = f"; of it {_minutes(more)} min to read {backup_gib(made)} GiB out of backups ({known})"
    if past:
        told = ", ".join(_minutes(one) for one in past)
        middle = sorted(past)[len(past) // 2]
        return f"about {_minutes(middle + more)} min (last {len(past)}{' without' if more else ''}: {told}){read}"
    return f"a guess: about {_minutes(guess_s(made) + more)} min (none was done here before){read}"


def _minutes(seconds: float) -> str:
    return f"{max(1, round(seconds / 60))}"


def guess_s(made: Design) -> float:
    """What is not read out of backups."""
    return GUESS_S[0] * made.makes_vm + GUESS_S[1] * len(made.disks)


def backup_gib(made: Design) -> int:
    return sum(one.copy.size_gib for one in made.disks if one.backed)


def backup_s(made: Design) -> float:
    past = sorted(made.facts.past_backup)
    return backup_gib(made) * (past[len(past) // 2] if past else GUESS_S_PER_GIB)


def _unused(made: Design) -> Iterator[str]:
    """What was wished and means nothing in this mode is said, not dropped."""
    wish = made.wish
    if wish.safety and not made.saves:
        yield "No safety snapshot is taken: the original is not touched."
    if wish.new_name and wish.mode != "side_by_side":
        yield f"The name {wish.new_name} is not used: the VM is called {made.name}."
    said = {"addresses": wish.strategy, "MACs": wish.macs, "to be left stopped": wish.stopped}
    said |= {"a new password": wish.password}
    unused = [what for what, value in said.items() if value]
    if wish.mode == "attach" and unused:
        yield f"Not used, for no VM is made: {', '.join(unused)}."


def _warnings(made: Design, now: datetime) -> Iterator[str]:
    point, recipe = made.point, made.recipe
    if made.wish.copies == "backup" and not point.count("backup"):
        yield f"There is no volume backup of {recipe.name} then: it comes back from {point.made_of or 'an image'}."
    if point.missing:
        yield f"The point is partial: {len(point.missing)} of {len(recipe.disks)} volumes are not in it."
    if made.fresh_root and made.makes_vm:
        yield f"The root disk comes new from {recipe.image or recipe.image_id}: nothing written to it is back."
    if not point.one_moment:
        yield f"Its copies were not taken in one moment: {age(point.spread)} lie between the first and the last."
    if made.makes_vm and not made.disks and not made.recipe.disks and not point.image_id:
        yield "No disk comes back."
    if made.flavor and made.makes_vm and made.flavor.name != recipe.flavor:
        yield f"Flavor {recipe.flavor or recipe.flavor_id} is gone: {made.flavor.name} is of the same size."
    if made.groups_lost:
        yield "Some security groups are gone: look at what may reach the VM before it is used."
    if made.wish.password and made.makes_vm and not made.facts.agent:
        yield "The cloud may refuse to set a password: the VM comes back all the same, with that of its time."
    if made.makes_vm:
        yield "cloud-init takes it for a new machine: host keys and passwords that it sets are set anew."
    retyped = [one for one in made.disks if one.backed and one.disk.volume_type and not one.volume_type]
    for one in retyped:
        yield f"Volume type {one.disk.volume_type} is gone: {one.disk.name or one.disk.volume_id} gets the default one."
    grown = [one for one in made.disks if one.disk.size_gib and one.disk.size_gib != one.copy.size_gib]
    for one in grown:
        name = one.disk.name or one.disk.volume_id
        yield f"{name} has {one.disk.size_gib} GiB now and had {one.copy.size_gib} GiB then."
    if made.wish.macs == "new" and made.reused:
        yield "The ports of the original go over with their MACs: for new MACs, ask for new addresses."
    yield from _unused(made)
    if made.wish.mode == "replace":
        yield f"{recipe.name} is down from the moment its ports are freed until the new one has started."
    if now - point.at > timedelta(days=7):
        yield f"The point is {age(now - point.at)} old."
