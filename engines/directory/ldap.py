"""LDAP and Active Directory: two or three searches, paged, over a connection that is encrypted or stays on the machine.

Nothing is written. Referrals are not followed: they would carry the password to whoever is named in them.
"""

import ssl
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from math import ceil
from typing import Any, Protocol
from urllib.parse import urlsplit

from ldap3 import BASE, DSA, SUBTREE, Connection, Server, Tls
from ldap3.core import exceptions as wrong
from ldap3.utils.conv import escape_filter_chars

from engines.directory import DirectoryError, Members
from engines.directory.entries import ATTRIBUTES, Entry, people_of
from engines.directory.groups import closure, folded

_PAGE = 500
_MOST = 200_000
_ACTIVE_DIRECTORY = "1.2.840.113556.1.4.800"  # the capability by which it tells what it is
_IN_CHAIN = "1.2.840.113556.1.4.1941"  # its matching rule for groups of groups
_GROUPS = "(|(objectClass=groupOfNames)(objectClass=groupOfUniqueNames)(objectClass=posixGroup)(objectClass=group))"
_PEOPLE = "(|(objectClass=inetOrgPerson)(objectClass=posixAccount)(objectClass=user))"
_AD_PEOPLE = "(&(objectCategory=person)(objectClass=user))"


@dataclass(frozen=True, slots=True)
class Access:
    """How the directory is reached. `password` is in no message; an empty `id_attribute` or `people_filter` is that
    of the server's kind. Seconds for each answer in `timeout_s`."""

    url: str
    bind_dn: str
    password: Callable[[], str]
    base: str
    start_tls: bool = False
    ca_file: str | None = None
    timeout_s: float = 10.0
    id_attribute: str = ""
    people_filter: str = ""


class Searches(Protocol):
    """A connection that searches. `in_chain`: the server itself finds the members of groups in groups."""

    @property
    def in_chain(self) -> bool: ...

    def search(self, base: str, filter_: str, attributes: Sequence[str], *, only_base: bool = False) -> list[Entry]: ...


class LdapDirectory:
    def __init__(self, access: Access) -> None:
        self._access = access

    def members(self, groups: Collection[str]) -> Members:
        """Everybody in these groups, given by DN or common name. Blocks. Raises DirectoryError."""
        with _connected(self._access) as connection:
            return members(_Searching(connection), self._access, groups)


def members(searches: Searches, access: Access, groups: Collection[str]) -> Members:
    find = _by_chain if searches.in_chain else _by_expansion
    id_attribute = access.id_attribute or ("sAMAccountName" if searches.in_chain else "uid")
    people, left_out = people_of(find(searches, access, groups, (id_attribute, *ATTRIBUTES)), id_attribute)
    return Members(tuple(people), tuple(left_out))


Found = list[tuple[Entry, frozenset[str]]]


def _by_chain(searches: Searches, access: Access, groups: Collection[str], attributes: Sequence[str]) -> Found:
    """The server expands groups of groups."""
    entries: dict[str, Entry] = {}
    held: dict[str, set[str]] = {}
    for group in groups:
        dn = _the_one(group, _groups_named(searches, access, group))
        people = f"(&{access.people_filter or _AD_PEOPLE}(memberOf:{_IN_CHAIN}:={escape_filter_chars(dn)}))"
        for entry in searches.search(access.base, people, attributes):
            entries[folded(entry.dn)] = entry
            held.setdefault(folded(entry.dn), set()).add(group)
    return [(entry, frozenset(held[key])) for key, entry in entries.items()]


def _groups_named(searches: Searches, access: Access, group: str) -> list[str]:
    if "=" in group:
        return [entry.dn for entry in searches.search(group, _GROUPS, ("cn",), only_base=True)]
    named = f"(&{_GROUPS}(cn={escape_filter_chars(group)}))"
    return [entry.dn for entry in searches.search(access.base, named, ("cn",))]


def _by_expansion(searches: Searches, access: Access, groups: Collection[str], attributes: Sequence[str]) -> Found:
    """All groups and all people are read, and groups of groups are followed here."""
    uid = attributes[0]
    read = searches.search(access.base, _GROUPS, ("cn", "member", "uniqueMember", "memberUid"))
    people = searches.search(access.base, access.people_filter or _PEOPLE, attributes)
    by_uid = {entry.text(uid): folded(entry.dn) for entry in people}
    holds = {folded(entry.dn): _held_by(entry, by_uid) for entry in read}
    inside: dict[str, frozenset[str]] = {}
    for group in groups:
        named = [entry.dn for entry in read if _is_called(entry, group)]
        inside[group] = closure(folded(_the_one(group, named)), holds)
    held = [(entry, frozenset(g for g in groups if folded(entry.dn) in inside[g])) for entry in people]
    return [(entry, of) for entry, of in held if of]


def _held_by(group: Entry, by_uid: Mapping[str, str]) -> list[str]:
    dns = [folded(dn) for name in ("member", "uniqueMember") for dn in group.texts(name)]
    return dns + [by_uid[uid] for uid in group.texts("memberUid") if uid in by_uid]


def _is_called(entry: Entry, group: str) -> bool:
    if "=" in group:
        return folded(entry.dn) == folded(group)
    return group.casefold() in (name.casefold() for name in entry.texts("cn"))


