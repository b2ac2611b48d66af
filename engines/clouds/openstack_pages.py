"""Collections of OpenStack, page by page: each service names the next page in a way of its own."""

import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from engines.clouds import CloudError
from engines.clouds.openstack_errors import SERVICES, HttpError, cloud_error, fix_for, one_line

Json = dict[str, Any]
Query = Sequence[tuple[str, str]]
Get = Callable[[str, str, Query, str | None], Awaitable[Json]]
"""(service, path, query, microversion) → the answer."""
_RESTARTS = 2


@dataclass(frozen=True, slots=True)
class Listing:
    """A collection of the API. `key` names the list in the answer; `paged` ones take limit and marker."""

    service: str
    path: str
    key: str
    query: Query = ()
    paged: bool = True
    microversion: str | None = None
    identify: Callable[[Json], str] = field(default=lambda row: str(row["id"]))


class _LostError(Exception):
    """The marker of the next page is gone: its row was deleted since."""


class Pages:
    """Collections of one source; `get` asks for one page of at most `size` rows."""

    def __init__(self, source: str, size: int, get: Get) -> None:
        self._source = source
        self._size = size
        self._get = get

    async def rows(self, listing: Listing) -> list[Json]:
        """A whole collection as it came, each row once. Raises CloudError."""
        found: dict[str, Json] = {}
        await self.each(listing, lambda rows: found.update({listing.identify(row): row for row in rows}))
        return list(found.values())

    async def each(self, listing: Listing, take: Callable[[list[Json]], None]) -> None:
        """Hand over the fresh rows of every page. Raises CloudError."""
        for restart in range(_RESTARTS + 1):
            try:
                await self._chain(listing, take)
                return
            except _LostError as error:
                if restart == _RESTARTS:
                    raise CloudError(
                        "cut_off",
                        one_line(f"{SERVICES[listing.service]} lost its place between two pages: {error}"),
                        "the next sync tries again",
                    ) from error

    async def _chain(self, listing: Listing, take: Callable[[list[Json]], None]) -> None:
        query = [*listing.query, *([("limit", str(self._size))] if listing.paged else [])]
        seen: set[str] = set()
        asked: set[tuple[tuple[str, str], ...]] = set()
        following: list[tuple[str, str]] | None = query
        while following is not None:
            asked.add(tuple(sorted(following)))
            body = await self._page(listing, following, first=following is query)
            rows = self._rows_of(listing, body)
            fresh = [row for row in rows if _identity(listing, row) not in seen]
            take(fresh)
            seen.update(_identity(listing, row) for row in fresh)
            following = self._next(listing, query, body, rows, fresh)
            if following is not None and tuple(sorted(following)) in asked:
                raise self._cut(listing, "its pages lead in a circle")

    async def _page(self, listing: Listing, query: Query, *, first: bool) -> Json:
        try:
            return await self._get(listing.service, listing.path, query, listing.microversion)
        except Exception as error:
            if isinstance(error, HttpError) and not first and error.status in (400, 404):
                raise _LostError(error.text) from error
            failure = cloud_error(error, listing.service, self._source)
            if first or failure.reason == "refused":
                raise failure from error
            raise self._cut(listing, f"a page failed: {failure.detail}") from error

    def _rows_of(self, listing: Listing, body: Json) -> list[Json]:
        rows = body.get(listing.key)
        if not isinstance(rows, list):
            raise self._cut(listing, f"the answer has no list {listing.key!r}")
        if body.get("truncated"):
            raise self._cut(listing, "it cuts long lists (list_limit) and cannot page")
        return rows

    def _next(
        self, listing: Listing, query: list[tuple[str, str]], body: Json, rows: list[Json], fresh: list[Json]
    ) -> list[tuple[str, str]] | None:
        link = _next_link(body, listing.key)
        if link is not None:
            # The address in a link is often one that only the cloud itself can reach: its query is what counts.
            follow = parse_qsl(urlsplit(link).query)
            changed = {name for name, _ in follow}
            return [*(pair for pair in query if pair[0] not in changed), *follow]
        if listing.paged and fresh and len(rows) >= self._size and not _says_end(body):
            return [*query, ("marker", listing.identify(rows[-1]))]
        return None

    def _cut(self, listing: Listing, what: str) -> CloudError:
        detail = one_line(f"{SERVICES[listing.service]}, {listing.path}: {what}")
        return CloudError("cut_off", detail, fix_for("cut_off", listing.service, self._source))


def _identity(listing: Listing, row: Any) -> str:
    """What makes a row the same on two pages; a row without an id is compared whole."""
    try:
        return listing.identify(row)
    except (KeyError, TypeError, AttributeError):
        return json.dumps(row, sort_keys=True, default=str)


def _next_link(body: Json, key: str) -> str | None:
    """Four ways to name the next page: Nova, Cinder and Neutron, Keystone, Glance, and Cinder's types."""
    for name in (f"{key}_links", f"{key.removesuffix('s')}_links"):
        for link in body.get(name) or ():
            if isinstance(link, dict) and link.get("rel") == "next":
                return str(link["href"])
    links = body.get("links")
    if isinstance(links, dict) and links.get("next"):
        return str(links["next"])
    return str(body["next"]) if body.get("next") else None


def _says_end(body: Json) -> bool:
    """Keystone and Glance always say whether there is more."""
    return isinstance(body.get("links"), dict) or "first" in body
