"""Connections, migrations, and what is said when the database cannot be used."""

import asyncio
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, make_url, text
from sqlalchemy.exc import DBAPIError

import storage.database
from storage import people
from storage.change_tables import request
from storage.database import Database, StorageUnavailable, copy_in, migrate
from storage.demo_tables import demo_object
from storage.drill_tables import drill_vm
from storage.migration_tables import migration
from storage.notice_tables import request_notice
from storage.page_tables import page_session
from storage.password_tables import password_reset
from storage.people import Grant
from storage.snapshot_tables import snapshot_run


async def test_connections_are_in_utc_with_a_timeout(database: Database) -> None:
    async with database.connect() as conn:
        row = (
            await conn.execute(
                text(
                    "SELECT current_setting('timezone'), current_setting('statement_timeout'),"
                    " current_setting('application_name')"
                )
            )
        ).one()
    assert tuple(row) == ("UTC", "30s", "stackhand")


async def test_begin_commits_and_rolls_back(database: Database) -> None:
    async with database.begin() as conn:
        await conn.execute(text("INSERT INTO person (id, name) VALUES ('a', 'Ada')"))
    with pytest.raises(RuntimeError):
        async with database.begin() as conn:
            await conn.execute(text("INSERT INTO person (id, name) VALUES ('b', 'Bob')"))
            raise RuntimeError("stop")
    async with database.connect() as conn:
        assert (await conn.execute(text("SELECT string_agg(id, ',') FROM person"))).scalar() == "a"


async def test_copy_takes_part_in_the_transaction(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.begin() as conn:
            await copy_in(conn, "person", ("id", "name"), ((str(n), "x") for n in range(10)))
            assert (await conn.execute(text("SELECT count(*) FROM person"))).scalar() == 10
            raise RuntimeError("stop")
    async with database.connect() as conn:
        assert (await conn.execute(text("SELECT count(*) FROM person"))).scalar() == 0


async def test_a_wrong_password_is_said_without_showing_it(database_url: str) -> None:
    wrong = make_url(database_url).set(password="not-the-secret").render_as_string(hide_password=False)
    with pytest.raises(StorageUnavailable, match="refused the user or password") as caught:
        async with Database(wrong).connect():
            pass
    assert "not-the-secret" not in str(caught.value)


async def test_a_missing_database_is_named(database_url: str) -> None:
    url = make_url(database_url).set(database="nowhere").render_as_string(hide_password=False)
    with pytest.raises(StorageUnavailable, match="'nowhere' does not exist"):
        async with Database(url).connect():
            pass


@pytest.mark.parametrize(
    "url", ["postgresql://u:p@127.0.0.1:1/x", "postgres://u:p@no.such.host.invalid/x", "postgresql://u:p@/x?host=/none"]
)
async def test_an_unreachable_server_is_said(url: str) -> None:
    with pytest.raises(StorageUnavailable, match="does not answer"):
        async with Database(url).connect():
            pass


@pytest.mark.parametrize("url", ["", "nonsense", "mysql://u:p@h/x", "postgresql://u:p@h:port/x"])
def test_a_url_of_another_kind_is_refused(url: str) -> None:
    with pytest.raises(StorageUnavailable, match="STACKHAND_DATABASE_URL"):
        Database(url)


async def test_it_comes_back_when_its_connections_were_cut(database: Database) -> None:
    async with database.begin() as conn:
        pid = (await conn.execute(text("SELECT pg_backend_pid()"))).scalar_one()
    other = Database(database.engine.url.render_as_string(hide_password=False))
    async with other.begin() as conn:
        await conn.execute(text("SELECT pg_terminate_backend(:pid)"), {"pid": pid})
    await other.close()
    async with database.begin() as conn:
        assert (await conn.execute(text("SELECT 1"))).scalar() == 1


async def test_a_connection_cut_in_the_middle_is_said(database: Database) -> None:
    with pytest.raises(StorageUnavailable, match="does not answer"):
        async with database.begin() as conn:
            await conn.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))


async def test_a_slow_statement_is_stopped(database: Database) -> None:
    with pytest.raises(StorageUnavailable, match="took too long"):
        async with database.begin() as conn:
            await conn.execute(text("SET LOCAL statement_timeout = '50ms'"))
            await conn.execute(text("SELECT pg_sleep(5)"))


async def test_an_error_of_a_statement_stays_its_own_and_hides_its_values(database: Database) -> None:
    with pytest.raises(DBAPIError) as caught:
        async with database.begin() as conn:
            await conn.execute(text("INSERT INTO person (id, name) VALUES (:id, NULL)"), {"id": "canary-value"})
    assert "canary-value" not in str(caught.value).split("DETAIL")[0]


