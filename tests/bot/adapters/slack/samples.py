"""One reply of each kind, as handlers make them, for golden files and for the workspace."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

from bot.replies import (
    Bar,
    Cell,
    Chart,
    Choice,
    Choices,
    Column,
    Fields,
    File,
    Freshness,
    Progress,
    Reply,
    Table,
    Text,
)
from tests.bot.adapters.samples import FRESH, NOW, hostile

PINGS = (
    "<!channel>",
    "<!here|here>",
    "<@U1>",
    "<@UA11CE0000>",
    "<#C095000000>",
    "<http://e|x>",
    "[x](http://e)",
    "http://evil.example/a_b_c",
    "@everyone",
    "@here",
    "#general",
    "*bold*",
    "_italic_",
    "~x~",
    "`code`",
    "```fence```",
    ":fire:",
    ":+1::skin-tone-2:",
    "> quote",
    "&lt;!channel&gt;",
    "a & b",
    "\u202egnp.exe\u202c",
    "zero\u200bwidth\u2060",
    "line\nbreak\r\nand\ttab",
    "😀" * 300,
    "שלום",
    "daily_5_a*b*c",
    "half\ud800",
    "{date_num}",
    "<!date^1392734382^{date}|x>",
)

_LIST = (
    Column("name", "name"),
    Column("state", "state"),
    Column("flavor", "flavor"),
    Column("vcpus", "vCPU", "int"),
    Column("memory_mib", "memory", "mib"),
    Column("host", "host"),
    Column("created", "created", "time"),
)


def vms(count: int, total: int, title: str = "") -> Table:
    """A list of VMs as it comes out of the inventory: `count` rows of a longer whole."""
    rows: tuple[tuple[Cell, ...], ...] = tuple(
        (
            f"web-{number:05}",
            ("ACTIVE", "SHUTOFF", "ERROR")[number % 3],
            ("m1.small", "m5.large")[number % 2],
            1 << number % 5,
            1024 << number % 6,
            None if number % 7 == 3 else f"cmp-{number % 9:02}",
            (NOW - timedelta(hours=31 * number)).isoformat(),
        )
        for number in range(count)
    )
    return Table(_LIST, rows, total, title)


def listed(count: int, total: int) -> Reply:
    return Reply((Text(f"{total:,} VMs", "heading"), vms(count, total)), scope="pcd-1", freshness=FRESH, intent="list")


def counts() -> Reply:
    columns = (Column("name", "name"), Column("since", "off since", "time"), Column("flavor", "flavor"),
               Column("host", "host"), Column("owner", "owner"))  # fmt: skip
    rows = (
        ("db-02", "2026-11-22T09:00:00+00:00", "m5.large", "cmp-03", "carol"),
        ("jenkins-old", "2026-04-02T11:30:00+00:00", "m1.large", "cmp-01", None),
        ("tmp-fix", "2026-11-25T08:20:00+00:00", "m1.small", "cmp-07", None),
    )
    asked = (Choice("without owner", "and without owner?"), Choice("export", "export that"))
    parts = (Text("7 of 41 VMs are off in acme-prod.", "heading"), Table(columns, rows, 7), Choices(asked))
    return Reply(parts, scope="acme-prod (acme) · OpenStack pcd-1", freshness=FRESH)


def card() -> Reply:
    pairs = (
        ("state", "running"), ("cloud status", "ACTIVE"), ("project", "acme-prod"), ("domain", "acme"),
        ("host", "cmp-03"), ("cluster", "az-1"), ("flavor", "m5.large"), ("vCPU", "4"), ("memory", "16 GiB"),
        ("disk", "440 GiB"), ("image", "debian-12"), ("key pair", "ops"), ("security groups", "default, db, ssh-ops"),
        ("owner", "carol"), ("tags", "prod, tier=db"), ("created", "2026-02-11 10:04 UTC (9 months ago)"),
        ("id", "0f8a2c3e-6f4b-4d0e-9a83-1c5f6a7b8c9d"), ("platform", "OpenStack · pcd-1"),
    )  # fmt: skip
    addresses = Table(
        (Column("ip", "address"), Column("network", "network"), Column("type", "type"), Column("mac", "MAC")),
        (("10.20.0.22", "net-db", "fixed", "fa:16:3e:11:22:33"), ("203.0.113.9", "net-db", "floating", None)),
        2,
        "Addresses",
    )
    volumes = Table(
        (Column("name", "name"), Column("size_gib", "size", "gib"), Column("volume_type", "type"),
         Column("device", "device"), Column("snapshots", "snapshots", "int"),
         Column("newest", "newest snapshot", "time")),
        (("db-02-root", 40, "ssd", "/dev/vda", 5, "2026-11-25T02:00:00+00:00"),
         ("db-02-data", 200, "ssd", "/dev/vdb", 5, "2026-11-25T02:00:00+00:00"),
         ("db-02-wal", 200, "nvme", "/dev/vdc", 0, None)),
        3,
        "Volumes",
    )  # fmt: skip
    changes = Table(
        (Column("at", "seen", "time"), Column("what", "what"), Column("change", "change", "list")),
        (("2026-11-24T06:12:00+00:00", "changed", ["host: cmp-01 → cmp-03"]),
         ("2026-11-20T17:40:00+00:00", "changed", ["flavor: m5.medium → m5.large", "state: SHUTOFF → ACTIVE"])),
        9,
        "Last changes",
    )  # fmt: skip
    asked = (Choice("snapshots", "list snapshots of vm db-02"), Choice("history", "history of vm db-02"))
    parts = (Text("VM db-02 is running · acme/acme-prod", "heading"), Fields(pairs), addresses, volumes,
             Text("Last good snapshot: db-02-daily, 2026-11-25 02:00 UTC", "note"), changes,
             Choices(asked))  # fmt: skip
    return Reply(parts, scope="VM db-02", freshness=FRESH)


def quota() -> Reply:
    bars = (Bar("acme-prod · VMs", 36, 40), Bar("acme-dev · VMs", 44, 40), Bar("globex · cores", 6, 120))
    parts = (Text("2 of 38 projects are at 85% or more of a limit.", "heading"),
             Chart("Nearest to a limit", bars, "", "acme-dev is over its limit, acme-prod uses 90 %."))  # fmt: skip
    return Reply(parts, scope="all projects", freshness=FRESH)


def exported() -> Reply:
    parts = (Text("vms-off-2026-11-25.xlsx: 7 of 7 rows", "heading"),
             File("vms-off-2026-11-25.xlsx", "application/vnd.ms-excel", b"x" * 6144, "file-7"))  # fmt: skip
    return Reply(parts, scope="acme-prod", freshness=FRESH)


def ambiguous() -> Reply:
    choices = (
        Choice("bastion · acme-prod", "show vm bastion@1", "VM"),
        Choice("bastion · acme-dev", "show vm bastion@2", "VM"),
    )
    parts = (Text("There are two of the name bastion.", "heading"), Choices(choices, "Which?"))
    return Reply(parts, "ambiguous")


def hinted() -> Reply:
    choices = (
        Choice("which volumes have no snapshot", "which volumes have no snapshot", "volumes that no snapshot protects"),
        Choice("how old are the data", "how old are the data", "the age of what each source told last"),
        Choice("help", "help"),
    )
    parts = (Text("I did not get that.", "heading"), Choices(choices, "Near it, or say help:"))
    return Reply(parts, "not_understood")


def many(count: int = 12) -> Reply:
    choices = tuple(Choice(f"db-{n:02} · acme-prod", f"show vm db-{n:02}", f"10.20.0.{n}") for n in range(count))
    parts = (Text(f"There are {count} of the name db.", "heading"), Choices(choices, "Which?"))
    return Reply(parts, "ambiguous")


def not_found() -> Reply:
    near = (Choice("db-02", "show vm db-02", "VM"), Choice("db-03", "show vm db-03", "VM"))
    return Reply((Text("I know no VM “db-o2”.", "heading"), Choices(near, "Did you mean:")), "not_found")


def not_allowed() -> Reply:
    lines = (
        Text("You may not: change the quota of a project.", "heading"),
        Text("It needs the role admin. Say: who am I"),
    )
    return Reply(lines, "not_allowed")


def failed() -> Reply:
    lines = (Text("The database did not answer.", "heading"), Text("Nothing was lost. Ask again in a minute."))
    return Reply(lines, "failed")


def progress() -> Reply:
    return Reply((Progress("daily_5: 412 volumes in 38 projects", 281, 412, "2 failed · about 4 min left"),))


def old() -> Reply:
    line = "vc-1 refused the login since 04:48 UTC (password expired?). Run stackhand doctor."
    fresh = Freshness(NOW - timedelta(hours=4, minutes=12), (line,))
    return Reply((Text("312 VMs in dc1", "heading"),), scope="VMware · dc1", freshness=fresh)


def pinging() -> Reply:
    pairs = tuple((text, text) for text in PINGS)
    choices = tuple(Choice(text, text, text) for text in PINGS)
    parts = (
        Text(" ".join(PINGS[:16]), "heading"),
        *(Text(" ".join(PINGS[16:24]), style) for style in ("plain", "note", "warning")),
        Fields(pairs, PINGS[0]),
        Table((Column(PINGS[2], PINGS[2]),), tuple((text,) for text in PINGS), 5000, PINGS[3]),
        Table((Column(PINGS[11], PINGS[11]),), ((PINGS[14],),), 1, PINGS[16]),
        Chart(PINGS[0], tuple(Bar(text, at) for at, text in enumerate(PINGS[:6])), PINGS[11]),
        File(PINGS[5], "text/plain", b"x", "file-1"),
        Choices(choices[:4], PINGS[8]),
        Choices(choices, PINGS[16]),
        Progress(PINGS[16], 1, 3, PINGS[11]),
    )
    return Reply(parts, scope=PINGS[0], freshness=Freshness(NOW, PINGS[:3]), demo=True, private=True)


SAMPLES: Mapping[str, Reply] = {
    "counts": counts(),
    "list": listed(50, 50),
    "list-empty": listed(0, 0),
    "list-cut": listed(50, 10_000),
    "list-whole-in-file": listed(400, 10_000),
    "card-vm": card(),
    "chart": quota(),
    "file": exported(),
    "choices-few": ambiguous(),
    "choices-hints": hinted(),
    "choices-many": many(),
    "not-found": not_found(),
    "not-allowed": not_allowed(),
    "failed": failed(),
    "progress": progress(),
    "old-data": old(),
    "private": replace(not_allowed(), private=True),
    "demo": replace(counts(), demo=True),
    "hostile": hostile(),
    "hostile-names": pinging(),
}
