"""Slack: what comes in by HTTP or WebSocket goes through one door into the inbox, what goes out through the outbox."""

SURFACE = "slack"
