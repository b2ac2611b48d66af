"""A process that is killed in the middle of answering and sending: nothing is lost, nothing is said twice."""

import asyncio
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage import outbox
from storage.database import Database
from storage.outbox import Draft
from storage.people import Grant, add_person, grant, link_account
from tests.acceptance.conftest import CLOUDS
from tests.acceptance.processes import Process
from tests.chat.bed import APP, APPROVALS, OPS, PEOPLE, TEAM, Bed, needs_bed, running_bed, until

pytestmark = needs_bed
COUNT, CONVERSATIONS = 60, 6


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    with running_bed(tmp_path) as bed:
        yield bed


def free_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


def serving(place: Path, bed: Bed, database_url: str, port: int) -> Process:
    more = {
        "STACKHAND_DATABASE_URL": database_url,
        "STACKHAND_SLACK_BOT_TOKEN": "xoxb-" + "testbed-bot",
        "STACKHAND_SLACK_SIGNING_SECRET": "testbed-signing-secret",
        "STACKHAND_SLACK_TEAMS": TEAM,
        "STACKHAND_SLACK_APP_ID": APP,
        "STACKHAND_SLACK_API_URL": bed.api_url,
    }
    return Process(("serve", "--no-page", "--no-worker", "--port", str(port)), place, more)


async def prepare(database: Database) -> None:
    """Alice, and messages in several conversations, each on a lane of its own so that they leave quickly."""
    async with database.begin() as conn:
        await add_person(conn, "alice", "Alice")
        await grant(conn, "alice", Grant("superadmin"), "test")
        await link_account(conn, "slack", f"{TEAM}/{PEOPLE['alice']}", "alice")
        for number in range(COUNT):
            block = {"type": "section", "text": {"type": "mrkdwn", "text": f"m{number}"}}
            body = {"op": "chat.postMessage", "channel": OPS, "text": f"m{number}", "blocks": [block]}
            draft = Draft(f"c{number % CONVERSATIONS}", f"k{number}", body, f"lane {number}", "chat.postMessage")
            await outbox.enqueue(conn, "slack", draft)


async def test_a_kill_while_sending_and_answering_loses_and_doubles_nothing(
    bed: Bed, database: Database, database_url: str, tmp_path: Path
) -> None:
    await prepare(database)
    (tmp_path / "clouds.yaml").write_text(CLOUDS)
    await bed.faults({"method": "chat.postMessage", "delay_ms": 150, "count": 100_000})
    port = free_port()
    await bed.settings(f"http://127.0.0.1:{port}/slack/events")
    asked: list[str] = []
    for turn, least in enumerate((10, 30)):
        with serving(tmp_path, bed, database_url, port) as process:
            await asyncio.to_thread(process.wait_for, '"process.started"', 60)
            await until(lambda: bed.by_bot(), lambda found, least=least: len(found) >= least, 60)
            said = await bed.say("alice", f"@bot how many vms are there? {'again ' * turn}", "#approvals")
            assert {one["status"] for one in said["deliveries"]} == {200}
            asked.append(said["ts"])
            process.kill()
    with serving(tmp_path, bed, database_url, port) as process:
        await until(lambda: bed.by_bot(), lambda found: len(found) >= COUNT, 90)
        await until(lambda: bed.by_bot("#approvals"), lambda found: len(found) >= len(asked), 60)
        await asyncio.sleep(1.0)
        logged = [json.loads(line) for line in process.printed.splitlines() if line.startswith("{")]
    found = [int(one["text"][1:]) for one in await bed.by_bot()]
    assert sorted(found) == list(range(COUNT))
    for number in range(CONVERSATIONS):
        mine = [one for one in found if one % CONVERSATIONS == number]
        assert mine == sorted(mine)
    answers = await bed.by_bot("#approvals")
    assert sorted(one["thread_ts"] for one in answers) == sorted(asked), APPROVALS
    assert any(line["event"] == "message.looked_for" for line in logged)
