"""The invented cloud as it is now, with what was changed in it: the rows of each kind, made when they are asked for."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property

from engines.clouds import Resource
from storage.demo_changes import DemoObject

SNAPSHOT, VOLUME, VM, QUOTA = "snapshot", "volume", "vm", "quota"
BACKUP = "volume_backup"
PORT, FLOATING, GROUP, HOST = "port", "floating_ip", "server_group", "host"
NETWORK, SUBNET = "network", "subnet"
DELETED_AFTER = timedelta(seconds=2)
"""How long something is `deleting` before it is gone."""

Overlay = Callable[["Present", Sequence[Resource]], Sequence[Resource]]
"""The rows of a kind as they were invented, with what was changed."""


def is_gone(deleted_at: datetime | None, now: datetime) -> bool:
    return deleted_at is not None and deleted_at + DELETED_AFTER <= now


class Present:
    """A source, or one project of it, at one time. `invented` gives the rows of a kind before anybody changed them."""

    def __init__(
        self,
        invented: Callable[[str], Sequence[Resource]],
        objects: Sequence[DemoObject],
        now: datetime,
        overlays: Mapping[str, Overlay],
    ) -> None:
        self.invented = invented
        self.now = now
        self._overlays = overlays
        self._objects: dict[str, dict[str, DemoObject]] = {}
        for one in objects:
            self._objects.setdefault(one.kind, {})[one.external_id] = one
        self._rows: dict[str, Sequence[Resource]] = {}

    def rows(self, kind: str) -> Sequence[Resource]:
        if kind not in self._rows:
            overlay = self._overlays.get(kind)
            rows = self.invented(kind)
            self._rows[kind] = overlay(self, rows) if overlay and self._objects else rows
        return self._rows[kind]

    def one(self, kind: str, external_id: str) -> Resource | None:
        return next((row for row in self.rows(kind) if row.external_id == external_id), None)

    def objects(self, kind: str) -> Mapping[str, DemoObject]:
        """What was made or changed of a kind, by id, the oldest first."""
        return self._objects.get(kind, {})

    def made(self, kind: str) -> Sequence[DemoObject]:
        return [one for one in self.objects(kind).values() if one.made_at is not None]

    @cached_property
    def gone_vms(self) -> frozenset[str]:
        """VMs that are gone: their volumes and ports are free, or gone with them."""
        return frozenset(one.external_id for one in self.objects(VM).values() if is_gone(one.deleted_at, self.now))
