"""Requests under everything that goes wrong with approvals elsewhere: one winner, the right person, what was shown."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import text

from engines.changes import requests as changes
from engines.changes.requests import Decided, Place, Voter, withdraw
from engines.changes.rules import Quiet, Rule
from engines.inventory.collect import sync_source
from engines.plans import Check
from storage import audit, change_rules, freezes, people, requests
from storage.database import Database
from storage.people import Grant
from tests.bot.world_base import PCD, own
from tests.engines.changes.house import DEV, PROD, ask, asked, count, furnish, plan, rows, say, set_back


async def put_in_force(database: Database, *rules: Rule) -> None:
    async with database.begin() as conn:
        await change_rules.replace(conn, [rule.to_json() for rule in rules], "test")


async def state(database: Database, id_: int) -> str:
    async with database.connect() as conn:
        found = await requests.find(conn, id_)
    assert found is not None
    return found.state


def why(done: Decided) -> str:
    return done.refused.why if done.refused else ""


async def test_another_person_approves_and_the_job_is_what_was_shown(database: Database) -> None:
    await furnish(database)
    request = await asked(database)
    assert (request.mode, request.needed, request.approver_role) == ("approve", 1, "technical")
    done = await say(database, request.token, "carol")
    assert done.done and done.request is not None and done.request.state == "approved"
    async with database.connect() as conn:
        job = (await conn.execute(text("SELECT * FROM job"))).mappings().one()
        held = (await conn.execute(text("SELECT external_id FROM job_target ORDER BY 1"))).scalars().all()
        assert (await audit.verify(conn)).bad is None
    assert job["plan"] == request.plan and job["request_id"] == request.id and job["run_by"] is not None
    assert list(held) == ["vm-1", "vol-1"] and done.request.job_id == job["id"]
    assert await count(database, "request.asked") == await count(database, "request.approved") == 1


async def test_of_fifty_clicks_at_once_one_wins(database: Database) -> None:
    """Twenty times: one approval, one job, one row of it in the record; the others are told who won."""
    await furnish(database)
    people_ = ["carol", "dave", "erin", "bob"]
    for turn in range(1, 21):
        request = await asked(database)
        verdicts = ["approve" if at % 5 else "deny" for at in range(50)]
        clicks = [say(database, request.token, people_[at % 4], verdict, "no") for at, verdict in enumerate(verdicts)]
        done = await asyncio.gather(*clicks)
        assert sum(one.done for one in done) == 1
        assert {why(one) for one in done} <= {"", "late", "own"}
        ended = await count(database, "request.approved") + await count(database, "request.denied")
        assert ended == turn and await count(database, "job") == await count(database, "request.approved")


async def test_the_asker_never_approves_through_whichever_account(database: Database) -> None:
    await furnish(database)
    async with database.begin() as conn:
        await people.grant(conn, "erin", Grant("superadmin"), "test")
        await people.link_account(conn, "teams", "erin-elsewhere", "erin")
    request = await asked(database, by="erin")
    for chat in (True, False):
        done = await say(database, request.token, "erin", chat=chat)
        assert why(done) == "own" and done.refused is not None and set(done.refused.could) == {"Carol", "Dave"}
    assert await state(database, request.id) == "pending" and await count(database, "job") == 0


async def test_two_people_are_two_and_one_person_is_one(database: Database) -> None:
    await furnish(database)
    await put_in_force(database, Rule(("vm_reboot",), "approve", approvers=2, approver_role="technical"))
    request = await asked(database)
    first = await say(database, request.token, "carol")
    assert first.done and first.counted == 1 and await count(database, "job") == 0
    assert why(await say(database, request.id, "carol", chat=False)) == "voted"
    second = await say(database, request.token, "dave")
    assert second.request is not None and second.request.state == "approved" and await count(database, "job") == 1


@pytest.mark.parametrize("who", ["vic", "gus", "nobody", "", "bob; DROP TABLE request", "x" * 1000])
async def test_who_has_not_the_role_where_it_counts_decides_nothing(database: Database, who: str) -> None:
    await furnish(database)
    request = await asked(database)
    for verdict in ("approve", "deny", "break_glass", "confirm"):
        assert not (await say(database, request.token, who, verdict, "because")).done
    assert await state(database, request.id) == "pending"
    assert await count(database, "request.refused") == 4


async def test_a_role_on_one_of_two_projects_is_not_enough(database: Database) -> None:
    await furnish(database)
    two = plan()
    dev = replace(two.targets[0], external_id="vm-2", name="dev-01", project_id=DEV, state={})
    request = await asked(database, replace(two, targets=(*two.targets, dev)))
    assert why(await say(database, request.token, "carol")) == "role"
    assert (await say(database, request.token, "dave")).done


async def test_rights_count_as_they_are_at_the_click(database: Database) -> None:
    await furnish(database)
    request = await asked(database)
    async with database.begin() as conn:
        await people.revoke(conn, "carol", Grant("technical", PCD, PROD))
        await people.set_active(conn, "dave", False)
    assert why(await say(database, request.token, "carol")) == "role"
    assert why(await say(database, request.token, "dave")) == "role"
    assert await state(database, request.id) == "pending"


async def test_an_asker_who_lost_their_role_has_nothing_approved(database: Database) -> None:
    await furnish(database)
    request = await asked(database)
    async with database.begin() as conn:
        await people.revoke(conn, "bob", Grant("operator", PCD, PROD))
    assert why(await say(database, request.token, "carol")) == "rules" and await count(database, "job") == 0


async def test_a_role_of_one_channel_counts_there_alone(database: Database) -> None:
    await furnish(database)
    async with database.begin() as conn:
        await people.grant(conn, "vic", Grant("admin", surface="slack", channel="C1"), "test")
    request = await asked(database)
    assert why(await say(database, request.token, "vic", chat=False)) == "role"
    assert (await say(database, request.token, "vic", chat=True)).done


@pytest.mark.parametrize("change", ["renamed", "moved", "resized", "snapshot", "gone"])
async def test_what_changed_since_it_was_planned_closes_the_request(database: Database, change: str) -> None:
    cloud = await furnish(database)
    request = await asked(database)
    new = rows()
    match change:
        case "renamed":
            new["vm"][0] = replace(new["vm"][0], name="web-1")
        case "moved":
            new["vm"][0] = replace(new["vm"][0], project_id=DEV)
        case "resized":
            new["volume"][0] = own("volume", "web-01-data", "acme-prod", "vol-1", size_gib=300)
        case "snapshot":
            new["snapshot"].append(
                own("snapshot", "new", "acme-prod", "snap-2", size_gib=200, status="available", parent_id="vol-1")
            )
        case "gone":
            new["volume"] = []
    cloud.rows = new
    for _ in range(3):  # what is missing must be missed twice
        await sync_source(database, cloud)
    done = await say(database, request.token, "carol")
    assert why(done) == "changed" and done.changed and done.refused is not None
    told = {"renamed": "name web-01 → web-1", "moved": "project", "resized": "size gib 200 → 300",
            "snapshot": "snapshots 1 (snap-1) → 2", "gone": "is gone"}  # fmt: skip
    assert told[change] in done.refused.what
    assert await state(database, request.id) == "changed" and await count(database, "job") == 0


async def test_time_is_the_database_s_and_late_is_late(database: Database) -> None:
    await furnish(database)
    request = await asked(database)
    await set_back(database, request, timedelta(minutes=60, seconds=1))
    done = await say(database, request.token, "carol")
    assert why(done) == "expired" and await state(database, request.id) == "expired"
    assert why(await say(database, request.token, "carol")) == "late"
    assert await count(database, "job") == 0 and await count(database, "request.expired") == 1


async def test_what_nobody_decides_runs_out_once_whoever_sweeps(database: Database) -> None:
    await furnish(database)
    late, fresh = await asked(database), await asked(database)
    await set_back(database, late, timedelta(hours=2))
    swept = await asyncio.gather(*(changes.expire(database) for _ in range(5)))
    assert sum(swept) == 1 and await count(database, "request.expired") == 1
    assert await state(database, late.id) == "expired" and await state(database, fresh.id) == "pending"


async def test_an_approved_job_that_never_begins_is_given_up(database: Database) -> None:
    await furnish(database)
    request = await asked(database)
    await say(database, request.token, "carol")
    assert await changes.expire(database) == 0
    await set_back(database, request, timedelta(minutes=16))
    assert await changes.expire(database) == 1 and await state(database, request.id) == "expired"
    async with database.connect() as conn:
        assert (await conn.execute(text("SELECT state FROM job"))).scalar_one() == "cancelled"


async def test_a_job_that_began_is_not_given_up(database: Database) -> None:
    await furnish(database)
    request = await asked(database)
    await say(database, request.token, "carol")
    await set_back(database, request, timedelta(minutes=16))
    async with database.begin() as conn:
        await conn.execute(text("UPDATE job SET state = 'running'"))
    assert await changes.expire(database) == 0 and await state(database, request.id) == "approved"


async def test_it_is_reminded_of_once_at_half_time(database: Database) -> None:
    await furnish(database)
    request = await asked(database)
    assert await changes.remind(database) == []
    await set_back(database, request, timedelta(minutes=31))
    assert await changes.remind(database) == [request.id]
    assert await changes.remind(database) == []


async def test_a_freeze_between_stops_it_and_ends(database: Database) -> None:
    await furnish(database)
    request = await asked(database)
    async with database.begin() as conn:
        id_ = await freezes.add(
            conn, source=PCD, project_id=PROD, since=None, until=None, words="audit", by="erin"
        )  # fmt: skip
    done = await say(database, request.token, "carol")
    assert why(done) == "freeze" and done.refused is not None and "by erin: audit" in done.refused.what
    refused = await ask(database)
    assert refused.refused is not None and refused.refused.why == "freeze"
    async with database.begin() as conn:
        await freezes.end(conn, [id_], "erin")
    assert (await say(database, request.token, "carol")).done


async def test_a_freeze_elsewhere_or_of_another_time_stops_nothing(database: Database) -> None:
    await furnish(database)
    async with database.begin() as conn:
        moment = (await conn.execute(text("SELECT clock_timestamp()"))).scalar_one()
        for project, since, until in ((DEV, None, None), (PROD, moment + timedelta(hours=1), None),
                                      (PROD, moment - timedelta(hours=2), moment - timedelta(hours=1))):  # fmt: skip
            await freezes.add(conn, source=PCD, project_id=project, since=since, until=until, words="", by="erin")
    request = await asked(database)
    assert (await say(database, request.token, "carol")).done


async def test_break_glass_needs_its_rule_a_reason_and_the_asker(database: Database) -> None:
    await furnish(database)
    request = await asked(database, by="erin")
    assert why(await say(database, request.token, "erin", "break_glass", "it burns")) == "role"
    await put_in_force(database, Rule(("vm_reboot",), "approve", approver_role="technical", break_glass="admin"))
    assert why(await say(database, request.token, "erin", "break_glass", " ")) == "reason"
    assert why(await say(database, request.token, "dave", "break_glass", "it burns")) == "role"
    async with database.begin() as conn:
        await freezes.add(conn, source=None, project_id=None, since=None, until=None, words="", by="erin")
    done = await say(database, request.token, "erin", "break_glass", "it burns")
    assert done.request is not None and done.request.break_glass and done.request.reason == "it burns"
    assert await count(database, "request.break_glass") == 1 and await count(database, "job") == 1
    async with database.connect() as conn:
        assert await requests.untold(conn, "slack", "broken", 10) == [request.id]


async def test_under_a_freeze_only_who_may_break_it_can_ask(database: Database) -> None:
    await furnish(database)
    await put_in_force(database, Rule(("vm_reboot",), "at_once", break_glass="admin"))
    async with database.begin() as conn:
        await freezes.add(conn, source=None, project_id=None, since=None, until=None, words="", by="erin")
    refused = await ask(database)
    assert refused.request is None and refused.refused is not None and refused.refused.why == "freeze"
    held = await ask(database, by="erin")
    assert held.request is not None and held.request.state == "pending" and "frozen" in held.held
    assert why(await say(database, held.request.token, "erin", "confirm")) == "freeze"
    assert (await say(database, held.request.token, "erin", "break_glass", "it burns")).done


async def test_a_quorum_that_cannot_be_met_is_refused_when_asked(database: Database) -> None:
    await furnish(database)
    await put_in_force(database, Rule(("vm_reboot",), "approve", approvers=4, approver_role="technical"))
    done = await ask(database)
    assert done.request is None and done.refused is not None and done.refused.why == "quorum"
    assert done.refused.could == ("Carol", "Dave", "Erin") and "people grant" in done.refused.fix
    assert "only 3 others" in done.refused.what


async def test_the_asker_does_not_count_for_their_own_quorum(database: Database) -> None:
    await furnish(database)
    await put_in_force(database, Rule(("vm_reboot",), "approve", approvers=3, approver_role="technical"))
    assert (await ask(database, by="bob")).request is not None
    assert (await ask(database, by="carol")).request is None


async def test_at_once_is_a_job_and_forbidden_is_nothing(database: Database) -> None:
    await furnish(database)
    await put_in_force(database, Rule(("vm_reboot",), "at_once"), Rule(("vm_stop",), "forbid"))
    done = await ask(database)
    assert done.request is not None and done.request.state == "approved" and await count(database, "job") == 1
    refused = await ask(database, plan("vm_stop"))
    assert refused.refused is not None and refused.refused.why == "forbidden"
    unknown = await ask(database, plan("format_the_disks"))
    assert unknown.refused is not None and unknown.refused.why == "forbidden"
    assert await count(database, "request.refused") == 2


async def test_who_may_not_ask_is_told_who_may(database: Database) -> None:
    await furnish(database)
    for by in ("vic", "gus", "nobody"):
        done = await ask(database, by=by)
        assert done.request is None and done.refused is not None and done.refused.why == "role"
    done = await ask(database, by="vic")
    assert done.refused is not None and set(done.refused.could) == {"Bob", "Carol", "Dave", "Erin"}


async def test_only_the_asker_confirms(database: Database) -> None:
    await furnish(database)
    request = await asked(database, plan("snapshot"))
    assert request.mode == "confirm"
    for verdict in ("confirm", "approve"):
        assert why(await say(database, request.token, "erin", verdict)) == "not_yours"
    assert (await say(database, request.token, "bob", "confirm")).done and await count(database, "job") == 1


async def test_a_plan_whose_checks_fail_is_no_request(database: Database) -> None:
    await furnish(database)
    done = await ask(database, plan(checks=(Check("quota", False, "40 of 40"),)))
    assert done.request is None and done.refused is not None and "quota: 40 of 40" in done.refused.what


async def test_a_daily_cap_is_each_person_s(database: Database) -> None:
    await furnish(database)
    await put_in_force(database, Rule(("vm_reboot",), "at_once", daily_cap=2))
    done = await asyncio.gather(*(ask(database) for _ in range(6)))
    assert sum(one.request is not None for one in done) == 2
    assert (await ask(database, by="carol")).request is not None


async def test_a_second_factor_keeps_a_decision_off_the_chat(database: Database) -> None:
    await furnish(database)
    await put_in_force(database, Rule(("vm_reboot",), "approve", approver_role="technical", second_factor=True))
    request = await asked(database)
    assert why(await say(database, request.token, "carol", chat=True)) == "second_factor"
    assert (await say(database, request.token, "carol", chat=False)).done


async def test_a_rule_that_asks_more_by_now_counts(database: Database) -> None:
    await furnish(database)
    request, confirmed = await asked(database), await asked(database, plan("snapshot"))
    await put_in_force(
        database,
        Rule(("vm_reboot",), "approve", approvers=2, approver_role="admin"),
        Rule(("snapshot",), "approve", approver_role="technical"),
    )
    assert why(await say(database, request.token, "carol")) == "role"
    first = await say(database, request.token, "erin")
    assert first.done and first.request is not None and first.request.state == "pending"
    assert why(await say(database, confirmed.token, "bob", "confirm")) == "rules"


async def test_denied_with_a_reason_is_denied_for_good(database: Database) -> None:
    await furnish(database)
    request = await asked(database)
    assert why(await say(database, request.token, "carol", "deny")) == "reason"
    done = await say(database, request.token, "carol", "deny", "not before Monday")
    assert done.request is not None and done.request.reason == "not before Monday"
    assert why(await say(database, request.token, "dave")) == "late" and await count(database, "job") == 0


async def test_only_the_asker_withdraws_and_only_in_time(database: Database) -> None:
    await furnish(database)
    request = await asked(database)
    for by, expected in (("carol", "not_yours"), ("bob", ""), ("bob", "late")):
        async with database.begin() as conn:
            assert why(await withdraw(conn, request.token, Voter(by))) == expected
    assert why(await say(database, request.token, "carol")) == "late"


@pytest.mark.parametrize("ref", ["0" * 32, "", "' OR 1=1 --", "x" * 10_000, "\x00", 0, -1, 10**30, 999_999])
async def test_a_forged_button_does_nothing(database: Database, ref: str | int) -> None:
    await furnish(database)
    request = await asked(database)
    assert why(await say(database, ref, "carol")) == "unknown"
    assert await state(database, request.id) == "pending"


async def test_what_came_of_it_is_the_request_s_end_once(database: Database) -> None:
    await furnish(database)
    request = await asked(database)
    done = await say(database, request.token, "carol")
    assert done.request is not None and done.request.job_id is not None
    async with database.begin() as conn:
        assert await changes.began(conn, done.request.job_id)
        await changes.ended(conn, done.request.job_id, "failed")
        await changes.ended(conn, done.request.job_id, "done")
        await changes.ended(conn, 12345, "done")
    assert await state(database, request.id) == "failed" and await count(database, "request.ended") == 1


async def test_a_decision_and_its_record_are_kept_together_or_not_at_all(database: Database) -> None:
    await furnish(database)
    request = await asked(database)
    with pytest.raises(RuntimeError):
        async with database.begin() as conn:
            await changes.decide(conn, request.token, Voter("carol"), "approve", "")
            raise RuntimeError("the process dies")
    assert await state(database, request.id) == "pending" and await count(database, "job") == 0
    assert await count(database, "request.approved") == 0


async def test_nobody_sees_requests_of_other_projects(database: Database) -> None:
    from bot.people import principal

    await furnish(database)
    request = await asked(database)
    async with database.begin() as conn:
        for person, sees in (("bob", True), ("carol", True), ("vic", True), ("gus", False)):
            who = await principal(conn, person)
            assert who is not None
            found = await requests.listed(conn, who.scope, who.id)
            assert [one.id for one in found] == ([request.id] if sees else [])
            assert (await requests.seen(conn, who.scope, who.id, request.id) is not None) == sees


async def _schedule(database: Database, owner: str) -> None:
    async with database.begin() as conn:
        await conn.execute(
            text("INSERT INTO schedule (name, kind, cron, owner) VALUES ('nightly', 'snapshot_run', '0 2 * * *', :by)"),
            {"by": owner},
        )


@pytest.mark.parametrize(("owner", "runs"), [("bob", True), ("vic", False), ("nobody", False)])
async def test_a_schedule_has_its_owner_s_rights_and_no_others(database: Database, owner: str, runs: bool) -> None:
    await furnish(database)
    await _schedule(database, owner)
    done = await ask(database, plan("snapshot_run"), "schedule:nightly", place=Place())
    assert (done.request is not None) == runs and await count(database, "job") == runs
    other = await ask(database, plan("snapshot_run"), "schedule:other", place=Place())
    assert other.request is None


async def test_quiet_hours_hold_when_asked_and_when_decided(database: Database) -> None:
    await furnish(database)
    quiet = Quiet(("mon",), "16:00", "18:00")
    await put_in_force(database, Rule(("vm_reboot",), "approve", approver_role="technical", quiet=quiet))
    before, during = (datetime(2026, 11, 30, hour, tzinfo=UTC) for hour in (15, 17))
    refused = await ask(database, now=during)
    assert refused.refused is not None and refused.refused.why == "quiet"
    made = await ask(database, now=before)
    assert made.request is not None
    assert why(await say(database, made.request.token, "carol", now=during)) == "quiet"
    assert (await say(database, made.request.token, "carol", now=before)).done
