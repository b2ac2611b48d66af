"""The directory against a real OpenLDAP: groups in groups, paging, TLS, and what is said when something is wrong.

STACKHAND_TEST_LDAP names a directory with the scripts `up` and `down`, which start and stop a private server; without
it the test bed beside the checkout is taken. Elsewhere these tests are skipped.
"""

import os
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from ldap3 import MODIFY_ADD, MODIFY_DELETE, MODIFY_REPLACE, Connection, Server

from engines.directory import DirectoryError, GroupRole
from engines.directory.ldap import Access, LdapDirectory
from engines.directory.sync import sync_directory
from storage import people
from storage.database import Database
from storage.people import Grant, Person
from tests.bot.conftest import Run, is_one_line

_EXTRA = 600  # more than a search without pages gives: 500
_BASE = "dc=example,dc=test"
_CANARY = "canary-of-the-password"


def bed() -> Path:
    told = os.environ.get("STACKHAND_TEST_LDAP")
    path = Path(told) if told else Path(__file__).parents[3] / "shared" / "testbed" / "ldap"
    if not (path / "up").exists():
        pytest.skip("STACKHAND_TEST_LDAP is not set, and no LDAP test bed is beside the checkout")
    return path


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@dataclass(frozen=True)
class Bed:
    """A running server; `access` reads it, `admin` changes it."""

    plain: str
    access: Access
    secret: str
    port: int

    def admin(self) -> Connection:
        server = Server("127.0.0.1", self.port)
        return Connection(server, f"cn=admin,{_BASE}", self.secret, auto_bind=True, raise_exceptions=True)

    def change(self, dn: str, **changes: Any) -> None:
        with self.admin() as connection:
            connection.modify(f"{dn},{_BASE}", changes)


@pytest.fixture(scope="module")
def ldap(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    with running(tmp_path_factory.mktemp("ldap"), _EXTRA) as started:
        yield started


@contextmanager
def running(state: Path, extra: int = 0) -> Iterator[Bed]:
    path, port, tls, secret = bed(), free_port(), free_port(), "ldap-test"
    given = {**os.environ, "TESTBED_DIR": str(state), "LDAP_PORT": str(port), "LDAPS_PORT": str(tls),
             "LDAP_PASSWORD": secret, "LDAP_EXTRA_USERS": str(extra)}  # fmt: skip
    began = subprocess.run([str(path / "up")], env=given, capture_output=True, text=True, timeout=300, check=False)
    if began.returncode != 0:
        pytest.skip(f"the LDAP test bed did not start: {began.stderr.strip()[-300:]}")
    try:
        access = Access(
            f"ldaps://localhost:{tls}", f"cn=svc-bot,ou=services,{_BASE}", lambda: secret, _BASE,
            ca_file=str(state / "ldap" / "cert.pem"),
        )  # fmt: skip
        yield Bed(f"ldap://127.0.0.1:{port}", access, secret, port)
    finally:
        subprocess.run([str(path / "down")], env=given, capture_output=True, timeout=60, check=False)


def found(access: Access, *groups: str) -> dict[str, frozenset[str]]:
    return {one.id: one.groups for one in LdapDirectory(access).members(groups).people}


def test_groups_in_groups_are_followed_and_odd_names_are_read(ldap: Bed) -> None:
    staff, ops = "all-staff", f"cn=chatops-operators,ou=groups,{_BASE}"
    assert found(ldap.access, staff, ops) == {
        "alice": frozenset({staff, ops}), "bob": frozenset({staff, ops}), "carol": frozenset({staff}),
        "dave": frozenset({staff}), "erin": frozenset({staff}), "o.paren": frozenset({staff}),
    }  # fmt: skip
    people_ = {one.id: one for one in LdapDirectory(ldap.access).members([staff]).people}
    assert people_["erin"].name == "Erin Öztürk" and people_["o.paren"].name == "Olaf (Ole) Paren*Star"
    assert people_["alice"].email == "alice@example.test" and len(people_["alice"].entry_id) == 36


def test_more_people_than_one_page_and_groups_in_a_circle(ldap: Bed) -> None:
    with ldap.admin() as connection:
        member = [f"uid=user{number:04},ou=people,{_BASE}" for number in range(1, _EXTRA + 1)]
        circle = [f"cn=everybody,ou=groups,{_BASE}"]
        connection.add(f"cn=inner,ou=groups,{_BASE}", "groupOfNames", {"cn": "inner", "member": [*member, *circle]})
        outer = {"cn": "everybody", "member": [f"cn=inner,ou=groups,{_BASE}"]}
        connection.add(f"cn=everybody,ou=groups,{_BASE}", "groupOfNames", outer)
    assert len(found(ldap.access, "everybody")) == _EXTRA


def test_start_tls_and_tls_with_the_ca_are_trusted(ldap: Bed) -> None:
    started = replace(ldap.access, url=ldap.plain.replace("127.0.0.1", "localhost"), start_tls=True)
    for access in (ldap.access, started, replace(ldap.access, url=ldap.plain, ca_file=None)):
        assert "alice" in found(access, "chatops-admins")


def test_a_trusted_certificate_of_another_name_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ldap").mkdir(mode=0o700)
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=other.example",
            "-addext", "subjectAltName=DNS:other.example",
            "-keyout", "ldap/key.pem", "-out", "ldap/cert.pem"]  # fmt: skip
    bed()
    subprocess.run(make, cwd=tmp_path, check=True, capture_output=True)
    with running(tmp_path) as other:
        started = replace(other.access, url=other.plain.replace("127.0.0.1", "localhost"), start_tls=True)
        for access in (other.access, started):
            with pytest.raises(DirectoryError, match="not for that name"):
                found(access, "chatops-admins")


