"""`schedules`: made, shown, paused and removed, and each error with what to do."""

import json

import pytest

from tests.bot.commands.test_database_commands import on
from tests.bot.conftest import Run, is_one_line

__all__ = ["on"]
_ADD = ("schedules", "add", "nightly", "snapshot_run", "--cron", "30 2 * * *", "--zone", "Europe/Berlin")


def test_a_schedule_from_its_making_to_its_end(on: Run) -> None:
    assert "there is no schedule" in on("schedules", "list")[1]
    assert on(*_ADD, "--argument", "policy=gold=1", "--catch-up", "all")[0] == 0
    (one,) = json.loads(on("schedules", "list", "--json")[1])["schedules"]
    assert (one["kind"], one["cron"], one["zone"], one["catch_up"]) == (
        "snapshot_run", "30 2 * * *", "Europe/Berlin", "all",
    )  # fmt: skip
    assert one["arguments"] == {"policy": "gold=1"} and one["next"] and one["enabled"]
    assert on("schedules", "pause", "nightly")[0] == 0
    assert "next paused" in on("schedules", "list")[1]
    assert on("schedules", "pause", "nightly")[0] == 1
    assert on("schedules", "resume", "nightly")[0] == 0
    assert on("schedules", "remove", "nightly")[0] == 0
    record = json.loads(on("audit", "verify", "--json")[1])
    assert (record["ok"], record["rows"]) == (True, 4), "each change is in the audit record, once"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("add", "x", "snapshot_run", "--cron", "61 * * * *"), "cannot be read"),
        (("add", "x", "snapshot_run", "--cron", "* * * *"), "five fields"),
        (("add", "x", "snapshot_run", "--cron", "0 0 30 2 *"), "never due"),
        (("add", "x", "snapshot_run", "--cron", "0 0 * * *", "--zone", "Mars"), "no time zone"),
        (("add", "x", "snapshot_run", "--cron", "0 0 * * *", "--catch-up", "never"), "no way to catch up"),
        (("add", "x", "rm_rf", "--cron", "0 0 * * *"), "nothing is called"),
        (("add", "x; DROP TABLE", "snapshot_run", "--cron", "0 0 * * *"), "is no name"),
        (("add", "x", "snapshot_run", "--cron", "0 0 * * *", "--owner", "nobody"), "no person"),
        (("add", "x", "snapshot_run", "--cron", "0 0 * * *", "--argument", "policy"), "is no argument"),
        (("pause", "x"), "there is no schedule"),
        (("remove", "x" * 9999), "there is no schedule"),
    ],
)
def test_what_cannot_be_is_said(on: Run, arguments: tuple[str, ...], said: str) -> None:
    code, _, err = on("schedules", *arguments)
    assert code != 0 and said in err and is_one_line(err) and len(err) < 400
