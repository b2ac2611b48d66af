"""The steps of a restore: what is built comes first, what is switched over last."""

from collections.abc import Mapping
from typing import Any

from engines.plans import Step
from engines.restore.addresses import Wanted
from engines.restore.checks import needs
from engines.restore.designs import Design, NewDisk
from engines.restore.points import Copy
from engines.restore.recipe import Nic

CHECK, READY, SERVER, ACTIVE, VERIFY, REPORT, PASSWORD = (
    "check", "volumes ready", "server", "server active", "verify", "report", "password",
)  # fmt: skip
_REMOVED = "it is deleted again"


def steps_of(made: Design, probe: tuple[int, ...] = (), reader: str = "") -> tuple[Step, ...]:
    """`probe` are the TCP ports that are tried on the new VM, `reader` is whom a new password is sealed for."""
    if made.wish.mode == "attach":
        return (_check(made), *_volumes(made), *_attach(made), _report(made))
    before = (_check(made), *_safety(made), *_volumes(made))
    switch = _switch(made) if made.wish.mode == "replace" else ()
    after = (*_floating(made), _verify(made, probe), *_password(made, reader), *_halt(made), _report(made))
    return (*before, *switch, *_ports(made), *_server(made), *after)


def vm_arguments(made: Design) -> dict[str, Any]:
    recipe = made.recipe
    return {"source": recipe.source, "project_id": recipe.project_id, "vm_id": recipe.vm_id}


def _step(made: Design, name: str, action: str, does: str, undo: str = "", together: str = "", /, **more: Any) -> Step:
    return Step(name, f"restore.{action}", does, {**vm_arguments(made), **more}, undo, together)


def _check(made: Design) -> Step:
    """All that the plan relies on, to be looked at in the cloud itself before the first act."""
    recipe, wish = made.recipe, made.wish
    groups = sorted({group for one in made.addressing.wanted for group in one.nic.security_groups or ()})
    group = made.facts.server_group
    return _step(
        made, CHECK, "check", "look at everything again", mode=wish.mode, deleted=recipe.deleted, name=made.name,
        state=recipe.state,
        copies=[copy_arguments(one.copy) for one in made.disks],
        volume_ids=sorted(disk.volume_id for disk in recipe.disks if not disk.gone),
        former_ids=sorted(disk.volume_id for disk in recipe.disks if disk.gone),
        flavor_id=made.flavor.id if made.flavor and made.makes_vm else "",
        image_id=made.image_id if made.makes_vm else "",
        network_ids=sorted({one.nic.network_id for one in made.addressing.wanted}),
        security_group_ids=groups,
        server_group_id=group.id if group is not None and made.keeps_group else "",
        port_ids=[nic.port_id for nic in recipe.nics if nic.port_id] if made.reused else [],
        free_port_ids=[] if made.reused else [nic.port_id for nic in recipe.nics if made.takes_over(nic)],
        strict=[[one.nic.network_id, ip] for one in made.addressing.wanted for ip in one.kept]
        if wish.addresses == "same_ips_or_fail" and not made.reused
        else [],
        more={need.metric: need.more for need in needs(made)},
    )  # fmt: skip


def _safety(made: Design) -> tuple[Step, ...]:
    if not made.saves:
        return ()
    takes = tuple(
        _step(
            made, f"safety snapshot {number}", "safety", f"snapshot {disk.name or disk.volume_id} as it is now",
            "the snapshot is deleted again", "safety", volume_id=disk.volume_id,
            name=f"{disk.name or disk.volume_id[:8]}-before-restore-{made.stamp}",
        )
        for number, disk in enumerate(made.recipe.disks, 1)
    )  # fmt: skip
    ready = _step(
        made, "safety ready", "safety_ready", "wait until the safety snapshots are there", steps=[s.name for s in takes]
    )
    return (*takes, ready)


def volume_step(number: int) -> str:
    return f"volume {number}"