def wrong(ldap: Bed, name: str) -> Access:
    access, closed = ldap.access, f"ldap://127.0.0.1:{free_port()}"
    return {
        "password": replace(access, password=lambda: _CANARY),
        "bind": replace(access, bind_dn=f"cn=nobody,{_BASE}"),
        "bind dn": replace(access, bind_dn="no dn at all"),
        "certificate": replace(access, ca_file=None),
        "start tls": replace(access, url=ldap.plain, start_tls=True, ca_file=None),
        "base": replace(access, base="dc=nowhere"),
        "closed": replace(access, url=closed),
        "no TLS there": replace(access, url=ldap.plain.replace("ldap:", "ldaps:")),
        "filter": replace(access, people_filter="((("),
        "name": replace(access, url="ldaps://no.such.host.invalid"),
    }[name]


@pytest.mark.parametrize(
    ("name", "said"),
    [("password", "refused the bind account"), ("bind", "refused the bind account"), ("bind dn", "refused"),
     ("certificate", "is not trusted"), ("start tls", "is not trusted"), ("base", "shows nothing at dc=nowhere"),
     ("closed", "cannot be reached"), ("no TLS there", "cannot be reached"), ("filter", "filter of people"),
     ("name", "cannot be reached")],
)  # fmt: skip
def test_what_is_wrong_is_said_with_what_to_do(ldap: Bed, name: str, said: str) -> None:
    access = wrong(ldap, name)
    with pytest.raises(DirectoryError, match=said) as caught:
        LdapDirectory(access).members(["chatops-admins"])
    told = str(caught.value)
    assert _CANARY not in told and ldap.secret not in told and caught.value.fix and "\n" not in told


def test_a_server_that_says_nothing_is_not_waited_for(ldap: Bed) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        access = replace(ldap.access, url=f"ldap://127.0.0.1:{silent.getsockname()[1]}", timeout_s=1.0)
        with pytest.raises(DirectoryError, match=r"did not answer in 1 s|cannot be reached"):
            LdapDirectory(access).members(["chatops-admins"])


