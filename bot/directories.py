"""The directory that the settings name."""

from typing import TYPE_CHECKING

from bot.settings import Settings

if TYPE_CHECKING:
    from engines.directory import Directory, GroupRole


def open_directory(settings: Settings) -> "Directory | None":
    """None where the settings name none. It is not connected to before it is asked."""
    if not settings.ldap_url or settings.ldap_password is None:
        return None
    from engines.directory.ldap import Access, LdapDirectory

    access = Access(
        settings.ldap_url,
        settings.ldap_bind_dn,
        settings.ldap_password.get_secret_value,
        settings.ldap_base,
        start_tls=settings.ldap_start_tls,
        ca_file=str(settings.ldap_ca_file) if settings.ldap_ca_file else None,
        timeout_s=settings.ldap_timeout_s,
        id_attribute=settings.ldap_id_attribute,
        people_filter=settings.ldap_people_filter,
    )
    return LdapDirectory(access)


def mapping_of(settings: Settings) -> "tuple[GroupRole, ...]":
    from engines.directory import GroupRole

    return tuple(
        GroupRole(one.group, one.role, one.source, one.domain, one.project) for one in settings.ldap_groups or ()
    )
