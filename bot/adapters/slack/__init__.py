"""Slack: what a workspace sends comes in here, and replies go out as Block Kit."""