def _the_one(group: str, found: Sequence[str]) -> str:
    """A group that is not there may have been renamed: nobody loses their rights over that before it is looked at."""
    if len(found) == 1:
        return found[0]
    if found:
        raise DirectoryError(
            f"{len(found)} groups are called {group!r}", "name the one by its DN in the mapping of groups"
        )
    raise DirectoryError(
        f"the directory has no group {group!r}",
        "correct it in the mapping of groups (STACKHAND_LDAP_GROUPS), or give the bind account the right to read it",
    )


class _Searching:
    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    @property
    def in_chain(self) -> bool:
        info = self._connection.server.info
        return info is not None and _ACTIVE_DIRECTORY in info.other.get("supportedCapabilities", ())

    def search(self, base: str, filter_: str, attributes: Sequence[str], *, only_base: bool = False) -> list[Entry]:
        """All that fit, a page at a time. Half an answer is none."""
        found: list[Entry] = []
        pages = self._connection.extend.standard.paged_search(
            base, filter_, BASE if only_base else SUBTREE, attributes=list(attributes), paged_size=_PAGE, generator=True
        )
        for answer in pages:
            if answer.get("type") == "searchResEntry":
                found.append(_entry(answer))
            if len(found) > _MOST:
                raise DirectoryError(f"more than {_MOST:,} entries fit", "narrow STACKHAND_LDAP_BASE or the filter")
        if self._connection.result["result"] != 0:
            raise DirectoryError(
                f"the directory did not answer whole: {self._connection.result['description']}",
                "point STACKHAND_LDAP_URL at the server that holds the people itself; referrals are not followed",
            )
        return found


def _entry(answer: Mapping[str, Any]) -> Entry:
    raw = answer["raw_attributes"]
    return Entry(str(answer["dn"]), {str(name).lower(): list(values) for name, values in raw.items()})


@contextmanager
def _connected(access: Access) -> Iterator[Connection]:
    """A bound connection; whatever goes wrong in the block is said in one line."""
    parts = urlsplit(access.url)
    place = parts.netloc
    try:
        server = _server(access)
        connection = Connection(
            server, access.bind_dn, access.password(), auto_bind=False, auto_referrals=False, check_names=False,
            read_only=True, raise_exceptions=True, return_empty_attributes=False,
            receive_timeout=ceil(access.timeout_s),  # it takes whole seconds only
        )  # fmt: skip
        connection.open(read_server_info=False)
        try:
            if access.start_tls:
                connection.start_tls(read_server_info=False)
            connection.bind(read_server_info=True)
            yield connection
        finally:
            with suppress(wrong.LDAPException, OSError):  # what went wrong before is what counts
                connection.unbind()
    except (wrong.LDAPException, OSError, ssl.SSLError) as error:
        raise _explained(error, place, access) from None


def _server(access: Access) -> Server:
    parts = urlsplit(access.url)
    encrypted = parts.scheme == "ldaps"
    tls = None
    if encrypted or access.start_tls:
        tls = Tls(validate=ssl.CERT_REQUIRED, ca_certs_file=access.ca_file, version=ssl.PROTOCOL_TLS_CLIENT)
    port = parts.port or (636 if encrypted else 389)
    return Server(parts.hostname, port, encrypted, get_info=DSA, tls=tls, connect_timeout=access.timeout_s)


_REFUSED = (
    wrong.LDAPBindError,
    wrong.LDAPInvalidCredentialsResult,
    wrong.LDAPInappropriateAuthenticationResult,
    wrong.LDAPConfidentialityRequiredResult,
)


def _explained(error: Exception, place: str, access: Access) -> DirectoryError:
    """What a failure means and what to do; the password is in none of what the library says."""
    said = str(error)
    if isinstance(error, _REFUSED):
        return DirectoryError(f"the directory at {place} refused the bind account or its password",
                              "correct STACKHAND_LDAP_BIND_DN and STACKHAND_LDAP_PASSWORD")  # fmt: skip
    if "certificate" in said.lower() or isinstance(error, wrong.LDAPStartTLSError | wrong.LDAPSSLConfigurationError):
        return DirectoryError(f"the certificate of the directory at {place} is not trusted, or not for that name",
                              "set STACKHAND_LDAP_CA_FILE to the CA's certificate, and use the name in it")  # fmt: skip
    if isinstance(error, wrong.LDAPNoSuchObjectResult):
        return DirectoryError(f"the directory at {place} shows nothing at {access.base}",
                              "correct STACKHAND_LDAP_BASE, or give the bind account the right to read it")  # fmt: skip
    if isinstance(error, wrong.LDAPInvalidFilterError):
        return DirectoryError("the filter of people is none", "correct STACKHAND_LDAP_PEOPLE_FILTER")
    if isinstance(error, wrong.LDAPSocketOpenError | OSError):
        return DirectoryError(f"the directory at {place} cannot be reached", "start it, or correct STACKHAND_LDAP_URL")
    if isinstance(error, wrong.LDAPCommunicationError):
        return DirectoryError(f"the directory at {place} did not answer in {access.timeout_s:g} s, or went away",
                              "look at its load, or raise STACKHAND_LDAP_TIMEOUT_S")  # fmt: skip
    kind = getattr(error, "description", None) or type(error).__name__
    return DirectoryError(f"the directory at {place} refused a search: {kind}", "look at its log; nothing was changed")
