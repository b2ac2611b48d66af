"""Questions in people's words about a real OpenStack; each answer is compared with what openstacksdk says directly.

The cloud is the one of `test_openstack_live`, as its test bed fills it. `python -m tests.cloud.test_questions_live`
prints every question with its answer.
"""

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import openstack
import pytest
from openstack.connection import Connection

from bot.adapters.text import render
from bot.messages import Message
from bot.pipeline import Pipeline
from bot.replies import Fields, Reply, Table, Text
from engines.clouds.sources import open_clouds
from engines.inventory.collect import sync_source
from storage.database import Database
from tests.cloud.test_openstack_live import where

pytestmark = pytest.mark.cloud


class Direct:
    """The cloud as openstacksdk tells it, listed once."""

    def __init__(self, connection: Connection) -> None:
        self._c: Any = connection

    @cached_property
    def servers(self) -> list[Any]:
        return list(self._c.compute.servers(all_projects=True))

    @cached_property
    def volumes(self) -> list[Any]:
        return list(self._c.block_storage.volumes(all_projects=True))

    @cached_property
    def snapshots(self) -> list[Any]:
        return list(self._c.block_storage.snapshots(all_projects=True))

    @cached_property
    def projects(self) -> dict[str, str]:
        """{id: name}"""
        return {project.id: project.name for project in self._c.identity.projects()}

    @cached_property
    def hypervisors(self) -> list[Any]:
        self._c.compute.default_microversion = "2.87"  # the last that tells sizes
        return list(self._c.compute.hypervisors(details=True))

    @cached_property
    def rules(self) -> list[Any]:
        return list(self._c.network.security_group_rules())

    def listed(self, path: str, **query: Any) -> list[Any]:
        """`network.ips` and the like."""
        service, what = path.split(".")
        return list(getattr(getattr(self._c, service), what)(**query))

    def project_of(self, thing: Any) -> str:
        return self.projects.get(thing.project_id, "")

    def of(self, project: str) -> list[Any]:
        return [server for server in self.servers if self.project_of(server) == project]

    @property
    def some_project(self) -> str:
        """The project with the most VMs; of several the first by name."""
        counts = Counter(self.project_of(server) for server in self.servers)
        return min(counts, key=lambda name: (-counts[name], name))

    @property
    def some_vm(self) -> Any:
        """A VM with an address and a volume, the only one of its name."""
        names = Counter(server.name for server in self.servers)
        with_volumes = [s for s in self.servers if s.attached_volumes and s.addresses and names[s.name] == 1]
        return min(with_volumes, key=lambda server: str(server.name))

    @property
    def some_host(self) -> str:
        return min(str(server.hypervisor_hostname) for server in self.servers if server.hypervisor_hostname)


@dataclass(frozen=True)
class Question:
    """`said` may name {project}, {vm}, {host}, {ip}, {volume}. `told` takes from the reply what `expected` must be."""

    said: str
    told: Callable[[Reply], Any]
    expected: Callable[[Direct], Any]


def number(reply: Reply) -> int:
    """The first number of the answer's headline."""
    heading = next(part.text for part in reply.parts if isinstance(part, Text) and part.style == "heading")
    if heading.startswith(("No ", "Nothing ")):
        return 0
    found = re.search(r"\d[\d,]*", heading)
    assert found, heading
    return int(found[0].replace(",", ""))


def table(reply: Reply) -> Table:
    return next((part for part in reply.parts if isinstance(part, Table)), Table((), (), 0))


def column(name: str) -> Callable[[Reply], list[Any]]:
    """A column of the answer's table, sorted."""

    def values(reply: Reply) -> list[Any]:
        found = table(reply)
        at = next((i for i, c in enumerate(found.columns) if c.name == name), None)
        return [] if at is None else sorted(row[at] for row in found.rows)

    return values


def pairs(first: str, second: str) -> Callable[[Reply], dict[Any, Any]]:
    """Two columns of the answer's table as a mapping."""

    def values(reply: Reply) -> dict[Any, Any]:
        found = table(reply)
        names = [c.name for c in found.columns]
        return {row[names.index(first)]: row[names.index(second)] for row in found.rows}

    return values


