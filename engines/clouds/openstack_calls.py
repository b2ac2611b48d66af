"""Calls to the services of one region: off the event loop, bounded, retried, page by page."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, TypeVar
from urllib.parse import urlencode

import requests
from openstack.config.cloud_region import CloudRegion
from openstack.connection import Connection

from engines.clouds import CloudError, Resource
from engines.clouds.openstack_answers import json_of
from engines.clouds.openstack_errors import (
    SERVICES,
    HttpError,
    cloud_error,
    fix_for,
    one_line,
    reason_of,
    worth_retrying,
)
from engines.clouds.openstack_pages import Json, Listing, Pages, Query

T = TypeVar("T")
R = TypeVar("R")
_RENEW_AFTER_S = 600.0
_LOGIN_PAUSE_S = 20.0


@dataclass(frozen=True, slots=True)
class CallLimits:
    """How a source is called. `read_s` is the longest silence in one answer; delays double from first to max."""

    in_flight: int = 8
    page_size: int = 500
    connect_s: float = 10.0
    read_s: float = 60.0
    attempts: int = 4
    first_delay_s: float = 0.5
    max_delay_s: float = 15.0


class Calls:
    """The way to one region. At most `in_flight` requests run at once; each has a thread of its own pool.

    A pool for each region, so that a region that hangs never takes the threads of another.
    """

    def __init__(self, source: str, region: CloudRegion, limits: CallLimits | None = None) -> None:
        self.source = source
        self.limits = limits or CallLimits()
        self._region = region
        self._pages = Pages(source, self.limits.page_size, self.get)
        self._pool = ThreadPoolExecutor(self.limits.in_flight, thread_name_prefix=f"cloud-{source}")
        self._locks: Mapping[str, threading.Lock] = MappingProxyType({name: threading.Lock() for name in SERVICES})
        self._opening = threading.Lock()
        self._login = threading.Lock()
        self._failed: tuple[float, Exception] | None = None  # when the last login failed, and how
        self._connection: Connection | None = None
        self._opened = 0.0
        self._incomplete = False  # a service was not in the catalogue

    async def get(self, service: str, path: str, query: Query = (), microversion: str | None = None) -> Json:
        """One answer; repeated on 5xx, 429, a broken connection and silence. Raises what the last try raised."""
        loop = asyncio.get_running_loop()
        for attempt in range(1, self.limits.attempts + 1):
            try:
                return await loop.run_in_executor(self._pool, self._ask, service, path, query, microversion)
            except Exception as error:
                silent = reason_of(error) == "timeout"  # costs read_s each time: one repetition is enough
                if attempt >= (min(2, self.limits.attempts) if silent else self.limits.attempts):
                    raise
                if not worth_retrying(error):
                    raise
                await asyncio.sleep(self._delay(attempt, error))
        raise AssertionError("unreachable")

    async def supported(self, service: str, wanted: str) -> str | None:
        """The microversion `wanted`, or the newest below it that the service has; None when it has none."""
        loop = asyncio.get_running_loop()
        newest = await loop.run_in_executor(self._pool, self._newest, service)
        if newest is None:
            return None
        return ".".join(map(str, min(newest, tuple(map(int, wanted.split("."))))))

    async def resources(self, listing: Listing, read: Callable[[Json], Resource | None]) -> list[Resource]:
        """A whole collection, read row by row.

        Raises CloudError with the rows that came; a row that cannot be read is left out and makes the listing
        incomplete, so that nothing is taken for deleted.
        """
        found: dict[str, Resource] = {}
        bad: list[str] = []

        def take(rows: Iterable[Json]) -> None:
            for row in rows:
                try:
                    if (resource := read(row)) is not None:
                        found[resource.external_id] = resource
                except (KeyError, TypeError, ValueError, AttributeError) as error:
                    bad.append(f"{type(error).__name__}: {error}")

        try:
            await self._pages.each(listing, take)
        except CloudError as error:
            raise CloudError(error.reason, error.detail, error.fix, tuple(found.values())) from error
        if bad:
            detail = one_line(f"{len(bad)} rows of {listing.path} could not be read, the first: {bad[0]}")
            raise CloudError(
                "unexpected", detail, fix_for("unexpected", listing.service, self.source), tuple(found.values())
            )
        return list(found.values())

    async def rows(self, listing: Listing) -> list[Json]:
        """A whole collection as it came, each row once."""
        return await self._pages.rows(listing)

    def _delay(self, attempt: int, error: BaseException) -> float:
        asked = (error.retry_after_s or 0.0) if isinstance(error, HttpError) else 0.0
        doubled: float = self.limits.first_delay_s * 2.0 ** (attempt - 1)
        return min(self.limits.max_delay_s, max(doubled, asked))

    def _ask(self, service: str, path: str, query: Query, microversion: str | None) -> Json:
        address = f"{path}?{urlencode(query)}" if query else path
        response: requests.Response = self._proxy(service).get(
            address,
            microversion=microversion,
            timeout=(self.limits.connect_s, self.limits.read_s),
            connect_retries=0,
            status_code_retries=0,
        )
        return json_of(response, path)

    async def roles(self) -> frozenset[str]:
        """The names of the roles of this account where it is logged in, in lower case."""
        return frozenset(str(name).lower() for name in (await self._access()).role_names)

    async def user_id(self) -> str | None:
        found = (await self._access()).user_id
        return str(found) if found else None

    async def _access(self) -> Any:
        """What Keystone said about this account when it logged in."""

        def read() -> Any:
            session: Any = self._logged_in().session
            return session.auth.get_access(session)

        return await asyncio.get_running_loop().run_in_executor(self._pool, read)

    def _newest(self, service: str) -> tuple[int, int] | None:
        data = self._proxy(service).get_endpoint_data()
        return data.max_microversion if data is not None else None

    def _proxy(self, service: str) -> Any:
        """The SDK's client of a service: its first use logs in and discovers the endpoint."""
        connection = self._logged_in()
        with self._locks[service]:
            proxy = getattr(connection, service)
            if type(proxy).__name__ == "_ServiceDisabledProxyShim":
                self._incomplete = True
            return proxy

    def _logged_in(self) -> Connection:
        """The connection, with a token. A login that was refused or hung is not tried again for a while.

        Two dozen kinds would otherwise try a wrong password one after the other, until Keystone locks the account.
        """
        connection = self._open()
        with self._login:
            if self._failed is not None and time.monotonic() - self._failed[0] < _LOGIN_PAUSE_S:
                raise self._failed[1]
            try:
                connection.session.get_token()
                self._failed = None
            except Exception as error:
                if reason_of(error) in ("refused", "timeout"):
                    self._failed = (time.monotonic(), error)
                raise
        return connection

    def _open(self) -> Connection:
        with self._opening:
            age = time.monotonic() - self._opened
            if self._connection is None or (self._incomplete and age > _RENEW_AFTER_S):
                # The SDK remembers that a service is missing; a new connection sees one that was registered since.
                self._connection = Connection(config=self._region)
                self._opened, self._incomplete = time.monotonic(), False
            return self._connection

    async def close(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
        if self._connection is not None:
            await asyncio.to_thread(self._connection.close)


async def together(*calls: Awaitable[Any]) -> list[Any]:
    """The results of all; the first failure stops the others."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    except BaseException:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        raise


async def each(items: Sequence[T], call: Callable[[T], Awaitable[R]], at_once: int = 4) -> list[R | Exception]:
    """The result or the failure of every item, in order.

    Few at once: a kind that needs a call for every user must not fill the queue that the other kinds wait in.
    """
    gate = asyncio.Semaphore(at_once)

    async def one(item: T) -> R | Exception:
        async with gate:
            try:
                return await call(item)
            except Exception as error:
                return error

    result: list[R | Exception] = await together(*(one(item) for item in items))
    return result


def failure(error: BaseException, service: str, source: str) -> CloudError:
    """Any exception of a call as a CloudError."""
    return cloud_error(error, service, source)


__all__ = ["CallLimits", "Calls", "Json", "Listing", "Query", "each", "failure", "together"]
