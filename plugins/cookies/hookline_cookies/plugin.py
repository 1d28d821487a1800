"""The plugin `cookies`: send cookies, and store those that responses set."""

from __future__ import annotations

from collections.abc import Callable
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

from . import urllib_request

if TYPE_CHECKING:
    from .cookies_option import CookiesOption
    from .jar import CookieJar


class CookiesRequest:
    """What this plugin adds to requests, for type checkers.

    cookies: those of the call; as an attribute of the class, those of the client. A handler of pre_request may have set
    what is not converted yet, for example a dict.

    Example::

        from hookline import HttpClient, HttpRequest, HttpResponse
        from hookline_cookies import CookiesRequest


        class Request(CookiesRequest, HttpRequest): ...


        client: HttpClient[HttpResponse[Request]] = HttpClient(cookies={"a": "1"})
        print(client.build_request("GET", "http://127.0.0.1:8000/").cookies)
    """

    cookies: CookiesOption | None
    store_cookies: bool
    # for jars of http.cookiejar
    type: str
    host: str
    origin_req_host: str
    unverifiable: bool
    get_full_url: Callable[[], str]
    add_unredirected_header: Callable[[str, str], None]


class CookiesResponse:
    """What this plugin adds to responses, for type checkers.

    Example: docs/typing.md#what-plugins-add
    """

    cookies: dict[str, str]


class CookiesClient:
    """What this plugin adds to clients, for type checkers.

    Example: docs/typing.md#what-plugins-add
    """

    cookies: CookieJar
    store_cookies: bool | None


if TYPE_CHECKING:

    class Request(CookiesRequest, HttpRequest):
        """A request with what this plugin adds."""


class Cookies:
    """Send cookies and store those that responses set. One object belongs to one client, and so does its jar.

    The jar and the parser of cookies are imported at their first use: that takes 8 ms, and many clients meet no cookie.

    Example::

        from hookline import HttpClient
        from hookline_cookies import Cookies

        client = HttpClient(autoload=False, plugins=[Cookies()])
    """

    name = "cookies"

    def __init__(self) -> None:
        self._jar: CookieJar | None = None
        # turned on once the jar may hold something: a response set a cookie, or the user got the jar
        self.has_jar = Switch()
        self._adopted: Any = None  # the source of the client's `cookies=` that was added to the jar last

    @property
    def jar(self) -> CookieJar:
        """The jar, which is also `client.cookies`. A `CookieJar` that the client was given is used itself, not copied.

        Example::

            from hookline import HttpClient
            from hookline_cookies import Cookies

            plugin = Cookies()
            client = HttpClient(autoload=False, plugins=[plugin], cookies={"a": "1"})
            print(plugin.jar is client.cookies)
        """
        if self._jar is None:
            from .jar import CookieJar

            self._jar = CookieJar()
        return self._jar

    @hookimpl
    def declare(self) -> list[Option | Attribute | Credential]:
        return [
            Option(
                "cookies",
                None,
                convert=as_cookies_option,
                doc="a dict, or a jar, of cookies to send",
                expected="a dict or a jar",
            ),
            Option("store_cookies", True, convert=bool, doc="keep the cookies that responses set"),
            Attribute("cookies", cookies_set_by, doc="all that this response sets, as a dict"),
            Attribute("cookies", self._jar_of, of="client", doc="the jar"),
            *urllib_request.attributes(),
            Credential("Cookie"),
        ]

    @hookimpl(options=("cookies",), switch="has_jar", when="has_cookies_for")
    def pre_request(self, response: HttpResponse[Request]) -> None:
        request = response.request
        own = request.cookies
        defaults = type(request).cookies  # the client's, which those of the call hide
        if own is None and defaults is None and self.jar.is_empty:
            return
        if defaults is not None:
            self._adopt(defaults)
        origin = request.origin
        field = self.jar.header_for(origin.host, request.origin_form, origin.tls)
        if own is not None or defaults is not None:
            field = field_with_option(field or "", request, None if own is defaults else own, defaults)
        if field and not request.has_header("Cookie"):
            request.unredirected_headers["Cookie"] = field

    def has_cookies_for(self, request: Request) -> bool:
        """Say whether a request may get cookies: of the client's `cookies=`, or of the jar. Core asks this for each request.

        Example::

            from hookline import HttpClient

            async with HttpClient(cookies={"id": "1"}) as client:
                request = client.build_request("GET", "http://127.0.0.1:8000/")
                print(client.plugins["cookies"].plugin.has_cookies_for(request))
        """
        defaults = type(request).cookies
        if defaults is not None:
            if defaults.field:
                return True
            self._adopt(defaults)
        origin = request.origin
        return self._jar is not None and self._jar.has_cookies_for(origin.host, origin.tls)

    @hookimpl(headers=("set-cookie",))
    def on_headers(self, response: HttpResponse[Request]) -> None:
        request = response.request
        if request.store_cookies and not response.is_stored:  # the jar has the cookies of a stored response already
            origin = request.origin
            fields = [field_octets(field) for field in response.headers.getall("set-cookie", [])]
            self.has_jar.turn_on()
            self.jar.store(fields, host=origin.host, path=request.origin_form, secure=origin.tls)

    def _adopt(self, defaults: CookiesOption) -> None:
        """Add the client's cookies that have a domain to the jar, once: what the user clears later stays cleared."""
        if defaults.source is not self._adopted:
            from .jar import CookieJar

            self._adopted = defaults.source
            if isinstance(defaults.source, CookieJar):
                self._jar = defaults.source
            elif defaults.jar is not None:
                self.jar.update(defaults.jar)

    def _jar_of(self, client: HttpClient) -> CookieJar:
        """Return `client.cookies`."""
        self.has_jar.turn_on()
        defaults = client.configuration.options["cookies"]
        if defaults is not None:
            self._adopt(defaults)
        return self.jar


