"""The chat page: sessions, guards and pictures; templates and static files lie beside it."""
