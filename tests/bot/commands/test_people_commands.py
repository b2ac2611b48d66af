"""`people`: invitations, places of roles, channels, and each error with what to do."""

import asyncio
import json
import re
from datetime import UTC, datetime

import pytest

from bot.accounts import Account, recognise
from bot.replies import Reply
from storage.database import Database
from tests.bot.commands.test_database_commands import execute, on
from tests.bot.conftest import Run, is_one_line

__all__ = ["on"]
_PROJECTS = (
    "INSERT INTO resource (source, platform, kind, external_id, name, attrs, first_seen, changed_at, last_seen) VALUES"
    " ('pcd-1', 'openstack', 'domain', 'd-1', 'acme', '{}', now(), now(), now()),"
    " ('pcd-1', 'openstack', 'project', 'p-1', 'prod', '{}', now(), now(), now()),"
    " ('pcd-1', 'openstack', 'project', 'p-2', 'twin', '{}', now(), now(), now()),"
    " ('pcd-1', 'openstack', 'project', 'p-3', 'twin', '{}', now(), now(), now())"
)


def rows(run: Run) -> int:
    record = json.loads(run("audit", "verify", "--json")[1])
    assert record["ok"]
    return int(record["rows"])


def come(url: str, account: Account, said: str) -> str | Reply:
    async def work() -> str | Reply:
        database = Database(url)
        try:
            return await recognise(database, account, said, match_email=False, now=datetime.now(UTC))
        finally:
            await database.close()

    return asyncio.run(work())


def test_the_first_administrator_comes_from_the_command_line(on: Run, database_url: str) -> None:
    """As docs/people.md tells it, to the first answer."""
    for said in (["add", "ann", "Ann Example", "--email", "ann@example.org"], ["grant", "ann", "superadmin"]):
        assert on("people", *said)[0] == 0
    code, out, err = on("people", "invite", "ann")
    assert (code, err) == (0, "") and "24 h" in out
    said = re.findall(r"(?m)^ +(link [a-z0-9-]+)$", out)[0]
    account = Account("slack", "T000000001/UA11CE0000")
    assert isinstance(come(database_url, account, said), Reply)
    assert come(database_url, account, "hello") == "ann"
    shown = on("people", "show", "ann")[1]
    assert "superadmin everywhere" in shown and "slack T000000001/UA11CE0000" in shown and "active" in shown
    assert on("people", "disable", "ann")[0] == 0
    assert isinstance(come(database_url, account, "hello"), Reply)
    assert on("people", "enable", "ann")[0] == 0 and come(database_url, account, "hello") == "ann"
    assert on("people", "unlink", "slack", account.external_id)[0] == 0
    assert isinstance(come(database_url, account, "hello"), Reply)
    assert rows(on) == 9, "each change and each refusal is on record"
    assert said.split()[1] not in on("people", "show", "ann", "--json")[1]


def test_roles_on_domains_projects_and_in_channels(on: Run, database_url: str) -> None:
    execute(database_url, _PROJECTS)
    on("people", "add", "ann", "Ann")
    given = (
        (["--source", "pcd-1", "--domain", "acme"], "viewer on domain acme of pcd-1"),
        (["--source", "pcd-1", "--domain", "d-1"], "already"),
        (["--source", "pcd-1", "--project", "prod"], "viewer on project prod of pcd-1"),
        (["--source", "pcd-1", "--project", "p-3"], "viewer on project twin of pcd-1"),
        (["--surface", "slack", "--channel", "C1"], "viewer everywhere, only in C1 of slack"),
    )
    for options, said in given:
        _, out, err = on("people", "grant", "ann", "viewer", *options)
        assert said in out + err
    code, out, err = on("people", "grant", "ann", "viewer", "--source", "pcd-9", "--project", "new")
    assert code == 0 and "knows no project new of pcd-9 yet" in err and "on project new of pcd-9" in out
    (ann,) = [json.loads(line) for line in on("people", "list", "--json")[1].splitlines()]
    assert len(ann["grants"]) == 5
    assert on("people", "revoke", "ann", "viewer", "--source", "pcd-1", "--domain", "acme")[0] == 0
    assert "domain" not in on("people", "show", "ann")[1]


def test_channels_are_bound_listed_and_let_go(on: Run, database_url: str) -> None:
    execute(database_url, _PROJECTS)
    assert on("people", "channel", "bind", "slack", "C1", "--source", "pcd-1", "--domain", "acme")[0] == 0
    assert on("people", "channel", "bind", "slack", "C1", "--source", "pcd-1", "--project", "prod")[0] == 0
    listed = [json.loads(line) for line in on("people", "channel", "list", "--json")[1].splitlines()]
    assert [(one["channel"], one["place"]["domain_id"], one["place"]["project_id"]) for one in listed] == [
        ("C1", "d-1", None),
        ("C1", None, "p-1"),
    ]
    assert "on domain d-1 of pcd-1" in on("people", "channel", "list")[1]
    assert on("people", "channel", "unbind", "slack", "C1")[0] == 0
    assert on("people", "channel", "list") == (0, "", "")
    assert rows(on) == 3


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["show", "bob"], 1, "no person 'bob'"),
        (["invite", "bob"], 1, "no person 'bob'"),
        (["invite", "off"], 1, "people enable off"),
        (["invite", "ann", "--hours", "0"], 2, "--hours"),
        (["invite", "ann", "--hours", "1000"], 2, "--hours"),
        (["disable", "off"], 1, "disabled already"),
        (["enable", "ann"], 1, "enabled already"),
        (["disable", "bob"], 1, "no person 'bob'"),
        (["unlink", "slack", "T1/U1"], 1, "is nobody's"),
        (["grant", "ann", "king"], 2, "king"),
        (["grant", "ann", "viewer", "--domain", "d"], 2, "--source"),
        (["grant", "ann", "viewer", "--source", "s", "--domain", "d", "--project", "p"], 2, "exclude"),
        (["grant", "ann", "viewer", "--channel", "C1"], 2, "--surface"),
        (["grant", "ann", "viewer", "--source", "pcd-1", "--project", "twin"], 1, "p-2, p-3"),
        (["revoke", "ann", "viewer", "--source", "pcd-1", "--domain", "acme"], 1, "is not viewer on domain acme"),
        (["channel", "bind", "slack", "C1", "--source", "pcd-1"], 2, "--domain or --project"),
        (["channel", "bind", "slack", "C 1", "--source", "pcd-1", "--domain", "acme"], 2, "channel"),
        (["channel", "unbind", "slack", "C1"], 1, "is not bound"),
        (["sync"], 1, "STACKHAND_LDAP_URL"),
        (["link", "ann", "slack", "T1 U1"], 2, "account"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_what_cannot_be_is_said_in_one_line_and_changes_nothing(
    on: Run, database_url: str, arguments: list[str], code: int, said: str
) -> None:
    execute(database_url, _PROJECTS)
    for prepared in (["add", "ann", "Ann"], ["add", "off", "Off"], ["disable", "off"]):
        assert on("people", *prepared)[0] == 0
    found, out, err = on("people", *arguments)
    assert (found, out) == (code, "") and is_one_line(err) and said in err
    assert rows(on) == 3
