"""What a restore would make, worked out from the facts and the wish: the design that checks and steps are made of."""

from dataclasses import dataclass, replace
from datetime import datetime

from engines.restore.addresses import Addressing, Book, address_all
from engines.restore.facts import Facts, Flavor
from engines.restore.points import Copy, Point, choose
from engines.restore.recipe import Disk, Nic, Recipe
from engines.restore.wishes import CannotPlanError, Wish

_POLICY_KEYS = ("stackhand", "auto_snapshot", "snapshot_", "retention", "sla_days")


@dataclass(frozen=True, slots=True)
class NewDisk:
    """A volume to make of a copy, for one of the original. `volume_type` and `zone` are asked for where the copy does
    not decide on them, empty for those that the cloud gives by default."""

    disk: Disk
    copy: Copy
    name: str
    metadata: tuple[tuple[str, str], ...] = ()
    volume_type: str = ""
    zone: str = ""

    @property
    def backed(self) -> bool:
        return self.copy.origin == "backup"

    @property
    def encrypted(self) -> bool:
        return self.disk.encrypted or self.copy.encrypted


@dataclass(frozen=True, slots=True)
class Design:
    """`image_id` is what the root disk is made of, where the VM does not start from a volume; `fresh_root`: it is the
    original's image, not one of its own disk. `flavor` None: there is none like it. `reused`: the ports of the original
    go over to the new VM. `groups_lost` are security groups that are gone."""

    facts: Facts
    wish: Wish
    point: Point
    name: str
    stamp: str
    disks: tuple[NewDisk, ...]
    without: tuple[Disk, ...]
    addressing: Addressing
    book: Book
    flavor: Flavor | None = None
    image_id: str = ""
    fresh_root: bool = False
    reused: bool = False
    groups_lost: tuple[str, ...] = ()

    @property
    def recipe(self) -> Recipe:
        return self.facts.recipe

    @property
    def makes_vm(self) -> bool:
        return self.wish.mode != "attach"

    def takes_over(self, nic: Nic) -> bool:
        """Whether the new VM gets the very port that the original has, or that outlived it."""
        return self.reused or (self.makes_vm and nic.port_free and self.wish.addresses != "new_ips")

    @property
    def saves(self) -> bool:
        """Whether the original is snapshotted first: only a replace puts it at risk."""
        return self.wish.safety and self.wish.mode == "replace"

    @property
    def keeps_group(self) -> bool:
        group = self.facts.server_group
        return self.makes_vm and group is not None and not group.full


def design(facts: Facts, wish: Wish, now: datetime) -> Design:
    """Raises CannotPlanError when there is no point to restore from, or nothing in it."""
    recipe = facts.recipe
    if recipe.platform != "openstack":
        raise CannotPlanError(
            f"{recipe.name} is on {recipe.source} ({recipe.platform}): I restore VMs of OpenStack only."
        )
    facts = facts_for(facts, wish)
    recipe, point = facts.recipe, point_of(facts, wish)
    stamp = f"{now:%Y%m%d-%H%M}"
    name = _name(facts, wish, now)
    chosen = _chosen(recipe, wish)
    copies = point.copies
    disks = tuple(
        _new_disk(facts, one, copies[one.volume_id], wish, stamp) for one in chosen if one.volume_id in copies
    )
    without = tuple(disk for disk in chosen if disk.volume_id not in point.copies)
    if not disks and not point.image_id:
        raise CannotPlanError(f"The point of {point.at:%Y-%m-%d %H:%M} UTC holds none of the volumes asked for.")
    book = _book(facts, wish)
    nics, lost = _nics(facts)
    reused = wish.mode == "replace" and wish.addresses != "new_ips" and not recipe.deleted
    addressing = address_all(nics, wish.addresses, book) if wish.mode != "attach" else Addressing(())
    fresh = not recipe.boots_from_volume and not point.image_id
    return Design(
        facts, wish, point, name, stamp, disks, without, addressing, book, _flavor(facts),
        "" if recipe.boots_from_volume else point.image_id or recipe.image_id, fresh, reused, lost,
    )  # fmt: skip


def facts_for(facts: Facts, wish: Wish) -> Facts:
    """Where a volume is asked for that the VM has no more: with it, and the points of it alone."""
    said = {one.casefold() for one in wish.volumes} if wish.mode == "attach" else set()
    there = {key.casefold() for disk in facts.recipe.disks for key in (disk.volume_id, disk.name) if key}
    found = [one for one in facts.recipe.former if said & {one.volume_id.casefold(), one.name.casefold()} - there]
    if not found:
        return facts
    disk = found[0]
    recipe = replace(facts.recipe, disks=(*facts.recipe.disks, disk))
    return replace(facts, recipe=recipe, points=facts.former.get(disk.volume_id, ()))


