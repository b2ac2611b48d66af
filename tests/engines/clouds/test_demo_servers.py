"""VMs of the invented cloud are made, switched and taken away as in a real one, and every process sees the same."""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engines.clouds import Resource
from engines.clouds.acting import ActError
from engines.clouds.acting_servers import KEPT, MARK, BootVolume, NewPort, NewServer, NewVolume, WithServers, servers_of
from engines.clouds.demo import DemoWorld
from engines.clouds.demo_acting import Call, DemoActing, DemoApi, Trouble
from engines.clouds.demo_catalogue import OPENSTACK
from storage.database import Database
from storage.demo_changes import DemoObject, change, changed
from tests.engines.clouds.demo_place import Place, floating_ip, port_ids
from tests.engines.clouds.demo_rows import SOURCE
from tests.storage.everything import found_in

NOW = datetime(2026, 11, 25, 11, 0, tzinfo=UTC)
STAYS, GOES = port_ids(0)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        self.now += timedelta(milliseconds=1)
        return self.now

    def wait(self, seconds: float = 5.0) -> None:
        self.now += timedelta(seconds=seconds)


class Bed:
    """The client of an invented cloud, whose time is the test's."""

    def __init__(self, database: Database, limits: dict[str, int] | None = None) -> None:
        self.clock, self.trouble = Clock(), dict[str, Trouble]()
        api = DemoApi(latency_s=0.0, slow_s=0.0, trouble=self._once)
        self.acting = DemoActing(SOURCE, Place(2, limits), database, api, self.clock)
        self.other = DemoActing(SOURCE, Place(2, limits), database, DemoApi(latency_s=0.0), self.clock)
        self.servers = servers_of(self.acting)

    def _once(self, call: Call) -> Trouble | None:
        return self.trouble.pop(call.name, None)

    async def volume(self, mark: str = "m-v", copy: str = "s0-0", size: int = 20) -> str:
        made = await self.servers.create_volume("p0", NewVolume(copy, "root", size, mark, {"team": "x"}))
        self.clock.wait()
        return made.id

    async def port(self, mark: str = "m-p", **more: object) -> str:
        return (await self.servers.create_port("p0", replace(_PORT, mark=mark, **more))).id

    async def server(self, mark: str = "m-s", **more: object) -> str:
        volumes = (BootVolume(await self.volume(), boot=True),)
        new = replace(NewServer("new-01", "f1", mark, volumes=volumes, port_ids=(await self.port(),)), **more)
        return await self.servers.create_server("p0", new)


_PORT = NewPort("net-0-0", "nic", "m-p", (("", "sub-0-0"),), security_groups=("sg-0",))


@pytest.fixture
def bed(database: Database) -> Bed:
    return Bed(database)


async def failing(call: object) -> ActError:
    with pytest.raises(ActError) as caught:
        await call  # type: ignore[misc]
    assert caught.value.fix
    return caught.value


async def test_a_vm_is_made_runs_and_goes_and_what_it_had_is_free(bed: Bed) -> None:
    id_ = await bed.server()
    seen = await servers_of(bed.other).server("p0", id_)
    assert seen is not None and (seen.status, seen.task, seen.mark) == ("BUILD", "spawning", "m-s")
    assert await bed.servers.console_log("p0", id_, 5) == ""
    bed.clock.wait()
    (seen,) = await bed.servers.marked_servers("p0", "m-s")
    assert (seen.status, seen.task, len(seen.volumes)) == ("ACTIVE", "", 1)
    assert "new-01 login" in await bed.servers.console_log("p0", id_, 5)
    (volume_id,) = seen.volume_ids
    assert (await failing(bed.servers.delete_volume("p0", volume_id))).reason == "busy"
    (port,) = await bed.servers.ports_of("p0", id_)
    assert port.ips == ("10.0.0.4",) and port.fixed[0][1] == "sub-0-0" and port.mac
    used = await bed.servers.limits("p0")
    assert (used["vms"].used, used["cpu"].used, used["volumes"].used, used["ports"].used) == (2, 4, 3, 3)
    for _ in range(2):
        await bed.servers.delete_server("p0", id_)
    assert (await bed.servers.marked_servers("p0", "m-s"))[0].task == "deleting"
    bed.clock.wait()
    assert await bed.servers.server("p0", id_) is None and await bed.servers.ports_of("p0", id_) == []
    free = await bed.servers.port("p0", port.id)
    assert free is not None and free.server_id == ""
    for _ in range(2):
        await bed.servers.delete_volume("p0", volume_id)
        await bed.servers.delete_port("p0", port.id)
    bed.clock.wait()
    assert await bed.acting.volume("p0", volume_id) is None
    assert (await bed.servers.limits("p0"))["storage_gib"].used == 60


