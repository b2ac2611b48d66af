"""Settings, read once from the environment (`STACKHAND_…`), a `.env` file, or `stackhand.toml`, in that order."""

import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from bot.directory_settings import DirectorySettings

PREFIX = "STACKHAND_"
_SCHEMES = ("postgresql://", "postgres://", "postgresql+asyncpg://")


class SettingsError(Exception):
    """A setting is missing or wrong: `what` names it, never its value, which may be secret; `fix` says what to do."""

    def __init__(self, what: str, fix: str) -> None:
        super().__init__(f"{what}; {fix}")
        self.what = what
        self.fix = fix


class Settings(DirectorySettings):
    """Everything that can be set. Secrets have a type that never prints."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_file=".env",
        env_file_encoding="utf-8",
        toml_file="stackhand.toml",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        hide_input_in_errors=True,
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
    """Names in clouds.yaml to serve, separated by commas; empty: all but those of service users."""
    service_clouds: str = ""
    """Who changes a cloud: `pcd-1=pcd-1-service`, both names in clouds.yaml, separated by commas; empty: nobody."""
    sync_every_s: Annotated[int, Field(ge=30)] = 900
    """Seconds between two listings of a cloud."""
    jobs_per_cloud: Annotated[int, Field(ge=1, le=1000)] = 20
    """Changes of one cloud that run at the same time; more wait."""
    jobs_per_project: Annotated[int, Field(ge=1, le=1000)] = 5
    """The same in one project."""
    page_host: str = "127.0.0.1"
    """The address that the chat page and the health endpoints listen on."""
    page_port: Annotated[int, Field(ge=0, le=65535)] = 8765
    """Their port; 0: any free one."""
    page_url: str = ""
    """What people open when a proxy stands before the page, such as `https://stackhand.example.org`."""
    model: Literal["off", "ollama", "openai", "anthropic"] = "off"
    """The client of a language model that is asked to route what nothing else understood."""
    model_url: str = ""
    """Where it listens; empty: the usual place of that client."""
    model_name: str = ""
    """The model's name there."""
    model_key: SecretStr | None = None
    """Its key; Ollama needs none."""
    model_deadline_s: Annotated[float, Field(gt=0, le=60)] = 8.0
    """Seconds that one answer of it may take, a retry included."""
    model_calls_per_person: Annotated[int, Field(ge=0)] = 50
    """Calls for one person in a UTC day."""
    model_calls_per_day: Annotated[int, Field(ge=0)] = 500
    """Calls for all in a UTC day."""
    slack_bot_token: SecretStr | None = None
    """The bot user's token of a Slack app, `xoxb-…`; with it Stackhand talks in Slack."""
    slack_signing_secret: SecretStr | None = None
    """What Slack signs its requests with; for `http`."""
    slack_app_token: SecretStr | None = None
    """The app-level token with the scope connections:write, `xapp-…`; for `socket`."""
    slack_mode: Literal["http", "socket"] = "http"
    """How Slack reaches Stackhand: by requests to /slack/events, or over a WebSocket that Stackhand opens."""
    slack_teams: str = ""
    """The ids of the workspaces that may talk to it, `T…`, separated by commas."""
    slack_app_id: str = ""
    """The id of the Slack app, `A…`."""
    slack_approvals_channel: str = ""
    """The id of the channel where requests for approval are posted, `C…`; empty: each approver is told directly."""
    slack_api_url: str = "https://slack.com/api/"
    """Where Slack's Web API is."""
    restore_execute: str = ""
    """The clouds on which restores may run, separated by commas, `*` for all; elsewhere there are only dry runs."""
    restores_per_cloud: Annotated[int, Field(ge=1, le=100)] = 4
    """Restores that may run at the same time on one cloud; more wait for their turn."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe events to log."""
    log_format: Literal["json", "text"] = "json"
    """`json`: one object a line, for machines; `text`: for eyes."""

    @field_validator("database_url")
    @classmethod
    def _is_postgresql(cls, url: SecretStr | None) -> SecretStr | None:
        if url is not None and not url.get_secret_value().startswith(_SCHEMES):
            raise ValueError("is not a PostgreSQL URL; write it as postgresql://user:password@host:5432/name")
        return url

    @field_validator("page_url")
    @classmethod
    def _is_web_address(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/")):
            raise ValueError("is not the address of a page; write it as https://stackhand.example.org")
        return url.rstrip("/")

    @field_validator("model_url")
    @classmethod
    def _is_endpoint(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query):
            raise ValueError("is not the address of a model; write it as http://127.0.0.1:11434")
        return url.rstrip("/")

    @field_validator("slack_approvals_channel")
    @classmethod
    def _is_slack_channel(cls, value: str) -> str:
        if value and not re.fullmatch(r"[CG][A-Z0-9]{5,}", value):
            raise ValueError("is no id of a channel: Slack's look like C0123ABCD, at the end of the channel's link")
        return value

    @field_validator("slack_api_url")
    @classmethod
    def _is_safe_api(cls, url: str) -> str:
        """The token goes there: only over https, or to this machine."""
        parts = urlsplit(url)
        local = parts.scheme == "http" and parts.hostname in ("127.0.0.1", "localhost", "::1")
        if not (parts.hostname and (parts.scheme == "https" or local)) or parts.username or parts.query:
            raise ValueError("is not the address of Slack's Web API; leave it out, or write https://slack.com/api/")
        return url.rstrip("/") + "/"

    @field_validator("slack_teams", "slack_app_id")
    @classmethod
    def _are_slack_ids(cls, value: str, info: ValidationInfo) -> str:
        wanted = "T" if info.field_name == "slack_teams" else "A"
        if any(not re.fullmatch(wanted + r"[A-Z0-9]{5,}", one) for one in _listed(value)):
            raise ValueError(f"holds something that is no id: Slack's look like {wanted}0123ABCD")
        return value

    @field_validator("service_clouds")
    @classmethod
    def _are_pairs(cls, value: str) -> str:
        pairs = [one.partition("=") for one in _listed(value)]
        names = [name.strip() for name, _, _ in pairs]
        if any(not name.strip() or not entry.strip() or "/" in name for name, _, entry in pairs):
            raise ValueError("is not CLOUD=ENTRY, two names in clouds.yaml; write it as pcd-1=pcd-1-service")
        if len(set(names)) < len(names):
            raise ValueError("names a cloud twice; give each cloud one service user")
        return value

    @model_validator(mode="after")
    def _slack_is_whole(self) -> Self:
        """A half-configured Slack is refused, and what is missing named."""
        needed = ["slack_bot_token", "slack_teams", "slack_app_id"]
        needed.append("slack_app_token" if self.slack_mode == "socket" else "slack_signing_secret")
        given = [*needed, "slack_app_token", "slack_signing_secret"]
        missing = [PREFIX + name.upper() for name in needed if not _has(getattr(self, name))]
        if missing and any(_has(getattr(self, name)) for name in given):
            raise ValueError(f"{' and '.join(missing)} missing: Slack is set up in part; see docs/slack.md")
        return self

    @model_validator(mode="after")
    def _model_is_whole(self) -> Self:
        """A half-configured model is refused, and what is missing named."""
        wanted = {"model_name": self.model_name, "model_key": self.model_key or self.model == "ollama"}
        missing = [PREFIX + name.upper() for name, value in wanted.items() if not value]
        if self.model != "off" and missing:
            raise ValueError(f"{' and '.join(missing)} missing: {PREFIX}MODEL is {self.model}")
        return self

    @field_validator("clouds_file", "postgres_bin")
    @classmethod
    def _exists(cls, path: Path | None) -> Path | None:
        if path is not None and not path.exists():
            raise ValueError("names a path that does not exist; correct it or remove the setting")
        return path

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return init_settings, env_settings, dotenv_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def cloud_names(self) -> tuple[str, ...]:
        return _listed(self.clouds)

    @property
    def service_entries(self) -> Mapping[str, str]:
        """The entry of the service user of each cloud that may be changed."""
        pairs = (one.partition("=") for one in _listed(self.service_clouds))
        return {name.strip(): entry.strip() for name, _, entry in pairs}

    @property
    def restore_sources(self) -> frozenset[str]:
        return frozenset(_listed(self.restore_execute))

    @property
    def slack_team_ids(self) -> frozenset[str]:
        return frozenset(_listed(self.slack_teams))

    @property
    def secrets(self) -> tuple[str, ...]:
        """The value of every setting that is a secret."""
        held = (getattr(self, name) for name in type(self).model_fields)
        return tuple(value.get_secret_value() for value in held if isinstance(value, SecretStr))


def _listed(value: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",") if name.strip())


