"""The doctor's look at the directory of people, if the settings name one."""

import asyncio

from bot.checks import Check, failed, ok, warned
from bot.directories import mapping_of, open_directory
from bot.settings import Settings
from engines.directory import DirectoryError


async def examine_directory(settings: Settings) -> list[Check]:
    """Reads it as a sync does, and changes nothing."""
    directory = open_directory(settings)
    if directory is None:
        return []
    groups = tuple(dict.fromkeys(one.group for one in mapping_of(settings)))
    try:
        found = await asyncio.to_thread(directory.members, groups)
    except DirectoryError as error:
        return [failed("directory", error.what, error.fix)]
    said = f"{len(found.people)} people in {len(groups)} groups"
    if found.left_out:
        return [
            warned("directory", f"{said}; {len(found.left_out)} left out: {found.left_out[0]}", "correct the entry")
        ]
    return [ok("directory", said)]
