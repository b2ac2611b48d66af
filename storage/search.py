"""Names in sentences, and search by any part of a name, an address or an id."""

import ipaddress
import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, ColumnElement, Select, Text, and_, case, cast, func, literal, or_, select, text, union
from sqlalchemy.dialects.postgresql import INET, array
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.filters import items_of
from storage.inventory import FOUND_COLUMNS, Found, found
from storage.json_texts import clean_text
from storage.scopes import Scope, own, visible
from storage.tables import address, folded_tags, resource

# What sentences name. Ports, rules, assignments and quotas bear generated names or those of their parents.
NAMED_KINDS = (
    "vm", "project", "domain", "host", "cluster", "network", "volume", "snapshot", "volume_backup", "user", "flavor",
    "image", "router", "subnet", "security_group", "group", "role", "keypair", "server_group", "volume_type",
    "aggregate", "datastore", "floating_ip",
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


def _named(span: ColumnElement[str], scope: Scope) -> Select[Any]:
    r = resource.c
    return select(
        span.label("span"),
        r.kind,
        r.name,
        r.external_id,
        r.source,
        r.platform,
        case((own(scope), func.coalesce(r.derived["project"].astext, "")), else_="").label("project"),
        case((own(scope), func.coalesce(r.derived["domain"].astext, "")), else_="").label("domain"),
    )


async def _hits(conn: AsyncConnection, query: Select[Any]) -> list[Named]:
    return [Named(**row) for row in (await conn.execute(query)).mappings()]


async def named(conn: AsyncConnection, scope: Scope, spans: Sequence[str], *, limit: int = 400) -> list[Named]:
    """Objects whose folded name, or whose id, is one of `spans`; the scope's only.

    Owners and tags of VMs are found too, as kinds `owner` and `tag` without an id.
    """
    if not spans:
        return []
    wanted = list(dict.fromkeys(map(clean_text, spans)))
    r = resource.c
    seen = and_(r.deleted_at.is_(None), visible(scope))
    by_name = _named(r.folded, scope).where(r.folded.in_(wanted), r.kind.in_(NAMED_KINDS), seen).limit(limit)
    ids = [span for span in wanted if _ID.fullmatch(span)]
    hits = await _hits(conn, by_name)
    if ids:
        by_id = _named(r.external_id, scope).where(r.external_id.in_(ids), r.kind.in_(NAMED_KINDS), seen)
        hits += await _hits(conn, by_id)
    return hits + await _people_and_tags(conn, seen, wanted)


async def with_ids(conn: AsyncConnection, scope: Scope, refs: Sequence[tuple[str, str]]) -> list[Named]:
    """The objects with these (source, id); an empty source is any. Only what the scope may see.

    Quotas bear the ids of their projects and are left out.
    """
    r = resource.c
    by_id = [r.external_id == clean_text(i) if not s else and_(r.external_id == i, r.source == s) for s, i in refs]
    seen = and_(r.kind != "quota", r.deleted_at.is_(None), visible(scope))
    return await _hits(conn, _named(r.folded, scope).where(or_(*by_id), seen).limit(100))


_ID = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[a-z]+-[0-9a-z:.-]+")


async def _people_and_tags(conn: AsyncConnection, seen: ColumnElement[bool], wanted: list[str]) -> list[Named]:
    """Owners are looked up span by span: a list of a hundred makes PostgreSQL expect many hits, and read every VM.

    Tags lie in an index of lists, which takes all spans at once.
    """
    r = resource.c
    vms = and_(r.kind == "vm", seen)
    span = func.unnest(cast(array(wanted), ARRAY(Text))).table_valued("value", name="span").render_derived()
    fields = (r.attrs["technical_owner"].astext, r.attrs["business_owner"].astext, r.derived["created_by"].astext)
    probes = [select(f.label("value")).where(vms, func.lower(f) == span.c.value).limit(1).lateral() for f in fields]
    owners = union(*(select(probe.c.value).select_from(span.join(probe, literal(True))) for probe in probes))
    item = items_of(r.attrs["tags"]).table_valued("value").lateral()
    tags = (
        select(item.c.value)
        .select_from(resource.join(item, literal(True)))
        .where(vms, folded_tags.has_any(array(wanted)), func.lower(item.c.value).in_(wanted))
        .distinct()
    )
    found = [("owner", name) for name in await conn.scalars(owners)]
    found += [("tag", name) for name in await conn.scalars(tags)]
    return [Named(name.lower(), kind, name, "", "", "", "", "") for kind, name in sorted(found)]


async def clusters_named(conn: AsyncConnection, scope: Scope, spans: Sequence[str]) -> list[Named]:
    """Clusters that are only known from their hosts (a platform without cluster objects)."""
    r = resource.c
    query = (
        select(r.source, r.platform, r.cluster)
        .where(
            r.kind == "host",
            func.lower(r.cluster).in_([clean_text(span) for span in spans]),
            r.deleted_at.is_(None),
            visible(scope),
        )
        .distinct()
    )
    return [
        Named(cluster.lower(), "cluster", cluster, "", source, platform, "", "")
        for source, platform, cluster in await conn.execute(query)
    ]


def _folded(said: str) -> str:
    """As the column `folded` has it."""
    return unicodedata.normalize("NFKC", clean_text(said[:_LONGEST])).lower().strip()


_LONGEST = 500


async def near(conn: AsyncConnection, scope: Scope, said: str, kinds: Sequence[str], *, limit: int = 5) -> list[Named]:
    """The nearest names to what was said, best first: same beginning, else by trigrams (similarity from 0.3 on)."""
    wanted = _folded(said)[:100]
    if not wanted:
        return []
    await conn.execute(text("SET LOCAL pg_trgm.similarity_threshold = 0.3"))
    r = resource.c
    likeness = func.similarity(r.folded, wanted)
    begins = r.folded.startswith(wanted, autoescape=True)
    query = _named(r.folded, scope).where(
        or_(r.folded.op("%")(wanted), begins),
        r.kind.in_(list(kinds) or NAMED_KINDS),
        r.deleted_at.is_(None),
        visible(scope),
    )
    return await _hits(conn, query.order_by(begins.desc(), likeness.desc(), r.folded).limit(limit))


_MAC = re.compile(r"(?:[0-9a-f]{2}[:-]?){5}[0-9a-f]{2}|(?:[0-9a-f]{4}\.){2}[0-9a-f]{4}")
_PART_OF_ADDRESS = re.compile(r"[0-9a-f]{0,4}(?:[.:-][0-9a-f]{0,4}){1,15}")
_PART_OF_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f-]*)?|[0-9a-f]{8,32}")
_WITHIN_ID = re.compile(r"[0-9a-f-]{4,36}")