async def test_what_was_not_made_here_is_never_deleted(bed: Bed) -> None:
    for call in (
        bed.servers.delete_server("p0", "vm-0"), bed.servers.delete_volume("p0", "v0-0"),
        bed.servers.delete_port("p0", STAYS),
    ):  # fmt: skip
        assert (await failing(call)).reason == "refused"
    for gone in (
        bed.servers.delete_server("p0", "x"), bed.servers.delete_volume("p0", "x"), bed.servers.delete_port("p0", "x"),
    ):  # fmt: skip
        await gone
    assert await bed.servers.server("p1", "vm-0") is None, "another project's VM is not seen"
    assert (await failing(bed.servers.stop_server("p1", "vm-0"))).reason == "gone"


async def test_a_volume_goes_with_its_vm_where_it_was_made_so(bed: Bed) -> None:
    volume = await bed.volume()
    new = NewServer("n", "f1", "m-s", volumes=(BootVolume(volume, boot=True, delete_with_vm=True),))
    id_ = await bed.servers.create_server("p0", new)
    seen = await bed.servers.server("p0", id_)
    assert seen is not None and seen.volumes == ((volume, True),)
    await bed.servers.delete_server("p0", id_)
    bed.clock.wait()
    assert await bed.acting.volume("p0", volume) is None


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        ({"flavor_id": "f9"}, "refused"), ({"image_id": "i9"}, "refused"), ({"key_name": "theirs"}, "refused"),
        ({"port_ids": ("port-x",)}, "gone"), ({"port_ids": (STAYS,)}, "busy"),
        ({"volumes": (BootVolume("v0-0", True),)}, "busy"), ({"volumes": (BootVolume("v1-0", True),)}, "gone"),
    ],
)  # fmt: skip
async def test_a_vm_of_wrong_things_is_refused_and_nothing_is_left(
    bed: Bed, wrong: dict[str, object], reason: str
) -> None:
    assert (await failing(bed.server(**wrong))).reason == reason
    assert await bed.servers.marked_servers("p0", "m-s") == []
    (volume,) = [one for one in await bed.acting.volumes("p0") if one.metadata.get(MARK)]
    assert volume.status == "available"


async def test_an_address_and_a_mac_are_held_by_one_port(bed: Bed) -> None:
    for wrong, reason in (
        ({"fixed": (("10.0.0.50", "sub-0-0"),)}, "busy"), ({"fixed": (("10.9.0.1", ""),)}, "refused"),
        ({"fixed": (("no address", ""),)}, "refused"), ({"fixed": (("", "sub-1-0"),)}, "refused"),
        ({"mac": "FA:16:3E:00:00:00"}, "busy"), ({"security_groups": ("sg-1",)}, "refused"),
        ({"network_id": "net-1-0"}, "gone"),
    ):  # fmt: skip
        assert (await failing(bed.port(**wrong))).reason == reason
    found = await asyncio.gather(
        *(bed.port(f"m{n}", fixed=(("10.0.0.77", ""),)) for n in range(4)), return_exceptions=True
    )
    assert sum(isinstance(one, str) for one in found) == 1, "whoever asks at once"


