"""The inbox, the pace of each lane, and what a message on its way out needs to be sent once by many processes."""

from alembic import op

revision = "0003"
down_revision = "0002"

_STATEMENTS = (
    """
    ALTER TABLE outbox
        ADD COLUMN lane TEXT NOT NULL DEFAULT '',
        ADD COLUMN method TEXT NOT NULL DEFAULT '',
        ADD COLUMN version INTEGER NOT NULL DEFAULT 1,
        ADD COLUMN claimed_by TEXT,
        ADD COLUMN claimed_until TIMESTAMP WITH TIME ZONE,
        ADD COLUMN started_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN failed_at TIMESTAMP WITH TIME ZONE,
        ADD COLUMN posted JSONB
    """,
    "DROP INDEX ix_outbox_due",
    """
    CREATE INDEX ix_outbox_due ON outbox (surface, conversation, id)
        WHERE sent_at IS NULL AND failed_at IS NULL
    """,
    """
    CREATE TABLE pace (
        surface TEXT NOT NULL,
        lane TEXT NOT NULL,
        next_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_pace PRIMARY KEY (surface, lane)
    )
    """,
    """
    CREATE TABLE inbox (
        id BIGINT GENERATED ALWAYS AS IDENTITY,
        surface TEXT NOT NULL,
        key TEXT NOT NULL,
        conversation TEXT NOT NULL,
        sender TEXT NOT NULL,
        state TEXT NOT NULL DEFAULT 'waiting',
        body JSONB,
        received_at TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
        not_before TIMESTAMP WITH TIME ZONE NOT NULL DEFAULT now(),
        attempts INTEGER NOT NULL DEFAULT 0,
        claimed_by TEXT,
        claimed_until TIMESTAMP WITH TIME ZONE,
        error TEXT NOT NULL DEFAULT '',
        CONSTRAINT pk_inbox PRIMARY KEY (id),
        CONSTRAINT uq_inbox_surface_key UNIQUE (surface, key)
    )
    """,
    "CREATE INDEX ix_inbox_waiting ON inbox (surface, conversation, id) WHERE state = 'waiting'",
    "CREATE INDEX ix_inbox_conversation ON inbox (surface, conversation, sender)",
    "CREATE INDEX ix_inbox_received ON inbox (received_at)",
    "ALTER TABLE exchange ADD COLUMN remark TEXT",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
