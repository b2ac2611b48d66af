"""Calls of a service user inside of one project: reads may be repeated, a change is asked for once."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Literal, TypeVar
from urllib.parse import urlencode

from keystoneauth1.adapter import Adapter
from openstack.config.cloud_region import CloudRegion

from engines.clouds import CloudError
from engines.clouds.acting import ActError
from engines.clouds.openstack_act_errors import Place, act_error
from engines.clouds.openstack_answers import json_of
from engines.clouds.openstack_calls import CallLimits
from engines.clouds.openstack_errors import worth_retrying
from engines.clouds.openstack_logins import Logins
from engines.clouds.openstack_pages import Json, Listing, Pages, Query

T = TypeVar("T")
Change = Literal["POST", "PUT", "PATCH", "DELETE"]
_VERSIONS = (("block-storage", "3"), ("compute", "2"), ("image", "2"), ("network", "2"))


class ProjectCalls:
    """The way of a service user to one region. At most `in_flight` requests run at once, in threads of their own.

    `service` is block_storage, compute, network or image. Every method raises ActError.
    """

    def __init__(self, source: str, entry: str, region: CloudRegion, limits: CallLimits | None = None) -> None:
        self.source = source
        self.limits = limits or CallLimits()
        self.logins = Logins(source, entry, region)
        self._region = region
        self._region.get_session()  # made here once, not by several threads at a time
        self._pool = ThreadPoolExecutor(self.limits.in_flight, thread_name_prefix=f"act-{source}")
        self._local = threading.local()

    async def read(
        self, project_id: str, service: str, path: str, query: Query = (), microversion: str | None = None
    ) -> Json:
        """One answer; a read is repeated on 5xx, 429 and a broken connection."""
        try:
            return await self._get(project_id, service, path, query, microversion)
        except Exception as error:
            raise act_error(error, service, self.place(project_id), sent=False) from error

    async def rows(self, project_id: str, listing: Listing) -> list[Json]:
        """A whole collection of the project, all pages."""
        pages = Pages(self.source, self.limits.page_size, partial(self._get, project_id))
        try:
            return await pages.rows(listing)
        except CloudError as error:
            cause = error.__cause__
            if cause is not None and not isinstance(cause, CloudError):
                raise act_error(cause, listing.service, self.place(project_id), sent=False) from error
            raise ActError("unexpected", error.detail, "ask again; nothing was changed") from error

    async def change(
        self,
        project_id: str,
        method: Change,
        service: str,
        path: str,
        body: Json | None = None,
        microversion: str | None = None,
        *,
        secret: bool = False,
    ) -> Json:
        """Ask for a change, once. The answer; {} for an empty one. `secret`: it is in no log, however detailed."""
        call = partial(self._change, project_id, method, service, path, body, microversion, secret=secret)
        return await self._run(call)

    async def roles(self, project_id: str) -> frozenset[str]:
        """The names of the service user's roles in a project, in lower case."""
        return (await self._run(partial(self.logins.of, project_id))).roles

    async def projects(self) -> frozenset[str]:
        """Ids of the projects that the service user has a role in."""
        return await self._run(self.logins.projects)

    def place(self, project_id: str) -> Place:
        return self.logins.place(project_id)

    async def close(self) -> None:
        """Calls under way end by themselves; what they did then is not known to who asked."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._region.get_session().session.close)

    async def _run(self, call: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    async def _get(self, project_id: str, service: str, path: str, query: Query, microversion: str | None) -> Json:
        for attempt in range(1, self.limits.attempts + 1):
            try:
                return await self._run(partial(self._ask, project_id, service, path, query, microversion))
            except ActError:
                raise
            except Exception as error:
                wait = self._pause(attempt, error)
                if wait is None:
                    raise
                await asyncio.sleep(wait)
        raise AssertionError("unreachable")

    def _pause(self, attempt: int, error: Exception) -> float | None:
        """Seconds until the read may be repeated; None: it may not, or the cloud asked for longer than we wait here."""
        asked = float(getattr(error, "retry_after_s", None) or 0.0)
        if attempt >= self.limits.attempts or not worth_retrying(error) or asked > self.limits.max_delay_s:
            return None
        doubled: float = self.limits.first_delay_s * 2.0 ** (attempt - 1)
        return min(self.limits.max_delay_s, max(doubled, asked))

    def _ask(self, project_id: str, service: str, path: str, query: Query, microversion: str | None) -> Json:
        address = f"{path}?{urlencode(query)}" if query else path
        client = self._client(project_id, service)
        answer = client.request(address, "GET", microversion=microversion, **self._once())
        return json_of(answer, path)

    def _change(
        self,
        project_id: str,
        method: Change,
        service: str,
        path: str,
        body: Json | None,
        microversion: str | None,
        *,
        secret: bool,
    ) -> Json:
        place, sent = self.place(project_id), False
        try:
            client = self._client(project_id, service)
            client.get_endpoint_data()  # found before the request leaves, so that a failure here is no doubt
            more: dict[str, Any] = {} if body is None else {"json": body}
            more |= {"log": False} if secret else {}
            sent = True
            answer = client.request(path, method, redirect=False, microversion=microversion, **more, **self._once())
            return json_of(answer, path, may_be_empty=True)
        except Exception as error:
            raise act_error(error, service, place, sent=sent) from error

    def _once(self) -> dict[str, Any]:
        return {
            "timeout": (self.limits.connect_s, self.limits.read_s),
            "connect_retries": 0,
            "status_code_retries": 0,
            "raise_exc": False,
        }

    def _client(self, project_id: str, service: str) -> Any:
        """A client of the service that acts in the project; threads do not share one, for it holds the login."""
        login = self.logins.of(project_id)
        clients: dict[str, Any] = self._local.__dict__.setdefault("clients", {})
        if service not in clients:
            clients[service] = self._adapter(service.replace("_", "-"))
        clients[service].auth = login.plugin
        return clients[service]

    def _adapter(self, service: str) -> Any:
        """The SDK's own clients need its whole connection, one for each project; this is their plain base."""
        region: Any = self._region
        return Adapter(
            region.get_session(),
            service_type=region.get_service_type(service),
            service_name=region.get_service_name(service),
            interface=region.get_interface(service),
            region_name=region.get_region_name(service),
            endpoint_override=region.get_endpoint(service),
            version=dict(_VERSIONS).get(service),
        )


__all__ = ["Change", "Json", "Listing", "ProjectCalls"]
