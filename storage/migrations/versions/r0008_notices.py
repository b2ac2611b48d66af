"""What was said to ask for a change, and who was told of it where."""

from alembic import op

revision = "0008"
down_revision = "0007"

_STATEMENTS = (
    "ALTER TABLE request ADD COLUMN said TEXT NOT NULL DEFAULT ''",
    """
    CREATE TABLE request_notice (
        request_id BIGINT NOT NULL CONSTRAINT fk_request_notice_request_id_request REFERENCES request (id),
        surface TEXT NOT NULL,
        what TEXT NOT NULL,
        at TIMESTAMP WITH TIME ZONE DEFAULT now() NOT NULL,
        CONSTRAINT pk_request_notice PRIMARY KEY (request_id, surface, what)
    )
    """,
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.get_bind().exec_driver_sql(statement)
