"""Snapshots: policies, rules, assignments, exclusions, runs, records, coverage by day."""

from importlib import resources

from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    tables = resources.files("storage.migrations.versions").joinpath("r0006_snapshots.sql").read_text(encoding="utf-8")
    for statement in tables.split(";\n"):
        if statement.strip():
            op.get_bind().exec_driver_sql(statement)
