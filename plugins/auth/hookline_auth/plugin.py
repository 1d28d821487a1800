"""The plugins: `basic` for what is sent unasked and for flows of one's own, `digest` for Digest."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable
from typing import Any

from hookline import HttpRequest, HttpResponse, Option, Switch, hookimpl

from .adapting import DigestOfRequests, FromHttpx, Given, as_given, awaited
from .basic import HTTPBasicAuth
from .bounded import touch
from .digest import HTTPDigestAuth
from .flows import Auth, set_field
from .netrc import Hosts, has_netrc, read_netrc
from .proxies import Proxy, ProxyDigest, proxy_of, was_answered
from .rules import ask_first, found_for
from .running import CAUSE, Flows

MAX_CREDENTIALS = 256  # for Digest, to origins and to proxies, whose nonces a client remembers

_DOC = "a pair, an authentication or a callable; None = nothing unasked, whatever the client has"


class Basic:
    """See the module. Where nobody gave `auth=`, it sends what the URL says, or netrc."""

    name = "basic"

    def __init__(self) -> None:
        self._flows = Flows(self.name)
        self._hosts: Hosts | None = None  # netrc's; read at the first request that may look there
        self.has_netrc = Switch()
        if has_netrc():
            self.has_netrc.turn_on()

    @hookimpl
    def declare(self) -> list[Option]:
        kinds = (tuple, list, Auth, FromHttpx, callable)
        return [Option("auth", None, convert=self._take, accepts=kinds, doc=_DOC)]

    @hookimpl(trylast=True, options=("auth",), switch="has_netrc")
    def pre_request(self, response: HttpResponse) -> Awaitable[None] | None:
        request: Any = response.request
        auth = request.auth
        hosts = self._hosts
        if hosts is None and request.trust_env:
            hosts = self._hosts = read_netrc()
        if auth is None and not hosts and request.userinfo is None:  # nearly always
            return None
        if auth is None or request.has_left_origin:
            if hosts or request.userinfo is not None:
                auth = found_for(request, hosts if request.trust_env else None)
                if auth is not None:
                    set_field(request, "Authorization", auth.value)
            return None
        if request.owner("auth") != self.name or request.is_overruled("auth", "Authorization"):
            return None
        if auth.__class__ is HTTPBasicAuth:
            set_field(request, "Authorization", auth.value)
            return None
        if not isinstance(auth, Auth):
            result = auth(response)
            return awaited(result) if inspect.isawaitable(result) else None
        if request.cause == CAUSE and self._flows.resume(response):
            return None
        return self._flows.begin(response, auth)

    def _take(self, value: object) -> Given:
        """Raises: TypeError, ValueError."""
        if isinstance(value, HTTPDigestAuth | DigestOfRequests):
            raise TypeError("auth= got HTTPDigestAuth, which the plugin 'digest' takes, and that is not there")
        return as_given(value)


class Digest:
    """See the module. It also answers a proxy that asks for Digest, with the credentials of the request's route.

    The nonces belong to the client: of two equal HTTPDigestAuth objects the client knows one.
    """

    name = "digest"
    after = ("tunnel",)  # which sets the route, and Basic for the proxy
    before = ("expect",)  # which is asked to wait where a body can be sent once only

    def __init__(self) -> None:
        self._flows = Flows(self.name)
        self._proxy_flows = Flows(self.name)
        self._known: dict[HTTPDigestAuth, HTTPDigestAuth] = {}
        self._proxies: dict[Proxy, HTTPDigestAuth] = {}  # that have asked for Digest
        self.knows_proxies = Switch()

    @hookimpl
    def declare(self) -> list[Option]:
        kinds = (HTTPDigestAuth, DigestOfRequests)
        return [Option("auth", None, convert=self._take, accepts=kinds, doc=_DOC)]

    @hookimpl(trylast=True, options=("auth",), switch="knows_proxies")
    def pre_request(self, response: HttpResponse, cause: str) -> Awaitable[None] | None:
        request: Any = response.request
        if request.auth is None and not self._proxies:  # nearly always: the cheap question first
            return None
        return self._prepare(response) if self._proxies or isinstance(request.auth, HTTPDigestAuth) else None

    @hookimpl(statuses=(407,), headers=("proxy-authenticate",))
    def on_headers(self, response: HttpResponse, cause: str) -> None:
        if proxy_of(response.request) is not None:
            response.buffer()

    @hookimpl(statuses=(407,), headers=("proxy-authenticate",))
    def post_request(
        self, response: HttpResponse, exc: BaseException | None, cause: str
    ) -> Awaitable[HttpRequest | None] | None:
        proxy = proxy_of(response.request) if exc is None else None
        # What was answered already is judged by the flow that did so.
        return None if proxy is None or was_answered(response.request) else self._answer_proxy(response, proxy)

    def _auth_for(self, request: Any) -> HTTPDigestAuth | None:
        """What answers the origin of this request; sub-requests bring their own credentials."""
        auth = request.auth
        if auth is None or request.parent is not None or request.owner("auth") != self.name:
            return None
        if request.has_left_origin or request.is_overruled("auth", "Authorization"):
            return None
        return auth  # type: ignore[no-any-return]  # what this plugin has taken

    async def _prepare(self, response: HttpResponse) -> None:
        request = response.request
        if self._proxies and not self._proxy_flows.resume(response):
            proxy = proxy_of(request)
            if proxy is not None and proxy in self._proxies:
                await self._proxy_flows.begin(response, ProxyDigest(self._proxies[proxy], proxy))
        auth = self._auth_for(request)
        if auth is not None and not self._flows.resume(response):
            ask_first(request)
            await self._flows.begin(response, auth)

    async def _answer_proxy(self, response: HttpResponse, proxy: Proxy) -> HttpRequest | None:
        digest = self._proxies.get(proxy) or HTTPDigestAuth(proxy.username, proxy.password)
        request = await self._proxy_flows.answer(response, ProxyDigest(digest, proxy, is_asked=True))
        if request is not None:
            touch(self._proxies, proxy, digest, MAX_CREDENTIALS)
            self.knows_proxies.turn_on()
        return request

    def _take(self, value: Any) -> HTTPDigestAuth:
        """The client's own object for these credentials; one of a subclass stays as it is.

        Raises: TypeError, ValueError.
        """
        if isinstance(value, DigestOfRequests):
            value = HTTPDigestAuth(value.username, value.password)
        if not isinstance(value, HTTPDigestAuth):
            raise TypeError(
                f"auth= takes HTTPDigestAuth, not {type(value).__name__}; the plugin 'basic' takes the rest"
            )
        if type(value) is not HTTPDigestAuth:
            return value
        return touch(self._known, value, self._known.get(value) or value.twin(), MAX_CREDENTIALS)
