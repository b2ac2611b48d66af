"""Who is asking: a person with roles, and what they may see."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.messages import Channel
from engines.policy import ROLES, Audience, Verdict, decide, is_of_the_house
from intents.registry import Intent
from storage.channels import channel_scope
from storage.inventory import names_of
from storage.people import Grant, person_by_id
from storage.scopes import Place, Scope, projects_of, scope_of

LOCAL = "local"
"""Whoever runs Stackhand on this machine: the console, the command line and the page of one's own. They hold the
database's password already, so they may do everything. Adapters of chat platforms never use it."""

Target = tuple[str, str]
"""(source, external id) of a project."""


@dataclass(frozen=True, slots=True)
class Principal:
    """`roles` are all roles held anywhere, `everywhere` those that are not bound to a place, `on` those held on single
    projects; `held` are the grants behind them that count here."""

    id: str
    name: str
    roles: frozenset[str]
    scope: Scope
    held: tuple[Grant, ...] = ()
    everywhere: frozenset[str] = frozenset()
    on: Mapping[Target, frozenset[str]] = field(default_factory=dict)

    @property
    def grants(self) -> tuple[str, ...]:
        """Lines such as "admin everywhere" or "viewer on project p-1 of pcd-1"."""
        return tuple(map(grant_words, self.held))

    def roles_on(self, source: str, project_id: str) -> frozenset[str]:
        """The roles that count for a change in this project."""
        return self.everywhere | self.on.get((source, project_id), frozenset())

    def may(self, intent: Intent, target: Target | None = None) -> Verdict:
        """Whether the roles reach. A change names the project that it changes as `target`; a question has none."""
        if is_of_the_house(intent.name):
            return decide(intent.name, intent.risk, self.everywhere)
        return decide(intent.name, intent.risk, self.roles_on(*target) if target else self.roles)


async def principal(conn: AsyncConnection, person_id: str, channel: Channel | None = None) -> Principal | None:
    """The person with their rights as they are now and here; None for nobody, or one who was disabled."""
    if person_id == LOCAL:
        return await _with_rights(conn, LOCAL, "whoever works on this machine", (Grant("superadmin"),))
    person = await person_by_id(conn, person_id)
    if person is None or not person.active:
        return None
    held = tuple(grant for grant in person.grants if grant.role in ROLES and _holds_here(grant, channel))
    return await _with_rights(conn, person.id, person.name, held)


def _holds_here(grant: Grant, channel: Channel | None) -> bool:
    """A role that was given for one channel counts nowhere else."""
    if grant.surface is None and grant.channel is None:
        return True
    return channel is not None and (grant.surface, grant.channel) == (channel.surface, channel.id)


async def _with_rights(conn: AsyncConnection, id_: str, name: str, held: tuple[Grant, ...]) -> Principal:
    of_domain = await projects_of(conn, {(g.source, g.domain_id) for g in held if g.source and g.domain_id})
    on: dict[Target, frozenset[str]] = {}
    for grant in held:
        for target in _targets(grant, of_domain):
            on[target] = on.get(target, frozenset()) | {grant.role}
    return Principal(
        id_,
        name,
        frozenset(grant.role for grant in held),
        await scope_of(conn, [grant.place for grant in held]),
        held,
        frozenset(grant.role for grant in held if grant.source is None),
        MappingProxyType(on),
    )


def _targets(grant: Grant, of_domain: Mapping[Target, str]) -> list[Target]:
    if grant.source is None:
        return []
    if grant.project_id is not None:
        return [(grant.source, grant.project_id)]
    return [target for target, domain in of_domain.items() if (target[0], domain) == (grant.source, grant.domain_id)]


def readers_of(channel: Channel | None) -> Audience:
    return Audience(channel.readers) if channel else Audience()


async def before_whom(conn: AsyncConnection, who: Principal, channel: Channel | None) -> tuple[Principal, Audience]:
    """The person as what they may see is cut by the channel, and who reads the answer there."""
    if channel is None:
        return who, Audience()
    about = await channel_scope(conn, channel.surface, channel.id)
    if about is None:
        return who, Audience(channel.readers)
    return replace(who, scope=who.scope.cut(about)), Audience(channel.readers, bound=True)


def place_words(place: Place) -> str:
    if place.source is None:
        return "everywhere"
    if place.project_id is not None:
        return f"on project {place.project_id} of {place.source}"
    return f"on domain {place.domain_id} of {place.source}"


def grant_words(grant: Grant) -> str:
    """ "viewer on project p-1 of pcd-1, only in C1 of page": a grant in words, with the ids of its place."""
    via = ", by the directory" if grant.via == "directory" else ""
    here = f", only in {grant.channel} of {grant.surface}" if grant.channel else ""
    return f"{grant.role} {place_words(grant.place)}{here}{via}"


async def grants_told(conn: AsyncConnection, scope: Scope, grants: Iterable[Grant]) -> list[str]:
    """The grants in words, with the names of their places as far as the scope may know them.

    A project is told with its domain: names of projects are their domain's own.
    """
    told: list[str] = []
    for grant in grants:
        words = grant_words(grant)
        kind, id_ = ("project", grant.project_id) if grant.project_id else ("domain", grant.domain_id)
        if grant.source and id_:
            known = await names_of(conn, scope, kind, [(grant.source, id_)])
            found = next(iter(known.values()), None)
            within = found.value("domain") if found and kind == "project" else None
            name = f"{found.name} ({within})" if found and within else found.name if found else id_
            words = words.replace(f"on {kind} {id_} of", f"on {kind} {name} of", 1)
        told.append(words)
    return told
