"""Changes to a real OpenStack, the whole way: asked for in words, decided, done by workers, counted by openstacksdk.

Set what test_acting_live.py wants. Everything is made in projects of its own, which are deleted afterwards.
"""

import asyncio
import contextlib
import secrets
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import openstack
import pytest
import yaml
from openstack.connection import Connection

from bot.adapters import text
from bot.messages import Message
from bot.pipeline import Pipeline
from bot.replies import Reply
from engines.clouds.sources import open_clouds
from engines.inventory.collect import sync_source
from engines.snapshots.metadata import for_snapshot
from storage import jobs, requests, snapshots
from storage.database import Database
from storage.people import Grant, add_person, grant
from tests.acceptance.processes import Process
from tests.cloud.test_acting_live import service
from tests.cloud.test_openstack_live import where

# The runs are of policies that no other volume of the cloud is under.
pytestmark = pytest.mark.cloud
_START_S = 120.0  # of a worker, on a machine that has much else to do


def shown(reply: Reply) -> str:
    return text.render(reply, datetime.now(UTC))


def _until_the_second_after(created_at: str) -> None:
    """Cinder tells ages to the second, and two copies of one second have no order: the next one is of another."""
    created = datetime.fromisoformat(created_at.removesuffix("Z")).replace(tzinfo=UTC)
    time.sleep(max((created + timedelta(seconds=1) - datetime.now(UTC)).total_seconds(), 0))


class Cloud:
    """openstacksdk as administrator: what it makes for a test, and what it sees afterwards."""

    def __init__(self, direct: Any) -> None:
        self.direct = direct
        self.name = f"proof-{secrets.token_hex(3)}"
        self.projects: dict[str, Any] = {}
        self.inside: dict[str, Any] = {}
        self.volumes: dict[str, Any] = {}

    def project(self, word: str, *volumes: str) -> str:
        """A project with volumes of 1 GiB, in which the service user has its role; gives its name."""
        path, _ = where()
        login = yaml.safe_load(path.read_text())["clouds"][service()]["auth"]["username"]
        identity, name = self.direct.identity, f"{self.name}-{word}"
        made = self.projects[word] = identity.create_project(name=name, domain_id="default")
        for user, role in ((login, "member"), ("admin", "admin")):
            found = identity.find_user(user, domain_id="default"), identity.find_role(role)
            identity.assign_project_role_to_user(made, *found)
        inside = self.inside[word] = self.direct.connect_as_project(made)
        for volume in volumes:
            self.volumes[volume] = inside.block_storage.create_volume(size=1, name=f"{self.name}-{volume}")
        for volume in volumes:
            self._wait(inside, self.volumes[volume])
        return name

    def _wait(self, inside: Any, row: Any) -> None:
        inside.block_storage.wait_for_status(row, "available", failures=["error"], interval=0.3, wait=60)

    def copy(self, word: str, volume: str, name: str, policy: str = "") -> str:
        """A snapshot that was there before: made by hand, or by a run of a policy."""
        inside, of = self.inside[word], self.volumes[volume].id
        told = {"volume_id": of, "project_id": self.projects[word].id}
        said = for_snapshot(key=secrets.token_hex(8), policy=policy, run="before", **told) if policy else {}
        made = inside.block_storage.create_snapshot(volume_id=of, name=name, metadata=said)
        self._wait(inside, made)
        _until_the_second_after(str(made.created_at))
        return str(made.id)

    def listed(self, word: str) -> list[Any]:
        """All snapshots of the project, from a listing of all projects."""
        rows = self.direct.block_storage.snapshots(details=True, all_projects=True)
        return [row for row in rows if row.project_id == self.projects[word].id]

    def labels(self, volume: str) -> dict[str, str]:
        return dict(self.direct.block_storage.get_volume(self.volumes[volume].id).metadata)

    def remove(self) -> None:
        for volume in self.volumes.values():  # faults and delays would go on while it is cleaned up
            held = set(self.direct.block_storage.get_volume(volume.id).metadata)
            self.direct.block_storage.delete_volume_metadata(volume, held & {"testbed_fault", "testbed_delay"})
        for word, inside in self.inside.items():
            storage = inside.block_storage
            for snapshot in storage.snapshots():
                storage.delete_snapshot(snapshot, ignore_missing=True)
            for snapshot in list(storage.snapshots()):
                with contextlib.suppress(Exception):
                    storage.wait_for_delete(snapshot, interval=0.3, wait=60)
            for volume in list(storage.volumes()):
                storage.delete_volume(volume, ignore_missing=True)
            self.direct.block_storage.revert_quota_set(self.projects[word])
            self.direct.identity.delete_project(self.projects[word])


