"""Settings, read once from the environment (`STACKHAND_…`), a `.env` file, or a TOML file."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Everything that can be set. Secrets have a type that never prints."""

    model_config = SettingsConfigDict(
        env_prefix="STACKHAND_", env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True
    )

    database_url: SecretStr | None = None
    """An external PostgreSQL, `postgresql://user:password@host/name`; none: the embedded server."""
    state_dir: Path | None = None
    """Where the embedded server keeps its data; none: the system's place for state."""
    postgres_bin: Path | None = None
    """A directory with initdb, pg_ctl and postgres; none: look for a supplier."""
    postgres_user: str | None = None
    """The account that the embedded server runs as when started by root."""
    clouds_file: Path | None = None
    """A clouds.yaml; none: where OpenStack clients look for it."""
    clouds: str = ""
    """Names in clouds.yaml to serve, separated by commas; empty: all."""
    sync_every_s: Annotated[int, Field(ge=30)] = 900
    page_host: str = "127.0.0.1"
    page_port: Annotated[int, Field(ge=0, le=65535)] = 8765
    log_level: str = "info"
    log_format: str = "json"
