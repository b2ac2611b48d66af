"""What is looked at before a restore, each with its result; a plan with one that is not well cannot be run."""

from collections.abc import Iterator

from engines.plans import Check
from engines.restore.designs import Design
from engines.restore.needs import Need, check_of, needs_of
from engines.restore.wishes import House

_SWITCHABLE = ("on", "off", "error")


def needs(made: Design) -> tuple[Need, ...]:
    """What the project's quota must hold beside what is there: of a replace the original stays."""
    vm, flavor = made.makes_vm, made.flavor
    volumes = len(made.disks)
    more = {
        "vms": 1 if vm else 0,
        "cpu": flavor.vcpus if vm and flavor else 0,
        "memory_mib": flavor.memory_mib if vm and flavor else 0,
        "volumes": volumes,
        "storage_gib": sum(one.copy.size_gib for one in made.disks) + (_safety_gib(made) if made.saves else 0),
        "ports": sum(not made.takes_over(one.nic) for one in made.addressing.wanted),
        "snapshots": len(made.recipe.disks) if made.saves else 0,
    }
    return needs_of(more, made.facts.quota)


def _safety_gib(made: Design) -> int:
    return sum(disk.size_gib for disk in made.recipe.disks)


def checks_of(made: Design, house: House) -> tuple[Check, ...]:
    found = [_execute(made, house), _point(made), *_types(made), _multiattach(made)]
    if made.makes_vm:
        found += [_flavor(made), *_image(made), *_networks(made)]
    found.append(check_of(needs(made), made.facts.quota))
    if made.wish.mode == "replace":
        found += _replace(made, house)
    if made.wish.mode == "side_by_side":
        found.append(_name(made))
    if made.wish.mode == "attach":
        found.append(_attachable(made))
    if made.wish.password and made.makes_vm:
        found.append(_password(made, house))
    return tuple(found)


def _execute(made: Design, house: House) -> Check:
    source = made.recipe.source
    if house.may_run_on(source):
        return Check("restore.execute", True, f"on for {source}")
    how = f"an admin sets STACKHAND_RESTORE_EXECUTE={source.partition('/')[0]}"
    return Check("restore.execute", False, f"restores are not switched on for {source}: {how}")


def _point(made: Design) -> Check:
    """Each copy is of a volume of this VM, and of its project: one of another's is never used."""
    own = {disk.volume_id for disk in made.recipe.disks}
    foreign = [
        one.copy.name or one.copy.id
        for one in made.disks
        if one.copy.volume_id not in own or one.copy.project_id not in ("", made.recipe.project_id)
    ]
    if foreign:
        return Check("copies", False, f"not of this VM and its project: {', '.join(foreign)}")
    root = made.recipe.root
    if made.makes_vm and root is not None and root.volume_id not in made.point.copies:
        return Check(
            "copies", False, f"the point has no copy of {root.name or root.volume_id}, which the VM starts from"
        )
    backed = sum(one.backed for one in made.disks)
    counts = ((len(made.disks) - backed, "snapshot"), (backed, "volume backup"))
    told = [f"{count} {word}{'s' if count != 1 else ''}" for count, word in counts if count]
    return Check("copies", True, f"{' and '.join(told) or 'none'} available")


def _types(made: Design) -> Iterator[Check]:
    """What comes out of a backup of an encrypted volume can only be read in a volume of the very same type."""
    locked = [one for one in made.disks if one.backed and one.encrypted]
    lost = [one for one in locked if not one.volume_type]
    if lost:
        names = ", ".join(f"{one.disk.name or one.disk.volume_id} ({one.disk.volume_type or '?'})" for one in lost)
        why = "the type of what is encrypted is gone, so its backup cannot be read"
        yield Check("volume types", False, f"{why}: {names}")
    elif locked:
        yield Check("volume types", True, ", ".join(sorted({one.volume_type for one in locked})))


def _multiattach(made: Design) -> Check:
    shared = [one.disk.name or one.disk.volume_id for one in made.disks if one.disk.multiattach]
    if shared:
        why = "a copy of a volume that several VMs write to would show no single moment of any of them"
        return Check("multi-attach", False, f"{', '.join(shared)}: {why}; restore it by hand")
    return Check("multi-attach", True, "no volume is shared")


def _flavor(made: Design) -> Check:
    recipe, flavor = made.recipe, made.flavor
    if flavor is None:
        size = f"{recipe.vcpus} vCPU, {recipe.memory_mib} MiB"
        return Check("flavor", False, f"{recipe.flavor or recipe.flavor_id} is gone, and none has {size}")
    return Check("flavor", True, flavor.name if flavor.name == recipe.flavor else f"{flavor.name}, for {recipe.flavor}")


def _image(made: Design) -> Iterator[Check]:
    if made.recipe.boots_from_volume:
        return
    if made.fresh_root and made.recipe.image_id not in made.facts.images:
        yield Check(
            "image", False, f"{made.recipe.image or made.recipe.image_id or 'its image'} does not exist any more"
        )
    else:
        yield Check("image", True, made.point.image or made.recipe.image or made.image_id)


def _networks(made: Design) -> Iterator[Check]:
    problems = made.addressing.problems
    if problems:
        yield Check("addresses", False, "; ".join(problems))
        return
    nets = {nic.network_id for nic in made.recipe.nics}
    free = [
        f"{one.cidr} has {made.book.free(one):,} free"
        for one in made.book.subnets
        if one.network_id in nets and not one.automatic
    ]
    yield Check("addresses", True, "; ".join(free) or "no network")


def _replace(made: Design, house: House) -> Iterator[Check]:
    recipe = made.recipe
    if recipe.deleted:
        yield Check("original", False, "it is deleted: restore it side by side, it gets its old name")
        return
    tags = sorted({tag for tag in recipe.tags if tag.lower() in house.protected})
    protected = f"{recipe.name} is protected (tag {', '.join(tags)}): it is never replaced"
    yield Check("protection", not tags, protected if tags else "not protected")
    ready = recipe.state in _SWITCHABLE
    yield Check("original", ready, recipe.state if ready else f"it is {recipe.state}: start or stop it first")
    if made.facts.vm.attrs.get("locked"):
        yield Check("lock", False, "it is locked: unlock it first")


def _name(made: Design) -> Check:
    taken = made.name in made.facts.names
    return Check("name", not taken, f"{made.name} is taken: say another one" if taken else made.name)


def _attachable(made: Design) -> Check:
    recipe = made.recipe
    if recipe.deleted:
        return Check("VM", False, "it is deleted: nothing can be attached to it")
    ready = recipe.state in ("on", "off", "paused")
    return Check(
        "VM", ready, recipe.state if ready else f"it is {recipe.state}: volumes are attached when it is on or off"
    )


def _password(made: Design, house: House) -> Check:
    """Only a process that can show it may have it set; whether the cloud will is not known before it is asked."""
    if not house.reader:
        return Check("password", False, "nobody could show it to you from here: ask on the page, or in a chat")
    system = made.facts.system or "an unknown OS"
    known = {
        True: "its image says that there is a guest agent (hw_qemu_guest_agent), which sets it",
        False: "its image says that there is no guest agent (hw_qemu_guest_agent): the cloud will hardly set one",
        None: "its image does not say whether there is a guest agent (hw_qemu_guest_agent): the cloud may refuse",
    }
    return Check("password", True, f"{system}; {known[made.facts.agent]}")
