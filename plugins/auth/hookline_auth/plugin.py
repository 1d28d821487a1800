"""The plugins `basic`, for all credentials and flows but Digest, and `digest`, for Digest."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, cast

from hookline import HttpRequest, HttpResponse, Option, Switch, hookimpl

from .auth import Auth
from .basic import HTTPBasicAuth
from .digest import HTTPDigestAuth
from .foreign_classes import HttpxAuth, RequestsDigestAuth
from .messages import CAUSE, ORIGINALS, set_field
from .netrc import Hosts, has_netrc, read_netrc
from .running_flows import RunningFlows

if TYPE_CHECKING:
    from .auth_option import AuthValue
    from .proxy import Proxy


class AuthRequest:
    """What these plugins add to requests, for type checkers. auth: None, or what one of all its plugins made of the value.

    Example::

        from hookline import HttpClient, HttpRequest, HttpResponse
        from hookline_auth import AuthRequest


        class Request(AuthRequest, HttpRequest): ...


        client: HttpClient[HttpResponse[Request]] = HttpClient(auth=("user", "secret"))
        print(client.build_request("GET", "http://127.0.0.1:8000/").auth)
    """

    auth: Any


class AuthClient:
    """What these plugins add to clients, for type checkers. auth: as for requests.

    Example::

        from hookline import HttpClient
        from hookline_auth import AuthClient


        class Client(AuthClient, HttpClient): ...


        client = Client(auth=("user", "secret"))
        print(client.auth)
    """

    auth: Any


if TYPE_CHECKING:

    class Request(AuthRequest, HttpRequest):
        """A request with the options that the two plugins read.

        auth: what a plugin, perhaps another, made of the value of `auth=`. wait_continue: there only if the plugin
        `expect` is loaded.
        """

        auth: AuthValue | None
        trust_env: bool
        wait_continue: float | bool | None


MAX_CREDENTIALS = 256  # for Digest, of origins and of proxies, whose nonces a client remembers

_DOC = "a pair, an authentication or a callable; None = none but those of the URL"


class Basic:
    """Send credentials and run flows that are given as `auth=`; without that, send those of the URL, or of netrc.

    Example::

        from hookline import HttpClient
        from hookline_auth import Basic

        client = HttpClient(autoload=False, plugins=[Basic()])
    """

    name = "basic"

    def __init__(self) -> None:
        self.flows = RunningFlows(self.name)
        self._last_pair: tuple[object, HTTPBasicAuth | None] = None, None  # of `auth=`, with what it was converted to
        self._hosts: Hosts | None = None  # the entries of netrc; read at the first request that may use them
        self.has_netrc = Switch()
        if has_netrc():
            self.has_netrc.turn_on()

    @hookimpl
    def declare(self) -> list[Option]:
        kinds = (tuple, list, Auth, HttpxAuth, callable)
        expected = "a pair (username, password), an authentication or a callable"
        return [Option("auth", None, convert=self._convert, accepts=kinds, doc=_DOC, expected=expected)]

    @hookimpl(trylast=True, options=("auth",), switch="has_netrc")
    def pre_request(self, response: HttpResponse[Request]) -> Awaitable[None] | None:
        request = response.request
        auth = request.auth
        hosts = self._hosts
        if hosts is None and request.trust_env:
            hosts = self._hosts = read_netrc()
        if auth is None and not hosts and request.userinfo is None:  # nearly always
            return None
        if (
            ORIGINALS in vars(request) and request.cause != CAUSE
        ):  # what was signed before goes with no redirect, and no retry
            from .foreign_request import restore

            restore(request)
        if auth is None or request.has_left_origin:
            if hosts or request.userinfo is not None:
                from .default_credentials import default_credentials

                default = default_credentials(request, hosts if request.trust_env else None)
                if default is not None:
                    set_field(request, "Authorization", default.value)
            return None
        if request.owner("auth") != self.name or request.is_overruled("auth", "Authorization"):
            return None
        if type(auth) is HTTPBasicAuth:
            set_field(request, "Authorization", auth.value)
            return None
        if not isinstance(auth, Auth):
            result = auth(response)
            return discard_result(result) if inspect.isawaitable(result) else None
        if request.cause == CAUSE and self.flows.resume(response):
            return None
        return self.flows.begin(response, auth)

    def _convert(self, value: object) -> AuthValue:
        """Convert the value of `auth=`.

        Raises:
            TypeError, ValueError: see `as_auth`; TypeError for Digest, since this is called only without its plugin.
        """
        if type(value) is not tuple and isinstance(value, (HTTPDigestAuth, RequestsDigestAuth)):
            raise TypeError("auth= got HTTPDigestAuth, which only the plugin 'digest' takes, and it is not loaded")
        pair, known = self._last_pair
        if value.__class__ is tuple and known is not None and is_plain_pair(value) and value == pair:
            return known
        from .auth_option import as_auth

        auth = as_auth(value)
        if type(auth) is HTTPBasicAuth and is_plain_pair(value):
            self._last_pair = value, auth  # calls give the same pair again and again: 4 us less for each
        return auth


class Digest:
    """Answer Digest challenges: those of origins to requests with `auth=HTTPDigestAuth(...)`, and those of proxies.

    A proxy gets the credentials in its URL, as the request's route has them. Nonces belong to the client: it has one object
    for all equal HTTPDigestAuth objects that it is given.

    Example::

        from hookline import HttpClient
        from hookline_auth import Digest

        client = HttpClient(autoload=False, plugins=[Digest()])
    """

    name = "digest"
    after = ("tunnel",)  # which sets the route, and the Basic credentials for the proxy
    before = ("expect",)  # which reads the wait_continue that this plugin sets

    def __init__(self) -> None:
        self.flows = RunningFlows(self.name)
        self.proxy_flows = RunningFlows(self.name)
        self._known: dict[HTTPDigestAuth, HTTPDigestAuth] = {}
        self._proxies: dict[Proxy, HTTPDigestAuth] = {}  # that have sent a Digest challenge
        self.knows_proxies = Switch()

    @hookimpl
    def declare(self) -> list[Option]:
        kinds = (HTTPDigestAuth, RequestsDigestAuth)
        return [Option("auth", None, convert=self._convert, accepts=kinds, doc=_DOC, expected="an HTTPDigestAuth")]

    @hookimpl(trylast=True, options=("auth",), switch="knows_proxies")
    def pre_request(self, response: HttpResponse[Request], cause: str) -> Awaitable[None] | None:
        request = response.request
        if request.auth is None and not self._proxies:  # nearly always: the cheap test first
            return None
        return self._prepare(response) if self._proxies or isinstance(request.auth, HTTPDigestAuth) else None

    @hookimpl(statuses=(407,), headers=("proxy-authenticate",))
    def on_headers(self, response: HttpResponse, cause: str) -> None:
        from .proxy import proxy_of  # imported here, because few clients have a proxy that asks for credentials

        if proxy_of(response.request) is not None:
            response.buffer()

    @hookimpl(statuses=(407,), headers=("proxy-authenticate",))
    def post_request(
        self, response: HttpResponse, exc: BaseException | None, cause: str
    ) -> Awaitable[HttpRequest | None] | None:
        from .proxy import has_digest_answer, proxy_of

        proxy = proxy_of(response.request) if exc is None else None
        # The flow that has sent an answer to the proxy goes on by itself.
        return None if proxy is None or has_digest_answer(response.request) else self._answer_proxy(response, proxy)

    def _auth_for(self, request: Request) -> HTTPDigestAuth | None:
        """Return what answers the origin of this request; None for sub-requests, which have credentials of their own."""
        auth = request.auth
        if auth is None or request.parent is not None or request.owner("auth") != self.name:
            return None
        if request.has_left_origin or request.is_overruled("auth", "Authorization"):
            return None
        return cast("HTTPDigestAuth", auth)  # the only class that this plugin converts to

    async def _prepare(self, response: HttpResponse[Request]) -> None:
        """Begin the flows of a request, or go on with them: the proxy's, then the origin's."""
        request = response.request
        if self._proxies and not self.proxy_flows.resume(response):
            from .proxy import proxy_of
            from .proxy_digest import ProxyDigest

            proxy = proxy_of(request)
            if proxy is not None and proxy in self._proxies:
                await self.proxy_flows.begin(response, ProxyDigest(self._proxies[proxy], proxy, request.target))
        auth = self._auth_for(request)
        if auth is not None and not self.flows.resume(response):
            expect_continue(request)
            await self.flows.begin(response, auth)

    async def _answer_proxy(self, response: HttpResponse, proxy: Proxy) -> HttpRequest | None:
        """Return the request with an answer to the proxy's first challenge, and remember the proxy; None = no answer."""
        from .lru import set_newest
        from .proxy_digest import ProxyDigest

        digest = self._proxies.get(proxy) or HTTPDigestAuth(proxy.username, proxy.password)
        flow = ProxyDigest(digest, proxy, response.request.target, is_asked=True)
        request = await self.proxy_flows.answer(response, flow)
        if request is not None:
            set_newest(self._proxies, proxy, digest, MAX_CREDENTIALS)
            self.knows_proxies.turn_on()
        return request

    def _convert(self, value: object) -> HTTPDigestAuth:
        """Return the client's own object for the credentials of the value of `auth=`; one of a subclass stays as it is.

        Raises:
            TypeError: value is of another class.
            ValueError: requests' HTTPDigestAuth has credentials that ours refuses.
        """
        if isinstance(value, RequestsDigestAuth):
            value = HTTPDigestAuth(value.username, value.password)
        if not isinstance(value, HTTPDigestAuth):
            raise TypeError(
                f"auth= takes HTTPDigestAuth, not {type(value).__name__}; the plugin 'basic' takes the rest"
            )
        if type(value) is not HTTPDigestAuth:
            return value
        from .lru import set_newest

        return set_newest(self._known, value, self._known.get(value) or value.fresh_copy(), MAX_CREDENTIALS)


def is_plain_pair(value: Any) -> bool:
    """Is this a pair of str, which compares by what it says alone?"""
    return value.__class__ is tuple and len(value) == 2 and value[0].__class__ is str and value[1].__class__ is str


def expect_continue(request: Request) -> None:
    """Let the server answer before a body is sent that can be sent only once, if the plugin `expect` is loaded.

    A `wait_continue` of the call itself stays.
    """
    if getattr(request.body, "is_repeatable", True) or "wait_continue" in vars(request):
        return
    if hasattr(request, "wait_continue"):
        request.wait_continue = request.wait_continue or True


async def discard_result(result: Awaitable[Any]) -> None:
    """Await what an `async def f(response)` gave, without the result, which core would take for an answer."""
    await result
