"""The parts of a process that stays: its address, its stamina, its end."""

import asyncio
import signal
import socket
import time

import pytest

from bot.metrics import Metrics
from bot.service import PortTakenError, address, bind, keep, run_until, stop_on_signals


def test_a_taken_port_is_said_with_a_way_out() -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTakenError, match=rf"127\.0\.0\.1 port {port}.*in use.*STACKHAND_PAGE_PORT"):
            bind("127.0.0.1", port)
    bind("127.0.0.1", port).close()


@pytest.mark.parametrize("host", ["203.0.113.9", "no-such-host.invalid"])
def test_an_address_that_is_not_ours_is_said(host: str) -> None:
    with pytest.raises(PortTakenError, match=host.replace(".", r"\.")):
        bind(host, 0)


def test_the_address_to_open_has_the_real_port() -> None:
    with bind("127.0.0.1", 0) as taken:
        port = taken.getsockname()[1]
        assert address(taken, "127.0.0.1") == f"http://127.0.0.1:{port}"
        assert address(taken, "0.0.0.0") == f"http://127.0.0.1:{port}"
        assert address(taken, "::1") == f"http://[::1]:{port}"


async def test_work_that_fails_is_begun_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.service._PAUSE_S", 0.01)
    stop, metrics, times = asyncio.Event(), Metrics(), 0

    async def work(stop: asyncio.Event) -> None:
        nonlocal times
        times += 1
        if times == 3:
            stop.set()
            return
        raise RuntimeError("the cloud is on fire")

    await asyncio.wait_for(keep("worker", work, stop, metrics), 5)
    assert times == 3
    assert b'stackhand_errors_total{where="worker"} 2.0' in await metrics.page(None)


async def test_work_that_does_not_end_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.service._PATIENCE_S", 0.2)
    stop, ended = asyncio.Event(), False

    async def deaf(stop: asyncio.Event) -> None:
        nonlocal ended
        try:
            await asyncio.sleep(3600)
        finally:
            ended = True

    running = asyncio.create_task(run_until(stop, {"deaf": deaf}, Metrics()))
    await asyncio.sleep(0.05)
    stop.set()
    begun = time.monotonic()
    await asyncio.wait_for(running, 5)
    assert ended
    assert time.monotonic() - begun < 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_stops(number: signal.Signals) -> None:
    loop = asyncio.get_running_loop()
    stop = stop_on_signals()
    try:
        signal.raise_signal(number)
        await asyncio.wait_for(stop.wait(), 2)
    finally:
        for one in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(one)
        signal.signal(signal.SIGINT, signal.default_int_handler)


def test_two_sockets_never_share_a_port() -> None:
    with bind("127.0.0.1", 0) as taken, socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with pytest.raises(OSError, match="in use"):
            other.bind(taken.getsockname())
