"""Making and switching VMs of an OpenStack region, as the service user inside of one project.

Nothing is ever deleted here that does not bear a mark of ours.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from engines.clouds.acting import ActError, Used, VolumeState
from engines.clouds.acting_backups import BackupState, mark_of_volume
from engines.clouds.acting_servers import (
    KEPT,
    MARK,
    FloatingState,
    NewPort,
    NewServer,
    NewVolume,
    PortState,
    ServerState,
    Thing,
)
from engines.clouds.openstack_errors import status_behind, status_of
from engines.clouds.openstack_projects import Json, Listing, ProjectCalls
from engines.clouds.openstack_server_words import (
    floating_state,
    limits_of,
    port_body,
    port_state,
    server_body,
    server_state,
)
from engines.clouds.openstack_volume_words import OF_BACKUPS, backup_state, volume_body, volume_state

CINDER, NOVA, NEUTRON, GLANCE = "block_storage", "compute", "network", "image"
_VERSION = "2.52"  # tags at the creation; 2.19 brought the description, 2.3 the user data
_THINGS: Mapping[Thing, tuple[str, str, str]] = {
    "flavor": (NOVA, "/flavors", "flavor"),
    "image": (GLANCE, "/images", ""),
    "network": (NEUTRON, "/networks", "network"),
    "subnet": (NEUTRON, "/subnets", "subnet"),
    "security_group": (NEUTRON, "/security-groups", "security_group"),
    "server_group": (NOVA, "/os-server-groups", "server_group"),
}


def _id(value: str) -> str:
    return quote(value, safe="")


class OpenStackActingServers:
    """Beside the storage client of the same source, over the same logins."""

    def __init__(self, calls: ProjectCalls) -> None:
        self._calls = calls

    async def server(self, project_id: str, server_id: str) -> ServerState | None:
        row = await self._found(project_id, NOVA, f"/servers/{_id(server_id)}", "server", _VERSION)
        return server_state(row) if row is not None and row.get("tenant_id", project_id) == project_id else None

    async def marked_servers(self, project_id: str, mark: str) -> Sequence[ServerState]:
        listing = Listing(NOVA, "/servers/detail", "servers", microversion=_VERSION)
        rows = [row for row in await self._calls.rows(project_id, listing) if row.get("tenant_id") == project_id]
        rows = [row for row in rows if (row.get("metadata") or {}).get(MARK) == mark]
        return [server_state(row) for row in sorted(rows, key=lambda row: str(row.get("created")))]

    async def create_server(self, project_id: str, new: NewServer) -> str:
        answer = await self._calls.change(project_id, "POST", NOVA, "/servers", server_body(new), _VERSION)
        return _made(answer, "server", "id")

    async def delete_server(self, project_id: str, server_id: str) -> None:
        there = await self.server(project_id, server_id)
        if there is not None:
            _must_be_ours(there.mark, f"VM {server_id}")
            await self._delete(project_id, NOVA, f"/servers/{_id(server_id)}")

    async def stop_server(self, project_id: str, server_id: str) -> None:
        await self._act(project_id, server_id, {"os-stop": None})

    async def start_server(self, project_id: str, server_id: str) -> None:
        await self._act(project_id, server_id, {"os-start": None})

    async def rename_server(self, project_id: str, server_id: str, name: str) -> None:
        path = f"/servers/{_id(server_id)}"
        await self._calls.change(project_id, "PUT", NOVA, path, {"server": {"name": name}})

    async def keep_server(self, project_id: str, server_id: str, mark: str) -> None:
        path = f"/servers/{_id(server_id)}/metadata"
        if mark:
            await self._calls.change(project_id, "POST", NOVA, path, {"metadata": {KEPT: mark}})
        else:
            await self._delete(project_id, NOVA, f"{path}/{KEPT}")

    async def delete_kept_server(self, project_id: str, server_id: str, mark: str) -> None:
        there = await self.server(project_id, server_id)
        if there is None:
            return
        if not mark or there.metadata.get(KEPT) != mark or there.status not in ("SHUTOFF", "ERROR"):
            raise ActError("refused", f"VM {server_id} is no stopped original of ours", "look at it in the cloud")
        await self._delete(project_id, NOVA, f"/servers/{_id(server_id)}")

    async def change_password(self, project_id: str, server_id: str, password: str) -> None:
        path, body = f"/servers/{_id(server_id)}/action", {"changePassword": {"adminPass": password}}
        try:
            await self._calls.change(project_id, "POST", NOVA, path, body, secret=True)
        except ActError as error:
            raise _of_agent(error) from None

    async def console_log(self, project_id: str, server_id: str, lines: int) -> str:
        answer = await self._act(project_id, server_id, {"os-getConsoleOutput": {"length": lines}})
        return str(answer.get("output") or "")

    async def attach_volume(self, project_id: str, server_id: str, volume_id: str) -> None:
        path = f"/servers/{_id(server_id)}/os-volume_attachments"
        await self._calls.change(project_id, "POST", NOVA, path, {"volumeAttachment": {"volumeId": volume_id}})

    async def detach_volume(self, project_id: str, server_id: str, volume_id: str) -> None:
        await self._delete(project_id, NOVA, f"/servers/{_id(server_id)}/os-volume_attachments/{_id(volume_id)}")

    async def backups(self, project_id: str) -> Sequence[BackupState]:
        """An administrator is told whose they are, everybody else sees only those of the project."""
        listing = Listing(CINDER, "/backups/detail", "backups", microversion=OF_BACKUPS)
        try:
            rows = await self._calls.rows(project_id, listing)
        except ActError as error:
            if error.reason == "gone":
                return []
            if status_behind(error) == 406:
                raise ActError("refused", f"Cinder is older than {OF_BACKUPS} and makes no volumes of backups",
                               "restore it with: openstack volume backup restore") from error  # fmt: skip
            raise
        return [
            backup_state(row) for row in rows if row.get("os-backup-project-attr:project_id", project_id) == project_id
        ]

    async def create_volume(self, project_id: str, new: NewVolume) -> VolumeState:
        """Of a backup: Cinder's restore without a volume would choose type and zone itself, and answer only when the
        volume is there; a volume that is made first and restored into takes two calls, and what dies between them
        leaves an empty one that looks whole."""
        version, wanted = volume_body(new)
        answer = await self._calls.change(project_id, "POST", CINDER, "/volumes", {"volume": wanted}, version)
        id_ = _made(answer, "volume", "id")
        return VolumeState(id_, new.name, str(answer["volume"].get("status") or "creating"), new.size_gib)

    async def set_bootable(self, project_id: str, volume_id: str) -> None:
        path = f"/volumes/{_id(volume_id)}/action"
        await self._calls.change(project_id, "POST", CINDER, path, {"os-set_bootable": {"bootable": True}})

    async def delete_volume(self, project_id: str, volume_id: str) -> None:
        path = f"/volumes/{_id(volume_id)}"
        row = await self._found(project_id, CINDER, path, "volume")
        if row is not None:
            _must_be_ours(mark_of_volume(volume_state(row)), f"volume {volume_id}")
            await self._delete(project_id, CINDER, path)

    async def port(self, project_id: str, port_id: str) -> PortState | None:
        row = await self._found(project_id, NEUTRON, f"/ports/{_id(port_id)}", "port")
        return port_state(row) if row is not None and _owner(row) == project_id else None

    async def ports_of(self, project_id: str, server_id: str) -> Sequence[PortState]:
        return await self._ports(project_id, ("device_id", server_id))

    async def marked_ports(self, project_id: str, mark: str) -> Sequence[PortState]:
        """Once more looked at here: a cloud that does not know the filter would list all."""
        return [one for one in await self._ports(project_id, ("description", mark)) if one.mark == mark]

    async def _ports(self, project_id: str, only: tuple[str, str]) -> list[PortState]:
        rows = await self._calls.rows(project_id, Listing(NEUTRON, "/ports", "ports", (only,)))
        return [port_state(row) for row in rows if _owner(row) == project_id]

    async def create_port(self, project_id: str, new: NewPort) -> PortState:
        answer = await self._calls.change(project_id, "POST", NEUTRON, "/ports", port_body(new))
        _made(answer, "port", "id")
        return port_state(answer["port"])

    async def delete_port(self, project_id: str, port_id: str) -> None:
        there = await self.port(project_id, port_id)
        if there is not None:
            _must_be_ours(there.mark, f"port {port_id}")
            await self._delete(project_id, NEUTRON, f"/ports/{_id(port_id)}")

    async def plug_port(self, project_id: str, server_id: str, port_id: str) -> None:
        path = f"/servers/{_id(server_id)}/os-interface"
        await self._calls.change(project_id, "POST", NOVA, path, {"interfaceAttachment": {"port_id": port_id}})

    async def unplug_port(self, project_id: str, server_id: str, port_id: str) -> None:
        await self._delete(project_id, NOVA, f"/servers/{_id(server_id)}/os-interface/{_id(port_id)}")

    async def floating_ip(self, project_id: str, floating_id: str) -> FloatingState | None:
        row = await self._found(project_id, NEUTRON, f"/floatingips/{_id(floating_id)}", "floatingip")
        return floating_state(row) if row is not None and _owner(row) == project_id else None

    async def lead_floating_ip(self, project_id: str, floating_id: str, port_id: str, fixed_ip: str = "") -> None:
        wanted: dict[str, Any] = {"port_id": port_id or None}
        if port_id and fixed_ip:
            wanted["fixed_ip_address"] = fixed_ip
        path = f"/floatingips/{_id(floating_id)}"
        await self._calls.change(project_id, "PUT", NEUTRON, path, {"floatingip": wanted})

    async def exists(self, project_id: str, thing: Thing, id_: str) -> bool:
        service, path, key = _THINGS[thing]
        row = await self._found(project_id, service, f"{path}/{_id(id_)}", key)
        return row is not None and (thing != "image" or row.get("status") == "active")

    async def keypairs(self, project_id: str) -> frozenset[str]:
        rows = (await self._calls.read(project_id, NOVA, "/os-keypairs")).get("keypairs") or ()
        return frozenset(str((row.get("keypair") or row).get("name")) for row in rows)

    async def limits(self, project_id: str) -> Mapping[str, Used]:
        """What a service does not tell is left out: the create is the last check."""
        nova, cinder, ports = await asyncio.gather(
            self._calls.read(project_id, NOVA, "/limits"),
            self._calls.read(project_id, CINDER, "/limits"),
            self._port_quota(project_id),
        )
        return limits_of(nova, cinder, ports)

    async def _port_quota(self, project_id: str) -> Json:
        try:
            return await self._calls.read(project_id, NEUTRON, f"/quotas/{_id(project_id)}/details.json")
        except ActError as error:
            if error.reason in ("refused", "gone"):  # only an administrator may read it, or the cloud has no such call
                return {}
            raise

    async def _found(
        self, project_id: str, service: str, path: str, key: str, microversion: str | None = None
    ) -> Json | None:
        """The row; None for what is not there. An empty `key`: the answer is the row."""
        try:
            body = await self._calls.read(project_id, service, path, microversion=microversion)
        except ActError as error:
            if error.reason == "gone":
                return None
            raise
        row = body.get(key) if key else body
        if not isinstance(row, dict) or "id" not in row:
            raise ActError("unexpected", f"the answer to {path} holds no {key or 'object'}", "check the service's log")
        return row

    async def _act(self, project_id: str, server_id: str, action: Json) -> Json:
        return await self._calls.change(project_id, "POST", NOVA, f"/servers/{_id(server_id)}/action", action)

    async def _delete(self, project_id: str, service: str, path: str) -> None:
        try:
            await self._calls.change(project_id, "DELETE", service, path)
        except ActError as error:
            if error.reason != "gone":
                raise


def _of_agent(error: ActError) -> ActError:
    """501 is Nova's word for an agent that is silent, and for a hypervisor that never sets one: nothing was done. What
    it conflicts with (409) is over soon only where something else is under way with the VM."""
    cause = error.__cause__
    status = status_of(cause) if cause is not None else None
    if status == 501:
        return ActError("busy", error.detail, error.fix)
    if status == 409 and "while it is in" not in error.detail:
        return ActError("refused", error.detail, error.fix)
    return error


def _owner(row: Json) -> str:
    return str(row.get("project_id") or row.get("tenant_id") or "")


def _must_be_ours(mark: str, what: str) -> None:
    if not mark:
        raise ActError("refused", f"{what} was not made here and is not deleted", "delete it in the cloud itself")


def _made(answer: Json, key: str, field: str) -> str:
    row = answer.get(key)
    if not isinstance(row, dict) or not row.get(field):
        raise ActError(
            "unexpected", f"the answer to a new {key} holds none", "look whether it was made", maybe_done=True
        )
    return str(row[field])
