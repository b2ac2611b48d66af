"""The rows of the small world: disks, networks and rules."""

from typing import Any

from engines.clouds import Resource
from tests.bot.world_base import Rows, mac, own, uid


def storage() -> Rows:
    web = uid("vm acme-prod web-01")
    pg = uid("vm acme-prod db-01")

    def volume(name: str, project: str, size: int, of: str = "", **attrs: Any) -> Resource:
        attached: dict[str, Any] = {"parent_id": of, "attachments": [{"vm_id": of, "device": "/dev/vdb"}]} if of else {}
        return own(
            "volume",
            name,
            project,
            state="attached" if of else "unattached",
            size_gib=size,
            volume_type="ssd",
            created="2026-10-02T08:00:00Z",
            **attached,
            **attrs,
        )

    def snapshot(name: str, project: str, volume_name: str, state: str = "available") -> Resource:
        return own(
            "snapshot",
            name,
            project,
            state=state,
            size_gib=40,
            created="2026-11-23T02:00:00Z",
            parent_id=uid(f"volume {project} {volume_name}"),
        )

    def backup(name: str, project: str, volume_name: str) -> Resource:
        return own(
            "volume_backup",
            name,
            project,
            state="available",
            size_gib=40,
            created="2026-11-22T02:00:00Z",
            data_at="2026-11-22T02:00:00Z",
            incremental=False,
            parent_id=uid(f"volume {project} {volume_name}"),
        )

    return {
        "volume": [
            volume("web-data", "acme-prod", 40, web),
            volume("pg-data-01", "acme-prod", 200, pg),
            volume("left-over", "acme-dev", 500),
            volume("gx-data", "globex-prod", 900, uid("vm globex-prod gx-db-01")),
            volume("gx-left-over", "globex-prod", 30),
            own("volume", "gx-broken", "globex-prod", state="error", size_gib=10),
        ],
        "snapshot": [
            snapshot("web-data-nightly", "acme-prod", "web-data"),
            snapshot("pg-nightly", "acme-prod", "pg-data-01", "error"),
            snapshot("gx-nightly", "globex-prod", "gx-data"),
        ],
        "volume_backup": [
            backup("web-data-sunday", "acme-prod", "web-data"),
            backup("gx-sunday", "globex-prod", "gx-data"),
        ],
        "volume_type": [Resource("volume_type", "ssd-id", "ssd", None, {"public": True})],
    }


def networks() -> Rows:
    def net(name: str, project: str, cidr: str) -> list[Resource]:
        network = own("network", name, project, state="up", admin_up=True, shared=False, external=False, mtu=1450)
        subnet = own(
            "subnet",
            f"{name}-sub",
            project,
            cidr=cidr,
            gateway=cidr.replace("0/24", "1"),
            ip_version=4,
            dhcp=True,
            parent_id=network.external_id,
        )
        return [network, subnet]

    acme, acme_sub = net("acme-net", "acme-prod", "10.20.0.0/24")
    globex, globex_sub = net("globex-net", "globex-prod", "10.66.0.0/24")
    outside = Resource(
        "network", uid("network outside"), "provider", None, {"state": "up", "external": True, "shared": False}
    )

    def port(name: str, project: str, network: Resource, ip: str, device: str) -> Resource:
        return own(
            "port",
            name,
            project,
            state="up",
            mac=mac(ip),
            ips=[ip],
            network_id=network.external_id,
            parent_id=device,
            device_owner="compute:nova",
        )

    ports = [
        port("port-web-01", "acme-prod", acme, "10.20.0.11", uid("vm acme-prod web-01")),
        port("port-gx", "globex-prod", globex, "10.66.0.11", uid("vm globex-prod gx-web-01")),
    ]
    return {
        "network": [acme, globex, outside],
        "subnet": [acme_sub, globex_sub],
        "port": ports,
        "router": [
            own("router", "acme-edge", "acme-prod", state="up", admin_up=True, external_network_id=outside.external_id),
            own(
                "router", "gx-edge", "globex-prod", state="down", admin_up=True, external_network_id=outside.external_id
            ),
        ],
        "floating_ip": [
            own(
                "floating_ip",
                "203.0.113.9",
                "acme-prod",
                state="attached",
                address="203.0.113.9",
                fixed_ip="10.20.0.11",
                network_id=outside.external_id,
                parent_id=ports[0].external_id,
            ),
            own(
                "floating_ip",
                "203.0.113.10",
                "acme-prod",
                state="unused",
                address="203.0.113.10",
                network_id=outside.external_id,
            ),
            own(
                "floating_ip",
                "198.51.100.66",
                "globex-prod",
                state="unused",
                address="198.51.100.66",
                network_id=outside.external_id,
            ),
        ],
    }


def rules() -> Rows:
    groups = [
        own("security_group", name, project)
        for name, project in (("default", "acme-prod"), ("web", "acme-prod"), ("gx-open", "globex-prod"))
    ]

    def rule(number: int, group: Resource, project: str, **attrs: Any) -> Resource:
        told = {"direction": "ingress", "family": "IPv4", "protocol": "tcp", "parent_id": group.external_id, **attrs}
        return own("security_group_rule", f"rule-{project}-{number}", project, **told)

    default, web, gx = groups
    return {
        "security_group": groups,
        "security_group_rule": [
            rule(1, web, "acme-prod", port_min=22, port_max=22, remote_cidr="0.0.0.0/0"),
            rule(2, web, "acme-prod", port_min=443, port_max=443, remote_cidr="10.0.0.0/8"),
            rule(3, default, "acme-prod", remote_group_id=default.external_id),
            rule(4, default, "acme-prod", direction="egress", remote_cidr="0.0.0.0/0"),
            rule(5, gx, "globex-prod", port_min=3389, port_max=3389, remote_cidr="0.0.0.0/0"),
        ],
    }
