"""Opening the clients that change clouds: each source by its own service user, and none without one."""

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from types import MappingProxyType

from openstack.config import OpenStackConfig

from engines.clouds.acting import ActError, Acting
from engines.clouds.opened import OpenedClouds, Opener
from engines.clouds.openstack_acting import OpenStackActing
from engines.clouds.openstack_calls import CallLimits
from engines.clouds.sources import (
    CloudsFileError,
    check_entry,
    config_of,
    entries_of,
    find_clouds_file,
    region_of,
    regions_of,
)

SETTING = "STACKHAND_SERVICE_CLOUDS"


def open_acting(
    clouds_file: Path | None,
    names: Sequence[str],
    service: Mapping[str, str],
    limits: CallLimits | None = None,
    *,
    poll_s: float = 1.0,
) -> OpenedClouds:
    """`service` is {cloud: the entry of its service user}, both names in clouds.yaml; `names` as for reading.

    The service user works in the regions that are read. Raises CloudsFileError for a name that is not in the file.
    """
    if not service:
        return OpenedClouds({}, _not_set_up)
    path = clouds_file or find_clouds_file()
    entries = entries_of(path)
    for name in (*service, *service.values()):
        check_entry(path, entries, name, SETTING)
    config = config_of(path)
    openers: dict[str, Opener] = {}
    for name, entry in service.items():
        if names and name not in names:
            raise CloudsFileError(f"{SETTING} names {name}, which is not served", "add it to STACKHAND_CLOUDS")
        regions = regions_of(config, name)
        for region in regions:
            source = f"{name}/{region}" if len(regions) > 1 else name
            openers[source] = partial(_open, path, config, source, entry, region, limits, poll_s)
    return OpenedClouds(MappingProxyType(openers), _not_set_up)


def _open(
    path: Path,
    config: OpenStackConfig,
    source: str,
    entry: str,
    region: str,
    limits: CallLimits | None,
    poll_s: float,
) -> Acting:
    try:
        return OpenStackActing(source, entry, region_of(path, config, entry, region, limits), limits, poll_s=poll_s)
    except CloudsFileError as error:
        raise ActError("refused", error.what, error.fix) from error


def _not_set_up(source: str) -> ActError:
    cloud = source.partition("/")[0]
    return ActError(
        "refused",
        f"changing {source} is not set up: it has no service user",
        f"make a service user, add it to clouds.yaml, and set {SETTING}={cloud}=ITS-ENTRY; see docs/changing.md",
    )
