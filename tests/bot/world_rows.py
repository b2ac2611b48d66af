"""The rows of the small world: what its two clouds list."""

from dataclasses import replace
from typing import Any

from engines.clouds import Resource
from tests.bot.world_base import LAB, PCD, STATES, Rows, mac, own, project_id, uid
from tests.bot.world_parts import networks, rules, storage


def vm(
    name: str,
    project: str,
    state: str = "on",
    *,
    host: str | None = "compute-01",
    ip: str = "",
    flavor: str = "m1.small",
    size: tuple[int, int] = (2, 4096),
    **attrs: Any,
) -> Resource:
    net = f"{project.split('-')[0]}-net"
    addresses = (
        [{"ip": ip, "mac": mac(ip), "network": net, "network_id": uid(f"network {project} {net}"), "type": "fixed"}]
        if ip
        else []
    )
    told = {
        "state": state,
        "status": state.upper(),
        "vcpus": size[0],
        "memory_mib": size[1],
        "host": host,
        "disk_gib": 20,
        "flavor": flavor,
        "image_id": uid("image debian-12"),
        "addresses": addresses,
        "security_groups": ["default"],
        "created": "2026-10-01T08:00:00Z",
        **attrs,
    }
    return own("vm", name, project, **told)


def _vms() -> list[Resource]:
    web = vm(
        "web-01",
        "acme-prod",
        ip="10.20.0.11",
        volume_ids=[uid("volume acme-prod web-data")],
        tags=["gold"],
        technical_owner="alice",
        business_owner="bob",
        user_id=uid("user alice"),
        security_groups=["default", "web"],
        metadata={"tier": "front"},
        key_name="ops-key",
    )
    odd = [vm(f"{state}-vm", "acme-prod", state, host="compute-02") for state in STATES[3:]]
    return [
        web,
        vm("web-02", "acme-prod", ip="10.20.0.12", host="compute-02"),
        vm(
            "db-01",
            "acme-prod",
            ip="10.20.0.21",
            flavor="m1.large",
            size=(8, 16384),
            tags=["gold"],
            volume_ids=[uid("volume acme-prod pg-data-01")],
            created="2026-11-20T08:00:00Z",
        ),
        vm("db-02", "acme-prod", "off", ip="10.20.0.22", flavor="m1.large", size=(8, 16384)),
        vm("batch-01", "acme-prod", "error", fault="No valid host was found", host=None, os="windows"),
        *odd,
        vm("bastion", "acme-prod", ip="10.20.0.2"),
        vm("bastion", "acme-dev", "off", ip="10.21.0.2"),
        vm("tmp-fix", "acme-dev", "off"),
        vm(
            "gx-web-01",
            "globex-prod",
            ip="10.66.0.11",
            technical_owner="gxhank",
            tags=["gxtag"],
            user_id=uid("user gxhank"),
            host="compute-02",
        ),
        vm("gx-db-01", "globex-prod", "error", ip="10.66.0.21", fault="gx disk full", size=(16, 65536)),
        vm("gx-bastion", "globex-prod", "off"),
        vm("gx-gone", "globex-prod", "off"),
    ]


def host(
    name: str,
    cluster: str = "cluster-a",
    *,
    state: str = "up",
    enabled: bool = True,
    used: tuple[int, int] = (10, 65536),
) -> Resource:
    return Resource(
        "host",
        name,
        name,
        None,
        {
            "state": state,
            "enabled": enabled,
            "cluster": cluster,
            "vcpus": 32,
            "memory_mib": 262144,
            "disk_gib": 1000,
            "cpu_ratio": 4.0,
            "memory_ratio": 1.0,
            "disk_ratio": 1.0,
            "vcpus_reserved": 0,
            "memory_reserved_mib": 4096,
            "disk_reserved_gib": 0,
        },
        {"vcpus_used": used[0], "memory_used_mib": used[1], "disk_used_gib": 100},
    )


def _hosts() -> list[Resource]:
    return [
        host("compute-01", used=(30, 131072)),
        host("compute-02", used=(28, 98304)),
        host("compute-03", "cluster-b", state="down", used=(4, 8192)),
        host("compute-04", "cluster-b", enabled=False, used=(0, 0)),
    ]


