"""What the inventory knows for a restore, read at once: the recipe, the points, networks, quota, what still exists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.restore.addresses import Book, subnet_of_row
from engines.restore.points import Point, points_of
from engines.restore.recipe import Recipe, macs_of, recipe_of, volume_ids_of
from storage import inventory, restore_facts, restores
from storage.filters import Where
from storage.inventory import Found
from storage.restore_facts import Belongings
from storage.scopes import EVERYTHING, Scope
from storage.tables import resource


@dataclass(frozen=True, slots=True)
class Flavor:
    id: str
    name: str
    vcpus: int
    memory_mib: int
    disk_gib: int


@dataclass(frozen=True, slots=True)
class Group:
    """A server group; `full`: a strict rule to keep apart, and no host is left for one more."""

    id: str
    name: str
    policy: str
    full: bool = False


@dataclass(frozen=True, slots=True)
class Facts:
    """`groups` are the security groups of the project by id. `names` are the names of its VMs. `past` maps a mode to
    the seconds that the last restores took, `past_backup` has those of a GiB that came out of a backup. `former` maps
    a volume that the VM has no more to its own points. `volume_types` are their names, None where they are not on
    record. `project` is its name, empty where it is not known. `system` is the guest's in words; `agent`: whether the
    image that it was made of says that there is a guest agent; None: it does not say."""

    vm: Found
    recipe: Recipe
    points: tuple[Point, ...]
    book: Book
    quota: Found | None = None
    flavors: tuple[Flavor, ...] = ()
    images: frozenset[str] = frozenset()
    groups: Mapping[str, str] = field(default_factory=dict)
    server_group: Group | None = None
    names: frozenset[str] = frozenset()
    past: Mapping[str, Sequence[float]] = field(default_factory=dict)
    project: str = ""
    demo: bool = False
    system: str = ""
    agent: bool | None = None
    volume_types: frozenset[str] | None = None
    past_backup: Sequence[float] = ()
    former: Mapping[str, tuple[Point, ...]] = field(default_factory=dict)


async def points_for(conn: AsyncConnection, scope: Scope, vm: Found) -> tuple[Recipe, tuple[Point, ...]]:
    """The recipe of a VM, living or gone, and its restore points, the newest first."""
    recipe, own = await _recipe(conn, scope, vm)
    return recipe, points_of(recipe, own.snapshots, own.images, own.backups)


async def _recipe(conn: AsyncConnection, scope: Scope, vm: Found) -> tuple[Recipe, Belongings]:
    gone = vm.deleted_at is not None
    derived = await restore_facts.last_derived(conn, scope, vm) if gone else vm.derived
    former = () if gone else await restore_facts.former_volume_ids(conn, vm)
    own = await restore_facts.belongings(conn, scope, vm, volume_ids_of(vm, derived), macs_of(vm), former)
    return recipe_of(vm, derived, own), own


async def facts_of(conn: AsyncConnection, scope: Scope, vm: Found, *, demo: bool = False) -> Facts:
    recipe, own = await _recipe(conn, scope, vm)
    source = vm.source
    networks = sorted({nic.network_id for nic in recipe.nics})
    subnets = await restore_facts.subnets_of(conn, source, networks)
    there = await restore_facts.living(conn, scope, source, "network", resource.c.external_id.in_(networks))
    used = await restore_facts.used_addresses(conn, source, networks)
    project = (source, recipe.project_id)
    modes = ("side_by_side", "replace", "attach")
    projects = await inventory.names_of(conn, scope, "project", [project])
    of_project = Where("vm", projects=(project,))
    return Facts(
        vm,
        recipe,
        points_of(recipe, own.snapshots, own.images, own.backups),
        Book(tuple(map(subnet_of_row, subnets)), used, frozenset(row.external_id for row in there)),
        await inventory.one(conn, scope, "quota", project),
        await _flavors(conn, scope, source),
        await _images(conn, scope, recipe),
        await _groups(conn, scope, project),
        await _server_group(conn, scope, recipe),
        frozenset(row.name for row in await inventory.rows(conn, scope, of_project)),
        {mode: await restores.past_seconds(conn, source, mode) for mode in modes},
        projects[project].name if project in projects else "",
        demo,
        " ".join(str(vm.attrs[name]) for name in ("os", "os_version") if vm.attrs.get(name)),
        await _agent(conn, scope, recipe),
        await _volume_types(conn, scope, source),
        await restores.past_backup_seconds(conn, source),
        {disk.volume_id: points_of(replace(recipe, disks=(disk,)), (), (), own.backups) for disk in recipe.former},
    )


async def _agent(conn: AsyncConnection, scope: Scope, recipe: Recipe) -> bool | None:
    """What Nova goes by: the property of the image, which Cinder keeps with a volume that was made of it."""
    if recipe.root is not None or not recipe.image_id:
        return recipe.root.agent if recipe.root else None
    rows = await restore_facts.living(conn, scope, recipe.source, "image", resource.c.external_id == recipe.image_id)
    told: bool | None = rows[0].attrs.get("guest_agent") if rows else None
    return told


async def _flavors(conn: AsyncConnection, scope: Scope, source: str) -> tuple[Flavor, ...]:
    rows = await restore_facts.living(conn, scope, source, "flavor")
    return tuple(
        Flavor(
            row.external_id,
            row.name,
            int(row.attrs.get("vcpus") or 0),
            int(row.attrs.get("memory_mib") or 0),
            int(row.attrs.get("disk_gib") or 0),
        )
        for row in rows
    )


async def _volume_types(conn: AsyncConnection, scope: Scope, source: str) -> frozenset[str] | None:
    rows = await restore_facts.living(conn, scope, source, "volume_type")
    return frozenset(row.name for row in rows) or None


async def _images(conn: AsyncConnection, scope: Scope, recipe: Recipe) -> frozenset[str]:
    if not recipe.image_id:
        return frozenset()
    rows = await restore_facts.living(conn, scope, recipe.source, "image", resource.c.external_id == recipe.image_id)
    return frozenset(row.external_id for row in rows if row.attrs.get("status") == "active")


async def _groups(conn: AsyncConnection, scope: Scope, project: tuple[str, str]) -> dict[str, str]:
    rows = await inventory.rows(conn, scope, Where("security_group", projects=(project,)))
    return {row.external_id: row.name for row in rows}


async def _server_group(conn: AsyncConnection, scope: Scope, recipe: Recipe) -> Group | None:
    """By its member where that is known, else by its name; of a deleted VM only the name is left."""
    if not recipe.server_group:
        return None
    project = resource.c.project_id == recipe.project_id
    rows = await restore_facts.living(conn, scope, recipe.source, "server_group", project)
    mine = [row for row in rows if recipe.vm_id in (row.attrs.get("member_ids") or ())]
    named = [row for row in rows if row.name == recipe.server_group]
    row = next(iter([*mine, *named]), None)
    if row is None:
        return None
    policy, members = str(row.attrs.get("policy") or ""), len(row.attrs.get("member_ids") or ())
    if policy != "anti-affinity":
        return Group(row.external_id, row.name, policy)
    hosts = await restore_facts.living(conn, EVERYTHING, recipe.source, "host", resource.c.state == "up")
    return Group(row.external_id, row.name, policy, 0 < len(hosts) <= members)
