"""Cache the Cookie field of each host, so that a request costs one look-up."""

from .cookie_store import StoredCookie
from .matching import domain_match
from .selection import cookies_for_path, render_stored

MAX_HOSTS = 1024
MAX_PATHS = 256  # of one host


class CachedField:
    """The value of a Cookie field, the cookies in it, and the tick of the last request that sent it.

    value: None = no cookie, and no field.
    """

    __slots__ = ("cookies", "used", "value")

    def __init__(self, cookies: list[StoredCookie]) -> None:
        self.value, self.cookies = render_stored(cookies)
        self.used = 0

    def record_use(self) -> None:
        """Write the tick of the last request to the cookies, since the least recently used ones are removed first."""
        for stored in self.cookies:
            stored.used = max(stored.used, self.used)


class HostFields:
    """The cached fields of one host: one for all paths, or one for each path that was requested.

    any_path: the field for all paths; None if there are cookies with a path. by_path: the fields if there are. until: when
    the first of the cookies expires, in seconds since 1970; None = no cookie expires.
    """

    __slots__ = ("_cookies", "any_path", "by_path", "until")

    def __init__(self, cookies: list[StoredCookie]) -> None:
        self.until = min(
            [stored.cookie.expires for stored in cookies if stored.cookie.expires is not None], default=None
        )
        self.any_path: CachedField | None = None
        self._cookies = cookies
        self.by_path: dict[str, CachedField] = {}
        if all(stored.cookie.path == "/" for stored in cookies):
            self.any_path = CachedField(cookies)

    @property
    def has_cookies(self) -> bool:
        """True if there is a cookie for the host, whatever its path."""
        return bool(self._cookies)

    def for_path(self, path: str) -> CachedField:
        """Return the field for a path, if there is none for all paths. A query is cut off."""
        path = path.partition("?")[0]
        field = self.by_path.get(path)
        if field is None:
            if len(self.by_path) >= MAX_PATHS:
                self.record_use()
                self.by_path.clear()
            field = self.by_path[path] = CachedField(cookies_for_path(self._cookies, path))
        return field

    def record_use(self) -> None:
        """Write the ticks of the last requests to the cookies."""
        for field in self.by_path.values() if self.any_path is None else (self.any_path,):
            field.record_use()


class FieldCache:
    """The cached fields of all hosts: `secure` for requests with TLS, `plain` for those without."""

    __slots__ = ("plain", "secure")

    def __init__(self) -> None:
        self.plain: dict[str, HostFields] = {}
        self.secure: dict[str, HostFields] = {}

    def add(self, host: str, secure: bool, cookies: list[StoredCookie]) -> HostFields:
        """Cache the fields of a canonical host. cookies: all that requests to it may see."""
        hosts = self.secure if secure else self.plain
        if len(hosts) >= MAX_HOSTS:
            self.clear()
        fields = hosts[host] = HostFields(cookies)
        return fields

    def discard(self, domain: str, host_only: bool) -> None:
        """Forget the fields of all hosts that get a cookie of this domain."""
        for hosts in (self.plain, self.secure):
            if not host_only:
                for host in [host for host in hosts if domain_match(host, domain)]:
                    hosts.pop(host).record_use()
            elif domain in hosts:
                hosts.pop(domain).record_use()

    def clear(self) -> None:
        """Forget all fields."""
        for hosts in (self.plain, self.secure):
            for fields in hosts.values():
                fields.record_use()
            hosts.clear()
