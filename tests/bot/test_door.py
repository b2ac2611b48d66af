"""Commands ask the process that runs: the same answer comes back, files and all."""

import asyncio
import socket
import stat
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.door import door_of, knock, open_door, page_at
from bot.messages import Message
from bot.replies import Choice, Choices, Column, File, Freshness, Reply, Table, Text
from bot.settings import Settings
from bot.told import Sure, Told


async def echo(message: Message) -> Told:
    """Answers with what was said, in every kind of part that has something to lose on the way."""
    if message.text == "fail":
        raise RuntimeError("canary-4711")
    reply = Reply(
        (
            Text(f"{message.person} said {message.text}", "heading"),
            Table((Column("n", "N", "int"),), ((1,), (None,)), 7),
            File("a.csv", "text/csv", b"\x00\xffa"),
            Choices((Choice("Yes", "yes"),)),
            File("b.csv", "text/csv", b"b"),
        ),
        freshness=Freshness(datetime(2026, 11, 22, tzinfo=UTC), ("old",)),
        intent="count",
        slots={"kind": "vm"},
    )
    return Told((reply, Reply((Text(message.conversation),))), (Sure(0.9, "lexicon"),), 7)


@pytest.fixture
def path() -> Iterator[Path]:
    """Short enough for a socket."""
    with tempfile.TemporaryDirectory() as place:
        yield Path(place) / "ask.socket"


def message(text: str) -> Message:
    return Message("m-1", "ann", "c-1", text, datetime.now(UTC))


def there(path: Path) -> bool:
    return path.exists()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_the_answer_comes_back_whole(path: Path) -> None:
    said = message("how many VMs? ‮ <b> \U0001f600")
    async with open_door(echo, path) as is_open:
        assert is_open
        answered = await asyncio.to_thread(knock, path, said)
    assert answered == await echo(said)
    assert not there(path)


async def test_it_tells_where_the_page_is(path: Path) -> None:
    assert page_at(path) == "", "nobody is there"
    for page in ("http://127.0.0.1:8765", ""):
        async with open_door(echo, path, page):
            assert await asyncio.to_thread(page_at, path) == page


async def test_only_the_same_account_can_open_it(path: Path) -> None:
    async with open_door(echo, path):
        assert mode(path) == 0o600


def test_nobody_is_there(path: Path) -> None:
    assert knock(path, message("x")) is None
    path.write_text("not a socket")
    assert knock(path, message("x")) is None and page_at(path) == ""


async def test_a_door_left_by_a_killed_process_is_opened_anew(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    assert knock(path, message("x")) is None
    async with open_door(echo, path) as is_open:
        assert is_open
        assert await asyncio.to_thread(knock, path, message("x")) is not None


async def test_two_processes_do_not_quarrel(path: Path) -> None:
    async with open_door(echo, path) as first:
        async with open_door(echo, path) as second:
            assert (first, second) == (True, False)
        assert there(path), "the second must not take the first one's door along"
        assert await asyncio.to_thread(knock, path, message("x")) is not None


async def test_a_path_that_is_too_long_means_no_door(path: Path) -> None:
    async with open_door(echo, path.with_name("x" * 120)) as is_open:
        assert not is_open


async def test_a_failure_inside_is_a_failure_outside_without_its_words(path: Path) -> None:
    async with open_door(echo, path):
        with pytest.raises(ConnectionError) as error:
            await asyncio.to_thread(knock, path, message("fail"))
    assert "canary" not in str(error.value)


async def test_what_is_no_message_is_refused(path: Path) -> None:
    async with open_door(echo, path):
        for body in (b"{}", b"[1]", b"\xff", b'{"id": 1'):
            reader, writer = await asyncio.open_unix_connection(str(path))
            head = f"POST /ask HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: {len(body)}\r\n\r\n"
            writer.write(head.encode() + body)
            assert b" 400 " in (await reader.read()).split(b"\r\n")[0]
            writer.close()


def test_each_database_has_its_own_door(tmp_path: Path) -> None:
    embedded = Settings(state_dir=tmp_path)
    one, other = (
        Settings(state_dir=tmp_path, database_url=SecretStr(f"postgresql://u:canary-4711@{host}/d")) for host in "ab"
    )
    doors = {door_of(settings) for settings in (embedded, one, other)}
    assert len(doors) == 3
    assert all(door.parent == tmp_path and "canary" not in door.name for door in doors)