def _volumes(made: Design) -> tuple[Step, ...]:
    if not made.disks:
        return ()
    makes = tuple(_volume(made, number, one) for number, one in enumerate(made.disks, 1))
    bootable = [step.name for step, one in zip(makes, made.disks, strict=True) if one.disk.boot or one.disk.bootable]
    noun = f"{len(makes)} volumes" if len(makes) != 1 else "the volume"
    ready = _step(
        made, READY, "volumes_ready", f"wait until {noun} can be used", steps=[s.name for s in makes], bootable=bootable
    )
    return (*makes, ready)


def copy_arguments(copy: Copy) -> dict[str, str]:
    """Which copy, of which volume."""
    return {"backup_id" if copy.origin == "backup" else "snapshot_id": copy.id, "volume_id": copy.volume_id}


def disk_arguments(one: NewDisk) -> dict[str, Any]:
    told = {**copy_arguments(one.copy), "size_gib": one.copy.size_gib, "metadata": dict(one.metadata)}
    return {**told, "volume_type": one.volume_type, "zone": one.zone} if one.backed else told


def _volume(made: Design, number: int, one: NewDisk) -> Step:
    of = f"{'backup ' if one.backed else ''}{one.copy.name or one.copy.id}"
    does = f"make volume {one.name} ({one.copy.size_gib} GiB) from {of}"
    return _step(made, volume_step(number), "volume", does, _REMOVED, "volumes", name=one.name, **disk_arguments(one))


def _switch(made: Design) -> tuple[Step, ...]:
    """The original out of the way, once what is new can be used: nothing of it is deleted."""
    recipe = made.recipe
    running = recipe.state == "on"
    kept = old_name(made)
    was_off = "it stays off, as it was" if recipe.state == "off" else "it stays off, and is not in error any more"
    back = "it is started again" if running else was_off
    steps = [
        _step(made, "stop original", "stop", f"stop {recipe.name}", back, running=running,
              nics=[nic_arguments(nic) for nic in recipe.nics if nic.port_id] if made.reused else []),
        _step(made, "rename original", "rename", f"rename the original to {kept}", f"it is called {recipe.name} again",
              name=recipe.name, kept=kept),
        _step(made, "mark original", "keep", f"mark {kept} as kept by Stackhand", "the mark is taken off again"),
    ]  # fmt: skip
    if made.reused:
        # The last NIC goes first, so that the first is back first: an undo must not change their order.
        for number, nic in reversed(list(enumerate(recipe.nics, 1))):
            if nic.port_id:
                does = f"free the port of the original on {nic.network} ({', '.join(nic.ips) or 'no address'})"
                back = "the original gets it back, with its addresses"
                steps.append(_step(made, f"free port {number}", "free_port", does, back, nic=nic_arguments(nic)))
    return tuple(steps)


def old_name(made: Design) -> str:
    return f"{made.recipe.name}-before-{made.stamp}"


def nic_arguments(nic: Nic) -> dict[str, Any]:
    return {
        "network_id": nic.network_id,
        "network": nic.network,
        "fixed": [[one.ip, one.subnet_id] for one in nic.fixed],
        "mac": nic.mac,
        "security_groups": list(nic.security_groups or ()),
        "port_id": nic.port_id,
        "name": nic.port_name,
        "pairs": [dict(pair) for pair in nic.pairs],
        "port_security": nic.port_security,
        "dns_name": nic.dns_name,
        "floating": [[one.id, one.fixed_ip] for one in nic.floating],
    }


def port_step(number: int) -> str:
    return f"port {number}"


def port_steps(made: Design) -> list[str]:
    return [port_step(number) for number in range(1, len(made.addressing.wanted) + 1)]


def _ports(made: Design) -> tuple[Step, ...]:
    return tuple(_port(made, number, one) for number, one in enumerate(made.addressing.wanted, 1))


