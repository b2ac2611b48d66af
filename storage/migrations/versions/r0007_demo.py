"""What was changed in the invented cloud."""

from alembic import op

revision = "0007"
down_revision = "0006"

_STATEMENTS = (
    """
    CREATE TABLE demo_object (
        source TEXT NOT NULL,
        kind TEXT NOT NULL,
        external_id TEXT NOT NULL,
        project_id TEXT NOT NULL,
        name TEXT DEFAULT '' NOT NULL,
        attrs JSONB DEFAULT '{}'::jsonb NOT NULL,
        made_at TIMESTAMP WITH TIME ZONE,
        deleted_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_demo_object PRIMARY KEY (source, kind, external_id)
    )
    """,
    "CREATE INDEX ix_demo_object_project ON demo_object (source, project_id)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
