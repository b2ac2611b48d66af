"""The doctor's look at each cloud: is it reached, does it let us in, may we list everything, is its clock right."""

import asyncio
import email.utils
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import yaml

from bot.app import close_clouds, open_clouds
from bot.checks import Check, failed, ok, warned
from bot.doctor_acting import examine_acting
from bot.settings import Settings
from engines.clouds import Cloud, CloudError
from engines.clouds.sources import CloudsFileError, find_clouds_file

# Small listings, one of each service, that only an account sees whole which may read every project.
_TRIED = ("project", "aggregate", "volume_type", "network", "image")
_PATIENCE_S = 30.0
_MOST_SKEW_S = 30.0  # tokens are checked against the cloud's clock


async def examine_clouds(settings: Settings) -> list[Check]:
    try:
        clouds = open_clouds(settings)
    except CloudsFileError as error:
        return [failed("clouds.yaml", error.what, error.fix)]
    try:
        found = await asyncio.gather(*(_cloud(cloud) for cloud in clouds))
        clocks = await _clocks(settings, {cloud.source.split("/")[0] for cloud in clouds})
        return [*(check for checks in found for check in checks), *await examine_acting(settings, clouds), *clocks]
    finally:
        await close_clouds(clouds)


async def _cloud(cloud: Cloud) -> list[Check]:
    """Stops at a fault that all listings would share."""
    checks: list[Check] = []
    for kind in (kind for kind in _TRIED if kind in cloud.kinds):
        checks.append(await _listing(cloud, kind))
        if checks[-1].state == "failed" and not checks[-1].detail.startswith("refused"):
            break
    wrong = [check for check in dict.fromkeys(checks) if check.state != "ok"]
    return wrong or [ok(f"cloud {cloud.source}", "reached, logged in, and every project may be listed")]


async def _listing(cloud: Cloud, kind: str) -> Check:
    name = f"cloud {cloud.source}"
    try:
        async with asyncio.timeout(_PATIENCE_S):
            await cloud.list(kind)
    except CloudError as error:
        if error.reason == "unsupported":
            return warned(name, f"{kind}: {error.detail}", error.fix)
        return failed(name, f"{error.reason}: {error.detail}", error.fix)
    except TimeoutError:
        return failed(
            name, f"timeout: listing each {kind} took longer than {_PATIENCE_S:.0f} s", "look at the cloud's load"
        )
    return ok(name, kind)


async def _clocks(settings: Settings, names: set[str]) -> list[Check]:
    addresses = _addresses(settings.clouds_file or find_clouds_file())
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as session:
        return [await _clock(session, name, addresses[name]) for name in sorted(names) if name in addresses]


def _addresses(path: Path) -> Mapping[str, str]:
    clouds: Mapping[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8")).get("clouds", {})
    found = ((name, (entry.get("auth") or {}).get("auth_url")) for name, entry in clouds.items())
    return {name: url for name, url in found if isinstance(url, str) and urlsplit(url).scheme in ("http", "https")}


async def _clock(session: aiohttp.ClientSession, name: str, url: str) -> Check:
    """By the Date header of the identity service; half of the way there and back is taken off."""
    begun = time.time()
    try:
        async with session.get(url, allow_redirects=False) as answer:
            date = answer.headers.get("Date", "")
        theirs = email.utils.parsedate_to_datetime(date).timestamp()
    except (aiohttp.ClientError, TimeoutError, ValueError, TypeError):
        return ok(f"clock {name}", "not compared: its identity service sends no Date")
    skew = abs(theirs - (begun + time.time()) / 2)
    if skew > _MOST_SKEW_S:
        return failed(f"clock {name}", f"it and this machine disagree by {skew:.0f} s", "set both clocks with NTP")
    return ok(f"clock {name}", "it and this machine agree")
