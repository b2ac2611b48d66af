"""Files come from Slack's own hosts, and the token goes nowhere else."""

import asyncio
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from bot.adapters.slack.calls import client
from bot.adapters.slack.downloads import DownloadError, Downloads
from bot.adapters.slack.editing import MOST_SENT_BYTES, with_address
from bot.adapters.slack.files import Files
from bot.replies import File, Link, Reply, Text
from tests.bot.adapters.slack.small_slack import TOKEN, SmallSlack, small_slack

SLACK_API = "https://slack.com/api/"


@dataclass
class Listener:
    """A place that is not Slack: it keeps every byte that arrives."""

    port: int = 0
    heard: bytearray = field(default_factory=bytearray)

    async def hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.heard += await reader.read(4096)
        writer.close()


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    heard = Listener()
    server = await asyncio.start_server(heard.hear, "127.0.0.1", 0)
    heard.port = server.sockets[0].getsockname()[1]
    yield heard
    server.close()


@pytest.fixture
async def slack() -> AsyncIterator[SmallSlack]:
    async with small_slack() as slack:
        yield slack


class To(AbstractResolver):
    """Every name is at these addresses, one after the other."""

    def __init__(self, *addresses: str) -> None:
        self.addresses = list(addresses)
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        address = self.addresses.pop(0) if len(self.addresses) > 1 else self.addresses[0]
        return [ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=0)]

    async def close(self) -> None:
        pass


async def test_a_place_that_is_not_slack_is_never_asked(listener: Listener) -> None:
    at = f"127.0.0.1:{listener.port}"
    resolver = To("127.0.0.1")
    for url in (
        f"http://{at}/f", f"https://{at}/f", f"https://files.slack.com:{listener.port}/f", f"http://files.slack.com@{at}/f",
        f"https://files.slack.com@{at}/f", f"https://user@files.slack.com:{listener.port}/", f"https://{at}#@files.slack.com/",
        f"https://{at}\\@files.slack.com/f", "https://files.slack.com.example.com/f", "https://xfiles.slack.com/f",
        "https://files.slаck.com/f", "https://files.slack.com。example.com/f", "https://xn--files-slck.com/f",
        "http://files.slack.com/f", "https://169.254.169.254/latest/meta-data", "http://169.254.169.254/", "https://[::1]/f",
        "https://localhost/f", "file:///etc/passwd", "ftp://files.slack.com/f", "//files.slack.com/f", "",
        "files.slack.com",
        "https://user@files.slack.com/f", "https://u:p@files.slack.com/f", "https://docs.google.com/document",
    ):  # fmt: skip
        with pytest.raises(DownloadError):
            await Downloads(TOKEN, SLACK_API, resolver).fetch(url)
    assert resolver.asked == [] and not listener.heard


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "10.0.0.8", "192.168.1.1", "172.16.0.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "::1"]
)
async def test_a_slack_name_that_resolves_to_a_private_address_is_not_asked(address: str) -> None:
    with pytest.raises(DownloadError):
        await Downloads(TOKEN, SLACK_API, To(address)).fetch("https://files.slack.com/files-pri/T1-F1/x")


async def test_the_address_that_was_checked_is_the_one_that_is_used(listener: Listener) -> None:
    """A name that changes between two look-ups is looked up once."""
    resolver = To("192.0.2.1", "127.0.0.1")
    with pytest.raises(DownloadError):
        await Downloads(TOKEN, SLACK_API, resolver).fetch("https://files.slack.com/f")
    assert resolver.asked == ["files.slack.com"] and not listener.heard


async def test_no_redirect_leads_elsewhere(slack: SmallSlack, listener: Listener) -> None:
    for to in (
        f"http://127.0.0.1:{listener.port}/f", f"http://localhost:{listener.port}/f", "http://169.254.169.254/",
        "https://example.com/f", f"//127.0.0.1:{listener.port}/f", f"{slack.url}/signin", "/signin",
    ):  # fmt: skip
        slack.files["F1"] = {"content": b"x", "to": to}
        with pytest.raises(DownloadError):
            await Downloads(TOKEN, slack.api_url).fetch(f"{slack.url}/files-pri/F1")
    assert not listener.heard and slack.tokens == []


