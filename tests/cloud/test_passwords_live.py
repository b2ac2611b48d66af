"""A new password through a real Nova, whose simulated hypervisor takes one as long as the VM runs.

Settings as in test_acting_live.py.
"""

import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace

import pytest

from engines.clouds.acting import ActError
from engines.clouds.acting_servers import servers_of
from engines.restore.wishes import Wish
from engines.sealing import Reader, about
from storage import passwords
from storage.database import Database
from tests.cloud import restore_runs
from tests.cloud.restore_bed import Bed, administrator, bed_of
from tests.cloud.restore_runs import Runner, clients
from tests.storage.everything import found_in

pytestmark = pytest.mark.cloud


@pytest.fixture
def bed() -> Iterator[Bed]:
    with bed_of(administrator()) as made:
        yield made


async def test_a_restore_sets_a_password_and_a_refusal_undoes_nothing(
    database: Database, bed: Bed, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    reader, runner = Reader(), Runner(database, clients(), bed)
    monkeypatch.setattr(restore_runs, "ON", replace(restore_runs.ON, reader=reader.key))
    id_ = await asyncio.to_thread(bed.vm, "pw-01")
    await runner.sync()
    async with database.begin() as conn:
        await passwords.beat(conn, reader.key)
    plan = await runner.plan(id_, Wish(password=True))
    print([f"{check.name}: {check.detail}" for check in plan.checks if check.name == "password"])
    caplog.set_level(logging.DEBUG)
    ended = await runner.run(plan)
    caplog.set_level(logging.INFO)
    async with database.connect() as conn:
        reset = await passwords.found(conn, ended.id)
    print(ended.state, ended.error, ended.results["password"], ended.results["report"]["words"])
    assert ended.state == "done" and reset is not None
    assert (ended.results["password"]["password"], reset.state, reset.vm_id) == ("set", "set", ended.new)
    secret = reader.open(reset.sealed, about(ended.id, ended.new))
    assert await found_in(database, secret) == [] and secret not in caplog.text
    assert "changePassword" not in caplog.text
    actions = [one.action for one in bed.inside.compute.server_actions(ended.new)]
    assert actions.count("changePassword") == 1  # Nova's own record
    await asyncio.to_thread(bed.put, ended.new, "stopped")
    servers = servers_of(await runner.clouds.open(runner.source))
    with pytest.raises(ActError) as refused:
        await servers.change_password(bed.project, ended.new, secret)
    print(refused.value)
    assert secret not in str(refused.value) and not refused.value.maybe_done
    with pytest.raises(ActError, match="404"):
        await servers.change_password(bed.project, "00000000-0000-0000-0000-000000000000", secret)
    with pytest.raises(ActError) as quoted:  # a schema error of Nova quotes what it did not like
        await servers.change_password(bed.project, ended.new, ["not", "text"])  # type: ignore[arg-type]
    print(quoted.value)
