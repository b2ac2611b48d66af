"""A chat account is exactly one active person's, or it is refused with the way to get linked."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from bot.accounts import Account, recognise
from bot.replies import Reply, Text
from storage import audit, people
from storage.database import Database
from storage.invitations import MOST_WRONG, invite
from storage.people import Grant

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
ANN = Account("chat", "T1/U1", "Ann", "ann@example.org")


async def add(database: Database, *ids: str, email: str | None = None) -> None:
    async with database.begin() as conn:
        for id_ in ids:
            assert await people.add_person(conn, id_, id_.capitalize(), email)
            await people.grant(conn, id_, Grant("viewer"), "test")


async def code_for(database: Database, person: str, hours: float = 24) -> str:
    async with database.begin() as conn:
        return await invite(conn, person, by="local", now=NOW, valid=timedelta(hours=hours))


async def come(database: Database, account: Account, said: str = "how many vms", **given: Any) -> str | Reply:
    return await recognise(database, account, said, **({"match_email": False, "now": NOW} | given))


def told(reply: str | Reply) -> str:
    assert isinstance(reply, Reply) and reply.private
    return " ".join(part.text for part in reply.parts if isinstance(part, Text))


async def last_row(database: Database) -> audit.Entry:
    async with database.connect() as conn:
        return (await audit.entries(conn, limit=1))[0][0]


async def test_a_linked_account_is_its_person(database: Database) -> None:
    await add(database, "ann", "bob")
    async with database.begin() as conn:
        await people.link_account(conn, "chat", "T1/U1", "ann")
    assert await come(database, ANN) == "ann"
    assert await come(database, replace(ANN, name="Root", email="bob@example.org"), match_email=True) == "ann"


@pytest.mark.parametrize(
    "account",
    [
        Account("chat", "T1/U2", "Ann"),  # the same name
        Account("chat", "T2/U1", "Ann"),  # the same user id in another team
        Account("chat", "U1", "Ann"),  # without a team
        Account("chat", "t1/u1", "Ann"),
        Account("page", "T1/U1", "Ann"),  # another platform
        Account("chat", "", "ann"),
        Account("chat", "T1/U1\x00", "ann"),
        Account("chat", "'; DROP TABLE account; --", "ann"),
        Account("chat", "ann", "ann", "ann@example.org"),  # the person's own id and address
    ],
    ids=repr,
)
async def test_any_other_account_is_nobody_whatever_it_calls_itself(database: Database, account: Account) -> None:
    await add(database, "ann", email="ann@example.org")
    async with database.begin() as conn:
        await people.link_account(conn, "chat", "T1/U1", "ann")
    if account.external_id == "T1/U1\x00":  # what the database cannot hold is left out
        assert await come(database, account) == "ann"
        return
    reply = await come(database, account)
    assert "stackhand people invite" in told(reply) and "link CODE" in told(reply)
    row = await last_row(database)
    assert (row.action, row.outcome, row.detail["surface"]) == ("account.refuse", "not_allowed", account.surface)
    assert row.detail["account"] == account.external_id and account.name not in (row.person, row.target)


async def test_a_disabled_person_is_refused_at_once(database: Database) -> None:
    await add(database, "ann")
    async with database.begin() as conn:
        await people.link_account(conn, "chat", "T1/U1", "ann")
    assert await come(database, ANN) == "ann"
    async with database.begin() as conn:
        await people.set_active(conn, "ann", False)
    assert "disabled" in told(await come(database, ANN))
    assert "disabled" in told(await come(database, ANN, f"link {await code_for(database, 'ann')}"))
    assert (await last_row(database)).detail["why"] == "disabled"


async def test_a_guest_is_refused_linked_or_not(database: Database) -> None:
    await add(database, "ann", email="ann@example.org")
    guest = replace(ANN, guest=True)
    code = await code_for(database, "ann")
    for said in ("how many vms", f"link {code}"):
        assert "not guests" in told(await come(database, guest, said, match_email=True))
    async with database.begin() as conn:
        await people.link_account(conn, "chat", "T1/U1", "ann")
    assert "not guests" in told(await come(database, guest))


async def test_a_code_links_once(database: Database) -> None:
    await add(database, "ann")
    code = await code_for(database, "ann")
    reply = await come(database, ANN, f"link {code}")
    assert "You are Ann now" in told(reply)
    row = await last_row(database)
    assert (row.person, row.action, dict(row.detail)) == (
        "ann", "account.link", {"surface": "chat", "account": "T1/U1", "via": "code"},
    )  # fmt: skip
    assert await come(database, ANN) == "ann"
    other = replace(ANN, external_id="T1/U9")
    assert "used already" in told(await come(database, other, f"link {code}"))
    assert "Ann's already" in told(await come(database, ANN, f"link {code}"))


async def test_a_code_of_somebody_else_does_not_move_an_account(database: Database) -> None:
    await add(database, "ann", "bob")
    async with database.begin() as conn:
        await people.link_account(conn, "chat", "T1/U1", "ann")
    code = await code_for(database, "bob")
    assert "The code was not used" in told(await come(database, ANN, f"link {code}"))
    assert await come(database, ANN) == "ann"
    assert "You are Bob now" in told(await come(database, replace(ANN, external_id="T1/U2"), f"link {code}"))


async def test_codes_are_of_enough_chance_and_only_their_hash_is_kept(database: Database) -> None:
    await add(database, "ann")
    codes = {await code_for(database, "ann") for _ in range(20)}
    assert len(codes) == 20 and all(len(code.replace("-", "")) == 32 for code in codes)  # 5 bits each
    async with database.connect() as conn:
        kept = (await conn.execute(text("SELECT invitation::text FROM invitation"))).scalars().all()
        record = (await conn.execute(text("SELECT audit::text FROM audit"))).scalars().all()
    assert len(kept) == 1, "a new one ends the one before"
    plain = {code.replace("-", "") for code in codes} | codes
    assert not any(code in row for code in plain for row in [*kept, *record])


@pytest.mark.parametrize(
    "shape", ["link {}", "LINK {}", "  link   {} ", "`link {}`", "link `{}`", "*link* {}.", "link <{}>"]
)
async def test_a_code_is_read_as_people_paste_it(database: Database, shape: str) -> None:
    await add(database, "ann")
    for written in (str, str.upper, lambda code: code.replace("-", "")):
        code = await code_for(database, "ann")
        assert "You are Ann now" in told(await come(database, ANN, shape.format(written(code))))
        async with database.begin() as conn:
            await people.unlink_account(conn, "chat", "T1/U1")


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ("link abcdefgh", "not know this code"),
        ("link " + "a" * 100, "not know this code"),
        ("link -", "not know this code"),
    ],
)
async def test_a_wrong_code_is_told_and_recorded_without_it(database: Database, said: str, why: str) -> None:
    await add(database, "ann")
    assert why in told(await come(database, ANN, said))
    row = await last_row(database)
    assert row.detail["why"] == "code unknown" and "abcdefgh" not in str(row)


@pytest.mark.parametrize(
    "said", ["link", "link a b", "link " + "a" * 101, "please link abc", "link abc\nlink def", "link ünï"]
)
async def test_what_is_no_code_is_told_how_to_get_one(database: Database, said: str) -> None:
    assert "people invite" in told(await come(database, ANN, said))


async def test_an_expired_code_links_nobody(database: Database) -> None:
    await add(database, "ann")
    code = await code_for(database, "ann", hours=24)
    late = NOW + timedelta(hours=24)
    assert "expired" in told(await come(database, ANN, f"link {code}", now=late))
    assert "people invite" in told(await come(database, ANN, now=late))
    assert "You are Ann now" in told(await come(database, ANN, f"link {code}", now=late - timedelta(seconds=1)))


async def test_a_code_of_a_disabled_person_links_nobody(database: Database) -> None:
    await add(database, "ann")
    code = await code_for(database, "ann")
    async with database.begin() as conn:
        await people.set_active(conn, "ann", False)
    assert "is disabled" in told(await come(database, ANN, f"link {code}"))
    async with database.connect() as conn:
        assert await people.person_by_account(conn, "chat", "T1/U1") is None


async def test_after_a_few_wrong_codes_not_even_the_right_one_counts_for_an_hour(database: Database) -> None:
    await add(database, "ann")
    code = await code_for(database, "ann", hours=48)
    for number in range(MOST_WRONG):
        assert "not know this code" in told(await come(database, ANN, f"link wrong{number}"))
    assert "Too many wrong codes" in told(await come(database, ANN, f"link {code}"))
    assert (await last_row(database)).detail["why"] == "code too many"
    other = replace(ANN, external_id="T1/U7")
    assert "not know" in told(await come(database, other, "link wrong")), "others are not held up"
    assert "You are Ann now" in told(await come(database, ANN, f"link {code}", now=NOW + timedelta(minutes=61)))


async def test_twenty_accounts_at_once_and_one_gets_it(database: Database) -> None:
    await add(database, "ann")
    code = await code_for(database, "ann")
    accounts = [replace(ANN, external_id=f"T1/U{number}") for number in range(20)]
    replies = await asyncio.gather(*(come(database, account, f"link {code}") for account in accounts))
    assert sorted("You are Ann now" in told(reply) for reply in replies) == [False] * 19 + [True]
    async with database.connect() as conn:
        assert len((await people.accounts_of(conn, ["ann"]))["ann"]) == 1
        assert (await audit.verify(conn)).bad is None


async def test_an_email_counts_only_where_that_is_turned_on(database: Database) -> None:
    await add(database, "ann", email="Ann@Example.org")
    assert "people invite" in told(await come(database, ANN))
    assert await come(database, ANN, match_email=True) == "ann"
    row = await last_row(database)
    assert (row.action, row.person, row.detail["via"]) == ("account.link", "ann", "email")
    assert await come(database, ANN) == "ann", "linked from then on"


@pytest.mark.parametrize(
    "email",
    [None, "", " ", "nobody@example.org", "ann@example.org.evil.test", "ann@example", "%", "a\u212ann@example.org"],
)
async def test_an_email_of_nobody_is_nobodys(database: Database, email: str | None) -> None:
    await add(database, "ann", email="ann@example.org")
    await add(database, "bob")
    assert "people invite" in told(await come(database, replace(ANN, email=email), match_email=True))


async def test_a_letter_that_only_folds_to_another_is_another_address(database: Database) -> None:
    await add(database, "kim", email="kim@example.org")
    assert "people invite" in told(await come(database, replace(ANN, email="\u212aim@example.org"), match_email=True))


async def test_an_email_of_two_is_nobodys_unless_one_is_active(database: Database) -> None:
    await add(database, "ann", email="ann@example.org")
    await add(database, "anna", email="ANN@example.org")
    assert "people invite" in told(await come(database, ANN, match_email=True))
    assert (await last_row(database)).detail["why"] == "e-mail of several people"
    async with database.begin() as conn:
        await people.set_active(conn, "anna", False)
    assert await come(database, ANN, match_email=True) == "ann"


async def test_an_email_of_a_disabled_person_is_nobodys(database: Database) -> None:
    await add(database, "ann", email="ann@example.org")
    async with database.begin() as conn:
        await people.set_active(conn, "ann", False)
    assert "people invite" in told(await come(database, ANN, match_email=True))


async def test_a_second_account_of_a_platform_is_not_taken_by_email(database: Database) -> None:
    await add(database, "ann", email="ann@example.org")
    assert await come(database, ANN, match_email=True) == "ann"
    second = replace(ANN, external_id="T1/U2")
    assert "people invite" in told(await come(database, second, match_email=True))
    assert (await last_row(database)).detail["why"] == "e-mail of somebody with another account"
    assert await come(database, replace(ANN, surface="other"), match_email=True) == "ann"