async def test_a_redirect_to_itself_ends(slack: SmallSlack) -> None:
    slack.files["F1"] = {"content": b"x", "to": "/files-pri/F1"}
    with pytest.raises(DownloadError, match="without end"):
        await Downloads(TOKEN, slack.api_url).fetch(f"{slack.url}/files-pri/F1")


async def test_it_is_counted_while_it_is_read(slack: SmallSlack) -> None:
    slack.files["F1"] = {"content": b"x" * 1001}
    downloads = Downloads(TOKEN, slack.api_url)
    for name in ("a.txt", "a.xlsx"):
        assert len((await downloads.fetch(f"{slack.url}/files-pri/F1", name, 1001)).content) == 1001
        with pytest.raises(DownloadError, match="too large"):
            await downloads.fetch(f"{slack.url}/files-pri/F1", name, 1000)


async def test_a_large_export_goes_to_disk_and_only_as_long_as_it_is_held(slack: SmallSlack) -> None:
    content = bytes(range(256)) * 86_000  # 21 MiB
    slack.files["F1"] = {"name": "RVTools.xlsx", "content": content, "url_private": f"{slack.url}/files-pri/F1"}
    slack.files["F2"] = {"name": "notes.txt", "content": content, "url_private": f"{slack.url}/files-pri/F2"}
    files = Files(client(TOKEN, slack.api_url), Downloads(TOKEN, slack.api_url))
    (upload,) = await files.uploads(["F1"])
    assert upload.kept is not None and upload.content == b"" and upload.size == len(content)
    path = upload.kept.path
    assert path.read_bytes() == content and path.suffix == ".xlsx"
    del upload
    assert not path.exists()
    with pytest.raises(DownloadError, match="exports of up to 400 MiB are taken, and other files of up to 20"):
        await files.uploads(["F2"])
    slack.files["F3"] = {"name": "x.xlsx", "size": 401 * 2**20, "url_private": f"{slack.url}/files-pri/F3"}
    with pytest.raises(DownloadError, match="400 MiB"):
        await files.uploads(["F3"])


async def test_html_in_place_of_bytes_names_the_scope(slack: SmallSlack) -> None:
    slack.files["F1"] = {"content": b"<html>", "mime": "text/html"}
    with pytest.raises(DownloadError, match="files:read"):
        await Downloads(TOKEN, slack.api_url).fetch(f"{slack.url}/files-pri/F1")


async def test_the_files_of_a_message(slack: SmallSlack) -> None:
    files = Files(client(TOKEN, slack.api_url), Downloads(TOKEN, slack.api_url))
    slack.files["F1"] = {
        "name": "../../a\x00b.xlsx", "content": b"abc", "url_private_download": f"{slack.url}/files-pri/F1"
    }  # fmt: skip
    slack.files["F2"] = {"name": "x", "mode": "external", "url_private": "https://example.com/x"}
    slack.files["F3"] = {"name": "x", "size": 2**30, "url_private": f"{slack.url}/files-pri/F3"}
    (upload,) = await files.uploads(["F1"])
    assert upload.content == b"abc" and "/" not in upload.name and "\0" not in upload.name
    for ids, said in ((["F2"], "outside"), (["F3"], "20 MiB"), (["F9"], "file_not_found"), (["F1"] * 11, "up to 10")):
        with pytest.raises(DownloadError, match=said):
            await files.uploads(ids)


def test_a_file_that_is_too_large_to_be_sent_is_told_of_with_where_it_lies() -> None:
    large = File("plan.xlsx", "application/x", bytes(MOST_SENT_BYTES + 10 * 2**20), "abc")
    small = File("plan.csv", "text/csv", b"x", "def")
    told = with_address(Reply((large, small)), "https://stack.example/").parts
    assert isinstance(told[0], Text) and "plan.xlsx has 60 MiB" in told[0].text
    assert told[1] == Link("Download it", "https://stack.example/files/abc") and told[-1] is small
    unlinked = with_address(Reply((large, small)), "").parts
    assert isinstance(unlinked[0], Text) and "on the chat page" in unlinked[0].text and unlinked[1:] == (small,)
