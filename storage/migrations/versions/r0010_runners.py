"""Jobs know the run that goes on with them, and whether they are to be woken."""

from alembic import op

revision = "0010"
down_revision = "0008"

_STATEMENTS = (
    "ALTER TABLE job ADD COLUMN workflow TEXT",
    "ALTER TABLE job ADD COLUMN runner TEXT",
    "ALTER TABLE job ADD COLUMN parked BOOLEAN DEFAULT false NOT NULL",
    "CREATE INDEX ix_job_parked ON job (id) WHERE parked",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
