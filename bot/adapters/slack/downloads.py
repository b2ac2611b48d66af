"""Files that people drop into Slack: fetched from Slack's own hosts, and the token goes nowhere else."""

import asyncio
import socket
from contextlib import suppress
from ipaddress import ip_address
from typing import Any
from urllib.parse import urljoin

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from yarl import URL

from bot.messages import Upload
from bot.stored_files import MOST_BYTES, FileTooLarge, is_export_name, received

HOSTS = frozenset({"files.slack.com", "slack-files.com", "files.slack-gov.com"})
DEADLINE_S = 30.0
EXPORT_DEADLINE_S = 300.0  # 400 MiB at some 12 Mbit/s
_MOST_REDIRECTS = 3
_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


class DownloadError(Exception):
    """A file could not be fetched: why, and what to do, in words for the person who sent it."""


class _PublicOnly(AbstractResolver):
    """Names resolve to public addresses or not at all; the address that was checked is the one that is used."""

    def __init__(self, inner: AbstractResolver) -> None:
        self._inner = inner

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._inner.resolve(host, port, family)
        if not found or any(not ip_address(one["host"]).is_global for one in found):
            raise OSError(f"{host} has an address that is not public")
        return found

    async def close(self) -> None:
        await self._inner.close()


class Downloads:
    """`api_url` is where the Web API is: when that is this machine, a test bed, files come from there too."""

    def __init__(self, token: str, api_url: str, resolver: AbstractResolver | None = None) -> None:
        self._token = token
        api = URL(api_url)
        self._bed = api.origin() if api.scheme == "http" and api.host in _LOOPBACK else None
        self._resolver = resolver

    async def fetch(self, url: str, name: str = "", most: int = MOST_BYTES) -> Upload:
        """The file under this name; raises DownloadError."""
        deadline_s = EXPORT_DEADLINE_S if is_export_name(name) else DEADLINE_S
        try:
            async with asyncio.timeout(deadline_s):
                return await self._follow(url, name, most)
        except FileTooLarge as refusal:
            raise DownloadError(str(refusal)) from None
        except TimeoutError:
            raise DownloadError(f"it took longer than {deadline_s:.0f} s; try a smaller file") from None
        except (ClientError, OSError, ValueError) as error:
            raise DownloadError(f"Slack's file server could not be reached ({type(error).__name__})") from None

    async def _follow(self, url: str, name: str, most: int) -> Upload:
        timeout = ClientTimeout(total=EXPORT_DEADLINE_S, sock_read=DEADLINE_S)
        resolver = self._resolver or ThreadedResolver()
        checked = resolver if self._bed else _PublicOnly(resolver)
        connector = TCPConnector(resolver=checked, use_dns_cache=False)
        async with ClientSession(connector=connector, timeout=timeout, auto_decompress=False) as session:
            for _ in range(_MOST_REDIRECTS + 1):
                self._check(url)
                headers = {"Authorization": f"Bearer {self._token}", "Accept-Encoding": "identity"}
                async with session.get(url, headers=headers, allow_redirects=False) as answer:
                    if answer.status not in (301, 302, 303, 307, 308):
                        _judge(answer)
                        return await received(name, answer.content.iter_chunked(2**16), most)
                    url = urljoin(url, answer.headers.get("Location", ""))
        raise DownloadError("Slack's file server sends from one place to another without end")

    def _check(self, url: str) -> None:
        """Only https to a listed host by its usual port, written plainly: the token goes with the request."""
        with suppress(ValueError, TypeError):
            told = URL(url)
            plain = url.isascii() and told.user is None and told.password is None
            if plain and told.scheme == "https" and told.host in HOSTS and told.port == 443:
                return
            if plain and self._bed is not None and told.origin() == self._bed and _is_content(told):
                return
        raise DownloadError(
            "the file is not on Slack's own file server (an external file, or a sign-in page); upload it to Slack"
        )


def _is_content(url: URL) -> bool:
    """A test bed serves everything from one address: a sign-in page of it is none of its files."""
    return url.path.startswith(("/files-pri/", "/files-tmb/"))


def _judge(answer: Any) -> None:
    if answer.status != 200:
        raise DownloadError(f"Slack's file server answered {answer.status}")
    if answer.content_type == "text/html" and "attachment" not in answer.headers.get("Content-Disposition", ""):
        raise DownloadError("Slack gave a sign-in page instead: the app lacks the scope files:read")
    if answer.headers.get("Content-Encoding", "identity") != "identity":
        raise DownloadError("Slack's file server sent it compressed")
