"""Passwords that were set anew, sealed until they are shown once, and the processes that can open them."""

from alembic import op

revision = "0019"
down_revision = "0017"

_STATEMENTS = (
    """
    CREATE TABLE password_reset (
        job_id BIGINT NOT NULL CONSTRAINT fk_password_reset_job_id_job REFERENCES job (id),
        asker TEXT NOT NULL,
        vm_id TEXT NOT NULL,
        reader TEXT NOT NULL,
        sealed BYTEA,
        state TEXT DEFAULT 'trying' NOT NULL,
        made_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        shown_at TIMESTAMP WITH TIME ZONE,
        CONSTRAINT pk_password_reset PRIMARY KEY (job_id)
    )
    """,
    """
    CREATE TABLE password_reader (
        key TEXT NOT NULL,
        seen_at TIMESTAMP WITH TIME ZONE DEFAULT clock_timestamp() NOT NULL,
        CONSTRAINT pk_password_reader PRIMARY KEY (key)
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