def field(title: str) -> Callable[[Reply], str | None]:
    return lambda reply: next(
        (v for part in reply.parts if isinstance(part, Fields) for k, v in part.pairs if k == title), None
    )


def intent(reply: Reply) -> str:
    return f"{reply.intent} {reply.outcome}"


def names(things: Iterable[Any]) -> list[str]:
    return sorted(str(thing.name) for thing in things)


def status(d: Direct, *states: str) -> list[Any]:
    return [server for server in d.servers if server.status in states]


def per_project(d: Direct, things: Iterable[Any]) -> dict[str, int]:
    return dict(Counter(d.project_of(thing) for thing in things))


def memory_gib(d: Direct) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for server in d.servers:
        sums[d.project_of(server)] += server.flavor["ram"]
    return dict(sums)


def open_on(d: Direct, port: int) -> int:
    """Groups that let the world in on a TCP port."""
    return len(
        {
            rule.security_group_id
            for rule in d.rules
            if rule.direction == "ingress"
            and not rule.remote_group_id
            and rule.remote_ip_prefix in (None, "0.0.0.0/0", "::/0")
            and rule.protocol in (None, "tcp")
            and (rule.port_range_min is None or rule.port_range_min <= port <= rule.port_range_max)
        }
    )


def roles_in(d: Direct, project: str, role: str) -> list[str]:
    users = {user.id: user.name for user in d.listed("identity.users")}
    roles = {one.id: one.name for one in d.listed("identity.roles")}
    return sorted(
        {
            users[a.user["id"]]
            for a in d.listed("identity.role_assignments")
            if a.user
            and roles[a.role["id"]] == role
            and d.projects.get(str((a.scope.get("project") or {}).get("id"))) == project
        }
    )


QUESTIONS = (
    Question("how many vms do we have", number, lambda d: len(d.servers)),
    Question("number of powered-off servers in {project}", number,
             lambda d: len([s for s in status(d, "SHUTOFF") if d.project_of(s) == d.some_project])),
    Question("which machines are in error?", column("name"), lambda d: names(status(d, "ERROR"))),
    Question("list vms on {host}", column("name"),
             lambda d: names(s for s in d.servers if s.hypervisor_hostname == d.some_host)),
    Question("which machines are running in {project}", column("name"),
             lambda d: names(s for s in status(d, "ACTIVE") if d.project_of(s) == d.some_project)),
    Question("show me {vm}", field("id"), lambda d: d.some_vm.id),
    Question("which flavor has {vm}? show {vm}", field("flavor"), lambda d: d.some_vm.flavor["original_name"]),
    Question("who has {ip}?", lambda r: number(r) >= 1 and intent(r), lambda d: "find answered"),
    Question("vms per project", pairs("by", "count"), lambda d: per_project(d, d.servers)),
    Question("volumes per project please", pairs("by", "count"), lambda d: per_project(d, d.volumes)),
    Question("how many vms on each hypervisor", pairs("by", "count"),
             lambda d: dict(Counter(s.hypervisor_hostname or "no host" for s in d.servers))),
    Question("count volumes", number, lambda d: len(d.volumes)),
    Question("unattached volumes", column("name"), lambda d: names(v for v in d.volumes if v.status == "available")),
    Question("5 largest volumes", lambda r: sorted(column("size_gib")(r)),
             lambda d: sorted(v.size for v in sorted(d.volumes, key=lambda v: -v.size)[:5])),
    Question("what volumes hang on {vm}", column("name"),
             lambda d: names(v for v in d.volumes if any(a["server_id"] == d.some_vm.id for a in v.attachments))),
    Question("how many snapshots are there", number, lambda d: len(d.snapshots)),
    Question("list snapshots in {project}", column("name"),
             lambda d: names(s for s in d.snapshots if d.project_of(s) == d.some_project)),
    Question("all networks", column("name"), lambda d: names(d.listed("network.networks"))),
    Question("floating ips that nobody uses", number,
             lambda d: len([ip for ip in d.listed("network.ips") if not ip.port_id])),
    Question("routers in {project}", column("name"),
             lambda d: names(r for r in d.listed("network.routers") if d.project_of(r) == d.some_project)),
    Question("list all flavors", column("name"), lambda d: names(d.listed("compute.flavors", is_public=None))),
    Question("how many images", number, lambda d: len(d.listed("image.images"))),
    Question("list users", column("name"), lambda d: names(d.listed("identity.users"))),
    Question("how many projects do we have", number, lambda d: len(d.projects)),
    Question("hypervisors please", column("name"), lambda d: names(d.hypervisors)),
    Question("how much memory is free", lambda r: pairs("what", "physical")(r)["memory"],
             lambda d: f"{sum(h.memory_size for h in d.hypervisors) // 1024} GiB"),
    Question("quota for {project}", lambda r: pairs("what", "used")(r)["VMs"],
             lambda d: str(len(d.of(d.some_project)))),
    Question("top 20 projects by memory", pairs("name", "value"), memory_gib),
    Question("who has ssh open to the world?", number, lambda d: open_on(d, 22)),
    Question("is port 5432 open to the internet anywhere", number, lambda d: open_on(d, 5432)),
    Question("who has the role member in {project}", column("user"), lambda d: roles_in(d, d.some_project, "member")),
    Question("security groups of {project}", number,
             lambda d: len([g for g in d.listed("network.security_groups") if d.project_of(g) == d.some_project])),
    Question("is there room for 3 more vms with 4 vcpu and 8 gb?", lambda r: r.parts[0].text.startswith("Yes"),  # type: ignore[union-attr]
             lambda d: True),
    Question("what was deleted this week", number, lambda d: 0),
)  # fmt: skip


