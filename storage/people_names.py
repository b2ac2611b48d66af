"""People by their first names: "carol" is the owner "Carol Díaz" of some VM, and the user carol.diaz."""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, func, or_, select
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
    r = resource.c
    names: dict[str, None] = {}
    for field in (r.attrs["technical_owner"].astext, r.attrs["business_owner"].astext, r.derived["created_by"].astext):
        names.update(dict.fromkeys(await _values(conn, scope, field, word)))
    return [Named(name.lower(), "owner", name, "", "", "", "", "") for name in sorted(names)]


async def _values(conn: AsyncConnection, scope: Scope, field: ColumnElement[str], word: str) -> list[str]:
    """One value after another along the field's index: an owner of ten thousand VMs is read once, not as often."""
    r, folded = resource.c, func.lower(field)
    mine = and_(r.kind == "vm", r.deleted_at.is_(None), visible(scope))
    begins = and_(folded >= word, folded < word + _END, folded.startswith(f"{word} ", autoescape=True))
    found: list[str] = []
    last = ""
    for _ in range(_MOST):
        query = select(field, folded).where(mine, begins, folded > last).order_by(folded).limit(1)
        row = (await conn.execute(query)).first()
        if row is None:
            break
        found.append(str(row[0]))
        last = str(row[1])
    return found


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
