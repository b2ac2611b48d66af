"""The record of everything: collecting it, asking it."""
