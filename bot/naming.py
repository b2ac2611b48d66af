"""Names in messages: which objects they are, and how a button names exactly one of several.

A button says the name and behind it a mark, `show vm bastion #44a7fab9-…`: the object's id, with its source before it
where the id alone may stand in two. Whoever reads the message back takes the mark off and knows the one object.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from urllib.parse import quote, unquote
from uuid import NAMESPACE_OID, uuid5

from sqlalchemy.ext.asyncio import AsyncConnection

from engines.runbooks.runbook import find_runbooks
from engines.snapshots.policies import told_by_name
from intents.names import Names, fold, spans
from intents.readings import Name
from storage.migration_names import named as of_migrations
from storage.migration_sights import Reach
from storage.people_names import people_with
from storage.scopes import Scope
from storage.search import Named, clusters_named, named, with_ids
from storage.snapshots import custom_policies

JOINT = "\x1f"
"""Between the sources, and the ids, of a Name that means the same thing in each of several sources."""
_MARK = re.compile(r"\s#((?:[^\s#/]{1,300}/)?[^\s#/]{1,300})(?=\s|$)")
_UNIQUE = re.compile(r"[0-9a-f]{32}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_SHORTEST, _LONGEST, _MOST_WORDS = 4, 30, 5  # of first names that one message is searched for
_PEOPLE = frozenset({"owner", "user"})
_WORD = re.compile(r"[^\W\d_]+")
_PLAIN = re.compile(r"[\w.-]*[^\W\d_][\w.-]*")  # an address or a number alone would be read as one
_MARKED = re.compile(r'"[^"]*"\s#((?:[^\s#/]{1,300}/)?[^\s#/]{1,300})(?=\s|$)')


def marked(kind: str, name: str, source: str, external_id: str) -> str:
    """`vm bastion #44a7fab9-…`: words that mean this object and no other."""
    quoted = '"' + name.replace('"', "'") + '"'
    noun = kind.replace("_", " ")
    if not external_id:  # owners and tags are their names; quoted, they are no first names
        return f"{noun} {quoted}"
    mark = external_id if _UNIQUE.fullmatch(external_id) else f"{quote(source, safe='')}/{quote(external_id, safe='')}"
    return f"{noun} {name if _PLAIN.fullmatch(name) else quoted} #{mark}"


def without_ids(said: str) -> str:
    """For eyes: a sentence without the marks that its buttons put in."""
    return _MARK.sub("", said)


def show(kind: str, name: str, source: str, external_id: str) -> str:
    """What to say to see one object whole."""
    return f"show {marked(kind, name, source, external_id)}"


async def names_in(
    conn: AsyncConnection,
    scope: Scope,
    text: str,
    knows: Callable[[str], bool] | None = None,
    plans: Sequence[Reach] = (),
) -> tuple[str, Names]:
    """The text without marks, and the objects that its names may mean, as far as the scope may know them.

    With `knows` (is it a word of the language?) the other words are looked up as first names too; with `plans`
    the names in these migrations, as far as they may be seen.
    """
    plain, entries = await entries_in(conn, scope, text, knows, plans)
    return plain, Names(entries)


async def entries_in(
    conn: AsyncConnection,
    scope: Scope,
    text: str,
    knows: Callable[[str], bool] | None = None,
    plans: Sequence[Reach] = (),
) -> tuple[str, list[tuple[str, Name]]]:
    """The same, each name with the folded words that found it."""
    marks = [_ref(mark) for mark in _MARK.findall(text)]
    meant = await with_ids(conn, scope, marks) if marks else []
    quoted = {mark: _standing_for(mark, meant) for mark in _MARKED.findall(text)}
    text = _MARKED.sub(lambda found: f"{quoted[found[1]][0].span}" if quoted[found[1]] else found[0], text)
    plain = _MARK.sub("", text)
    candidates = spans(plain)
    hits = await named(conn, scope, candidates)
    hits += await clusters_named(conn, scope, candidates)
    if knows is not None:
        hits += await _called(conn, scope, _first_names(plain, candidates, hits, knows), hits)
    hits += await _policies(conn, candidates)
    hits += _runbooks()
    if plans:
        hits += await _of_migrations(conn, plans, candidates, hits)
    standing = [hit for hits_ in quoted.values() for hit in hits_]
    return plain, [(hit.span, as_name(hit)) for hit in (*_as_one(_narrowed(hits, meant)), *standing)]


async def _policies(conn: AsyncConnection, candidates: Iterable[str]) -> list[Named]:
    """Snapshot policies: those that names describe (daily_5), and those that were made here. They are nobody's."""
    custom = {fold(row[0]): row[0] for row in await custom_policies(conn)}
    found = [(one, custom.get(one) or (one if told_by_name(one) else "")) for one in candidates]
    return [Named(span, "policy", name, "", "", "", "", "") for span, name in found if name]


