"""Runs the revisions on the connection that `storage.database.migrate` hands over, inside its transaction."""

from alembic import context

from storage.people_tables import person

_METADATA = person.metadata


def run() -> None:
    context.configure(connection=context.config.attributes["connection"], target_metadata=_METADATA)
    with context.begin_transaction():
        context.run_migrations()


run()
