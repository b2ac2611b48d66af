"""PostgreSQL: tables, queries, audit chain, outbox, the embedded server."""
