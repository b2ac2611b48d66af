"""A process that stays: page, health, clock and worker together; it survives what fails and stops when told."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import structlog
from aiohttp import web

from bot.metrics import Metrics
from storage.embedded import EmbeddedServer

log = structlog.get_logger(__name__)

Work = Callable[[asyncio.Event], Awaitable[None]]
_PAUSE_S = 5.0
_WATCH_S = 2.0
_PATIENCE_S = 5.0  # of the graceful stop, for each thing that must end


class PortTakenError(Exception):
    """The page's address cannot be listened on: `what` happened, and how to `fix` it."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}; {fix}")
        self.what = what
        self.fix = fix


def bind(host: str, port: int) -> socket.socket:
    """Take the address before anything else is started, so that a taken port is known at once."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        taken = socket.socket(family, kind, protocol)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
        taken.listen(128)
    except OSError as error:
        raise PortTakenError(
            f"cannot listen on {host} port {port}: {(error.strerror or str(error)).lower()}",
            "stop what uses it, or choose another port with --port or STACKHAND_PAGE_PORT (0: any free one)",
        ) from None
    taken.setblocking(False)
    return taken


def address(taken: socket.socket, host: str) -> str:
    """The URL to open, with the port that was really given. A wildcard address is shown as loopback."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - compared, not listened on
    port = taken.getsockname()[1]
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


@asynccontextmanager
async def listening(app: web.Application, taken: socket.socket) -> AsyncIterator[None]:
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=_PATIENCE_S)
    await runner.setup()
    try:
        await web.SockSite(runner, taken).start()
        yield
    finally:
        await runner.cleanup()


def stop_on_signals() -> asyncio.Event:
    """Set by the first SIGINT or SIGTERM; the second one ends the process at once."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def hear(number: signal.Signals) -> None:
        log.info("process.stopping", signal=number.name)
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, hear, number)
    return stop


async def keep(name: str, work: Work, stop: asyncio.Event, metrics: Metrics) -> None:
    """Run a piece of work until `stop`; what fails is logged, counted, and begun again after a pause."""
    while not stop.is_set():
        try:
            await work(stop)
        except Exception:
            metrics.failed(name)
            log.exception("task.failed", task=name, again_in_s=_PAUSE_S)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _PAUSE_S)


async def run_until(stop: asyncio.Event, works: dict[str, Work], metrics: Metrics) -> None:
    """All pieces of work until `stop`, then a little patience for each to end by itself."""
    tasks = [asyncio.create_task(keep(name, work, stop, metrics), name=name) for name, work in works.items()]
    await stop.wait()
    if tasks:
        _, late = await asyncio.wait(tasks, timeout=_PATIENCE_S)
        for task in late:
            log.warning("task.cut_off", task=task.get_name(), after_s=_PATIENCE_S)
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)


def watch(embedded: EmbeddedServer) -> Work:
    """Starts the embedded server again when it is gone; the pool of connections then finds it by itself."""

    async def watching(stop: asyncio.Event) -> None:
        while not stop.is_set():
            await asyncio.to_thread(embedded.ensure)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), _WATCH_S)

    return watching
