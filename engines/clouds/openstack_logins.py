"""The logins of a service user: one for each project that it works in, and no other account to fall back to."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from keystoneauth1 import exceptions as keystone
from keystoneauth1.identity import generic, v3
from openstack.config.cloud_region import CloudRegion

from engines.clouds.acting import ActError
from engines.clouds.openstack_act_errors import Place, act_error, quoted
from engines.clouds.openstack_answers import json_of

_PASSWORD_PLUGINS = ("password", "v3password")
_PAUSE_S = 20.0  # after a refusal: a wrong password tried for each project would lock the account
_WHO = ("auth_url", "username", "user_id", "password", "user_domain_id", "user_domain_name")


@dataclass(frozen=True, slots=True)
class Login:
    """A project's own login. `plugin` renews its token by itself; `roles` are names in lower case."""

    plugin: Any
    roles: frozenset[str]
    until: float


class _PasswordError(ActError):
    """It would be the same in every project."""


class Logins:
    """Called from threads. At most `most` logins are kept, each for `keep_s`; the one longest unused goes first."""

    def __init__(
        self,
        source: str,
        entry: str,
        region: CloudRegion,
        *,
        most: int = 64,
        keep_s: float = 1800.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._source = source
        self._entry = entry
        self._region = region
        self._most = most
        self._keep_s = keep_s
        self._clock = clock
        self._lock = threading.Lock()
        self._of: OrderedDict[str, Login] = OrderedDict()
        self._refused: OrderedDict[str, tuple[float, ActError]] = OrderedDict()  # "" stands for the user everywhere
        self._making: dict[str, threading.Lock] = {}

    def place(self, project_id: str) -> Place:
        auth = self._region.config.get("auth") or {}
        domain = auth.get("user_domain_name") or auth.get("user_domain_id") or ""
        name = auth.get("username") or auth.get("user_id") or ""
        user = f"--user {quoted(str(name))}" + (f" --user-domain {quoted(str(domain))}" if domain else "")
        return Place(self._source, self._entry, project_id, user if name else "")

    def of(self, project_id: str) -> Login:
        """The login to a project; raises ActError. Two who ask at once share one."""
        with self._lock:
            if (known := self._known(project_id)) is not None:
                return known
            gate = self._making.setdefault(project_id, threading.Lock())
        with gate:
            with self._lock:
                if (known := self._known(project_id)) is not None:
                    return known
            try:
                login = self._log_in(project_id)
            except ActError as error:
                self._remember_refusal(project_id, error)
                raise
            with self._lock:
                self._of[project_id] = login
                while len(self._of) > self._most:
                    self._of.popitem(last=False)
                self._making.pop(project_id, None)
            return login

    def __len__(self) -> int:
        return len(self._of)

    def _known(self, project_id: str) -> Login | None:
        now = self._clock()
        for key in ("", project_id):
            since, error = self._refused.get(key, (0.0, None))
            if error is not None and now - since < _PAUSE_S:
                raise ActError(error.reason, error.detail, error.fix)
        login = self._of.get(project_id)
        if login is None or login.until < now:
            return None
        self._of.move_to_end(project_id)
        return login

    def _remember_refusal(self, project_id: str, error: ActError) -> None:
        with self._lock:
            self._making.pop(project_id, None)
            if error.reason in ("refused", "timeout"):
                everywhere = isinstance(error, _PasswordError) or error.reason == "timeout"
                self._refused["" if everywhere else project_id] = (self._clock(), error)
            while len(self._refused) > self._most:
                self._refused.popitem(last=False)

    def _log_in(self, project_id: str) -> Login:
        place = self.place(project_id)
        plugin = self._plugin(project_id)
        try:
            access = plugin.get_access(self._region.get_session())
        except keystone.Unauthorized as error:
            raise self._told_apart(place) from error
        except Exception as error:
            raise act_error(error, "identity", place, sent=False) from error
        if str(access.project_id) != project_id:
            raise ActError("refused", f"Keystone logged in to another project than {project_id}", place.grant())
        roles = frozenset(str(name).lower() for name in access.role_names)
        return Login(plugin, roles, self._clock() + self._keep_s)

    def _told_apart(self, place: Place) -> ActError:
        """Keystone says the same to a wrong password and to a user without a role: only the first is refused twice."""
        try:
            self._anywhere().get_access(self._region.get_session())
        except keystone.Unauthorized:
            fix = f"check user name, password and domain name of {self._entry} in clouds.yaml"
            return _PasswordError("refused", "Keystone refused the service user's login (401)", fix)
        except Exception as error:
            return act_error(error, "identity", place, sent=False)
        return ActError(
            "refused",
            f"the service user may not log in to project {place.project_id}: it has no role there, or it is disabled",
            place.grant(),
        )

    def projects(self) -> frozenset[str]:
        """Ids of all enabled projects that the service user has a role in, inherited ones and groups' counted."""
        session, plugin = self._region.get_session(), self._anywhere()
        try:
            answer = session.get(
                f"{plugin.auth_url}/auth/projects",
                auth=plugin,
                authenticated=True,
                raise_exc=False,
                headers={"Accept": "application/json"},
            )
            return frozenset(str(row["id"]) for row in json_of(answer, "/auth/projects")["projects"])
        except keystone.Unauthorized as error:
            raise self._told_apart(self.place("")) from error
        except Exception as error:
            raise act_error(error, "identity", self.place(""), sent=False) from error

    def _plugin(self, project_id: str) -> Any:
        who = self._who()
        return self._made(generic.Password, project_id=project_id, **who)

    def _anywhere(self) -> Any:
        """A login to no project: it tells who this is, and where the user has roles."""
        who = self._who()
        url = str(who.pop("auth_url", "")).rstrip("/")
        return self._made(v3.Password, auth_url=url if url.endswith("/v3") else f"{url}/v3", unscoped=True, **who)

    def _made(self, plugin: Callable[..., Any], **options: Any) -> Any:
        try:
            return plugin(**options)
        except (keystone.ClientException, TypeError, ValueError) as error:
            raise act_error(error, "identity", self.place(""), sent=False) from error

    def _who(self) -> dict[str, Any]:
        """Who logs in, without where. Raises ActError for a way to log in that cannot change projects."""
        kind = str(self._region.config.get("auth_type") or "password")
        if kind not in _PASSWORD_PLUGINS:
            raise ActError(
                "refused",
                f"{self._entry} in clouds.yaml logs in by {kind}, which is bound to one project",
                "give it the user name and the password of the service user",
            )
        auth = self._region.config.get("auth") or {}
        return {name: auth[name] for name in _WHO if auth.get(name)}
