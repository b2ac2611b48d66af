"""Snapshots of volumes: policies, who is under which, runs, retention, coverage, forecast."""