def _runbooks() -> Iterator[Named]:
    """All of them, for they are few and are said loosely. They are nobody's."""
    for one in find_runbooks().values():
        for span in (fold(one.name), *map(fold, one.also)):
            yield Named(span, "runbook", one.name, "", "", "", "", "")


async def _of_migrations(
    conn: AsyncConnection, plans: Sequence[Reach], candidates: Sequence[str], hits: Sequence[Named]
) -> list[Named]:
    """Names out of exports. A VM or a network that the inventory has too is the inventory's: its name is the same."""
    known = {(hit.span, hit.kind) for hit in hits}
    found = await of_migrations(conn, plans, candidates)
    return [Named(span, kind, name, "", "", "", "", "") for span, kind, name in found if (span, kind) not in known]


def _standing_for(mark: str, meant: Iterable[Named]) -> list[Named]:
    """The object of a mark under a word that any sentence can hold: its name may be no word at all."""
    source, external_id = _ref(mark)
    word = f"x{uuid5(NAMESPACE_OID, mark).hex[:15]}x"
    return [replace(hit, span=word) for hit in meant if hit.external_id == external_id and source in ("", hit.source)]


def _first_names(
    plain: str, candidates: Iterable[str], hits: Iterable[Named], knows: Callable[[str], bool]
) -> list[str]:
    """Words that may be somebody's first name: in no other name, no words of the language, not quoted."""
    taken = {word for hit in hits if hit.kind not in _PEOPLE for word in hit.span.split()}
    said = fold(plain)
    alone = set(_WORD.findall(said))  # the candidates hold words run together, too
    words = (one for one in candidates if one in alone and _SHORTEST <= len(one) <= _LONGEST)
    return [one for one in words if one not in taken and not knows(one) and f'"{one}"' not in said][:_MOST_WORDS]


async def _called(conn: AsyncConnection, scope: Scope, words: list[str], hits: Iterable[Named]) -> list[Named]:
    """Who is called so. Where an owner's whole name is that word, others of the first name are meant as much."""
    whole = {hit.span for hit in hits if hit.kind == "owner"} & set(words)
    people = await people_with(conn, scope, words)
    also = [one for one in people if one.kind == "owner" and one.span.split()[0] in whole]
    return people + [replace(one, span=one.span.split()[0]) for one in also]


def _ref(mark: str) -> tuple[str, str]:
    source, _, external_id = mark.rpartition("/")
    return unquote(source), unquote(external_id)


def _narrowed(hits: Iterable[Named], meant: list[Named]) -> list[Named]:
    """Of the objects that share kind and name with a marked one, only that one."""
    pinned = {(hit.kind, fold(hit.name)) for hit in meant}
    return [hit for hit in hits if (hit.kind, fold(hit.name)) not in pinned] + [
        replace(hit, span=fold(hit.name)) for hit in meant
    ]


def _as_one(hits: Iterable[Named]) -> list[Named]:
    """A domain that several sources know is one customer: all of them are meant, see `JOINT`."""
    several: dict[str, list[Named]] = {}
    kept: list[Named] = []
    for hit in hits:
        if hit.kind == "domain":
            several.setdefault(hit.span, []).append(hit)
        else:
            kept.append(hit)
    for same in several.values():
        one = {hit.source: hit for hit in same}
        if len(one) < len(same):  # two of the name in one source: they must be told apart
            kept += same
        else:
            ids = JOINT.join(hit.external_id for hit in one.values())
            kept.append(replace(same[0], source=JOINT.join(one), external_id=ids))
    return kept


def as_name(hit: Named) -> Name:
    return Name(hit.kind, hit.name, hit.external_id, hit.project, hit.domain, hit.platform, hit.source)
