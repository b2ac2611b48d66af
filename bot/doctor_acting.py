"""The doctor's look at the service users that change clouds. Nothing is changed."""

import asyncio
from collections.abc import Sequence

from bot.app import open_acting_clouds
from bot.checks import Check, failed, ok, warned
from bot.settings import Settings
from engines.clouds import Cloud, CloudError
from engines.clouds.acting import ActError
from engines.clouds.opened import OpenedClouds
from engines.clouds.openstack_acting import OpenStackActing
from engines.clouds.openstack_service import ServiceReport, examine_service
from engines.clouds.sources import CloudsFileError

_PATIENCE_S = 60.0
_SHOWN = 5


async def examine_acting(settings: Settings, clouds: Sequence[Cloud]) -> list[Check]:
    try:
        acting = open_acting_clouds(settings)
    except CloudsFileError as error:
        return [failed("changes", error.what, error.fix)]
    try:
        found = await asyncio.gather(*(_source(acting, cloud) for cloud in clouds))
        return [check for checks in found for check in checks]
    finally:
        await acting.close()


async def _source(acting: OpenedClouds, cloud: Cloud) -> list[Check]:
    name = f"changes of {cloud.source}"
    if cloud.source not in acting.sources:
        return [ok(name, "none: it has no service user, and is only read (docs/changing.md tells how to give it one)")]
    try:
        async with asyncio.timeout(_PATIENCE_S):
            client = await acting.open(cloud.source)
            assert isinstance(client, OpenStackActing)
            volumes = await cloud.list("volume")
            used = frozenset(row.project_id for row in volumes if row.project_id)
            report = await examine_service(client, await cloud.list("project"), await cloud.list("domain"), used)
    except ActError as error:
        return [failed(name, f"{error.reason}: {error.detail}", error.fix)]
    except CloudError as error:
        return [failed(name, f"not looked at, because {cloud.source} could not be read: {error.detail}", error.fix)]
    except TimeoutError:
        return [failed(name, f"timeout: looking took longer than {_PATIENCE_S:.0f} s", "look at the cloud's load")]
    return _told(name, report)


def _told(name: str, report: ServiceReport) -> list[Check]:
    found: list[Check] = []
    if report.closed:
        say = failed if report.reached == 0 else warned
        what = f"the service user has no role in {len(report.closed)} projects with volumes: {_few(report.closed)}"
        found.append(say(name, what, "run " + _few(report.grants, "; ")))
    for project, error in report.refused:
        found.append(failed(name, f"in project {project}: {error.reason}: {error.detail}", error.fix))
    for project, role in report.too_much:
        what = f"the service user is {role} in project {project}, which is more than it needs"
        found.append(warned(name, what, "give it the role member instead: see docs/changing.md"))
    if not report.reached and not report.closed:
        found.append(warned(name, "the service user has a role in no project", "see docs/changing.md"))
    return found or [ok(name, f"the service user may take snapshots in {report.reached} projects{_rest(report)}")]


def _rest(report: ServiceReport) -> str:
    return f"; it has no role in {_few(report.empty)}, without volumes" if report.empty else ""


def _few(names: Sequence[str], between: str = ", ") -> str:
    more = len(names) - _SHOWN
    return between.join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
