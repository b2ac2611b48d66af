"""One-time links to the page, and its sessions."""

from alembic import op

revision = "0020"
down_revision = "0019"

_STATEMENTS = (
    """
    CREATE TABLE page_link (
        hash BYTEA NOT NULL,
        person TEXT NOT NULL,
        opens TEXT NOT NULL,
        at_once BOOLEAN DEFAULT false NOT NULL,
        made_at TIMESTAMP WITH TIME ZONE NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        used_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_page_link PRIMARY KEY (hash)
    )
    """,
    "CREATE INDEX ix_page_link_person ON page_link (person)",
    """
    CREATE TABLE page_session (
        hash BYTEA NOT NULL,
        person TEXT NOT NULL,
        made_at TIMESTAMP WITH TIME ZONE NOT NULL,
        expires_at TIMESTAMP WITH TIME ZONE NOT NULL,
        CONSTRAINT pk_page_session PRIMARY KEY (hash)
    )
    """,
    "CREATE INDEX ix_page_session_person ON page_session (person)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