def said(question: Question, d: Direct) -> str:
    vm = d.some_vm
    ip = next(a["addr"] for addresses in vm.addresses.values() for a in addresses)
    known: Mapping[str, str] = {"project": d.some_project, "vm": vm.name, "host": d.some_host, "ip": ip}
    return question.said.format_map(known)


@pytest.fixture(scope="module")
def direct() -> Direct:
    return Direct(connect())


def connect() -> Connection:
    path, name = where()
    region = openstack.config.OpenStackConfig(config_files=[str(path)]).get_one(name)
    return Connection(config=region)


async def synced(database: Database) -> Pipeline:
    path, name = where()
    (cloud,) = open_clouds(path, [name])
    await sync_source(database, cloud)
    await cloud.close()
    return Pipeline(database)


@pytest.fixture
async def pipeline(database: Database) -> AsyncIterator[Pipeline]:
    yield await synced(database)


async def ask(pipeline: Pipeline, text: str) -> Reply:
    replies = await pipeline.answer(Message("q", "local", f"c-{abs(hash(text))}", text, datetime.now(UTC)))
    return replies[-1]


async def test_questions_are_answered_as_the_cloud_says(pipeline: Pipeline, direct: Direct) -> None:
    """One sync for all of them: what is wrong is told together."""
    wrong = []
    for question in QUESTIONS:
        text = said(question, direct)
        reply = await ask(pipeline, text)
        try:
            told = question.told(reply)
        except (StopIteration, KeyError, ValueError, AttributeError) as error:
            told = f"{type(error).__name__}: {render(reply, datetime.now(UTC))[:300]}"
        wanted = question.expected(direct)
        if told != wanted:
            wrong.append(f"{text!r} ({intent(reply)}): told {told!r}, the cloud says {wanted!r}")
    assert not wrong, "\n".join(wrong)


async def main() -> None:
    import tempfile
    from pathlib import Path

    from storage.database import migrate
    from storage.embedded import start

    with start(Path(tempfile.gettempdir()) / "stackhand-questions") as server:
        database = Database(server.url)
        await migrate(database)
        pipeline, d = await synced(database), Direct(connect())
        for question in QUESTIONS:
            text = said(question, d)
            print(f"\n>>> {text}\n{render(await ask(pipeline, text), datetime.now(UTC))}")
        await database.close()


if __name__ == "__main__":
    asyncio.run(main())