def _by_address(query: str) -> list[ColumnElement[bool]]:
    """What addresses the query may mean, the likeliest first: a MAC, an IP, a network in CIDR form, or a part."""
    meant: list[ColumnElement[bool]] = []
    if _MAC.fullmatch(query):
        digits = re.sub(r"[:.-]", "", query)
        meant.append(address.c.mac == ":".join(digits[at : at + 2] for at in range(0, 12, 2)))
    network = _network(query)
    if network is not None and network.num_addresses == 1:
        meant.append(address.c.ip == cast(str(network.network_address), INET))
    elif network is not None:
        meant.append(address.c.ip.op("<<=")(cast(str(network), INET)))
    if _PART_OF_ADDRESS.fullmatch(query) and len(query) >= 3 and any(c.isalnum() for c in query):
        ip, mac, part = func.host(address.c.ip), address.c.mac, query.replace("-", ":")
        meant.append(or_(ip.startswith(query, autoescape=True), mac.startswith(part, autoescape=True)))
        if network is None:
            meant.append(or_(ip.contains(query, autoescape=True), mac.contains(part, autoescape=True)))
    return meant


def _network(query: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(query, strict=False)
    except ValueError:
        return None


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
    wanted = _folded(query)
    if not wanted:
        return [], 0, False
    r = resource.c
    seen = [r.deleted_at.is_(None), visible(scope), *([r.kind == kind] if kind else [])]
    for meant, order in _exactly(wanted):
        rows, total = await _ranked(conn, scope, [*seen, meant], order, limit)
        if total:
            return rows, total, False
    await conn.execute(text("SET LOCAL pg_trgm.similarity_threshold = 0.35"))
    like = [*seen, r.folded.op("%")(wanted), r.kind.not_in(_NAMELESS)]
    return (*await _ranked(conn, scope, like, (func.similarity(r.folded, wanted).desc(), _RANK, r.name), limit), True)


def _exactly(wanted: str) -> Iterator[tuple[ColumnElement[bool], tuple[ColumnElement[Any], ...]]]:
    """Conditions to try one after another, each with its order."""
    r, plain = resource.c, (_RANK, resource.c.name, resource.c.id)
    if len(wanted) < 3:  # too short for trigrams
        yield and_(r.folded.startswith(wanted, autoescape=True), r.kind.not_in(_NAMELESS)), (r.folded, *plain)
    for by_address in _by_address(wanted):
        yield r.id.in_(select(address.c.resource_id).where(by_address)), plain
    if _PART_OF_ID.fullmatch(wanted):
        yield r.external_id.startswith(wanted, autoescape=True), plain
    has_all = and_(*(r.folded.contains(word, autoescape=True) for word in wanted.split()[:8]))
    begins = r.folded.startswith(wanted, autoescape=True)
    best = (r.folded != wanted, ~begins, _RANK, func.length(r.name), r.name, r.id)
    yield and_(has_all, r.kind.not_in(_NAMELESS)), best
    if _WITHIN_ID.fullmatch(wanted) and any(c.isdigit() for c in wanted):
        yield r.external_id.contains(wanted, autoescape=True), plain


_NAMELESS = ("security_group_rule", "role_assignment", "quota")


async def _ranked(
    conn: AsyncConnection,
    scope: Scope,
    conditions: list[ColumnElement[bool]],
    order: Sequence[ColumnElement[Any]],
    limit: int,
) -> tuple[list[Found], int]:
    """Counted and ordered in one reading of narrow rows; only those that are shown are fetched whole."""
    hits = (
        select(resource.c.id, func.count().over().label("total"), func.row_number().over(order_by=order).label("place"))
        .where(*conditions)
        .order_by(*order)
        .limit(limit)
        .subquery()
    )
    query = select(*FOUND_COLUMNS, hits.c.total).join(hits, resource.c.id == hits.c.id).order_by(hits.c.place)
    rows = (await conn.execute(query)).mappings().all()
    return [found(row, scope) for row in rows], int(rows[0]["total"]) if rows else 0
