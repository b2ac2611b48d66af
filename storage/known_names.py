"""Which words are names at all: for hiding them, whoever they belong to. Nothing of it is ever shown to anybody."""

from collections.abc import Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from storage.json_texts import clean_text
from storage.migration_names import all_named
from storage.people_tables import person
from storage.scopes import EVERYTHING
from storage.search import clusters_named, named
from storage.tables import resource

_AT_ONCE = 4000  # spans in one query


async def known_names(conn: AsyncConnection, spans: Sequence[str]) -> frozenset[str]:
    """Those of the folded spans that name something: any resource, deleted or not, an owner, a tag, a person."""
    found: set[str] = set()
    wanted = list(dict.fromkeys(map(clean_text, spans)))
    for at in range(0, len(wanted), _AT_ONCE):
        found |= await _known(conn, wanted[at : at + _AT_ONCE])
    return frozenset(found)


async def _known(conn: AsyncConnection, wanted: list[str]) -> set[str]:
    r, p = resource.c, person.c
    by_name = select(r.folded).where(r.folded.in_(wanted)).distinct()
    by_id = select(r.external_id).where(r.external_id.in_(wanted)).distinct()
    fields = (func.lower(p.id), func.lower(p.name), func.lower(p.email))
    people = select(*fields).where(or_(*(field.in_(wanted) for field in fields)))
    found = {str(name) for query in (by_name, by_id) for (name,) in await conn.execute(query)}
    found |= {str(value) for row in await conn.execute(people) for value in row if value}
    found |= {hit.span for hit in await named(conn, EVERYTHING, wanted)}
    found |= await all_named(conn, wanted)
    return found | {hit.span for hit in await clusters_named(conn, EVERYTHING, wanted)}
