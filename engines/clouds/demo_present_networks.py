"""Networks and subnets of the invented cloud with those that were made."""

from collections.abc import Sequence
from ipaddress import ip_network

from engines.clouds import Resource
from engines.clouds.demo_present import NETWORK, SUBNET, Present
from engines.clouds.demo_present_storage import born
from storage.demo_changes import DemoObject


def networks(present: Present, rows: Sequence[Resource]) -> Sequence[Resource]:
    made = living(present, NETWORK)
    return [*rows, *(_network(present, one) for one in made)] if made else rows


def subnets(present: Present, rows: Sequence[Resource]) -> Sequence[Resource]:
    made = living(present, SUBNET)
    return [*rows, *map(_subnet, made)] if made else rows


def living(present: Present, kind: str) -> list[DemoObject]:
    return [one for one in present.made(kind) if one.deleted_at is None]


def _network(present: Present, one: DemoObject) -> Resource:
    ids = [sub.external_id for sub in living(present, SUBNET) if sub.attrs["network_id"] == one.external_id]
    attrs = {
        "state": "up", "status": "ACTIVE", "admin_up": True, "shared": False, "external": False, "mtu": 1442,
        "network_type": "geneve", "subnet_ids": ids, "created": born(one),
    }  # fmt: skip
    return Resource(NETWORK, one.external_id, one.name, one.project_id, attrs)


def _subnet(one: DemoObject) -> Resource:
    network = ip_network(str(one.attrs["cidr"]))
    attrs = {
        "cidr": str(network), "ip_version": network.version, "dhcp": network.version == 4, "dns": [],
        "pools": [f"{network[1]}-{network[-2]}"], "parent_id": one.attrs["network_id"], "created": born(one),
    }  # fmt: skip
    return Resource(SUBNET, one.external_id, one.name, one.project_id, attrs)
