"""Names in messages: which objects they are, and how a button names exactly one of several.

A button says the name and behind it a mark, `show vm bastion #44a7fab9-…`: the object's id, with its source before it
where the id alone may stand in two. Whoever reads the message back takes the mark off and knows the one object.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote, unquote

from sqlalchemy.ext.asyncio import AsyncConnection

from intents.names import Names, fold, spans
from intents.readings import Name
from storage.scopes import Scope
from storage.search import Named, clusters_named, named, with_ids

_MARK = re.compile(r"\s#((?:[^\s#/]{1,300}/)?[^\s#/]{1,300})(?=\s|$)")
_UNIQUE = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_PLAIN = re.compile(r"[\w.-]+")


def marked(kind: str, name: str, source: str, external_id: str) -> str:
    """`vm bastion #44a7fab9-…`: words that mean this object and no other."""
    said = name if _PLAIN.fullmatch(name) else '"' + name.replace('"', "'") + '"'
    mark = external_id if _UNIQUE.fullmatch(external_id) else f"{quote(source, safe='')}/{quote(external_id, safe='')}"
    return f"{kind.replace('_', ' ')} {said} #{mark}"


def show(kind: str, name: str, source: str, external_id: str) -> str:
    """What to say to see one object whole."""
    return f"show {marked(kind, name, source, external_id)}"


async def names_in(conn: AsyncConnection, scope: Scope, text: str) -> tuple[str, Names]:
    """The text without marks, and the objects that its names may mean, as far as the scope may know them."""
    marks = [_ref(mark) for mark in _MARK.findall(text)]
    plain = _MARK.sub("", text)
    candidates = spans(plain)
    hits = await named(conn, scope, candidates)
    hits += await clusters_named(conn, scope, candidates)
    meant = await with_ids(conn, scope, marks) if marks else []
    return plain, Names((hit.span, as_name(hit)) for hit in _narrowed(hits, meant))


def _ref(mark: str) -> tuple[str, str]:
    source, _, external_id = mark.rpartition("/")
    return unquote(source), unquote(external_id)


def _narrowed(hits: Iterable[Named], meant: list[Named]) -> list[Named]:
    """Of the objects that share kind and name with a marked one, only that one."""
    pinned = {(hit.kind, fold(hit.name)) for hit in meant}
    return [hit for hit in hits if (hit.kind, fold(hit.name)) not in pinned] + [
        replace(hit, span=fold(hit.name)) for hit in meant
    ]


def as_name(hit: Named) -> Name:
    return Name(hit.kind, hit.name, hit.external_id, hit.project, hit.domain, hit.platform, hit.source)
