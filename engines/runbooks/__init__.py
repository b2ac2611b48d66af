"""Procedures that are run by name. A module here that holds a `RUNBOOK` adds one; nothing else is to be told of it."""
