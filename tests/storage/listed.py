"""Listings written as a sync writes them, and a small inventory of two customers in two clouds."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from storage.database import Database
from storage.scopes import Scope
from storage.sync import Row, Written, open_run, record_listing, write_listing

T0 = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


def day(number: float) -> datetime:
    return T0 + timedelta(days=number)


def row(
    external_id: str, name: str = "", project: str | None = None, derived: Mapping[str, Any] | None = None, **attrs: Any
) -> Row:
    return Row(external_id, name or external_id, project, attrs, derived or {})


async def write(
    database: Database,
    kind: str,
    rows: Iterable[Row],
    *,
    source: str = "one",
    platform: str = "openstack",
    at: datetime = T0,
    complete: bool = True,
    run_id: int = 0,
    failed: str = "cut_off",
) -> Written:
    """A listing with its note, in one transaction, as the sync does it."""
    async with database.begin() as conn:
        run = run_id or await open_run(conn, source, asked_by="test")
        written = await write_listing(
            conn, source=source, platform=platform, kind=kind, rows=rows, run_id=run, at=at, complete=complete
        )
        outcome = "shrunk" if written.shrunk else "complete" if complete else failed
        await record_listing(
            conn,
            source=source,
            platform=platform,
            demo=False,
            kind=kind,
            outcome=outcome,
            detail="",
            fix="",
            at=at,
            rows=written.rows,
        )
    return written


async def values(database: Database, statement: str, **parameters: Any) -> list[tuple[Any, ...]]:
    async with database.connect() as conn:
        return [tuple(found) for found in await conn.execute(text(statement), parameters)]


A, B = Scope(projects=frozenset({("one", "pa")})), Scope(projects=frozenset({("one", "pb"), ("two", "pa")}))
"""Customer A has a project in cloud one; B one there, and in cloud two one with the same id as A's."""


@dataclass(frozen=True, slots=True)
class _Customer:
    source: str
    project: str
    mark: str  # is part of every name of this customer
    octet: int


CUSTOMERS = (
    _Customer("one", "pa", "alfa", 1),
    _Customer("one", "pb", "bravo", 2),
    _Customer("two", "pa", "bravo", 3),
)


def _of(who: _Customer) -> dict[str, list[Row]]:
    """Ids are the same for all customers but for the mark; those of cloud two equal A's (short ids repeat)."""
    tag = who.mark if who.source == "one" else "alfa"
    net = f"net-{tag}"
    named = {"project": f"{who.mark}-project", "domain": f"{who.mark}-domain", "created_by": f"{who.mark}-creator"}

    def own(external_id: str, name: str, **attrs: Any) -> Row:
        return row(f"{external_id}-{tag}", f"{who.mark}-{name}", who.project, named, **attrs)

    def machine(number: int, **attrs: Any) -> Row:
        address = {
            "ip": f"10.{who.octet}.0.{number}",
            "mac": f"FA:16:3E:0{who.octet}:00:{number:02x}",
            "network_id": f"net-{tag}",
            "network": f"{who.mark}-net",
            "type": "fixed",
        }
        return own(f"vm{number}", f"web-{number}", **{"addresses": [address], "volume_ids": [], **attrs})

    first = {
        "state": "active",
        "host": f"h-{who.mark}",
        "cluster": f"c-{who.mark}",
        "os": "linux",
        "vcpus": 2,
        "memory_mib": 4096,
        "created": "2026-02-01T00:00:00Z",
        "technical_owner": f"{who.mark.title()} Tech",
        "tags": [f"{who.mark.title()}-Tag", "shared"],
        "volume_ids": [f"vol1-{tag}"],
        "security_groups": [f"{who.mark}-group"],
        "flavor": "small",
        "user_id": f"u-{tag}",
    }
    second = {"state": "error", "vcpus": 8, "memory_mib": 16384, "business_owner": f"{who.mark.title()} Boss"}
    return {
        "project": [row(who.project, f"{who.mark}-project", who.project, named, domain_id=f"dom-{tag}", enabled=True)],
        "domain": [row(f"dom-{tag}", f"{who.mark}-domain", None, enabled=True)],
        "user": [row(f"u-{tag}", f"{who.mark}-user", None, domain_id=f"dom-{tag}", enabled=False)],
        "host": [
            row(f"h-{who.mark}", f"h-{who.mark}", None, state="up", cluster=f"c-{who.mark}", ip=f"172.16.0.{who.octet}")
        ],
        "vm": [machine(1, **first), machine(2, **second)],
        "volume": [
            own("vol1", "data", state="in-use", size_gib=10, parent_id=f"vm1-{tag}", volume_type="ssd"),
            own("vol2", "spare", state="available", size_gib=500, volume_type="hdd"),
        ],
        "snapshot": [own("snap", "snap", state="available", size_gib=10, parent_id=f"vol1-{tag}")],
        "network": [own("net", "net", state="active", shared=False, external=False)],
        "subnet": [own("sub", "sub", parent_id=f"net-{tag}", cidr=f"10.{who.octet}.0.0/24")],
        "port": [
            own(
                "port",
                "port",
                parent_id=f"vm1-{tag}",
                network_id=f"net-{tag}",
                ips=[f"10.{who.octet}.0.1"],
                mac="fa:16:3e:aa:aa:aa",
            )
        ],
        "router": [own("rt", "router", state="active", external_network_id=net, external_ips=[f"192.0.2.{who.octet}"])],
        "floating_ip": [
            own(
                "fip",
                "fip",
                state="active",
                address=f"198.51.100.{who.octet}",
                parent_id=f"port-{tag}",
                network_id=f"net-{tag}",
            )
        ],
        "security_group": [own("sg", "group")],
        "server_group": [own("srv", "servers", member_ids=[f"vm1-{tag}"])],
        "keypair": [own("key", "key", user_id=f"u-{tag}")],
        "image": [own("img", "image", visibility="private", state="active")],
    }


async def two_customers(database: Database) -> None:
    """Everything twice over: written, changed (web-2 is renamed and stops), and one snapshot deleted a day later."""
    by_source: dict[str, dict[str, list[Row]]] = {"one": {}, "two": {}}
    for who in CUSTOMERS:
        for kind, rows in _of(who).items():
            by_source[who.source].setdefault(kind, []).extend(rows)
    for source, kinds in by_source.items():
        gone = [row("old-" + r.external_id, r.name + "-old", r.project_id, size_gib=1) for r in kinds["snapshot"]]
        for kind, rows in kinds.items():
            extra = gone if kind == "snapshot" else []
            await write(database, kind, [*rows, *extra], source=source, run_id=1 if source == "one" else 2)
        await write(database, "flavor", [row(f"fl-{source}", f"offered-{source}", None, vcpus=2)], source=source)
        await write(database, "snapshot", kinds["snapshot"], source=source, at=day(1), run_id=3)
        changed = [
            r._replace(name=r.name + "b", attrs={**r.attrs, "state": "stopped"}) if r.name.endswith("web-2") else r
            for r in kinds["vm"]
        ]
        await write(database, "vm", changed, source=source, at=day(1), run_id=3)
