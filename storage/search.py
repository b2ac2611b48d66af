"""Names in sentences, and search by any part of a name, an address or an id."""

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, cast, func, literal, or_, select, text, union_all
from sqlalchemy.dialects.postgresql import INET
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.inventory import FOUND_COLUMNS, Found, found
from storage.scopes import Scope, visible
from storage.tables import address, resource

# What sentences name. Ports, rules, assignments and quotas bear generated names or those of their parents.
NAMED_KINDS = (
    "vm", "project", "domain", "host", "cluster", "network", "volume", "snapshot", "user", "flavor", "image", "router",
    "subnet", "security_group", "group", "role", "keypair", "server_group", "volume_type", "aggregate", "datastore",
    "floating_ip",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Named:
    """One object that bears a name. `span` is the folded text that found it (its name, or its id)."""

    span: str
    kind: str
    name: str
    external_id: str
    source: str
    platform: str
    project: str
    domain: str


def _named(span: ColumnElement[str]) -> Select[Any]:
    r = resource.c
    return select(
        span.label("span"),
        r.kind,
        r.name,
        r.external_id,
        r.source,
        r.platform,
        func.coalesce(r.derived["project"].astext, "").label("project"),
        func.coalesce(r.derived["domain"].astext, "").label("domain"),
    )


async def _hits(conn: AsyncConnection, query: Select[Any]) -> list[Named]:
    return [Named(**row) for row in (await conn.execute(query)).mappings()]


async def named(conn: AsyncConnection, scope: Scope, spans: Sequence[str], *, limit: int = 400) -> list[Named]:
    """Objects whose folded name, or whose id, is one of `spans`; the scope's only.

    Owners and tags of VMs are found too, as kinds `owner` and `tag` without an id.
    """
    if not spans:
        return []
    wanted = list(dict.fromkeys(spans))
    r = resource.c
    seen = and_(r.deleted_at.is_(None), visible(scope))
    by_name = _named(r.folded).where(r.folded.in_(wanted), r.kind.in_(NAMED_KINDS), seen).limit(limit)
    ids = [span for span in wanted if _ID.fullmatch(span)]
    hits = await _hits(conn, by_name)
    if ids:
        hits += await _hits(conn, _named(r.external_id).where(r.external_id.in_(ids), seen))
    return hits + await _people_and_tags(conn, seen, wanted)


_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[a-z]+-[0-9a-z:.-]+")


async def _people_and_tags(conn: AsyncConnection, seen: ColumnElement[bool], wanted: list[str]) -> list[Named]:
    r = resource.c
    vms = and_(r.kind == "vm", seen)
    fields = (r.attrs["technical_owner"].astext, r.attrs["business_owner"].astext, r.derived["created_by"].astext)
    owners = union_all(*(select(f.label("name")).where(vms, func.lower(f).in_(wanted)).distinct() for f in fields))
    tag = func.jsonb_array_elements_text(r.attrs["tags"]).table_valued("value").lateral()
    tags = (
        select(tag.c.value)
        .select_from(resource.join(tag, literal(True)))
        .where(vms, or_(*(r.attrs["tags"].has_key(span) for span in wanted)), func.lower(tag.c.value).in_(wanted))
        .distinct()
    )
    people = {name for (name,) in await conn.execute(owners)}
    marks = {value for (value,) in await conn.execute(tags)} if wanted else set()
    return [Named(n.lower(), "owner", n, "", "", "", "", "") for n in sorted(people)] + [
        Named(n.lower(), "tag", n, "", "", "", "", "") for n in sorted(marks)
    ]


async def clusters_named(conn: AsyncConnection, scope: Scope, spans: Sequence[str]) -> list[Named]:
    """Clusters that are only known from their hosts (a platform without cluster objects)."""
    r = resource.c
    query = (
        select(r.source, r.platform, r.cluster)
        .where(r.kind == "host", func.lower(r.cluster).in_(list(spans)), r.deleted_at.is_(None), visible(scope))
        .distinct()
    )
    return [
        Named(cluster.lower(), "cluster", cluster, "", source, platform, "", "")
        for source, platform, cluster in await conn.execute(query)
    ]


async def near(conn: AsyncConnection, scope: Scope, said: str, kinds: Sequence[str], *, limit: int = 5) -> list[Named]:
    """The nearest names to what was said, best first: same beginning, else by trigrams (similarity from 0.3 on)."""
    wanted = said.strip().lower()[:100]
    if not wanted:
        return []
    await conn.execute(text("SET LOCAL pg_trgm.similarity_threshold = 0.3"))
    r = resource.c
    likeness = func.similarity(r.folded, wanted)
    query = _named(r.folded).where(
        or_(r.folded.op("%")(wanted), r.folded.startswith(wanted, autoescape=True)),
        r.kind.in_(list(kinds) or NAMED_KINDS),
        r.deleted_at.is_(None),
        visible(scope),
    )
    return await _hits(conn, query.order_by(likeness.desc(), r.folded).limit(limit))


_MAC = re.compile(r"(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}")
_PART_OF_IP = re.compile(r"\d{1,3}(?:\.\d{1,3}){1,3}\.?|[0-9a-f]{1,4}(?::[0-9a-f]{0,4}){2,7}")
_PART_OF_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f-]*)?|[0-9a-f]{8,32}")


