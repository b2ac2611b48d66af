"""Migrations: one module a revision, applied in order at start."""
