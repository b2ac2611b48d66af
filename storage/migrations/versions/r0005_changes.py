"""Changes: requests, jobs, rules, freezes, schedules; a message may follow more than sync runs."""

from importlib import resources

from alembic import op

revision = "0005"
down_revision = "0004"

_FOLLOW = (
    "ALTER TABLE follow ADD COLUMN refs JSONB",
    """
    UPDATE follow SET refs = coalesce(
        (SELECT jsonb_agg('sync/' || run) FROM jsonb_array_elements_text(runs) AS run), '[]'::jsonb)
    """,
    "ALTER TABLE follow ALTER COLUMN refs SET NOT NULL",
    "ALTER TABLE follow DROP COLUMN runs",
)


def upgrade() -> None:
    tables = resources.files("storage.migrations.versions").joinpath("r0005_changes.sql").read_text(encoding="utf-8")
    for statement in (*tables.split(";\n"), *_FOLLOW):
        if statement.strip():
            op.get_bind().exec_driver_sql(statement)