async def test_quotas_are_kept(database: Database) -> None:
    bed = Bed(database, {"vms": 1, "ports": 2, "volumes": 2})
    for call in (bed.volume(), bed.port()):
        assert (await failing(call)).reason == "over_limit"
    assert (await failing(bed.servers.create_server("p0", NewServer("n", "f1", "m")))).reason == "over_limit"


async def test_the_original_is_stopped_renamed_and_gives_its_ports_away(bed: Bed) -> None:
    await bed.servers.stop_server("p0", "vm-0")
    seen = await bed.servers.server("p0", "vm-0")
    assert seen is not None and (seen.status, seen.task) == ("ACTIVE", "powering-off")
    assert (await failing(bed.servers.stop_server("p0", "vm-0"))).reason == "busy"
    bed.clock.wait()
    await bed.servers.rename_server("p0", "vm-0", "old")
    for port_id in (STAYS, GOES):
        await bed.servers.unplug_port("p0", "vm-0", port_id)
        assert (await failing(bed.servers.unplug_port("p0", "vm-0", port_id))).reason == "gone"
    seen = await bed.servers.server("p0", "vm-0")
    assert seen is not None and (seen.status, seen.name) == ("SHUTOFF", "old")
    assert await bed.servers.port("p0", GOES) is None
    kept = await bed.servers.port("p0", STAYS)
    assert kept is not None and (kept.server_id, kept.ips) == ("", ("10.0.0.50",))
    id_ = await bed.server(port_ids=(STAYS, await bed.port("m2", network_id="net-0-1", fixed=(("10.1.0.50", ""),))))
    led = await bed.servers.floating_ip("p0", "fip-0")
    assert led is not None and (led.port_id, led.fixed_ip) == (STAYS, "10.0.0.50"), "it went with its port"
    bed.clock.wait()
    await bed.servers.delete_server("p0", id_)
    bed.clock.wait()
    await bed.servers.plug_port("p0", "vm-0", STAYS)
    assert (await failing(bed.servers.plug_port("p0", "vm-0", STAYS))).reason == "busy"
    await bed.servers.start_server("p0", "vm-0")
    bed.clock.wait()
    seen = await bed.servers.server("p0", "vm-0")
    assert seen is not None and seen.status == "ACTIVE"


async def test_only_a_stopped_original_with_our_mark_is_deleted(bed: Bed) -> None:
    await bed.servers.keep_server("p0", "vm-0", "job-7")
    seen = await bed.servers.server("p0", "vm-0")
    assert seen is not None and seen.metadata[KEPT] == "job-7"
    assert (await failing(bed.servers.delete_kept_server("p0", "vm-0", "job-7"))).reason == "refused", "it runs"
    await bed.servers.stop_server("p0", "vm-0")
    bed.clock.wait()
    for mark in ("", "job-8"):
        assert (await failing(bed.servers.delete_kept_server("p0", "vm-0", mark))).reason == "refused"
    await bed.servers.delete_kept_server("p0", "vm-0", "job-7")
    bed.clock.wait()
    assert await bed.servers.server("p0", "vm-0") is None
    await bed.servers.delete_kept_server("p0", "vm-0", "job-7")


async def test_a_floating_ip_is_led_and_loses_its_way_with_the_port(bed: Bed) -> None:
    await bed.servers.lead_floating_ip("p0", "fip-0", GOES)
    led = await bed.servers.floating_ip("p0", "fip-0")
    assert led is not None and (led.address, led.port_id, led.fixed_ip) == (floating_ip(0), GOES, "10.1.0.50")
    assert (await failing(bed.servers.lead_floating_ip("p0", "fip-0", STAYS, "10.9.9.9"))).reason == "refused"
    assert (await failing(bed.servers.lead_floating_ip("p0", "fip-1", STAYS))).reason == "gone"
    await bed.servers.unplug_port("p0", "vm-0", GOES)
    led = await bed.servers.floating_ip("p0", "fip-0")
    assert led is not None and led.port_id == ""


