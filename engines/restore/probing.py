"""Whether a VM that came back answers on its addresses, tried from where the worker runs. Silence is no failure: the
worker may not be in its network, and another network may use the same addresses."""

import asyncio
from collections.abc import Sequence
from ipaddress import ip_address

WAIT_S = 2.0
MOST = 16


def may_be_tried(ip: str) -> bool:
    """Not the worker's own machine, nor addresses that mean many or no machines."""
    try:
        told = ip_address(ip)
    except ValueError:
        return False
    return not (told.is_loopback or told.is_link_local or told.is_multicast or told.is_unspecified)


async def answers(ips: Sequence[str], ports: Sequence[int], wait_s: float = WAIT_S) -> list[str]:
    """One line for each address and port, all tried at once: `10.20.0.22:22 answers`, at most MOST."""
    pairs = [(ip, port) for ip in ips if may_be_tried(ip) for port in ports][:MOST]
    return list(await asyncio.gather(*(_one(ip, port, wait_s) for ip, port in pairs)))


async def _one(ip: str, port: int, wait_s: float) -> str:
    where = f"[{ip}]:{port}" if ":" in ip else f"{ip}:{port}"
    try:
        _, writer = await asyncio.wait_for(asyncio.open_connection(ip, port), wait_s)
    except ConnectionRefusedError:
        return f"{where} refuses, so the machine is there"
    except (TimeoutError, OSError):
        return f"{where} does not answer from here"
    writer.close()
    return f"{where} answers"