@pytest.fixture
def cloud() -> Iterator[Cloud]:
    path, name = where()
    direct = Connection(config=openstack.config.OpenStackConfig(config_files=[str(path)]).get_one(cloud=name))
    made = Cloud(direct)
    try:
        yield made
    finally:
        made.remove()


@dataclass
class House:
    """People who talk to Stackhand; the work is done by the worker processes that a test starts."""

    database: Database
    pipeline: Pipeline
    told: list[str] = field(default_factory=list)

    async def say(self, said: str, by: str = "bob") -> Reply:
        (reply,) = await self.pipeline.answer(Message(secrets.token_hex(6), by, by, said, datetime.now(UTC)))
        self.told.append(f"{by}: {said}\n{shown(reply)}")
        return reply

    async def sync(self) -> None:
        path, name = where()
        (source,) = open_clouds(path, [name])
        await sync_source(self.database, source, wait=True)
        await source.close()

    async def asked(self, said: str) -> int:
        """The number of the request that it became."""
        reply = await self.say(said)
        assert reply.follows, self.told[-1]
        return int(reply.follows[0].split("/")[1])

    async def does(self, said: str, seconds: float = 60) -> jobs.JobState:
        """Asked for, confirmed, waited for."""
        number = await self.asked(said)
        await self.say("yes")
        return await self.ended(number, seconds)

    async def ended(self, request: int, seconds: float = 60) -> jobs.JobState:
        async with asyncio.timeout(seconds):
            while True:
                async with self.database.connect() as conn:
                    found = await requests.find(conn, request)
                    assert found is not None and found.job_id is not None, self.told[-1]
                    (job,) = await jobs.states(conn, [found.job_id])
                if job.ended:
                    return job
                await asyncio.sleep(0.3)


@pytest.fixture
async def house(database: Database) -> AsyncIterator[House]:
    async with database.begin() as conn:
        for person, role in (("bob", "operator"), ("carol", "admin")):
            await add_person(conn, person, person.title())
            await grant(conn, person, Grant(role), "test")
    made = House(database, Pipeline(database))
    yield made
    print("\n\n".join(made.told))


def worker(database_url: str, state: Path, place: Path) -> Process:
    path, name = where()
    more = {
        "STACKHAND_DATABASE_URL": database_url, "STACKHAND_CLOUDS_FILE": str(path), "STACKHAND_CLOUDS": name,
        "STACKHAND_SERVICE_CLOUDS": f"{name}={service()}", "STACKHAND_SYNC_EVERY_S": "3600",
        "STACKHAND_STATE_DIR": str(state),
    }  # fmt: skip
    return Process(("worker", "--port", "0"), place, more)


async def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    async with asyncio.timeout(seconds):
        while True:
            if await asyncio.to_thread(holds):
                return
            await asyncio.sleep(0.3)


def names(rows: list[Any]) -> list[str]:
    return sorted(str(row.name) for row in rows)


async def test_policies_are_assigned_run_bounded_by_quota_and_pruned(
    cloud: Cloud, house: House, database_url: str, tmp_path: Path
) -> None:
    cloud.project("prod", "data", "old", "faulty")
    cloud.project("full", "wide")
    for number in (1, 2, 3):
        cloud.copy("prod", "old", f"before-{number}", "nightly_gold")
    cloud.copy("prod", "old", "by-hand")
    cloud.copy("prod", "faulty", "last-good", "nightly_gold")
    cloud.copy("full", "wide", "by-hand")
    begun = datetime.now(UTC)
    cloud.direct.block_storage.update_quota_set(cloud.projects["full"].id, snapshots=1)
    cloud.direct.block_storage.set_volume_metadata(cloud.volumes["faulty"].id, testbed_fault="snapshot")
    await house.sync()
    with worker(database_url, tmp_path / "state", tmp_path) as working:
        working.wait_for("durable.start", _START_S)
        await _assigned_and_run(cloud, house)
        await _retention(cloud, house, begun)
        await _deleted_with_approval(cloud, house)
        assert "Traceback" not in working.printed, working.printed


