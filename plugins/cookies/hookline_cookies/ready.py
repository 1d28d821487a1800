"""Keep the ready-made Cookie field of each host, that a request costs one look-up."""

from .matching import domain_match
from .selection import for_path, render
from .shelf import Held

MAX_HOSTS = 1024
MAX_PATHS = 256  # per host


class Ready:
    """A field value, the cookies in it, and the tick of the last request that took it."""

    __slots__ = ("header", "held", "used")

    def __init__(self, held: list[Held]) -> None:
        self.header, self.held = render(held)
        self.used = 0

    def note_use(self) -> None:
        """Hand the tick of the last request on to the cookies: eviction goes by it."""
        for held in self.held:
            held.used = max(held.used, self.used)


class HostReady:
    """What is ready for one host: one field for all paths, or one for each path asked for.

    `until` is when the first of its cookies expires, None where none does.
    """

    __slots__ = ("_by_path", "_found", "any_path", "until")

    def __init__(self, found: list[Held]) -> None:
        self.until = min([held.cookie.expires for held in found if held.cookie.expires is not None], default=None)
        self.any_path: Ready | None = None
        self._found = found
        self._by_path: dict[str, Ready] = {}
        if all(held.cookie.path == "/" for held in found):
            self.any_path = Ready(found)

    def for_path(self, path: str) -> Ready:
        """Return the field for `path`, where it depends on the path (a query is cut off)."""
        path = path.partition("?")[0]
        ready = self._by_path.get(path)
        if ready is None:
            if len(self._by_path) >= MAX_PATHS:
                self.note_use()
                self._by_path.clear()
            ready = self._by_path[path] = Ready(for_path(self._found, path))
        return ready

    def note_use(self) -> None:
        """Hand the ticks of all requests on to the cookies."""
        for ready in self._by_path.values() if self.any_path is None else (self.any_path,):
            ready.note_use()


class ReadyHosts:
    """The ready fields of all hosts, for requests with TLS and for those without."""

    __slots__ = ("plain", "secure")

    def __init__(self) -> None:
        self.plain: dict[str, HostReady] = {}
        self.secure: dict[str, HostReady] = {}

    def add(self, host: str, secure: bool, found: list[Held]) -> HostReady:
        """Make what is ready for a canonical host out of all cookies that it may see."""
        hosts = self.secure if secure else self.plain
        if len(hosts) >= MAX_HOSTS:
            self.clear()
        ready = hosts[host] = HostReady(found)
        return ready

    def drop(self, domain: str, host_only: bool) -> None:
        """Forget what is ready for the hosts that a cookie of this domain goes to."""
        for hosts in (self.plain, self.secure):
            if not host_only:
                for host in [host for host in hosts if domain_match(host, domain)]:
                    hosts.pop(host).note_use()
            elif domain in hosts:
                hosts.pop(domain).note_use()

    def clear(self) -> None:
        """Forget all fields."""
        for hosts in (self.plain, self.secure):
            for ready in hosts.values():
                ready.note_use()
            hosts.clear()
