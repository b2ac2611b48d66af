"""People by their first names: "carol" is the owner "Carol Díaz" of some VM, and the user carol.diaz."""

from collections.abc import Sequence

from sqlalchemy import and_, func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.json_texts import clean_text
from storage.scopes import Scope, visible
from storage.search import Named
from storage.tables import resource

_END = "\uffff"  # sorts behind all that a name may go on with
_MOST = 20


async def people_with(conn: AsyncConnection, scope: Scope, words: Sequence[str]) -> list[Named]:
    """Owners and users whose name begins with one of these folded words and goes on with another word.

    Of the scope only, at most `_MOST` of each word and field. `span` is the whole folded name.
    """
    found: dict[tuple[str, str, str], Named] = {}
    for word in dict.fromkeys(map(clean_text, words)):
        for one in [*await _owners(conn, scope, word), *await _users(conn, scope, word)]:
            found.setdefault((one.kind, one.name, one.external_id), one)
    return list(found.values())


async def _owners(conn: AsyncConnection, scope: Scope, word: str) -> list[Named]:
    """By the index on each field: a range around the word in the order of the database, then exactly."""
    r = resource.c
    names: dict[str, None] = {}
    for field in (r.attrs["technical_owner"].astext, r.attrs["business_owner"].astext, r.derived["created_by"].astext):
        folded = func.lower(field)
        query = (
            select(field)
            .where(r.kind == "vm", r.deleted_at.is_(None), visible(scope))
            .where(folded >= word, folded < word + _END, folded.startswith(f"{word} ", autoescape=True))
            .distinct()
            .limit(_MOST)
        )
        names.update(dict.fromkeys(name for (name,) in await conn.execute(query)))
    return [Named(name.lower(), "owner", name, "", "", "", "", "") for name in sorted(names)]


async def _users(conn: AsyncConnection, scope: Scope, word: str) -> list[Named]:
    r = resource.c
    begins = or_(*(r.folded.startswith(f"{word}{mark}", autoescape=True) for mark in (" ", ".")))
    query = (
        select(r.folded, r.kind, r.name, r.external_id, r.source, r.platform)
        .add_columns(func.coalesce(r.derived["domain"].astext, ""))
        .where(and_(begins, r.kind == "user", r.deleted_at.is_(None), visible(scope)))
        .order_by(r.folded)
        .limit(_MOST)
    )
    return [
        Named(folded, kind, name, id_, source, platform, "", domain)
        for folded, kind, name, id_, source, platform, domain in await conn.execute(query)
    ]