async def _assigned_and_run(cloud: Cloud, house: House) -> None:
    for volume in ("data", "wide"):
        assert (await house.does(f"assign daily_23 to {cloud.name}-{volume}")).state == "done"
        assert cloud.labels(volume)["stackhand_policies"] == "daily_23"
    before = names(cloud.listed("prod"))
    job = await house.does("run daily_23")
    assert (job.state, job.outcome["counts"]) == ("done", {"made": 1, "quota_blocked": 1})
    (made,) = [row for row in cloud.listed("prod") if str(row.name) not in before]
    assert (made.status, made.volume_id) == ("available", cloud.volumes["data"].id)
    assert made.metadata["stackhand_policy"] == "daily_23" and made.name.startswith("auto-")
    assert names(cloud.listed("full")) == ["by-hand"]
    status = shown(await house.say("snapshot run status"))
    assert "1 made" in status and "1 quota-blocked" in status and "needs 1 more snapshot" in status
    print("listed before", before, "after", names(cloud.listed("prod")), "full", names(cloud.listed("full")))
    job = await house.does("run daily_23")
    assert (job.state, job.outcome["counts"]) == ("done", {"quota_blocked": 1})
    assert len(cloud.listed("prod")) == len(before) + 1


async def _retention(cloud: Cloud, house: House, begun: datetime) -> None:
    """A policy that was due since the copies from before; what it cannot copy loses nothing."""
    due = begun.replace(second=0, microsecond=0) + timedelta(minutes=1)
    await asyncio.sleep(max((due - datetime.now(UTC)).total_seconds(), 0) + 1)
    async with house.database.begin() as conn:
        policy = ("nightly_gold", f"{due.minute} {due.hour} * * *", "UTC", 2)
        await snapshots.replace_all(conn, policies=[policy], rules=[], exclusions=[], by="test")
    assert (await house.does(f"assign nightly_gold to {cloud.name}-old")).state == "done"
    assert (await house.does(f"assign nightly_gold to {cloud.name}-faulty keeping 1")).state == "done"
    before = names(cloud.listed("prod"))
    job = await house.does("run nightly_gold")
    assert (job.state, job.outcome["counts"]) == ("done", {"made": 1, "failed": 1, "pruned": 2})
    after = cloud.listed("prod")
    left = {name: [row for row in after if row.volume_id == cloud.volumes[name].id] for name in ("old", "faulty")}
    print("listed before", before, "after", {volume: names(rows) for volume, rows in left.items()})
    kept = names(left["old"])
    assert {"by-hand", "before-3"} < set(kept) and len(kept) == 3, "the oldest two are gone, the hand-made one is not"
    good = [row for row in left["faulty"] if row.status == "available"]
    assert names(good) == ["last-good"]


async def _deleted_with_approval(cloud: Cloud, house: House) -> None:
    await house.sync()
    (kept,) = [row for row in cloud.listed("prod") if row.name == "before-3"]
    request = await house.asked(f"delete snapshot {kept.name}")
    assert "You asked for this" in shown(await house.say(f"approve REQ-{request}"))
    assert kept.id in {row.id for row in cloud.listed("prod")}
    await house.say(f"approve REQ-{request}", "carol")
    assert (await house.ended(request)).state == "done"
    assert kept.id not in {row.id for row in cloud.listed("prod")}


async def test_a_worker_killed_in_the_middle_of_a_run_is_followed_by_another(
    cloud: Cloud, house: House, database_url: str, tmp_path: Path
) -> None:
    volumes = [f"v{number}" for number in range(6)]
    project = cloud.project("killed", *volumes)
    for volume in volumes:
        cloud.direct.block_storage.set_volume_metadata(cloud.volumes[volume].id, testbed_delay="2")
    await house.sync()
    with worker(database_url, tmp_path / "one", tmp_path) as one:
        one.wait_for("durable.start", _START_S)
        assert (await house.does(f"assign daily_23 to {project}")).state == "done"
        number = await house.asked(f"run daily_23 for {project}")
        await house.say("yes")
        await until(lambda: len(cloud.listed("killed")) >= 2)
        one.kill()
        print("snapshots when it was killed", Counter(row.status for row in cloud.listed("killed")))
    with worker(database_url, tmp_path / "two", tmp_path) as two:
        job = await house.ended(number, 150)
        assert "Traceback" not in two.printed, two.printed
    made = cloud.listed("killed")
    print("snapshots in the end", Counter(row.status for row in made), "of volumes", len({r.volume_id for r in made}))
    assert (job.state, job.outcome["counts"]) == ("done", {"made": 6})
    assert Counter(row.volume_id for row in made) == {cloud.volumes[volume].id: 1 for volume in volumes}
    assert {row.status for row in made} == {"available"}
