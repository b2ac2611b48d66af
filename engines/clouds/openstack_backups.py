"""Cinder's volume backups, where a backup service runs: copies outside of the volume's own storage, that outlive it."""

from collections.abc import Sequence
from dataclasses import replace

from engines.clouds import CloudError, Resource
from engines.clouds.openstack_calls import Calls, Json, Listing
from engines.clouds.openstack_errors import status_behind, status_of
from engines.clouds.openstack_words import backup_state, known, utc

_CINDER = "block_storage"
_BINARY = "cinder-backup"
_VERSION = "3.64"  # 3.18 names the project, 3.43 brought metadata, 3.56 the user, 3.64 the id of the key


def volume_backup(row: Json) -> Resource:
    status = str(row.get("status") or "")
    attrs = known(
        state=backup_state(status),
        status=status,
        size_gib=row.get("size"),
        parent_id=row.get("volume_id"),
        snapshot_id=row.get("snapshot_id"),
        incremental=row.get("is_incremental"),
        container=row.get("container"),
        zone=row.get("availability_zone"),
        encrypted=True if row.get("encryption_key_id") else None,  # the id itself is nobody's business
        failure=row.get("fail_reason"),
        data_at=utc(row.get("data_timestamp")),
        user_id=row.get("user_id"),
        metadata=row.get("metadata") or {},
        description=row.get("description"),
        created=utc(row.get("created_at")),
    )
    return Resource(
        "volume_backup",
        row["id"],
        row.get("name") or "",
        row.get("os-backup-project-attr:project_id"),
        attrs,
        known(needed=row.get("has_dependent_backups")),
    )


async def volume_backups(calls: Calls) -> list[Resource]:
    """Raises CloudError: `unsupported` where there is no backup service, to which Cinder answers with an empty list."""
    version = await calls.supported(_CINDER, _VERSION)
    listing = Listing(_CINDER, "/backups/detail", "backups", (("all_tenants", "1"),), microversion=version)
    try:
        rows = await calls.resources(listing, volume_backup)
    except CloudError as error:
        if status_behind(error) == 404:
            raise _absent() from error
        raise
    if not rows and not await _runs(calls):
        raise _absent()
    return with_bases(rows)


def _absent() -> CloudError:
    what = f"Cinder has no backup service ({_BINARY}) here"
    return CloudError("unsupported", what, "nothing, when this cloud keeps no volume backups")


async def _runs(calls: Calls) -> bool:
    """Whether a backup service is registered, up or down. Where that cannot be read, an empty list is believed."""
    try:
        body = await calls.get(_CINDER, "/os-services", (("binary", _BINARY),))
    except Exception as error:
        if status_of(error) in (400, 401, 403, 404, 405, 410):
            return True
        raise
    return any(isinstance(one, dict) and one.get("binary") == _BINARY for one in body.get("services") or ())


def with_bases(rows: Sequence[Resource]) -> list[Resource]:
    """Each incremental one with what it adds to: Cinder takes the newest of its volume by the data's time, and lets
    nobody delete it as long as it is needed."""
    of_volume: dict[str, list[Resource]] = {}
    for row in sorted(rows, key=lambda one: (_data_at(one), str(one.attrs.get("created") or ""), one.external_id)):
        if row.attrs["state"] == "available" and row.attrs.get("parent_id"):
            of_volume.setdefault(row.attrs["parent_id"], []).append(row)
    return [_with_base(row, of_volume.get(str(row.attrs.get("parent_id")), ())) for row in rows]


def _with_base(row: Resource, older: Sequence[Resource]) -> Resource:
    if not row.attrs.get("incremental"):
        return row
    before = [one for one in older if one.external_id != row.external_id and _is_before(one, row)]
    return replace(row, derived={**row.derived, "base_id": before[-1].external_id}) if before else row


def _is_before(one: Resource, other: Resource) -> bool:
    """Cinder's times end at the second: of two of the same second the needed one is first, and a whole one."""
    mine, its = (_data_at(one), str(one.attrs.get("created"))), (_data_at(other), str(other.attrs.get("created")))
    if mine == its:
        return bool(one.derived.get("needed")) and not one.attrs.get("incremental")
    return mine[0] <= its[0] and mine[1] <= its[1]


def _data_at(row: Resource) -> str:
    return str(row.attrs.get("data_at") or row.attrs.get("created") or "")