ROLES = (
    GroupRole("chatops-admins", "superadmin"),
    GroupRole("chatops-operators", "operator"),
    GroupRole("all-staff", "viewer", "pcd-1", "acme"),
)


async def take(database: Database, ldap: Bed, access: Access | None = None) -> dict[str, Person]:
    await sync_directory(database, LdapDirectory(access or ldap.access), ROLES, asked_by="test")
    async with database.connect() as conn:
        return {one.id: one for one in await people.everybody(conn)}


async def test_who_leaves_a_group_or_the_house_loses_it_with_the_next_sync(ldap: Bed, database: Database) -> None:
    viewer = Grant("viewer", "pcd-1", domain_id="acme", via="directory")
    superadmin, operator = Grant("superadmin", via="directory"), Grant("operator", via="directory")
    before = await take(database, ldap)
    assert set(before["alice"].grants) == {superadmin, operator, viewer} and set(before) == {
        "alice", "bob", "carol", "dave", "erin", "o.paren"
    }  # fmt: skip
    alice, bob = f"uid=alice,ou=people,{_BASE}", "uid=bob,ou=people"
    ldap.change("cn=chatops-admins,ou=groups", member=[(MODIFY_REPLACE, [f"uid=erin,ou=people,{_BASE}"])])
    ldap.change(bob, title=[(MODIFY_REPLACE, ["gone"])])
    try:
        access = replace(ldap.access, people_filter="(&(objectClass=inetOrgPerson)(!(title=gone)))")
        after = await take(database, ldap, access)
        assert set(after["alice"].grants) == {operator, viewer} and superadmin in after["erin"].grants
        assert not after["bob"].active and after["bob"].grants == ()
        ldap.change("cn=chatops-operators,ou=groups", member=[(MODIFY_DELETE, [alice])])
        assert (await take(database, ldap))["alice"].active is False, "in no group at all"
    finally:
        ldap.change("cn=chatops-operators,ou=groups", member=[(MODIFY_ADD, [alice])])
        ldap.change("cn=chatops-admins,ou=groups", member=[(MODIFY_REPLACE, [alice])])
        ldap.change(bob, title=[(MODIFY_REPLACE, ["Operations engineer"])])
    again = await take(database, ldap)
    assert set(again["alice"].grants) == {superadmin, operator, viewer} and again["bob"].active


async def test_a_base_that_shows_nobody_changes_nothing(ldap: Bed, database: Database) -> None:
    before = await take(database, ldap)
    with pytest.raises(DirectoryError, match="nothing was changed"):
        await take(database, ldap, replace(ldap.access, people_filter="(uid=alice)"))
    async with database.connect() as conn:
        assert {one.id: one for one in await people.everybody(conn)} == before


def test_the_command_syncs_and_the_doctor_looks(
    ldap: Bed, run: Run, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"DATABASE_URL": database_url, "PAGE_PORT": "0", "LDAP_URL": ldap.access.url, "LDAP_BASE": _BASE,
             "LDAP_BIND_DN": ldap.access.bind_dn, "LDAP_CA_FILE": str(ldap.access.ca_file),
             "LDAP_PASSWORD": ldap.secret,
             "LDAP_GROUPS": '[{"group": "chatops-operators", "role": "operator"}]'}  # fmt: skip
    for name, value in given.items():
        monkeypatch.setenv(f"STACKHAND_{name}", value)
    assert run("people", "sync") == (0, "2 people in the groups: 2 new, 0 changed, 0 gone\n", "")
    assert "operator everywhere, by the directory" in run("people", "show", "bob")[1]
    code, out, err = run("people", "revoke", "bob", "operator")
    assert (code, out) == (1, "") and "directory" in err and is_one_line(err)
    assert "directory: 2 people in 1 groups" in run("doctor")[1]
    monkeypatch.setenv("STACKHAND_LDAP_PASSWORD", _CANARY)
    code, out, err = run("people", "sync")
    assert (code, out) == (1, "") and is_one_line(err) and _CANARY not in err
    assert _CANARY not in run("doctor")[1]
