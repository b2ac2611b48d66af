"""Runs the revisions on the connection that `storage.database.migrate` hands over, inside its transaction."""

from alembic import context

from storage import (
    change_tables,
    demo_tables,
    drill_tables,
    migration_tables,
    notice_tables,
    page_tables,
    password_tables,
    people_tables,
    snapshot_tables,
)

_METADATA = people_tables.person.metadata
_OTHERS = (
    change_tables.request,
    demo_tables.demo_object,
    drill_tables.drill_vm,
    migration_tables.migration,
    notice_tables.request_notice,
    page_tables.page_session,
    password_tables.password_reset,
    snapshot_tables.snapshot_run,
)
assert all(table.metadata is _METADATA for table in _OTHERS)


def run() -> None:
    context.configure(connection=context.config.attributes["connection"], target_metadata=_METADATA)
    with context.begin_transaction():
        context.run_migrations()


run()