async def test_volumes_are_attached_and_detached(bed: Bed) -> None:
    volume = await bed.volume()
    await bed.servers.attach_volume("p0", "vm-0", volume)
    seen = await bed.acting.volume("p0", volume)
    assert seen is not None and (seen.status, seen.vms) == ("attaching", ("vm-0",))
    bed.clock.wait()
    vm = await bed.servers.server("p0", "vm-0")
    assert vm is not None and vm.volume_ids == {"v0-0", "v0-1", volume}
    assert (await failing(bed.servers.attach_volume("p0", "vm-0", volume))).reason == "busy"
    await bed.acting.set_volume_metadata("p0", volume, {"tier": "1"}, ["team"])
    await bed.servers.set_bootable("p0", volume)
    await bed.servers.detach_volume("p0", "vm-0", volume)
    seen = await bed.acting.volume("p0", volume)
    assert seen is not None and (seen.status, seen.vms, seen.bootable) == ("available", (), True)
    assert dict(seen.metadata) == {"tier": "1", MARK: "m-v"}
    assert (await failing(bed.servers.detach_volume("p0", "vm-0", "v0-1"))).reason == "refused"
    assert (await failing(bed.volume(size=5))).reason == "refused"
    assert (await failing(bed.volume(copy="s1-0"))).reason == "gone"
    assert list(await bed.acting.snapshot_dependants("p0", "s0-0")) == [volume]
    copy = await bed.acting.create_snapshot("p0", volume, "c", {})
    assert (await failing(bed.servers.delete_volume("p0", volume))).reason == "busy", "it has a snapshot"
    bed.clock.wait()
    await bed.acting.delete_snapshot("p0", copy.id)
    bed.clock.wait()
    await bed.servers.delete_volume("p0", volume)


@pytest.mark.parametrize(
    ("trouble", "reason", "unsure", "made"),
    [
        ("error", "unexpected", True, 0), ("throttled", "throttled", False, 0), ("silent", "timeout", True, 0),
        ("lost", "unreachable", True, 1),
    ],
)  # fmt: skip
async def test_faults_are_told_as_a_real_cloud_tells_them(
    bed: Bed, trouble: Trouble, reason: str, unsure: bool, made: int
) -> None:
    bed.trouble["create_port"] = trouble
    error = await failing(bed.port())
    assert (error.reason, error.maybe_done, "Neutron" in error.detail) == (reason, unsure, True)
    assert len(await bed.servers.marked_ports("p0", "m-p")) == made


async def test_a_vm_and_a_volume_may_end_in_error(bed: Bed) -> None:
    bed.trouble["create_volume"] = "breaks"
    volume = await bed.acting.volume("p0", await bed.volume("m-x"))
    assert volume is not None and volume.status == "error"
    bed.trouble["create_server"] = "breaks"
    id_ = await bed.server()
    bed.clock.wait()
    seen = await bed.servers.server("p0", id_)
    assert seen is not None and seen.status == "ERROR" and "No valid host" in seen.fault


async def test_what_there_is_can_be_looked_at(bed: Bed) -> None:
    there = (
        ("flavor", "f1"),
        ("image", "i1"),
        ("network", "net-0-0"),
        ("subnet", "sub-0-0"),
        ("security_group", "sg-0"),
    )
    for thing, id_ in there:
        assert await bed.servers.exists("p0", thing, id_), thing  # type: ignore[arg-type]
        assert not await bed.servers.exists("p0", thing, "x")  # type: ignore[arg-type]
    assert not await bed.servers.exists("p1", "network", "net-0-0")
    assert await bed.servers.keypairs("p0") == frozenset() and isinstance(bed.acting, WithServers)
    assert (await failing(bed.servers.limits("p9"))).reason == "gone"


