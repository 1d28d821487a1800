"""The plugin: send cookies, and store those that responses set."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookline import (
    Attribute,
    Credential,
    HttpClient,
    HttpRequest,
    HttpResponse,
    Option,
    Switch,
    field_octets,
    hookimpl,
)

if TYPE_CHECKING:
    from .given import Given
    from .jar import CookieJar


class Cookies:
    """See the module. One object belongs to one client, and so does its jar.

    The jar, and what reads cookies, is imported at its first use: it takes 8 ms, and many clients meet no cookie.
    """

    name = "cookies"

    def __init__(self) -> None:
        self._jar: CookieJar | None = None
        self.has_jar = Switch()  # on once the jar may hold something: it was stored to, or given away
        self._adopted: Any = None

    @property
    def jar(self) -> CookieJar:
        """What `client.cookies` reads. A `CookieJar` that the client is given is used itself, not copied."""
        if self._jar is None:
            from .jar import CookieJar

            self._jar = CookieJar()
        return self._jar

    @hookimpl
    def declare(self) -> list[Option | Attribute | Credential]:
        return [
            Option("cookies", None, convert=as_given, doc="a dict, or a jar, of cookies to send"),
            Option("store_cookies", True, convert=bool, doc="keep the cookies that responses set"),
            Attribute("cookies", set_by, doc="all that this response sets, as a dict"),
            Attribute("cookies", self._jar_of, of="client", doc="the jar"),
            Credential("Cookie"),
        ]

    @hookimpl(options=("cookies",), switch="has_jar")
    def pre_request(self, response: HttpResponse) -> None:
        request: Any = response.request
        own = request.cookies
        defaults = type(request).cookies  # the client's, which the request's own hide
        if own is None and defaults is None and self.jar.is_empty:
            return
        if defaults is not None:
            self._adopt(defaults)
        where = request._destination
        origin = where.origin
        field = self.jar.header_for(origin.host, where.target, origin.tls)
        if own is not None or defaults is not None:
            field = with_given(field or "", request, None if own is defaults else own, defaults)
        if field and not request.has_header("Cookie"):
            request.unredirected_headers["Cookie"] = field

    @hookimpl(headers=("set-cookie",))
    def on_headers(self, response: HttpResponse) -> None:
        request: Any = response.request
        if request.store_cookies:
            where = request._destination
            fields = [field_octets(field) for field in response.headers.getall("set-cookie", [])]
            self.has_jar.turn_on()
            self.jar.store(fields, host=where.origin.host, path=where.target, secure=where.origin.tls)

    def _adopt(self, given: Given) -> None:
        """Take over what the client was given, once: what is cleared later stays so."""
        if given.source is not self._adopted:
            from .jar import CookieJar

            self._adopted = given.source
            if isinstance(given.source, CookieJar):
                self._jar = given.source
            elif given.jar is not None:
                self.jar.update(given.jar)

    def _jar_of(self, client: HttpClient) -> CookieJar:
        self.has_jar.turn_on()
        given = client.configuration.options["cookies"]
        if given is not None:
            self._adopt(given)
        return self.jar


def as_given(value: Any) -> Given:
    """See `given.as_given`."""
    from . import given

    return given.as_given(value)


def with_given(stored: str, request: HttpRequest, own: Any, defaults: Given | None) -> str:
    """Return the Cookie field value of a request for which the user gave cookies, beside those that are stored.

    Pairs without a domain belong to the origin that the user asked for. A jar knows by itself what goes where.

    Raises:
        CookieRefused: a handler gave the request cookies that cannot be sent.
    """
    from .given import joined

    at_origin = is_at_origin(request)
    kept = defaults.field if defaults is not None and at_origin else ""
    if own is None:
        return defaults.below(stored) if kept and stored and defaults is not None else stored or kept
    given = as_given(own)  # a plain dict where a handler set request.cookies
    asked = given.field if at_origin else ""
    if given.jar is not None:
        where = request._destination
        asked = joined(asked, given.jar.header_for(where.origin.host, where.target, where.origin.tls) or "", "")
    return joined(asked, stored, kept) if stored or kept else asked


def is_at_origin(request: HttpRequest) -> bool:
    """Tell whether a request goes to the origin that the user asked for, and not where a response sent it."""
    if not request.unverifiable:
        return True
    first = request.history[0].request
    return bool(first.where.origin.key == request.origin.key)


def set_by(response: HttpResponse) -> dict[str, str]:
    """Return what a response sets, stored or not; the last of a name counts."""
    if not response.has("set-cookie"):
        return {}
    from .parsing import parse_set_cookie

    parsed = [parse_set_cookie(field) for field in response.headers.getall("set-cookie", [])]
    return {cookie.name: cookie.value for cookie in parsed if cookie is not None}