def _has(value: SecretStr | str | None) -> bool:
    return bool(value.get_secret_value() if isinstance(value, SecretStr) else value)


def load_settings(**given: Any) -> Settings:
    """The settings; what is given and not None wins over every source. Raises SettingsError."""
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        wrong = "; ".join(_said(e) for e in error.errors(include_input=False, include_url=False))
        raise SettingsError(wrong, "correct it in the environment, in .env or in stackhand.toml") from None
    except (OSError, ValueError) as error:  # an unreadable .env, a stackhand.toml that is not TOML
        raise SettingsError(
            f"the settings cannot be read ({type(error).__name__})", "check .env and stackhand.toml in this directory"
        ) from None


def unknown_variables(environment: Mapping[str, str] = os.environ) -> tuple[str, ...]:
    """Variables with our prefix that set nothing: most likely a typing mistake. Those of the tests do not count."""
    known = {PREFIX + name.upper() for name in Settings.model_fields}
    ours: Iterable[str] = (n for n in environment if n.upper().startswith(PREFIX))
    return tuple(sorted(n for n in ours if n.upper() not in known and not n.startswith(PREFIX + "TEST_")))


def _said(error: Any) -> str:
    said = str(error["msg"]).removeprefix("Value error, ")
    return f"{PREFIX}{'.'.join(str(part) for part in error['loc']).upper()} {said}" if error["loc"] else said
