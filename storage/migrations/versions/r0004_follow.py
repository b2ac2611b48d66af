"""Messages that follow a run: edited while it goes on."""

from alembic import op

revision = "0004"
down_revision = "0003"

_STATEMENTS = (
    """
    CREATE TABLE follow (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        surface TEXT NOT NULL,
        key TEXT NOT NULL,
        runs JSONB NOT NULL,
        created_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
        next_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
        shown TEXT NOT NULL DEFAULT '',
        CONSTRAINT pk_follow PRIMARY KEY (id),
        CONSTRAINT uq_follow_surface_key UNIQUE (surface, key)
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
