"""The demo cloud's domains, projects, people, rights and quotas, as the inventory's fields."""

from collections import Counter
from collections.abc import Mapping, Sequence

from engines.clouds import Resource
from engines.clouds.demo_catalogue import DOMAINS_OF, GROUPS, OPENSTACK, USERS, Source
from engines.clouds.demo_groups import groups_of
from engines.clouds.demo_ids import Ids
from engines.clouds.demo_listing import facts
from engines.clouds.demo_model import DAY, iso
from engines.clouds.demo_network import service_ports
from engines.clouds.demo_view import View

_ROLES = (
    ("admin", "Everything"),
    ("member", "Use of a project"),
    ("reader", "Looking at a project"),
    ("service", "For the cloud's own services"),
)
_ELSEWHERE = ("vms", "cpu", "memory_mib", "storage_gib")
_NETWORKED = {"networks", "subnets", "routers", "security_groups", "security_group_rules", "server_groups"}


def domains(view: View, source: Source) -> Sequence[Resource]:
    ids = Ids(view.plan, source)
    attrs = {"state": "enabled", "status": "enabled", "enabled": True}
    return [
        Resource("domain", ids.domain(name), name, None, {**attrs, "description": f"Everything of {name}"})
        for name in DOMAINS_OF[source]
    ]


def projects(view: View, source: Source) -> Sequence[Resource]:
    ids = Ids(view.plan, source)
    return [
        Resource(
            "project",
            ids.project(number),
            p.name,
            ids.project(number),
            {
                **_enabled(p.enabled),
                "domain_id": ids.domain(p.domain),
                "tags": sorted(p.tags),
                "description": p.description,
            },
        )
        for number, p in enumerate(view.plan.projects)
        if p.source == source
    ]


def _enabled(enabled: bool) -> dict[str, object]:
    word = "enabled" if enabled else "disabled"
    return {"state": word, "status": word, "enabled": enabled}


def users(view: View, source: Source) -> Sequence[Resource]:
    ids = Ids(view.plan, source)
    return [
        Resource(
            "user",
            ids.user(name),
            name,
            None,
            facts(
                **_enabled(enabled),
                domain_id=ids.domain(domain),
                email=mail,
                default_project_id=_home(view, ids, domain),
                password_expires=None if name.startswith("svc-") else iso(view.plan.epoch + 40 * DAY),
                description="service account" if name.startswith("svc-") else "",
            ),
        )
        for name, domain, mail, enabled in USERS
    ]


def _home(view: View, ids: Ids, domain: str) -> str:
    plan = view.plan.projects
    return ids.project(next(n for n, p in enumerate(plan) if p.domain == domain and p.source == OPENSTACK))


def groups(view: View, source: Source) -> Sequence[Resource]:
    ids = Ids(view.plan, source)
    return [
        Resource("group", ids.of("group", name), name, None, {"domain_id": ids.domain(domain), "members": sorted(who)})
        for name, domain, who in GROUPS
    ]


def roles(view: View, source: Source) -> Sequence[Resource]:
    ids = Ids(view.plan, source)
    return [Resource("role", ids.of("role", name), name, None, {"description": text}) for name, text in _ROLES]


def role_assignments(view: View, source: Source) -> Sequence[Resource]:
    """Groups have the rights, by domain; a few people have some of their own, one more than they should."""
    ids = Ids(view.plan, source)
    found = [
        _assignment(view, ids, "admin", domain=domain, group=name)
        for name, domain, _ in GROUPS
        if name != "platform-admins"
    ]
    found.append(_assignment(view, ids, "admin", group="platform-admins", system=True))
    for number, project in enumerate(view.plan.projects):
        if project.source != OPENSTACK:
            continue
        for name, domain, _, _ in USERS:
            if domain == project.domain:
                role = "reader" if name == "svc-monitoring" else "member"
                found.append(_assignment(view, ids, role, project=number, user=name))
    found.append(_assignment(view, ids, "admin", project=view.plan.number("acme-prod"), user="jdoe"))
    found.append(_assignment(view, ids, "reader", project=view.plan.number("acme-prod"), user="carol"))
    return found


def _assignment(
    view: View,
    ids: Ids,
    role: str,
    *,
    project: int | None = None,
    domain: str = "",
    user: str = "",
    group: str = "",
    system: bool = False,
) -> Resource:
    key = f"{role}:{project}:{domain}:{user}:{group}:{system}"
    attrs = facts(
        role_id=ids.of("role", role),
        user_id=ids.user(user) if user else None,
        group_id=ids.of("group", group) if group else None,
        domain_id=ids.domain(domain) if domain else None,
        system=system,
        inherited=bool(domain),
    )
    owner = None if project is None else ids.project(project)
    return Resource("role_assignment", ids.of("assignment", key), role, owner, attrs)


def quotas(view: View, source: Source, limits: Mapping[int, Mapping[str, int]]) -> Sequence[Resource]:
    """`limits` by number of the project."""
    ids, used = Ids(view.plan, source), uses(view, source)
    return [
        Resource(
            "quota",
            ids.project(number),
            project.name,
            ids.project(number),
            {"limits": dict(limits[number])},
            {"used": {metric: used[number][metric] for metric in limits[number]}},
        )
        for number, project in enumerate(view.plan.projects)
        if project.source == source
    ]


def uses(view: View, source: Source) -> dict[int, Counter[str]]:
    """What every project of a source uses of each of its metrics; the counts of what is listed."""
    found = {n: Counter(view.use.get(n, {})) for n, p in enumerate(view.plan.projects) if p.source == source}
    if source != OPENSTACK:
        return {number: Counter({m: c[m] for m in _ELSEWHERE}) for number, c in found.items()}
    for port in service_ports(view, source):
        found[port.project]["ports"] += 1
    for number, _ in view.plan.unused_floating:
        found[number]["floating_ips"] += 1
    for number, count in found.items():
        project = view.plan.projects[number]
        count["networks"] = count["subnets"] = len(project.nets)
        count["routers"] = 1
        count["server_groups"] = 2 if project.name == "acme-prod" else 0
        sets = groups_of(project)
        count["security_groups"] = len(sets)
        count["security_group_rules"] = sum(
            view.plan.epoch - rule.before * 3600 <= view.at for group in sets for rule in group.rules
        )
    return found


def metrics_of(source: Source) -> tuple[str, ...]:
    more = ("volumes", "snapshots", "ports", "floating_ips", *sorted(_NETWORKED))
    return (*_ELSEWHERE, *more) if source == OPENSTACK else _ELSEWHERE


def limits_at(view: View, source: Source, fill: Mapping[int, Mapping[str, float]]) -> dict[int, dict[str, int]]:
    """Limits that make a project as full at the view's time as `fill` says, and half full where it says nothing."""
    return {
        number: {metric: _limit(used[metric], fill[number].get(metric, 0.0)) for metric in metrics_of(source)}
        for number, used in uses(view, source).items()
    }


def _limit(used: int, fill: float) -> int:
    """Exactly `used / fill`, or for no fill a round number of about twice the use: 10, 20, 50, 100 …"""
    if fill:
        return int(used / fill)
    steps: list[int] = [step * 10**power for power in range(1, 10) for step in (1, 2, 5)]
    return next(step for step in steps if step >= used * 1.5)