_CATALOG = text("""
SELECT 'column', table_name || '.' || column_name,
       concat_ws(' ', data_type, is_nullable, column_default, is_identity, identity_generation, generation_expression)
FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'
UNION ALL SELECT 'index', indexname, indexdef FROM pg_indexes
WHERE schemaname = 'public' AND tablename <> 'alembic_version'
UNION ALL SELECT 'constraint', conrelid::regclass::text || '.' || conname, pg_get_constraintdef(oid)
FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'
ORDER BY 1, 2
""")


async def _catalog(database: Database) -> list[tuple[str, ...]]:
    async with database.connect() as conn:
        return [tuple(row) for row in await conn.execute(_CATALOG)]


async def _empty_database(database: Database, name: str) -> Database:
    async with database.engine.connect() as conn:
        alone = await conn.execution_options(isolation_level="AUTOCOMMIT")
        await alone.execute(text(f"CREATE DATABASE {name} TEMPLATE template0"))
    return Database(database.engine.url.set(database=name).render_as_string(hide_password=False))


async def test_the_migrated_schema_is_the_declared_one(database: Database) -> None:
    declared = await _empty_database(database, f"{database.engine.url.database}_declared")
    async with declared.begin() as conn:
        await conn.execute(text("CREATE EXTENSION pg_trgm"))
        tables = (
            demo_object, drill_vm, migration, page_session, password_reset, request_notice, snapshot_run,
        )  # fmt: skip
        assert {t.metadata for t in tables} == {request.metadata}
        await conn.run_sync(request.metadata.create_all)
    expected, found = await _catalog(declared), await _catalog(database)
    await declared.close()
    assert found == expected
    assert len(found) > 100


async def test_the_rights_of_the_first_version_are_kept(database: Database) -> None:
    """A database at revision 0001, with people who hold grants and one who is disabled."""
    old = await _empty_database(database, f"{database.engine.url.database}_old")
    async with old.begin() as conn:
        await conn.execute(text("CREATE EXTENSION pg_trgm"))
        await conn.run_sync(_upgrade_to, "0001")
        for statement in (
            "INSERT INTO person (id, name, active) VALUES ('ann', 'Ann', true), ('bob', 'Bob', false)",
            "INSERT INTO role_grant (person_id, role, source, project_id, granted_by)"
            " VALUES ('ann', 'admin', NULL, NULL, 'x'), ('ann', 'viewer', 'one', 'p', 'x')",
        ):
            await conn.execute(text(statement))
    await migrate(old)
    async with old.begin() as conn:
        ann, bob = await people.everybody(conn)
        assert ann.grants == (Grant("admin"), Grant("viewer", "one", "p")) and ann.active
        assert (bob.active, bob.disabled_by) == (False, "hand")
        assert not await people.grant(conn, "ann", Grant("admin"), "x")
        assert await people.grant(conn, "ann", Grant("admin", via="directory"), "x")
    assert await _catalog(old) == await _catalog(database)
    await old.close()


def _upgrade_to(connection: Connection, revision: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(storage.database.__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


async def test_many_processes_migrate_at_once_and_again(database: Database) -> None:
    empty = await _empty_database(database, f"{database.engine.url.database}_empty")
    await asyncio.gather(*(migrate(empty) for _ in range(4)))
    await migrate(empty)
    assert await _catalog(empty) == await _catalog(database)
    await empty.close()


async def test_a_newer_database_is_refused(database: Database) -> None:
    async with database.begin() as conn:
        await conn.execute(text("UPDATE alembic_version SET version_num = 'of-the-future'"))
    with pytest.raises(StorageUnavailable, match="newer version"):
        await migrate(database)


async def test_a_role_that_may_not_create_the_extension_is_told(database: Database) -> None:
    name = f"{database.engine.url.database}_plain"
    empty = await _empty_database(database, name)
    async with empty.begin() as conn:
        await conn.execute(text(f"CREATE ROLE {name} LOGIN PASSWORD 'plain'"))
    plain = Database(empty.engine.url.set(username=name, password="plain").render_as_string(hide_password=False))
    with pytest.raises(StorageUnavailable, match="may not create the extension pg_trgm"):
        await migrate(plain)
    await plain.close()
    await empty.close()


@pytest.mark.parametrize("statement", ["UPDATE audit SET person = 'x'", "DELETE FROM audit", "TRUNCATE audit"])
async def test_the_audit_log_refuses_change(database: Database, statement: str) -> None:
    async with database.begin() as conn:
        await conn.execute(
            text(
                "INSERT INTO audit VALUES (1, now(), 'p', 'a', 't', 'done', '{}', decode('', 'hex'), decode('', 'hex'))"
            )
        )
    with pytest.raises(DBAPIError, match="append-only"):
        async with database.begin() as conn:
            await conn.execute(text(statement))