def _chosen(recipe: Recipe, wish: Wish) -> list[Disk]:
    """The disks that are wanted back: all of a VM that is made, those that were said of one that stands.

    Raises CannotPlanError when there is none like that.
    """
    if wish.mode != "attach":
        return list(recipe.disks)
    if wish.volumes:
        by_name = {key.casefold(): disk for disk in recipe.disks for key in (disk.volume_id, disk.name) if key}
        unknown = [said for said in wish.volumes if said.casefold() not in by_name]
        if unknown:
            has = ", ".join(disk.name or disk.volume_id for disk in recipe.disks) or "none"
            raise CannotPlanError(f"“{unknown[0]}” is no volume of {recipe.name}.", f"its volumes are: {has}")
        wanted = {by_name[said.casefold()].volume_id for said in wish.volumes}
        return [disk for disk in recipe.disks if disk.volume_id in wanted]
    found = [disk for disk in recipe.disks if not wish.disks or disk.boot == (wish.disks == "root")]
    if not found:
        raise CannotPlanError(f"{recipe.name} has no {wish.disks or 'such'} volume.", f"see: show vm {recipe.name}")
    return found


def point_of(facts: Facts, wish: Wish) -> Point:
    """Raises CannotPlanError when there is none."""
    facts = facts_for(facts, wish)
    name = facts.recipe.name
    if not facts.points:
        raise CannotPlanError(
            f"There is nothing that {name} could come back from: no snapshot or backup of its volumes, no image of it.",
            f"take one for the next time: snapshot {name}" if not facts.recipe.deleted else "",
        )
    found = choose(facts.points, key=wish.snapshot, since=wish.since, until=wish.until, at=wish.at, origin=wish.copies)
    if found is None:
        what = (
            f"“{wish.snapshot}” is not among the snapshots of {name}'s volumes, nor a backup or an image of it."
            if wish.snapshot
            else f"{name} has no restore point in that time."
        )
        raise CannotPlanError(what, f"see what there is: restore points of {name}")
    return found


def _name(facts: Facts, wish: Wish, now: datetime) -> str:
    recipe = facts.recipe
    if wish.mode in ("replace", "attach"):
        return recipe.name
    if wish.new_name:
        return wish.new_name
    if recipe.deleted and recipe.name not in facts.names:
        return recipe.name
    name = f"{recipe.name}-restored-{now:%Y%m%d}"
    return name if name not in facts.names else f"{name}-{now:%H%M%S}"


def _new_disk(facts: Facts, disk: Disk, copy: Copy, wish: Wish, stamp: str) -> NewDisk:
    """A snapshot has its type and its zone; what comes out of a backup gets those of the original. Snapshot policies
    are for the original: only what replaces it comes under them."""
    kept = {
        key: value for key, value in disk.metadata.items() if wish.mode == "replace" or not key.startswith(_POLICY_KEYS)
    }
    name = f"{disk.name or disk.volume_id[:8]}-restored-{stamp}"
    metadata = tuple(sorted(kept.items()))
    if copy.origin != "backup":
        return NewDisk(disk, copy, name, metadata)
    there = facts.volume_types is None or disk.volume_type in facts.volume_types
    return NewDisk(disk, copy, name, metadata, disk.volume_type if there else "", disk.zone)


def _book(facts: Facts, wish: Wish) -> Book:
    """In a replace the original's own addresses are free for the new VM; so are those of ports that outlived theirs."""
    recipe = facts.recipe
    if wish.addresses == "new_ips" or not (wish.mode == "replace" or recipe.deleted):
        return facts.book
    freed = [nic for nic in recipe.nics if nic.port_free or not recipe.deleted]
    own = {net: frozenset(ip for nic in freed if nic.network_id == net for ip in nic.ips) for net in facts.book.used}
    used = {net: frozenset(ips) - own[net] for net, ips in facts.book.used.items()}
    return replace(facts.book, used=used)


def _nics(facts: Facts) -> tuple[tuple[Nic, ...], tuple[str, ...]]:
    """The NICs with the security groups that still exist; of ports that are not known, with those of the VM."""
    by_name = {name: id_ for id_, name in facts.groups.items()}
    found, lost = [], []
    for nic in facts.recipe.nics:
        if nic.security_groups is None:
            told = [by_name.get(name, name) for name in facts.recipe.group_names]
        else:
            told = list(nic.security_groups)
        lost += [group for group in told if group not in facts.groups]
        found.append(replace(nic, security_groups=tuple(group for group in told if group in facts.groups)))
    return tuple(found), tuple(dict.fromkeys(lost))


def _flavor(facts: Facts) -> Flavor | None:
    """The same by id, else by name, else one of the same size."""
    recipe = facts.recipe
    by_id = [one for one in facts.flavors if one.id == recipe.flavor_id]
    by_name = [one for one in facts.flavors if one.name == recipe.flavor]
    size = (recipe.vcpus, recipe.memory_mib, recipe.disk_gib)
    alike = sorted(
        (one for one in facts.flavors if (one.vcpus, one.memory_mib, one.disk_gib) == size), key=lambda f: f.name
    )
    return next(iter([*by_id, *by_name, *alike]), None)
