"""Listings that need a call for each domain, group or user: users, groups with members, everybody's keypairs."""

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from engines.clouds import CloudError, Resource
from engines.clouds import openstack_compute as nova
from engines.clouds import openstack_identity as keystone
from engines.clouds.openstack_calls import Calls, Json, Listing, each, failure

DOMAINS = Listing("identity", "/domains", "domains", paged=False)
T = TypeVar("T")


async def users(calls: Calls) -> list[Resource]:
    return [keystone.user(row) for row in await _by_domain(calls, "users")]


async def groups(calls: Calls) -> list[Resource]:
    async def with_members(row: Json) -> list[Resource]:
        members = await calls.rows(Listing("identity", f"/groups/{row['id']}/users", "users", paged=False))
        return [keystone.group(row, [str(user["name"]) for user in members])]

    return await gathered(calls, "identity", await _by_domain(calls, "groups"), with_members)


async def keypairs(calls: Calls) -> list[Resource]:
    """Nova tells the keypairs of one user at a time; of others only to an administrator."""
    try:
        people = await _by_domain(calls, "users")
    except CloudError as error:
        if error.reason != "refused":
            raise
        detail = f"keypairs of other users cannot be listed: {error.detail}"
        raise CloudError("refused", detail, error.fix, await _own_keypairs(calls)) from error
    version = await calls.supported("compute", "2.35")

    async def of_user(row: Json) -> list[Resource]:
        return await _keypairs_of(calls, str(row["id"]), version, (("user_id", str(row["id"])),))

    return await gathered(calls, "compute", people, of_user)


async def _own_keypairs(calls: Calls) -> list[Resource]:
    user_id = await calls.user_id()
    return await _keypairs_of(calls, user_id, await calls.supported("compute", "2.35"), ()) if user_id else []


async def _keypairs_of(
    calls: Calls, user_id: str, version: str | None, query: Sequence[tuple[str, str]]
) -> list[Resource]:
    listing = Listing(
        "compute",
        "/os-keypairs",
        "keypairs",
        query,
        paged=version == "2.35",
        microversion=version,
        identify=lambda row: str(row["keypair"]["name"]),
    )
    return await calls.resources(listing, lambda row: nova.keypair(row, user_id))


async def _by_domain(calls: Calls, key: str) -> list[Json]:
    """Domain by domain: a Keystone whose domains have stores of their own (LDAP) lists no other than the asked one."""
    domains = await calls.rows(DOMAINS)

    async def of_domain(domain: Json) -> list[Json]:
        return await calls.rows(Listing("identity", f"/{key}", key, (("domain_id", str(domain["id"])),), paged=False))

    answers = await each(domains, of_domain)
    for answer in answers:
        if isinstance(answer, Exception):
            raise answer
    return list({str(row["id"]): row for rows in answers if not isinstance(rows, Exception) for row in rows}.values())


async def gathered(
    calls: Calls, service: str, items: Sequence[T], read: Callable[[T], Awaitable[list[Resource]]]
) -> list[Resource]:
    """The resources of all items; CloudError with those that came when one fails."""
    answers = await each(items, read)
    rows = [resource for answer in answers if not isinstance(answer, Exception) for resource in answer]
    failures = [answer for answer in answers if isinstance(answer, Exception)]
    if failures:
        first = failure(failures[0], service, calls.source)
        detail = f"{len(failures)} of {len(items)} calls failed, the first: {first.detail}"
        raise CloudError(first.reason, detail, first.fix, rows) from failures[0]
    return rows
