"""Migration projects: exports, VMs with their grades, decisions, cohorts and waves."""

from importlib import resources

from alembic import op

revision = "0012"
down_revision = "0010"


def upgrade() -> None:
    tables = resources.files("storage.migrations.versions").joinpath("r0012_migrations.sql").read_text(encoding="utf-8")
    for statement in tables.split(";\n"):
        if statement.strip():
            op.get_bind().exec_driver_sql(statement)
