"""Tests of the way of a change."""
