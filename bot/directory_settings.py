"""Settings of people: where a directory (LDAP, Active Directory) is, and which of its groups stand for which roles."""

from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class DirectoryGroup(BaseModel):
    """A group by its DN or common name, and the role of its members: everywhere, on a domain, or on a project."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    group: Annotated[str, Field(min_length=1)]
    role: Literal["viewer", "operator", "technical", "admin", "superadmin"]
    source: str | None = None
    domain: str | None = None
    project: str | None = None

    @model_validator(mode="after")
    def _place_is_whole(self) -> Self:
        if self.domain is not None and self.project is not None:
            raise ValueError("has a domain and a project; a domain covers its projects: give one")
        if (self.source is None) != (self.domain is None and self.project is None):
            raise ValueError("has half a place; give source and domain or project, or none of them for everywhere")
        return self


class DirectorySettings(BaseSettings):
    """What `Settings` takes up."""

    match_email: bool = False
    """Whether a chat account that is not linked yet belongs to the one active person with its e-mail."""
    ldap_url: str = ""
    """The directory, `ldaps://host` or `ldap://host` with StartTLS; empty: there is none."""
    ldap_start_tls: bool = False
    """Encrypt a connection that began in the clear."""
    ldap_ca_file: Path | None = None
    """The certificate of the CA that signed the directory's; none: the system's CAs."""
    ldap_bind_dn: str = ""
    """The account that reads the directory."""
    ldap_password: SecretStr | None = None
    """Its password."""
    ldap_base: str = ""
    """Where people and groups are, such as `dc=example,dc=org`."""
    ldap_groups: tuple[DirectoryGroup, ...] | None = None
    """Which groups stand for which roles."""
    ldap_id_attribute: str = ""
    """The attribute that becomes a person's id; empty: uid, or sAMAccountName in Active Directory."""
    ldap_people_filter: str = ""
    """Who is a person; empty: what is usual for the server."""
    ldap_timeout_s: Annotated[float, Field(gt=0, le=120)] = 10.0
    """Seconds for each answer of the directory."""
    ldap_every_s: Annotated[int, Field(ge=60)] = 900
    """Seconds between two syncs of people."""

    @model_validator(mode="after")
    def _directory_is_whole(self) -> Self:
        """Half a directory is refused, and so is a password in the clear on a network."""
        if not self.ldap_url:
            return self
        parts = urlsplit(self.ldap_url)
        if parts.scheme not in ("ldap", "ldaps") or not parts.hostname or parts.path.strip("/") or parts.username:
            raise ValueError(
                "STACKHAND_LDAP_URL is not the address of a directory; write it as ldaps://ldap.example.org"
            )
        if parts.scheme == "ldaps" and self.ldap_start_tls:
            raise ValueError("STACKHAND_LDAP_START_TLS is for ldap:// only: ldaps:// is encrypted from the start")
        if parts.scheme == "ldap" and not self.ldap_start_tls and parts.hostname not in _LOOPBACK:
            raise ValueError(
                "STACKHAND_LDAP_URL would send the password in the clear; use ldaps:// or STACKHAND_LDAP_START_TLS"
            )
        needed = ("ldap_bind_dn", "ldap_password", "ldap_base", "ldap_groups")
        missing = [f"STACKHAND_{name.upper()}" for name in needed if not getattr(self, name)]
        if missing:
            raise ValueError(f"{' and '.join(missing)} missing: STACKHAND_LDAP_URL is set")
        if self.ldap_ca_file is not None and not self.ldap_ca_file.is_file():
            raise ValueError("STACKHAND_LDAP_CA_FILE names a file that does not exist")
        return self