def _port(made: Design, number: int, one: Wanted) -> Step:
    """The MAC is asked for again where the original does not hold it any more."""
    nic = {**nic_arguments(one.nic), "fixed": [[fixed.ip, fixed.subnet_id] for fixed in one.fixed]}
    free_mac = made.reused or (made.recipe.deleted and made.wish.macs != "new")
    over = made.takes_over(one.nic)
    back = "it stays, as free as it was" if made.recipe.deleted else "it is free for the original again"
    said = ", ".join(fixed.ip for fixed in one.fixed if fixed.ip) or "a new address"
    does = f"{'take over' if over else 'make'} port {number} on {one.nic.network}, {said}"
    return _step(
        made, port_step(number), "port", does,
        back if over else _REMOVED, "ports", nic=nic,
        mac=one.nic.mac if free_mac else "", reuse=one.nic.port_id if over else "",
        strict=made.wish.addresses == "same_ips_or_fail",
    )  # fmt: skip


def _server(made: Design) -> tuple[Step, ...]:
    recipe, flavor, group = made.recipe, made.flavor, made.facts.server_group
    volumes = [
        {"step": volume_step(number), "boot": one.disk.boot, "delete_with_vm": one.disk.delete_with_vm}
        for number, one in enumerate(made.disks, 1)
    ]
    make = _step(
        made, SERVER, "server", f"make VM {made.name}", _REMOVED, name=made.name, original=recipe.name,
        deleted=recipe.deleted, flavor_id=flavor.id if flavor else "", image_id=made.image_id, zone=recipe.zone,
        server_group_id=group.id if group is not None and made.keeps_group else "", key_name=recipe.key_name,
        metadata=_metadata(recipe.metadata), tags=list(recipe.tags), config_drive=recipe.config_drive,
        description=recipe.description, volumes=volumes, ports=port_steps(made),
    )  # fmt: skip
    return make, _step(made, ACTIVE, "server_active", f"wait until {made.name} runs")


def _metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    return dict(sorted(metadata.items()))


def _floating(made: Design) -> tuple[Step, ...]:
    """With a port that goes over its floating IPs go too; where there is a new port they are led to it, and back."""
    if made.wish.mode != "replace":
        return ()
    back = "" if made.reused else "it leads to the original again"
    return tuple(
        _step(
            made, f"floating IP {one.address}", "floating", f"lead {one.address} to {made.name}",
            back or "it goes back with the port of the original", back=bool(back), floating_id=one.id,
            address=one.address,
            fixed_ip=one.fixed_ip, port=port_step(number), original_port=wanted.nic.port_id,
        )
        for number, wanted in enumerate(made.addressing.wanted, 1)
        for one in wanted.nic.floating
    )  # fmt: skip


def _verify(made: Design, probe: tuple[int, ...]) -> Step:
    return _step(
        made, VERIFY, "verify", f"see that {made.name} runs with all that it should have",
        volumes=[volume_step(n) for n in range(1, len(made.disks) + 1)],
        ports=port_steps(made), probe=list(probe),
    )  # fmt: skip


def _password(made: Design, reader: str) -> tuple[Step, ...]:
    """Behind the look at its console, and before it is switched off: there is an agent only where the guest runs."""
    if not made.wish.password:
        return ()
    does = f"set a new password inside of {made.name}, for whoever asked alone"
    return (_step(made, PASSWORD, "password", does, reader=reader),)


def _halt(made: Design) -> tuple[Step, ...]:
    """Nova starts what it makes: it is seen to run, and then switched off."""
    if not made.wish.stopped:
        return ()
    return (_step(made, "switch off", "halt", f"switch {made.name} off again"),)


def _attach(made: Design) -> tuple[Step, ...]:
    name = made.recipe.name
    return tuple(
        _step(
            made, f"attach {number}", "attach", f"attach {one.name} to {name}", "it is detached again",
            volume=volume_step(number),
        )
        for number, one in enumerate(made.disks, 1)
    )  # fmt: skip


def _report(made: Design) -> Step:
    return _step(
        made, REPORT, "report", "write down what came of it", mode=made.wish.mode, name=made.name,
        lost=[[network, ip, why] for network, ip, why in made.addressing.lost], at=made.point.at.isoformat(),
    )  # fmt: skip
