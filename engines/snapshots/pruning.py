"""Taking away what retention does not keep, and saying what became of it."""

from collections.abc import Mapping, Sequence

from engines.clouds.acting import ActError, SnapshotState
from engines.snapshots.making import Item, Maker
from engines.snapshots.retention import Surplus, Why, surplus
from storage import snapshot_runs as rows


def of_volume(snapshots: Sequence[SnapshotState]) -> Mapping[str, list[SnapshotState]]:
    found: dict[str, list[SnapshotState]] = {}
    for one in snapshots:
        found.setdefault(one.volume_id, []).append(one)
    return found


async def prune(
    maker: Maker, items: Sequence[Item], snapshots: Sequence[SnapshotState], *, why: Why = "expired"
) -> list[str]:
    """Ask for the deletion of what these volumes do not need; the ids that the cloud took. `snapshots` is a listing
    that was made after the last copy was good. For `room` the copy that the next one would replace goes as well."""
    held = of_volume(snapshots)
    asked: list[str] = []
    for item in items:
        keep = item.retention - 1 if why == "room" else item.retention
        for one in await _free(maker, held.get(item.id, ()), keep, why):
            if await _delete(maker, one):
                asked.append(one.snapshot.id)
    return asked


async def _free(maker: Maker, snapshots: Sequence[SnapshotState], keep: int, why: Why) -> list[Surplus]:
    """Without those that something depends on, or of which the cloud does not tell."""
    found = surplus(snapshots, maker.order.policy, keep, maker.now, why=why)
    needed: set[str] = set()
    for one in found:
        if await _is_needed(maker, one.snapshot.id):
            needed.add(one.snapshot.id)
    return [one for one in found if one.snapshot.id not in needed]


async def _is_needed(maker: Maker, snapshot_id: str) -> bool:
    project_id = maker.order.project_id
    try:
        return bool(await maker.pace.read(lambda: maker.acting.snapshot_dependants(project_id, snapshot_id)))
    except ActError:
        return True


async def _delete(maker: Maker, one: Surplus) -> bool:
    """Its row is there before it is asked for. A deletion can be asked for again, so a lost answer is no failure yet:
    the listing afterwards tells."""
    order, snapshot = maker.order, one.snapshot
    row = {
        "source": order.source, "snapshot_id": snapshot.id, "run": order.run, "project_id": order.project_id,
        "volume_id": snapshot.volume_id, "policy": order.policy, "name": snapshot.name, "why": one.why,
        "state": "asked", "detail": "", "at": maker.now,
    }  # fmt: skip
    async with maker.database.begin() as conn:
        await rows.removing(conn, row)
    try:
        await maker.pace.call(lambda: maker.acting.delete_snapshot(order.project_id, snapshot.id))
    except ActError as error:
        if error.maybe_done:
            return True
        async with maker.database.begin() as conn:
            await rows.removed(conn, order.source, [snapshot.id], "failed", f"{error.detail} {error.fix}".strip()[:500])
        return False
    return True


async def check_gone(maker: Maker, snapshots: Sequence[SnapshotState]) -> bool:
    """Compare what was asked to go with a new listing; True when nothing of it is under way any more."""
    order = maker.order
    listed = {one.id: one.status for one in snapshots}
    async with maker.database.begin() as conn:
        known = await rows.removals(conn, order.run, order.source, order.project_id)
        asked = [id_ for id_, state in known.items() if state == "asked"]
        gone = [id_ for id_ in asked if id_ not in listed]
        bad = [id_ for id_ in asked if listed.get(id_, "deleting") not in ("deleting", "deleted")]
        await rows.removed(conn, order.source, gone, "gone")
        for id_ in bad:
            await rows.removed(conn, order.source, [id_], "failed", f"the cloud says {listed[id_]} of it")
    return len(gone) + len(bad) == len(asked)
