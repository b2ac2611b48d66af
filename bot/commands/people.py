"""`people`: who may talk to Stackhand, and what they may see. Every change is in the audit record."""

import typer


def build() -> typer.Typer:
    return typer.Typer()