def _identity(source: str, projects: dict[str, str]) -> Rows:
    def named(kind: str, name: str, **attrs: Any) -> Resource:
        return Resource(kind, uid(f"{kind} {name}"), name, None, attrs)

    def gives(role: str, project: str, **to: str) -> Resource:
        return own(
            "role_assignment", "", project, uid(f"{source} {role} {project} {to}"), role_id=uid(f"role {role}"), **to
        )

    domains = {domain: uid(f"domain {domain}") for domain in projects.values()}
    rows: Rows = {
        "domain": [
            Resource("domain", i, name, None, {"state": "enabled", "enabled": True}) for name, i in domains.items()
        ],
        "project": [
            own("project", name, name, project_id(name), state="enabled", enabled=True, domain_id=domains[domain])
            for name, domain in projects.items()
        ],
        "user": [
            named("user", "alice", state="enabled", enabled=True, domain_id=domains["acme"], email="alice@acme.test"),
            named("user", "bob", state="disabled", enabled=False, domain_id=domains["acme"]),
            named(
                "user", "gxhank", state="enabled", enabled=True, domain_id=domains["globex"], email="hank@globex.test"
            ),
        ],
        "group": [
            named("group", "operators", domain_id=domains["acme"], members=["alice", "bob"]),
            named("group", "gx-staff", domain_id=domains["globex"], members=["gxhank"]),
        ],
        "role": [named("role", "member"), named("role", "reader")],
    }
    if source == PCD:
        rows["role_assignment"] = [
            gives("member", "acme-prod", user_id=uid("user alice")),
            gives("reader", "acme-prod", group_id=uid("group operators")),
            gives("member", "globex-prod", user_id=uid("user gxhank")),
            gives("reader", "globex-prod", group_id=uid("group gx-staff")),
        ]
    return rows


def quota(project: str, limits: dict[str, int], used: dict[str, int]) -> Resource:
    owner = project_id(project)
    return Resource("quota", owner, project, owner, {"limits": limits}, {"used": used})


def _quotas() -> list[Resource]:
    return [
        quota(
            "acme-prod",
            {"vms": 12, "cpu": 100, "memory_mib": -1, "storage_gib": 300},
            {"vms": 12, "cpu": 34, "memory_mib": 70000, "storage_gib": 240},
        ),
        quota(
            "acme-dev",
            {"vms": 10, "cpu": 20, "memory_mib": 40960, "storage_gib": 1000},
            {"vms": 2, "cpu": 4, "memory_mib": 8192, "storage_gib": 500},
        ),
        quota("globex-prod", {"vms": 4, "cpu": 22, "memory_mib": 100000}, {"vms": 4, "cpu": 22, "memory_mib": 77824}),
    ]


def _offered() -> Rows:
    return {
        "flavor": [
            Resource(
                "flavor", uid(f"flavor {n}"), n, None, {"vcpus": c, "memory_mib": m, "disk_gib": 20, "public": True}
            )
            for n, c, m in (("m1.small", 2, 4096), ("m1.large", 8, 16384))
        ],
        "image": [
            Resource(
                "image",
                uid("image debian-12"),
                "debian-12",
                None,
                {"state": "available", "os": "debian", "visibility": "public", "size_bytes": 500_000_000},
            ),
            own("image", "gx-golden", "globex-prod", state="available", visibility="private", os="linux"),
        ],
    }


def pcd_rows() -> Rows:
    projects = {"acme-prod": "acme", "acme-dev": "acme", "globex-prod": "globex"}
    return {
        **_identity(PCD, projects),
        **_offered(),
        "vm": _vms(),
        "host": _hosts(),
        **storage(),
        **networks(),
        **rules(),
        "quota": _quotas(),
        "aggregate": [Resource("aggregate", "1", "ssd-hosts", None, {"hosts": ["compute-01"]})],
        "keypair": [
            Resource(
                "keypair",
                "alice/ops-key",
                "ops-key",
                None,
                {"user_id": uid("user alice"), "fingerprint": "aa:bb", "key_type": "ssh"},
            )
        ],
        "server_group": [
            own(
                "server_group",
                "db-apart",
                "acme-prod",
                policy="anti-affinity",
                member_ids=[uid("vm acme-prod db-01"), uid("vm acme-prod db-02")],
            )
        ],
    }


def lab_rows() -> Rows:
    projects = {"acme-lab": "acme", "globex-lab": "globex"}
    return {
        **_identity(LAB, projects),
        "vm": [
            vm("lab-01", "acme-lab", host="lab-host", ip="10.30.0.5"),
            vm("gx-lab-01", "globex-lab", host="lab-host"),
        ],
        "host": [host("lab-host", "lab", used=(4, 8192))],
        "volume": [own("volume", "lab-disk", "acme-lab", state="unattached", size_gib=5)],
    }


def changed(rows: Rows) -> Rows:
    """Two days later: web-02 stopped and grown, tmp-fix and gx-gone deleted, gx-web-01 on another host."""
    new: dict[str, dict[str, Any]] = {
        "web-02": {"state": "off", "status": "SHUTOFF", "flavor": "m1.large", "vcpus": 8, "memory_mib": 16384},
        "gx-web-01": {"host": "compute-01"},
    }
    kept = [one for one in rows["vm"] if one.name not in ("tmp-fix", "gx-gone")]
    return {**rows, "vm": [replace(one, attrs={**one.attrs, **new.get(one.name, {})}) for one in kept]}
