"""The security groups of the demo cloud: which a project has, which a VM has, what they let through."""

from dataclasses import dataclass

from engines.clouds.demo_catalogue import ROLES, WORLD_OPEN, Project

WORLD = "0.0.0.0/0"


@dataclass(frozen=True, slots=True)
class Rule:
    """`remote` "self" is the group itself; None is anything. `before` is its age in hours at the plan's time."""

    direction: str
    protocol: str | None
    first: int | None
    last: int | None
    remote: str | None
    description: str = ""
    before: int = 9600


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    description: str
    rules: tuple[Rule, ...]


_OUT = Rule("egress", None, None, None, None)
_DEFAULT = Group("default", "Default security group", (_OUT, Rule("ingress", None, None, None, "self")))
_WEB = Group(
    "web-sg",
    "Web from everywhere",
    (_OUT, Rule("ingress", "tcp", 80, 80, WORLD), Rule("ingress", "tcp", 443, 443, WORLD)),
)
_DB = Group("db-internal", "Databases from inside", (_OUT, Rule("ingress", "tcp", 5432, 5432, "10.0.0.0/8")))


def groups_of(project: Project) -> list[Group]:
    open_ = [
        Group(name, description, (_OUT, Rule("ingress", protocol, first, last, WORLD, description, _age(name))))
        for of, name, description, protocol, first, last in WORLD_OPEN
        if of == project.name
    ]
    roles = {pattern.role for pattern in project.patterns}
    used = [group for group, role in ((_WEB, "web"), (_DB, "db")) if role in roles]
    return [_DEFAULT, *used, *open_]


def _age(group: str) -> int:
    """The shop's database was opened a day before, everything else long ago."""
    return 26 if group == "shop-db" else 4000


def group_names(project: Project, role: str) -> list[str]:
    """The groups that a VM of a role is in; those that let the world in are used too."""
    there = {g.name for g in groups_of(project)}
    wanted = {"default", *ROLES[role].groups}
    if role == "db" and "shop-db" in there:
        wanted.add("shop-db")
    if role == "win" and "rdp-open" in there:
        wanted.add("rdp-open")
    return sorted(wanted & there)
