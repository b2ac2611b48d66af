"""The cast of the demo cloud: its projects, flavors, images, people and the names that things are given."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Source = Literal["demo-openstack", "demo-vmware", "demo-nutanix"]
OPENSTACK: Source = "demo-openstack"
VMWARE: Source = "demo-vmware"
NUTANIX: Source = "demo-nutanix"
PLATFORMS: Mapping[Source, str] = MappingProxyType({OPENSTACK: "openstack", VMWARE: "vmware", NUTANIX: "nutanix"})
DOMAINS = ("acme", "globex", "initech")
DOMAINS_OF: Mapping[Source, tuple[str, ...]] = MappingProxyType(
    {OPENSTACK: DOMAINS, VMWARE: ("acme", "globex"), NUTANIX: ("initech",)}
)


@dataclass(frozen=True, slots=True)
class Net:
    """A network of a project with its one subnet."""

    name: str
    cidr: str
    vlan: int


@dataclass(frozen=True, slots=True)
class Pattern:
    """How VMs of a role are named in a project: `name` is formatted with a number from 1 up."""

    name: str
    role: str
    weight: int


@dataclass(frozen=True, slots=True)
class Project:
    """`weight` is its share of the VMs; `fill` is how full each quota is made, 1.0 being at its limit."""

    name: str
    domain: str
    source: Source
    weight: int
    nets: tuple[Net, ...]
    patterns: tuple[Pattern, ...]
    description: str = ""
    enabled: bool = True
    tags: tuple[str, ...] = ()
    fill: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class Flavor:
    name: str
    vcpus: int
    memory_mib: int
    disk_gib: int


@dataclass(frozen=True, slots=True)
class Image:
    name: str
    os: str
    os_version: str
    size_bytes: int
    state: str = "available"
    agent: bool | None = None  # whether it says that there is a guest agent; None: it says nothing


@dataclass(frozen=True, slots=True)
class Role:
    """What VMs of a role are made of. `data` are sizes in GiB that data volumes may have; none, no data volume."""

    flavors: tuple[str, ...]
    images: tuple[str, ...]
    groups: tuple[str, ...]
    data: tuple[int, ...] = ()
    floating: int = 0  # in a hundred
    tags: tuple[str, ...] = ()


def _p(*patterns: tuple[str, str, int]) -> tuple[Pattern, ...]:
    return tuple(Pattern(*p) for p in patterns)


def _web_style(prefix: str) -> tuple[Pattern, ...]:
    return _p(
        (prefix + "web-{:02}", "web", 5),
        (prefix + "app-{:02}", "app", 6),
        (prefix + "db-{:02}", "db", 3),
        (prefix + "cache-{:02}", "worker", 2),
        (prefix + "win-{:02}", "win", 1),
    )


PROJECTS = (
    Project(
        "acme-prod",
        "acme",
        OPENSTACK,
        30,
        (Net("net-app", "10.20.0.0/22", 120), Net("net-db", "10.20.4.0/22", 121), Net("dmz", "10.20.8.0/24", 122)),
        (*_web_style(""), Pattern("k8s-worker-{}", "worker", 5)),
        "Production of acme",
        tags=("prod", "pci"),
        fill=(("cpu", 1.0), ("memory_mib", 0.94), ("vms", 0.88)),
    ),
    Project(
        "acme-dev",
        "acme",
        OPENSTACK,
        20,
        (Net("acme-dev-net", "10.21.0.0/21", 130),),
        (*_web_style("dev-"), Pattern("build-{:02}", "worker", 2)),
        "Development of acme",
        tags=("dev",),
    ),
    Project(
        "acme-data",
        "acme",
        OPENSTACK,
        14,
        (Net("acme-data-net", "10.22.0.0/22", 140),),
        _p(("kafka-{}", "db", 3), ("spark-{:02}", "worker", 4), ("minio-{}", "file", 2), ("pg-{:02}", "db", 2)),
        "Data platform of acme",
        tags=("prod",),
        fill=(("storage_gib", 0.98), ("volumes", 0.9)),
    ),
    Project(
        "acme-legacy",
        "acme",
        OPENSTACK,
        4,
        (Net("acme-legacy-net", "10.23.0.0/24", 150),),
        _p(("old-app-{}", "app", 1), ("old-db-{}", "db", 1)),
        "Switched off, kept until the audit is over",
        enabled=False,
        tags=("legacy",),
    ),
    Project("qa-names", "acme", OPENSTACK, 0, (Net("qa-net", "10.24.0.0/24", 160),), (), "Names that are hard to show"),
    Project(
        "globex-staging",
        "globex",
        OPENSTACK,
        16,
        (Net("globex-staging-net", "10.30.0.0/22", 170),),
        _web_style("stg-"),
        "Staging of globex",
        fill=(("memory_mib", 0.97), ("floating_ips", 1.0)),
    ),
    Project(
        "globex-ml",
        "globex",
        OPENSTACK,
        8,
        (Net("globex-ml-net", "10.31.0.0/22", 171),),
        _p(("gpu-{:02}", "gpu", 2), ("train-{:02}", "worker", 2), ("notebook-{}", "app", 1)),
        "Machine learning of globex",
        tags=("gpu",),
        fill=(("cpu", 0.86),),
    ),
    Project(
        "initech-web",
        "initech",
        OPENSTACK,
        12,
        (Net("initech-web-net", "10.40.0.0/22", 180),),
        _web_style("shop-"),
        "Web shop of initech",
    ),
    Project(
        "globex-prod",
        "globex",
        VMWARE,
        36,
        (Net("VLAN-120", "172.16.4.0/24", 120), Net("VLAN-130", "172.16.12.0/24", 130)),
        _p(
            ("app{:02}.corp.example.com", "app", 6),
            ("sql{:02}.corp.example.com", "sql", 2),
            ("SRV_APP_{:02}", "win", 5),
            ("ERP App {:02}", "win", 2),
        ),
        "Production of globex",
        tags=("prod",),
    ),
    Project(
        "Finance",
        "globex",
        VMWARE,
        20,
        (Net("VLAN-121", "172.16.5.0/24", 121),),
        _p(("fin-web-{:02}", "web", 2), ("SRV_FIN_{:02}", "win", 4), ("fin-sql-{:02}", "sql", 2)),
        "Finance systems",
        tags=("pci",),
    ),
    Project(
        "HR",
        "globex",
        VMWARE,
        10,
        (Net("VLAN-122", "172.16.6.0/24", 122),),
        _p(("HR-APP-{:02}", "win", 2), ("HR-DB-{:02}", "sql", 1)),
        "Human resources",
    ),
    Project(
        "Retail East",
        "acme",
        VMWARE,
        20,
        (Net("VLAN-123", "172.16.7.0/24", 123),),
        _p(("RTL_POS_{:04}", "vdi", 5), ("retail-db-{:02}", "db", 1)),
        "Shops in the east",
    ),
    Project(
        "initech",
        "initech",
        NUTANIX,
        44,
        (Net("VLAN-40", "192.168.40.0/24", 40), Net("VLAN-41", "192.168.41.0/24", 41)),
        _p(("nx-vdi-{:04}", "vdi", 9), ("nx-sql-{}", "sql", 2), ("nx-app-{:02}", "app", 2)),
        "Desktops and databases",
        fill=(("storage_gib", 0.84),),
    ),
    Project(
        "initech-lab",
        "initech",
        NUTANIX,
        12,
        (Net("VLAN-42", "192.168.42.0/24", 42),),
        _p(("nx-lab-{:03}", "app", 3), ("nx-k8s-{}", "worker", 2)),
        "Laboratory",
    ),
)

FLAVORS = (
    Flavor("t1.nano", 1, 1024, 10),
    Flavor("m1.small", 1, 2048, 20),
    Flavor("m1.medium", 2, 4096, 40),
    Flavor("m1.large", 4, 8192, 80),
    Flavor("m5.large", 2, 8192, 40),
    Flavor("m5.xlarge", 4, 16384, 80),
    Flavor("c2.large", 4, 8192, 40),
    Flavor("c2.xlarge", 8, 16384, 80),
    Flavor("r1.xlarge", 4, 32768, 80),
    Flavor("r1.2xlarge", 8, 65536, 100),
    Flavor("g1.xlarge", 8, 65536, 200),
)
_GIB = 1024**3
IMAGES = (
    Image("ubuntu-24.04", "ubuntu", "24.04", 3 * _GIB // 5, agent=True),
    Image("ubuntu-22.04", "ubuntu", "22.04", 13 * _GIB // 20, agent=True),
    Image("debian-12", "debian", "12", _GIB // 3, agent=True),
    Image("rhel-9.4", "rhel", "9.4", 9 * _GIB // 10, agent=True),
    Image("rocky-9", "rhel", "9", _GIB, agent=True),
    Image("sles-15", "sles", "15 SP6", _GIB, agent=False),
    Image("centos-7", "centos", "7.9", 9 * _GIB // 10, "disabled"),
    Image("windows-2022", "windows", "Server 2022", 9 * _GIB, agent=True),
    Image("windows-2019", "windows", "Server 2019", 8 * _GIB),
    Image("windows-11", "windows", "11", 12 * _GIB),
    Image("freebsd-14", "other", "FreeBSD 14.1", _GIB),
)
ROLES: Mapping[str, Role] = MappingProxyType(
    {
        "web": Role(
            ("m1.small", "m1.medium", "m5.large"), ("ubuntu-24.04", "ubuntu-22.04", "debian-12"), ("web-sg",), (), 45
        ),
        "app": Role(("m1.medium", "m5.large", "c2.large"), ("ubuntu-24.04", "rhel-9.4", "rocky-9"), (), (20, 50)),
        "db": Role(("m5.xlarge", "r1.xlarge"), ("rhel-9.4", "debian-12", "sles-15"), ("db-internal",), (100, 200, 500)),
        "sql": Role(("m5.xlarge", "r1.xlarge"), ("windows-2022", "windows-2019"), (), (200, 400)),
        "worker": Role(("c2.large", "m1.large", "c2.xlarge"), ("ubuntu-24.04", "ubuntu-22.04"), ()),
        "win": Role(("m1.large", "m5.large"), ("windows-2022", "windows-2019"), (), (100,), 10),
        "vdi": Role(("m1.medium",), ("windows-11",), ()),
        "file": Role(("m5.large",), ("ubuntu-22.04", "freebsd-14"), (), (500, 1000, 2000)),
        "gpu": Role(("g1.xlarge",), ("ubuntu-22.04",), (), (500,), tags=("gpu",)),
        "infra": Role(("t1.nano", "m1.small"), ("debian-12", "ubuntu-24.04"), ("ssh-open",), (), 60),
        "old": Role(("m1.medium",), ("centos-7", "windows-2019"), (), (40,), tags=("legacy",)),
    }
)

# (project, name, role, last part of the address in the project's first network): names that people will ask for
NAMED = (
    ("acme-prod", "bastion", "infra", 2),
    ("acme-prod", "mail", "app", 5),
    ("acme-prod", "backup", "file", 9),
    ("acme-prod", "web-01", "web", 15),
    ("acme-prod", "web-02", "web", 16),
    ("acme-prod", "db-02", "db", 22),
    ("acme-prod", "prod-db-04", "db", 24),
    ("acme-prod", "k8s-worker-7", "worker", 263),
    ("acme-dev", "bastion", "infra", 2),
    ("acme-dev", "web-11", "web", 11),
    ("acme-dev", "jenkins", "app", 30),
    ("acme-dev", "jenkins-old", "old", 31),
    ("acme-dev", "tmp-fix", "infra", 32),
    ("acme-dev", "test", "web", 99),
    ("globex-prod", "app01.corp.example.com", "app", 31),
    ("globex-prod", "ERP DB Primary", "sql", 40),
    ("Finance", "erp-db", "db", 10),
    ("Finance", "erp-web", "web", 11),
    ("Finance", "SRV_FILE_03", "win", 13),
    ("initech", "nx-sql-2", "sql", 12),
    ("initech", "Müller-Büro-PC", "vdi", 77),
    ("initech", "nx-vdi-0117", "vdi", 117),
    ("qa-names", "<b>bold</b>", "app", 11),
    ("qa-names", "=SUM(A1)", "app", 12),
    ("qa-names", "🚀 launch pad", "app", 13),
    ("qa-names", "right\u200fto-left", "app", 14),
    ("qa-names", "<!channel>", "app", 15),
)
UNOWNED = frozenset({"jenkins-old", "tmp-fix"})

# (name, domain, mail, enabled): the users of the OpenStack source
USERS = (
    ("alice", "acme", "alice.chen@acme.example.com", True),
    ("bob", "acme", "bob.ray@acme.example.com", True),
    ("carol", "globex", "carol.diaz@globex.example.com", True),
    ("dave", "globex", "dave.okoro@globex.example.com", True),
    ("erin", "initech", "erin.walsh@initech.example.com", True),
    ("jdoe", "acme", "j.doe@acme.example.com", False),
    ("svc-backup", "acme", "cloud-team@acme.example.com", True),
    ("svc-ci", "acme", "cloud-team@acme.example.com", True),
    ("svc-monitoring", "globex", "ops@globex.example.com", True),
    ("olga", "initech", "olga.novak@initech.example.com", True),
)
OWNERS = ("Alice Chen", "Bob Ray", "Carol Díaz", "Dave Okoro", "Erin Walsh", "Olga Novák")
BUSINESS_OWNERS = ("Finance department", "Retail department", "Platform team", "Research", "Grace Hall")
GROUPS = (
    ("platform-admins", "acme", ("alice",)),
    ("acme-devs", "acme", ("alice", "bob", "svc-ci")),
    ("globex-ops", "globex", ("carol", "dave")),
    ("initech-ops", "initech", ("erin", "olga")),
)
FAULTS = (
    "No valid host was found. There are not enough hosts available.",
    "Build of instance aborted: Volume did not finish being created even after 191 attempts.",
    "Failed to allocate the network(s), not rescheduling.",
    "Timed out waiting for a reply from the compute service.",
)
# (where it is, group, what it opens, protocol, first port, last port): rules that anybody on the internet gets through
WORLD_OPEN = (
    ("acme-prod", "ssh-open", "SSH for the bastion, to be narrowed", "tcp", 22, 22),
    ("acme-dev", "ssh-open", "", "tcp", 22, 22),
    ("acme-dev", "mysql-debug", "temporary, by bob", "tcp", 3306, 3306),
    ("globex-staging", "rdp-open", "remote work", "tcp", 3389, 3389),
    ("initech-web", "shop-db", "opened to the world by mistake", "tcp", 5432, 5432),
    ("globex-ml", "notebooks", "", "tcp", 8000, 9000),
)
# (project, name, GiB, state): volumes that no VM uses
LOOSE_VOLUMES = (
    ("acme-prod", "logs-archive", 2000, "unattached"),
    ("acme-prod", "pg-data-02", 500, "unattached"),
    ("acme-dev", "scratch-9", 100, "unattached"),
    ("acme-dev", "scratch-10", 100, "unattached"),
    ("acme-data", "import-2025", 1500, "unattached"),
    ("globex-staging", "stg-restore-test", 200, "unattached"),
    ("globex-ml", "dataset-old", 4000, "unattached"),
    ("initech-web", "shop-media-broken", 300, "error"),
    ("Finance", "fin-archive-2024", 800, "unattached"),
    ("initech", "nx-vdi-gold", 60, "unattached"),
)
# (project, name, GiB, days before): the volume that they were made of is gone
ORPHANED_SNAPSHOTS = (
    ("acme-prod", "pre-upgrade", 200, 220),
    ("acme-prod", "auto-old-db-0307", 500, 260),
    ("acme-dev", "before-cleanup", 40, 95),
    ("globex-staging", "stg-db-copy", 200, 64),
    ("initech", "nx-golden-v3", 60, 301),
)
