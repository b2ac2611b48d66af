"""The steps of a drill: networks first, then VM by VM from its volumes to its deletion, the networks last."""

from collections.abc import Iterator, Mapping
from typing import Any

from engines.drills.wishes import Mirror, Outline, Wish, nics_of
from engines.plans import Step
from engines.restore.designs import Design
from engines.restore.recipe import Nic
from engines.restore.steps import copy_arguments, disk_arguments, nic_arguments
from storage.drills import step_prefix
from storage.inventory import Found

_REMOVED = "it is deleted again"


def steps_of(outline: Outline, wish: Wish, more: Mapping[str, int]) -> tuple[Step, ...]:
    """`more` is what the drill needs of the quota, by metric."""
    place = {"source": wish.source, "project_id": wish.project_id, "vm_id": ""}
    rest = len(outline.able) + 1
    unable = [
        {"number": number, "vm_id": one.vm.external_id, "vm": one.vm.name, "why": one.why}
        for number, one in enumerate(outline.unable, rest)
    ]
    check = Step("check", "drill.check", "look whether there is room", {**place, "more": dict(more), "unable": unable})
    vms = [
        step
        for number, (vm, made) in enumerate(outline.able, 1)
        for step in _vm(outline, number, vm, made, {**place, "vm_id": vm.external_id, "number": number})
    ]
    nets = [mirror.step for mirror in outline.mirrors.values()]
    names = [vm.name for vm, _ in outline.able]
    close = Step("close", "drill.close", "delete the networks of the drill", {**place, "networks": nets})
    report = Step("report", "drill.report", "write down what came of it", {**place, "vms": names})
    return (check, *_networks(outline, place), *vms, close, report)


def _networks(outline: Outline, place: Mapping[str, Any]) -> Iterator[Step]:
    for mirror in outline.mirrors.values():
        name = f"stackhand-drill-{outline.now:%Y%m%d-%H%M}-{mirror.number}"
        does = f"make network {name} without a router, in the place of {mirror.name}"
        yield Step(mirror.step, "drill.network", does, {**place, "name": name}, _REMOVED)
        for at, (_, cidr) in enumerate(mirror.cidrs, 1):
            told = {**place, "network": mirror.step, "cidr": cidr, "name": f"{name}-{at}"}
            yield Step(mirror.subnet_step(at), "drill.subnet", f"give it the addresses {cidr}", told)


def _vm(outline: Outline, number: int, vm: Found, made: Design, place: Mapping[str, Any]) -> Iterator[Step]:
    name = f"{vm.name}-drill-{outline.now:%Y%m%d}"
    begin = step_prefix(number)
    volumes = [f"{begin}volume {at}" for at in range(1, len(made.disks) + 1)]
    ports = [f"{begin}port {at}" for at in range(1, len(nics_of(made)) + 1)]

    def step(what: str, action: str, does: str, undo: str = "", together: str = "", /, **more: Any) -> Step:
        group = f"{begin}{together}" if together else ""
        return Step(begin + what, f"drill.{action}", f"{vm.name}: {does}", {**place, **more}, undo, group)

    yield step("begin", "begin", "look at everything again", **_begin(vm, made))
    for at, one in enumerate(made.disks, 1):
        of = f"{'backup ' if one.backed else ''}{one.copy.name or one.copy.id}"
        yield step(
            f"volume {at}", "volume", f"make a volume ({one.copy.size_gib} GiB) from {of}", _REMOVED, "volumes",
            name=f"{one.disk.name or one.disk.volume_id[:8]}-drill-{outline.now:%Y%m%d}", **disk_arguments(one),
        )  # fmt: skip
    if volumes:
        bootable = [v for v, one in zip(volumes, made.disks, strict=True) if one.disk.boot or one.disk.bootable]
        yield step("volumes ready", "volumes_ready", "wait for its volumes", steps=volumes, bootable=bootable)
    for at, nic in enumerate(nics_of(made), 1):
        told = _port(outline.mirrors[nic.network_id], nic)
        yield step(f"port {at}", "port", f"make port {at} in the drill's network", _REMOVED, "ports", **told)
    yield step("server", "server", f"make {name}", _REMOVED, **_server(vm, made, name, volumes, ports))
    yield step("runs", "active", "wait until it runs")
    yield step(
        "verify", "verify", "see that it runs with all that it should have", volumes=volumes, ports=ports,
        complete=made.point.complete, point=made.point.words,
        addresses=[ip for nic in nics_of(made) for ip in nic.ips],
    )  # fmt: skip
    yield step("remove", "remove", "delete all that was made of it")


def _begin(vm: Found, made: Design) -> dict[str, Any]:
    """What the check of a restore looks at, without its place: the drill has networks of its own."""
    groups = sorted({group for nic in nics_of(made) for group in nic.security_groups or ()})
    return {
        "vm": vm.name, "name": vm.name, "mode": "side_by_side", "deleted": False, "state": made.recipe.state,
        "copies": [copy_arguments(one.copy) for one in made.disks],
        "volume_ids": sorted(disk.volume_id for disk in made.recipe.disks),
        "flavor_id": made.flavor.id if made.flavor else "", "image_id": made.image_id, "network_ids": [],
        "security_group_ids": groups, "server_group_id": "", "port_ids": [], "strict": [], "more": {},
        "point_at": (made.point.begun or made.point.at).isoformat(), "point": made.point.words,
    }  # fmt: skip


def _port(mirror: Mirror, nic: Nic) -> dict[str, Any]:
    """The same address and MAC as the original's: nothing else is in that network. A name in a DNS would be seen."""
    subnets = {subnet_id: mirror.subnet_step(at) for at, (subnet_id, _) in enumerate(mirror.cidrs, 1)}
    only = next(iter(subnets.values())) if len(subnets) == 1 else ""
    fixed = [[one.ip, subnets.get(one.subnet_id, only)] for one in nic.fixed]
    kept = [pair for pair in fixed if pair[1]] if "" not in subnets else [["", only]]
    return {
        "nic": {**nic_arguments(nic), "fixed": kept, "floating": [], "port_id": "", "dns_name": ""},
        "network": mirror.step, "mac": nic.mac,
    }  # fmt: skip


def _server(vm: Found, made: Design, name: str, volumes: list[str], ports: list[str]) -> dict[str, Any]:
    """Without tags and server group: others act on these. Its volumes are deleted by the step that removes them."""
    recipe = made.recipe
    return {
        "name": name, "original": vm.name, "deleted": False, "flavor_id": made.flavor.id if made.flavor else "",
        "image_id": made.image_id, "zone": recipe.zone, "server_group_id": "", "key_name": recipe.key_name,
        "metadata": dict(sorted(recipe.metadata.items())), "tags": [], "config_drive": recipe.config_drive,
        "description": recipe.description,
        "volumes": [
            {"step": volume, "boot": one.disk.boot, "delete_with_vm": False}
            for volume, one in zip(volumes, made.disks, strict=True)
        ],
        "ports": ports,
    }  # fmt: skip
