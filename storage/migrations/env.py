"""Runs the revisions on the connection that `storage.database.migrate` hands over, inside its transaction."""

from alembic import context

from storage import change_tables, people_tables, snapshot_tables

_METADATA = people_tables.person.metadata
assert change_tables.request.metadata is snapshot_tables.snapshot_run.metadata is _METADATA


def run() -> None:
    context.configure(connection=context.config.attributes["connection"], target_metadata=_METADATA)
    with context.begin_transaction():
        context.run_migrations()


run()
