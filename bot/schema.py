"""Whether the tables are those of this program; found without alembic, whose import alone takes half a second."""

import re
from functools import cache
from pathlib import Path

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

import storage

_ASSIGNED = re.compile(r"^(revision|down_revision)\b[^=\n]*=\s*[\"']([^\"']+)[\"']", re.M)


@cache
def head() -> str:
    """The newest revision: the one that no other builds upon."""
    files = (Path(storage.__file__).parent / "migrations" / "versions").glob("*.py")
    found = [pair for file in files for pair in _ASSIGNED.findall(file.read_text(encoding="utf-8"))]
    revisions = {value for name, value in found if name == "revision"}
    newest: str = (revisions - {value for name, value in found if name == "down_revision"}).pop()
    return newest


async def is_current(connection: AsyncConnection) -> bool:
    if (await connection.execute(text("SELECT to_regclass('alembic_version')"))).scalar_one() is None:
        return False
    rows = (await connection.execute(text("SELECT version_num FROM alembic_version"))).scalars().all()
    return list(rows) == [head()]
