"""Rights on domains and in channels, invitations, channels that are bound, and what a directory gives."""

from importlib import resources

from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    changes = resources.files("storage.migrations.versions").joinpath("r0002_rights.sql").read_text(encoding="utf-8")
    for statement in changes.split(";\n"):
        if statement.strip():
            op.get_bind().exec_driver_sql(statement)
