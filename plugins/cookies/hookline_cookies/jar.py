"""The cookie jar: store the cookies that responses set, and return those that requests send."""

import itertools
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING

from .acceptance import accept_from_response, accept_from_user
from .cookie import Cookie, CookieRefused, SameSite, shown
from .cookie_store import (
    MAX_IN_ALL,
    MAX_IN_DOMAIN,
    CookieStore,
    StoredCookie,
    excess_in_all,
    excess_in_domain,
    is_expired,
)
from .field_cache import FieldCache, HostFields
from .matching import canonical_host
from .selection import cookies_for_host, cookies_for_path
from .set_cookie import SetCookie, parse_set_cookie

if TYPE_CHECKING:
    import http.cookiejar

    from .files import Format

MAX_IN_RESPONSE = 50  # Set-Cookie fields of one response that are read; curl has the same limit

_log = logging.getLogger("hookline.cookies")


class CookieJar:
    """Cookies after RFC 6265bis, in memory. For one thread at a time.

    Iteration, `len`, `in`, `get` and `find` leave out what has expired.

    cookies: the first ones, as for `update`. now: the clock, which returns seconds since 1970.

    Example::

        import tempfile
        from hookline_cookies import Cookie, CookieJar

        jar = CookieJar()
        jar.store(["id=7; Path=/; Max-Age=60"], host="www.example.com")
        jar.set("b", "2", domain=".example.com")
        jar.add(Cookie(name="c", value="3", domain="example.com", host_only=False))
        print(jar.header_for("www.example.com"), jar.get("b"), jar.is_empty)
        print([cookie.name for cookie in jar.cookies_for("www.example.com")], jar.find("id", domain="www.example.com"))
        print(CookieJar().update(jar.to_cookiejar()))
        with tempfile.TemporaryDirectory() as folder:
            jar.save(f"{folder}/cookies.txt")
            jar.clear()
            jar.load(f"{folder}/cookies.txt")
    """

    def __init__(
        self, cookies: "Iterable[Cookie] | http.cookiejar.CookieJar" = (), *, now: Callable[[], float] = time.time
    ) -> None:
        self._now = now
        self._store = CookieStore()
        self._fields = FieldCache()
        self._tick = 0
        self.update(cookies)

    # -- for requests and responses

    def header_for(self, host: str, path: str = "/", secure: bool = False) -> str | None:
        """Return the value of the Cookie field for a request; None if there is no cookie for it.

        host: fastest in canonical form, as core writes it in URLs. path: that of the request target; a query after it is
        ignored. secure: the request is sent over TLS.
        """
        fields = self._fields_of(host, secure)
        if fields is None:
            return None
        field = fields.any_path or fields.for_path(path)
        self._tick = field.used = self._tick + 1
        return field.value

    def has_cookies_for(self, host: str, secure: bool = False) -> bool:
        """Say whether there is a cookie for requests to a host, for some path at least. host, secure: see `header_for`.

        Example::

            from hookline_cookies import CookieJar

            print(CookieJar().has_cookies_for("example.com"))
        """
        if not self._store.count:
            return False
        fields = self._fields_of(host, secure)
        return fields is not None and fields.has_cookies

    def cookies_for(self, host: str, path: str = "/", secure: bool = False) -> list[Cookie]:
        """Return the cookies for a request in the order in which they are sent, also those beyond the limit of the field."""
        name = canonical_host(host)
        if name is None:
            return []
        now = self._now()
        found = [stored for stored in cookies_for_host(self._store, name, secure) if not is_expired(stored.cookie, now)]
        return [stored.cookie for stored in cookies_for_path(found, path.partition("?")[0])]

    def store(
        self, fields: Iterable[str | bytes | SetCookie], *, host: str, path: str = "/", secure: bool = False
    ) -> int:
        """Store, replace or remove cookies as the Set-Cookie fields of one response say; return how many took effect.

        Only the first 50 are read. The log `hookline.cookies` says at level DEBUG why a cookie is refused, without its
        value.

        fields: values of the fields, which may be parsed already. host, path, secure: those of the request.
        """
        name = canonical_host(host)
        if name is None:
            return 0
        now = self._now()
        followed = 0
        for field in itertools.islice(fields, MAX_IN_RESPONSE):
            parsed = field if isinstance(field, SetCookie) else parse_set_cookie(field)
            if parsed is None:
                _log.debug("Set-Cookie from %s ignored: no name, too long, or a control character", name)
                continue
            try:
                cookie = accept_from_response(parsed, name, path, secure, now)
                if not (secure or cookie.secure) and self._store.shadows_secure(cookie, now):
                    raise CookieRefused(f"cookie {shown(cookie.name)}: a Secure one of this name is stored")
            except CookieRefused as refused:
                _log.debug("Set-Cookie from %s refused: %s", name, refused)
                continue
            self._put(cookie, now)
            followed += 1
        return followed

    @property
    def is_empty(self) -> bool:
        """Say whether nothing is stored, not even what has expired. Cheaper than `len`, which counts."""
        return not self._store.count

    # -- for users

    def __iter__(self) -> Iterator[Cookie]:
        """Iterate over all cookies in the order of their creation; changes of the jar meanwhile have no effect."""
        return iter(self.find())

    def __len__(self) -> int:
        now = self._now()
        return sum(not is_expired(stored.cookie, now) for stored in self._store)

    def __contains__(self, name: object) -> bool:
        """Say whether there is a cookie of that name."""
        return isinstance(name, str) and bool(self.find(name))

    def __getitem__(self, name: str) -> str:
        """Return the value of the cookie `name`. Raises KeyError, or LookupError if several have that name."""
        value = self.get(name)
        if value is None:
            raise KeyError(name)
        return value

    def __repr__(self) -> str:
        return f"<{type(self).__name__} with {len(self)} cookies>"

    def find(self, name: str | None = None, *, domain: str | None = None, path: str | None = None) -> list[Cookie]:
        """Return the cookies with this name, domain (without leading dot) and path; None means any."""
        now = self._now()
        return [stored.cookie for stored in self._select(name, domain, path) if not is_expired(stored.cookie, now)]

    def get(
        self, name: str, default: str | None = None, *, domain: str | None = None, path: str | None = None
    ) -> str | None:
        """Return the value of the one cookie that `find` finds, `default` if it finds none.

        Raises:
            LookupError: it finds several; name one by `domain` and `path`, or use `find`.
        """
        found = self.find(name, domain=domain, path=path)
        if len(found) > 1:
            raise LookupError(f"{len(found)} cookies are named {shown(name)}: say which by domain= and path=")
        return found[0].value if found else default

    def set(
        self,
        name: str,
        value: str,
        *,
        domain: str,
        path: str = "/",
        host_only: bool | None = None,
        secure: bool = False,
        http_only: bool = False,
        same_site: SameSite | None = None,
        expires: float | None = None,
    ) -> Cookie:
        """Store a cookie of your own and return it. If it has expired, the stored one is removed.

        domain: the host that gets it; with a leading dot, or with `host_only=False`, its subdomains get it too. expires:
        in seconds since 1970; None = it does not expire.

        Raises:
            CookieRefused: it breaks a rule by which no server could have set it.
        """
        if host_only is None:
            host_only = not domain.startswith(".")
        return self.add(
            Cookie(
                name=name,
                value=value,
                domain=domain.removeprefix("."),
                path=path,
                host_only=host_only,
                secure=secure,
                http_only=http_only,
                same_site=same_site,
                expires=expires,
            )
        )

    def add(self, cookie: Cookie) -> Cookie:
        """Store a cookie as `set` does, and return it as it is stored. Raises CookieRefused."""
        now = self._now()
        cookie = accept_from_user(cookie, now)
        self._put(cookie, now)
        return cookie

    def update(self, cookies: "Iterable[Cookie] | http.cookiejar.CookieJar") -> int:
        """Store the cookies of another jar, ours or one of `http.cookiejar`; return how many were stored.

        Cookies that have expired, that `add` refuses, or that have no domain are left out: `http.cookiejar` checks neither
        public suffixes nor prefixes of names.
        """
        from .http_cookiejar import cookies_in

        now = self._now()
        kept = 0
        for cookie in cookies_in(cookies):
            if is_expired(cookie, now):
                continue
            try:
                self.add(cookie)
            except CookieRefused as refused:
                _log.debug("not stored: %s", refused)
            else:
                kept += 1
        return kept

    def clear(self, name: str | None = None, *, domain: str | None = None, path: str | None = None) -> int:
        """Remove the cookies with this name, domain and path, all if none is given; return how many."""
        return self._remove([stored.cookie for stored in self._select(name, domain, path)])

    def to_cookiejar(self) -> "http.cookiejar.CookieJar":
        """Return a jar of `http.cookiejar` with the same cookies."""
        from .http_cookiejar import to_cookiejar

        return to_cookiejar(self)

    def save(self, path: str | os.PathLike[str], format: "Format" = "json") -> None:
        """Write all cookies, also those that do not expire, to a file that only its owner can read (mode 0600).

        The old file is replaced when the new one is complete. It blocks: the file is small.

        format: "json", or "netscape" for curl, wget and `http.cookiejar.MozillaCookieJar`, which has no SameSite, and whole
        seconds only.
        """
        from .files import save

        save(self, path, format)

    def load(self, path: str | os.PathLike[str]) -> int:
        """Add the cookies of a file in either format; return how many were stored. Expired ones are left out.

        Raises:
            ValueError: the file has neither format; the jar is unchanged.
        """
        from .files import load

        return self.update(load(path))

    # -- parts of the above

    def _select(self, name: str | None, domain: str | None, path: str | None) -> list[StoredCookie]:
        """Return the cookies with this name, domain and path in the order of their creation, expired ones too."""
        if domain is not None:
            domain = canonical_host(domain.removeprefix("."))
            candidates: Iterable[StoredCookie] = (
                self._store.domains.get(domain, {}).values() if domain is not None else ()
            )
        else:
            candidates = self._store
        chosen = [
            stored
            for stored in candidates
            if (name is None or stored.cookie.name == name) and (path is None or stored.cookie.path == path)
        ]
        chosen.sort(key=lambda stored: stored.created)
        return chosen

    def _fields_of(self, host: str, secure: bool) -> HostFields | None:
        """Return the fields of a host, cached if its name is canonical. None = not a host."""
        fields = (self._fields.secure if secure else self._fields.plain).get(host)
        if fields is None or (fields.until is not None and fields.until <= self._now()):
            return self._make_fields(host, secure)
        return fields

    def _make_fields(self, host: str, secure: bool) -> HostFields | None:
        """Return the fields of a host, cached if its name is canonical; remove what has expired. None = not a host."""
        name = canonical_host(host)
        if name is None:
            return None
        now = self._now()
        found = cookies_for_host(self._store, name, secure)
        expired = [stored.cookie for stored in found if is_expired(stored.cookie, now)]
        if expired:
            self._remove(expired)
            found = cookies_for_host(self._store, name, secure)
        if host != name:
            return HostFields(found)
        return self._fields.add(host, secure, found)

    def _put(self, cookie: Cookie, now: float) -> None:
        """Store an accepted cookie; if it has expired, remove the stored one instead."""
        old = self._store.get(cookie)
        if is_expired(cookie, now):
            if old is not None:
                self._remove([old.cookie])
            return
        self._tick += 1
        if old is not None and old.cookie == cookie:
            old.used = self._tick
            return
        self._fields.discard(cookie.domain, cookie.host_only)
        self._store.put(cookie, self._tick)
        in_domain = self._store.domains[cookie.domain]
        if len(in_domain) > MAX_IN_DOMAIN:
            self._fields.discard(cookie.domain, host_only=False)  # so that the cookies know their last use
            self._remove(excess_in_domain(in_domain.values(), now))
        if self._store.count > MAX_IN_ALL:
            self._fields.clear()
            self._remove(excess_in_all(self._store, now))

    def _remove(self, cookies: list[Cookie]) -> int:
        for cookie in cookies:
            self._fields.discard(cookie.domain, cookie.host_only)
            self._store.remove(cookie)
        return len(cookies)
