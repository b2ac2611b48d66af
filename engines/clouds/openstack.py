"""OpenStack through openstacksdk: one source for each region of a cloud."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from types import MappingProxyType

from openstack.config.cloud_region import CloudRegion

from engines.clouds import CloudError, Resource
from engines.clouds import openstack_compute as nova
from engines.clouds import openstack_identity as keystone
from engines.clouds import openstack_network as neutron
from engines.clouds import openstack_storage as cinder
from engines.clouds.openstack_backups import volume_backups
from engines.clouds.openstack_calls import CallLimits, Calls, Json, Listing, failure
from engines.clouds.openstack_errors import SERVICES, HttpError, fix_for
from engines.clouds.openstack_hosts import hosts
from engines.clouds.openstack_people import groups, keypairs, users
from engines.clouds.openstack_quotas import quotas

Reader = Callable[[Calls], Awaitable[list[Resource]]]
_ALL = (("all_tenants", "1"),)
# Nova's flavors and Cinder's types: public and private ones.
_ANY = (("is_public", "None"),)
# The rules of a group are a kind of their own: without this each group would bring all of them.
_GROUP_FIELDS = tuple(("fields", f) for f in ("id", "name", "project_id", "tenant_id", "description", "created_at"))


def _plain(listing: Listing, read: Callable[[Json], Resource | None]) -> Reader:
    async def reader(calls: Calls) -> list[Resource]:
        return await calls.resources(listing, read)

    return reader


def _versioned(listing: Listing, wanted: str, read: Callable[[Json], Resource | None]) -> Reader:
    async def reader(calls: Calls) -> list[Resource]:
        version = await calls.supported(listing.service, wanted)
        chosen = Listing(listing.service, listing.path, listing.key, listing.query, listing.paged, version)
        return await calls.resources(chosen, read)

    return reader


async def _vms(calls: Calls) -> list[Resource]:
    """2.47 embeds the flavor, 2.69 tells of cells that are down: their VMs are there, but without facts."""
    partial: list[str] = []

    def read(row: Json) -> Resource | None:
        if nova.is_partial(row):
            partial.append(str(row["id"]))
            return None
        return nova.vm(row)

    version = await calls.supported("compute", "2.79")
    rows = await calls.resources(Listing("compute", "/servers/detail", "servers", _ALL, microversion=version), read)
    if partial:
        detail = f"Nova: a cell is down, {len(partial)} VMs came without facts"
        raise CloudError("cut_off", detail, "bring the cell's database or message queue back", rows)
    return rows


async def _assignments(calls: Calls) -> list[Resource]:
    listing = Listing("identity", "/role_assignments", "role_assignments", paged=False, identify=keystone.assignment_id)
    return await calls.resources(listing, keystone.role_assignment)


_READERS: Mapping[str, Reader] = MappingProxyType(
    {
        "domain": _plain(Listing("identity", "/domains", "domains", paged=False), keystone.domain),
        "project": _plain(Listing("identity", "/projects", "projects", paged=False), keystone.project),
        "user": users,
        "group": groups,
        "role": _plain(Listing("identity", "/roles", "roles", paged=False), keystone.role),
        "role_assignment": _assignments,
        "vm": _vms,
        "volume": _versioned(Listing("block_storage", "/volumes/detail", "volumes", _ALL), "3.60", cinder.volume),
        "snapshot": _versioned(
            Listing("block_storage", "/snapshots/detail", "snapshots", _ALL), "3.60", cinder.snapshot
        ),
        "volume_backup": volume_backups,
        "image": _plain(Listing("image", "/images", "images"), cinder.image),
        "flavor": _versioned(Listing("compute", "/flavors/detail", "flavors", _ANY), "2.61", nova.flavor),
        "host": hosts,
        "aggregate": _plain(Listing("compute", "/os-aggregates", "aggregates", paged=False), nova.aggregate),
        "network": _plain(Listing("network", "/networks", "networks"), neutron.network),
        "subnet": _plain(Listing("network", "/subnets", "subnets"), neutron.subnet),
        "port": _plain(Listing("network", "/ports", "ports"), neutron.port),
        "router": _plain(Listing("network", "/routers", "routers"), neutron.router),
        "floating_ip": _plain(Listing("network", "/floatingips", "floatingips"), neutron.floating_ip),
        "security_group": _plain(
            Listing("network", "/security-groups", "security_groups", _GROUP_FIELDS), neutron.security_group
        ),
        "security_group_rule": _plain(
            Listing("network", "/security-group-rules", "security_group_rules"), neutron.security_group_rule
        ),
        "keypair": keypairs,
        "server_group": _versioned(
            Listing("compute", "/os-server-groups", "server_groups", (("all_projects", "1"),)),
            "2.64",
            nova.server_group,
        ),
        "volume_type": _plain(Listing("block_storage", "/types", "volume_types", _ANY), cinder.volume_type),
        "quota": quotas,
    }
)
# These services answer a plain account with its own rows as if there were no others. What only an account that sees
# every project may read tells the difference; without it such an answer would pass for "all the rest was deleted".
_PROBES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        **dict.fromkeys(("volume", "snapshot", "volume_backup", "volume_type"), ("block_storage", "/os-services")),
        **dict.fromkeys(("flavor", "server_group"), ("compute", "/os-services")),
        **dict.fromkeys(
            (
                "network",
                "subnet",
                "port",
                "router",
                "floating_ip",
                "security_group",
                "security_group_rule",
            ),
            ("network", "/quotas"),
        ),
        "image": ("image", "/tasks"),
    }
)


class OpenStackCloud:
    """One region. Nothing is connected before the first listing."""

    platform = "openstack"
    demo = False
    kinds: tuple[str, ...] = tuple(_READERS)

    def __init__(self, source: str, region: CloudRegion, limits: CallLimits | None = None) -> None:
        self.source = source
        self._calls = Calls(source, region, limits)

    async def list(self, kind: str) -> Sequence[Resource]:
        """See `Cloud.list`. `refused` with the rows when the account sees only a part of the cloud."""
        if kind not in _READERS:
            raise CloudError("unsupported", f"OpenStack has no {kind}")
        service = _PROBES[kind][0] if kind in _PROBES else "identity" if kind == "quota" else "compute"
        try:
            whole = await self._sees_all(kind)
            rows = await _READERS[kind](self._calls)
        except Exception as error:
            raise failure(error, service, self.source) from error
        if not whole:
            detail = f"{SERVICES[service]} shows this account only what belongs to its own project"
            raise CloudError("refused", detail, fix_for("refused", service, self.source), rows)
        return rows

    async def _sees_all(self, kind: str) -> bool:
        if kind not in _PROBES:
            return True
        service, path = _PROBES[kind]
        try:
            await self._calls.get(service, path, (("limit", "1"),))
        except HttpError as error:
            if error.status in (401, 403):
                return False
            if error.status in (400, 404, 405, 410):  # a release without that call: the role's name decides
                return "admin" in await self._calls.roles()
            raise
        return True

    async def close(self) -> None:
        await self._calls.close()
