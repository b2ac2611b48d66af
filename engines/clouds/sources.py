"""Opening the sources that clouds.yaml names. Nothing is connected here: a cloud that is down does not stop a start."""

import os
import warnings
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml
from keystoneauth1 import exceptions as keystone
from openstack import exceptions as sdk
from openstack.config import OpenStackConfig
from openstack.config.cloud_region import CloudRegion

from engines.clouds import Cloud
from engines.clouds.openstack import OpenStackCloud
from engines.clouds.openstack_calls import CallLimits
from engines.clouds.openstack_errors import one_line


class CloudsFileError(ValueError):
    """clouds.yaml cannot be used: what is wrong in it, and what to do now. Both are one line without secrets."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}; {fix}")
        self.what = what
        self.fix = fix


def open_clouds(
    clouds_file: Path | None, names: Sequence[str], limits: CallLimits | None = None, *, apart: Collection[str] = ()
) -> tuple[Cloud, ...]:
    """A source for each region of each named cloud; without names, of all in the file but those in `apart`.

    `name` for a cloud with one region, `name/Region` for each of several. Without `clouds_file` the places where
    OpenStack clients look are tried: OS_CLIENT_CONFIG_FILE, ./clouds.yaml, ~/.config/openstack, /etc/openstack.
    """
    path = clouds_file or find_clouds_file()
    entries = entries_of(path)
    chosen = list(dict.fromkeys(names)) or sorted(entries.keys() - set(apart))
    for name in chosen:
        check_entry(path, entries, name)
    config = config_of(path)
    return tuple(cloud for name in chosen for cloud in _open(path, config, name, limits))


def find_clouds_file() -> Path:
    """Where OpenStack clients look, in their order. Raises CloudsFileError when there is none."""
    named = os.environ.get("OS_CLIENT_CONFIG_FILE")
    places = [Path(named)] if named else []
    for folder in (Path(), Path.home() / ".config" / "openstack", Path("/etc/openstack")):
        places += [folder / "clouds.yaml", folder / "clouds.yml"]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise CloudsFileError(
            "no clouds.yaml was found", "set STACKHAND_CLOUDS_FILE to its path, or put it in ~/.config/openstack"
        )
    return found


def entries_of(path: Path) -> Mapping[str, Any]:
    try:
        document = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise CloudsFileError(f"{path} does not exist", "set STACKHAND_CLOUDS_FILE to your clouds.yaml") from error
    except (OSError, UnicodeDecodeError) as error:
        raise CloudsFileError(f"{path} cannot be read ({type(error).__name__})", "check its permissions") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise CloudsFileError(
            f"{path} is not valid YAML{where}", "correct the line; indent with blanks only"
        ) from error
    clouds = document.get("clouds") if isinstance(document, dict) else None
    if not isinstance(clouds, dict) or not clouds:
        raise CloudsFileError(f"{path} has no section 'clouds'", "write the clouds below a line 'clouds:'")
    return {str(name): entry for name, entry in clouds.items()}


def check_entry(path: Path, entries: Mapping[str, Any], name: str, setting: str = "STACKHAND_CLOUDS") -> None:
    """Raises CloudsFileError; `setting` is what named the cloud."""
    if name not in entries:
        known = ", ".join(sorted(entries))
        raise CloudsFileError(f"{path} has no cloud {name!r}", f"it has: {known}; correct {setting}")
    entry = entries[name]
    if not isinstance(entry, dict):
        raise CloudsFileError(f"cloud {name!r} in {path} is empty", "give it a section 'auth'")
    if not isinstance(entry.get("auth"), dict) and not entry.get("profile") and not entry.get("cloud"):
        raise CloudsFileError(
            f"cloud {name!r} in {path} has no section 'auth'",
            "give it auth_url, username, password, project_name, user_domain_name and project_domain_name",
        )


def config_of(path: Path) -> OpenStackConfig:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            secure = [str(found) for found in _secure_files(path)]
            return OpenStackConfig(config_files=[str(path)], secure_files=secure, load_envvars=False)
    except (sdk.SDKException, ValueError) as error:
        raise CloudsFileError(one_line(f"{path} cannot be used: {error}"), "correct the file") from error


def _secure_files(path: Path) -> list[Path]:
    """secure.yaml beside clouds.yaml holds the passwords of those who keep them apart."""
    return [place for place in (path.with_name("secure.yaml"), path.with_name("secure.yml")) if place.is_file()]


def _open(path: Path, config: OpenStackConfig, name: str, limits: CallLimits | None) -> list[Cloud]:
    regions = regions_of(config, name)
    sources: list[Cloud] = []
    for region in regions:
        source = f"{name}/{region}" if len(regions) > 1 else name
        sources.append(OpenStackCloud(source, region_of(path, config, name, region, limits), limits))
    return sources


def regions_of(config: OpenStackConfig, name: str) -> list[str]:
    entry = config.cloud_config["clouds"][name] or {}
    listed = entry.get("regions") or entry.get("region_name") or ""
    if isinstance(listed, str):
        listed = listed.split(",")
    names = [str(one.get("name", "") if isinstance(one, dict) else one).strip() for one in listed]
    return list(dict.fromkeys(names)) or [""]


def region_of(path: Path, config: OpenStackConfig, name: str, region: str, limits: CallLimits | None) -> CloudRegion:
    try:
        found: CloudRegion = config.get_one(cloud=name, region_name=region or None)
    except (keystone.ClientException, sdk.SDKException, ValueError, TypeError) as error:
        raise CloudsFileError(
            one_line(f"cloud {name!r} in {path}: {error}"), "complete its section 'auth' and its regions"
        ) from error
    if found.config.get("api_timeout") is None:
        # Logging in and discovery have no timeout of their own in the SDK.
        found.config["api_timeout"] = (limits or CallLimits()).read_s
    return found