def as_cookies_option(value: Any) -> CookiesOption:
    """Convert the value of `cookies=`; see the function of this name in `cookies_option`, imported at its first use."""
    from . import cookies_option

    return cookies_option.as_cookies_option(value)


def field_with_option(
    stored: str, request: HttpRequest, own: CookiesOption | None, defaults: CookiesOption | None
) -> str:
    """Return the value of the Cookie field of a request with `cookies=`.

    Cookies without a domain go only to the origin of the call's own URL. A jar knows by itself which hosts get its cookies.

    stored: the field value of the stored cookies. own: the cookies of the call. defaults: those of the client.

    Raises:
        CookieRefused: a handler set `request.cookies` to cookies that cannot be sent.
    """
    from .cookies_option import join_fields

    at_origin = is_at_origin(request)
    default = defaults.field if defaults is not None and at_origin else ""
    if own is None:
        return defaults.with_stored(stored) if default and stored and defaults is not None else stored or default
    option = as_cookies_option(own)  # a handler may have set request.cookies to a dict
    call = option.field if at_origin else ""
    if option.jar is not None:
        origin = request.origin
        call = join_fields(call, option.jar.header_for(origin.host, request.origin_form, origin.tls) or "", "")
    return join_fields(call, stored, default) if stored or default else call


def is_at_origin(request: HttpRequest) -> bool:
    """Say whether a request goes to the origin of the call's own URL, and not to another to which a response led."""
    history = request.history
    return not history or bool(history[0].request.origin.key == request.origin.key)


def cookies_set_by(response: HttpResponse) -> dict[str, str]:
    """Return the cookies that a response sets, stored or not; of several of one name the last."""
    if not response.has("set-cookie"):
        return {}
    from .set_cookie import parse_set_cookie

    parsed = [parse_set_cookie(field) for field in response.headers.getall("set-cookie", [])]
    return {cookie.name: cookie.value for cookie in parsed if cookie is not None}