async def test_the_demo_lists_what_was_made(database: Database) -> None:
    clock = Clock()
    world = DemoWorld(epoch=NOW - timedelta(days=2), clock=clock)
    acting = await world.acting(database, DemoApi(latency_s=0.0)).open(OPENSTACK)
    servers, source = servers_of(acting), world.clouds(changes=database)[0]
    before = {kind: await source.list(kind) for kind in ("vm", "host", "quota", "snapshot", "network", "flavor")}
    copy = next(row for row in before["snapshot"] if row.name.startswith("auto-initech-web"))  # acme-prod is full
    project = copy.project_id or ""
    network = next(row for row in before["network"] if row.project_id == project)
    flavor = before["flavor"][0]
    made = await servers.create_volume(project, NewVolume(copy.external_id, "r", copy.attrs["size_gib"], "m"))
    port = await servers.create_port(project, NewPort(network.external_id, "", "m"))
    clock.wait()
    boot = (BootVolume(made.id, boot=True),)
    id_ = await servers.create_server(project, NewServer("new-01", flavor.external_id, "m", "", boot, (port.id,)))
    clock.wait()
    after = {kind: await source.list(kind) for kind in before}
    (vm,) = [row for row in after["vm"] if row.external_id == id_]
    assert (vm.name, vm.attrs["state"], vm.attrs["volume_ids"]) == ("new-01", "on", [made.id])
    assert [one["ip"] for one in vm.attrs["addresses"]] == list(port.ips)
    assert len(after["vm"]) == len(before["vm"]) + 1
    used = _found(after, before, "quota", lambda row: row.external_id == project)
    assert (used["vms"], used["cpu"], used["volumes"], used["ports"]) == (1, flavor.attrs["vcpus"], 1, 1)
    loaded = _found(after, before, "host", lambda row: row.name == vm.attrs["host"])
    assert (loaded["vms"], loaded["vcpus_used"]) == (1, flavor.attrs["vcpus"])


def _found(
    after: Mapping[str, Sequence[Resource]],
    before: Mapping[str, Sequence[Resource]],
    kind: str,
    chosen: Callable[[Resource], bool],
) -> dict[str, int]:
    """What one row uses more than before."""
    one, other = (next(row for row in rows[kind] if chosen(row)).derived for rows in (after, before))
    told, was = one.get("used", one), other.get("used", other)
    return {name: value - was.get(name, 0) for name, value in told.items() if isinstance(value, int)}


async def test_a_password_is_kept_as_a_hash_and_needs_an_agent(database: Database) -> None:
    bed = Bed(database)
    id_ = await bed.server()
    assert (await refusal(bed.servers.change_password("p0", id_, "one-Two-3"))).endswith("(HTTP 409)")
    bed.clock.wait()
    with pytest.raises(ActError, match="guest agent is not enabled"):
        await bed.servers.change_password("p0", id_, "one-Two-3")
    with pytest.raises(ActError, match="404"):
        await bed.servers.change_password("p0", "none", "one-Two-3")
    async with database.begin() as conn:
        await change(conn, DemoObject(SOURCE, "volume", await root_of(bed, id_), "p0", attrs={"guest_agent": True}))
    await bed.servers.change_password("p0", id_, "one-Two-3")
    async with database.connect() as conn:
        (row,) = (one.attrs for one in await changed(conn, SOURCE, "p0") if one.external_id == id_)
    salt, _, digest = row["password_hash"].partition("$")
    made = hashlib.scrypt(b"one-Two-3", salt=bytes.fromhex(salt), n=2**12, r=8, p=1).hex()
    assert digest == made and row["password_at"].startswith("2026-11-25")
    assert await found_in(database, "one-Two-3") == []


async def refusal(call: Awaitable[None]) -> str:
    with pytest.raises(ActError) as caught:
        await call
    assert caught.value.reason == "refused"
    return caught.value.detail


async def root_of(bed: Bed, vm_id: str) -> str:
    vm = await bed.servers.server("p0", vm_id)
    assert vm is not None
    return next(iter(vm.volume_ids))