def _by_address(query: str) -> ColumnElement[bool] | None:
    """Addresses that the query means: a MAC, an IP, a network in CIDR form, or the beginning of an IP."""
    if _MAC.fullmatch(query):
        return address.c.mac == query.replace("-", ":")
    try:
        network = ipaddress.ip_network(query, strict=False)
    except ValueError:
        if _PART_OF_IP.fullmatch(query):
            return func.host(address.c.ip).startswith(query, autoescape=True)
        return None
    if network.num_addresses == 1:
        return address.c.ip == cast(str(network.network_address), INET)
    return address.c.ip.op("<<=")(cast(str(network), INET))


# VMs first, then what carries data, then what connects.
_RANK = case(
    {kind: rank for rank, kind in enumerate(("vm", "project", "host", "volume", "user", "network", "snapshot"))},
    value=resource.c.kind,
    else_=9,
)


async def find(
    conn: AsyncConnection, scope: Scope, query: str, *, kind: str = "", limit: int = 20
) -> tuple[list[Found], int, bool]:
    """Resources by address, id, or part of a name; (rows best first, how many in all, whether typos were forgiven).

    A name counts when it holds every word of the query. Only where nothing does are near names looked for.
    """
    wanted = query.strip().lower()
    r = resource.c
    seen = [r.deleted_at.is_(None), visible(scope), *([r.kind == kind] if kind else [])]
    by_address = _by_address(wanted)
    if by_address is not None:
        ids = select(address.c.resource_id).where(by_address)
        hits = await _ranked(conn, [*seen, r.id.in_(ids)], (_RANK, r.name), limit)
        if hits[1]:
            return (*hits, False)
    if _PART_OF_ID.fullmatch(wanted):
        hits = await _ranked(conn, [*seen, r.external_id.startswith(wanted)], (_RANK, r.name), limit)
        if hits[1]:
            return (*hits, False)
    words = wanted.split()[:8]
    has_all = and_(*(r.folded.contains(word, autoescape=True) for word in words))
    order = (r.folded != wanted, ~r.folded.startswith(wanted, autoescape=True), _RANK, func.length(r.name), r.name)
    hits = await _ranked(conn, [*seen, has_all, r.kind.not_in(_NAMELESS)], order, limit)
    if hits[1]:
        return (*hits, False)
    await conn.execute(text("SET LOCAL pg_trgm.similarity_threshold = 0.35"))
    like = [*seen, r.folded.op("%")(wanted), r.kind.not_in(_NAMELESS)]
    return (*await _ranked(conn, like, (func.similarity(r.folded, wanted).desc(), _RANK), limit), True)


_NAMELESS = ("security_group_rule", "role_assignment", "quota")


async def _ranked(
    conn: AsyncConnection, conditions: list[ColumnElement[bool]], order: Sequence[ColumnElement[Any]], limit: int
) -> tuple[list[Found], int]:
    total = (await conn.execute(select(func.count()).select_from(resource).where(*conditions))).scalar_one()
    if not total:
        return [], 0
    query = select(*FOUND_COLUMNS).where(*conditions).order_by(*order).limit(limit)
    return [found(row) for row in (await conn.execute(query)).mappings()], int(total)
