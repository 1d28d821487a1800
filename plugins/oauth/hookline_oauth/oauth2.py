"""OAuth 2 (RFC 6749): the value of `auth=` that sends a bearer token, gets it, and renews it."""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hookline import BodyNotRepeatable, HttpClient, HttpRequest, HttpResponse

from . import grants
from .device import DeviceAuthorization, device_authorization_in, poll
from .errors import OAuthError, TokenExpired, TokenRefused
from .flight import SingleFlight
from .handler import register
from .kinds import Bearer
from .origins import check_transport, is_at_first_origin
from .token import as_token, is_due, is_expired, renewed
from .token_request import answer_to, token_request
from .token_response import fields_in, refused, token_in


class OAuth2(Bearer):
    """Sends a bearer token with requests to the origin that the user asked for, and renews it when it can.

    client_id: the client identifier. client: instead, an oauthlib.oauth2 client; its grant is what `fetch_token` uses.
    token: an access token, or a mapping as servers give it (access_token, refresh_token, expires_at, …).
    token_url: the token endpoint; renewal needs it. client_secret: None for a public client.
    client_auth: how the client says who it is to the token endpoint, "basic" or "body".
    token_updater: called with each new token, a dict; plain or async. Calls may overlap when it takes long.
    options: oauthlib's for a WebApplicationClient, such as state and code_verifier of a flow that another object began.

    Give it as `auth=` to a client or a request, or bind it as a handler of pre_request. One object may serve several
    clients and event loops.

    Raises: TypeError; ValueError.
    """

    def __init__(
        self,
        client_id: str | None = None,
        client: Any = None,
        *,
        token: Any = None,
        token_url: str | None = None,
        client_secret: str | None = None,
        client_auth: str = "basic",
        scope: Any = None,
        redirect_uri: str | None = None,
        token_updater: Callable[[dict[str, Any]], Any] | None = None,
        **options: Any,
    ) -> None:
        if client_auth not in grants.CLIENT_AUTH:
            raise ValueError(f"client_auth={client_auth!r}; there are {', '.join(grants.CLIENT_AUTH)}")
        if client is not None and (client_id is not None or options):
            raise TypeError("OAuth2 takes client=, or client_id= and options, not both")
        if client is None and (client_id is not None or options):
            client = web_client(client_id, options)
        self._client = client
        self._token = as_token(token, time.time())
        self._secret = client_secret
        self._client_auth = client_auth
        self._flight = SingleFlight()
        self._has_client_grant = client is not None and is_backend(client)
        self._rejected: str | None = None
        self.token_url = token_url
        self.scope = scope
        self.redirect_uri = redirect_uri
        self.token_updater = token_updater

    # -- what it has

    @property
    def client_id(self) -> str:
        """The client identifier.

        Raises: OAuthError, without one.
        """
        return str(self._oauthlib.client_id)

    @property
    def token(self) -> dict[str, Any] | None:
        """A copy of the token, a secret; with `expires_at` in seconds since 1970 where it ends. None before there is one."""
        return None if self._token is None else dict(self._token)

    @property
    def state(self) -> str | None:
        """The state that the last authorization_url sent; a secret of the user's session."""
        return None if self._client is None else self._client.state

    @property
    def code_verifier(self) -> str | None:
        """The PKCE verifier behind the last authorization_url; a secret."""
        return None if self._client is None else self._client.code_verifier

    @property
    def _oauthlib(self) -> Any:
        if self._client is None:
            raise OAuthError("OAuth2 has no client identifier: give client_id=, or client=, an oauthlib.oauth2 client")
        return self._client

    @property
    def _access_token(self) -> str | None:
        return None if self._token is None else self._token["access_token"]

    # -- for the plugin

    def __call__(self, response: Any, **kw: Any) -> None:
        """As a handler of pre_request: be the `auth=` of this request.

        Raises: PluginError, where the plugin oauth2 does not run.
        """
        register(self, response, "oauth2")

    def apply(self, request: HttpRequest) -> Awaitable[None] | None:
        """Place the token in a request, renewed where it must be, unless it goes where the user did not send it.

        Raises: OAuthError, without a token; TokenExpired; InsecureTransport.
        """
        if not is_at_first_origin(request):
            return None
        check_transport(request.url, "the access token", request)
        if self.must_renew():
            return self._renew_and_place(request)
        self._place(request)
        return None

    async def _renew_and_place(self, request: HttpRequest) -> None:
        await self.renew(request.client, request)
        self._place(request)

    def _place(self, request: HttpRequest) -> None:
        """RFC 6750, section 2.1."""
        request.unredirected_headers["Authorization"] = f"Bearer {self._access_token}"

    def can_answer(self, response: HttpResponse) -> bool:
        """Is a 401 about a token of ours, the first in this call, and is there a way to another token?"""
        return (
            self.can_renew
            and is_at_first_origin(response.request)
            and "Authorization" in response.request.unredirected_headers
            and not any(earlier.status_code == 401 for earlier in response.history)
        )

    async def answer(self, response: HttpResponse) -> HttpRequest:
        """The same request once more, when there is another token.

        Raises: BodyNotRepeatable, before a renewal; whatever the renewal raises.
        """
        request = response.request
        if request.unredirected_headers["Authorization"] == f"Bearer {self._access_token}":
            self._rejected = self._access_token  # else there is another by now
        try:
            again = request.copy(cause="auth")
        except BodyNotRepeatable as error:
            error.response = response
            raise
        response.drop_connection()  # of a body that is not read on: the token's request may need its place in the pool
        if self.must_renew():
            await self.renew(request.client, request)
        return again

    def must_renew(self) -> bool:
        """Is the token to be renewed before the next request?

        Raises: OAuthError, without a token; TokenExpired. Both only where there is no way to get one.
        """
        token, now = self._token, time.time()
        if token is not None and not is_due(token, now) and token["access_token"] != self._rejected:
            return False
        if self.can_renew:
            return True
        if token is None:
            raise OAuthError("OAuth2 has no token yet: give token=, or fetch one, as with fetch_token(client, …)")
        if is_expired(token, now):
            raise TokenExpired(
                "the access token has expired, and cannot be renewed: that takes a refresh token, token_url= and client_id="
            )
        return False

    @property
    def can_renew(self) -> bool:
        """Is there a way to another token without the user?"""
        has_grant = self._has_client_grant or (self._token is not None and bool(self._token.get("refresh_token")))
        return has_grant and self.token_url is not None and self._client is not None

    async def renew(self, http: HttpClient, parent: HttpRequest | None) -> None:
        """Get another token, or wait for the one that is on its way, unless there is a good one by now.

        Raises: TokenRefused; InsecureTransport; HttpRequestException; whatever token_updater raises.
        """

        async def work() -> None:
            if self._has_client_grant:
                form = grants.form_of_credentials(self.client_id, self.scope, {})
                self._take(await self._ask(http, form, parent))
            else:
                self._take(await self._refreshed(http, parent))

        await self._flight.run(http, self.must_renew, work, self._tell_updater)

    async def _refreshed(self, http: HttpClient, parent: HttpRequest | None) -> dict[str, Any]:
        old = self._token or {}
        try:
            new = await self._ask(http, grants.form_of_refresh(self._oauthlib, old["refresh_token"]), parent)
        except TokenRefused as refusal:
            if refusal.error == "invalid_grant":
                refusal.args = (f"{refusal}. The refresh token was revoked or has expired: the user has to agree anew",)
            raise
        return renewed(old, new)

    def _take(self, token: dict[str, Any]) -> None:
        self._token, self._rejected = token, None

    # -- grants. In a running loop these give coroutines, without one results.

    def authorization_url(self, url: str, **parameters: Any) -> str:
        """The URL to send the user to: a new state and a new PKCE challenge each time (RFC 6749, section 4.1.1).

        Raises: InsecureTransport; OAuthError.
        """
        check_transport(url, "the user's password")
        return grants.start_of_code_grant(self._oauthlib, url, self.redirect_uri, self.scope, parameters)

    def fetch_token(
        self,
        http: HttpClient,
        authorization_response: str | None = None,
        *,
        code: str | None = None,
        state: str | None = None,
        **parameters: Any,
    ) -> Any:
        """Change the code that the user came back with for a token (RFC 6749, section 4.1.3); gives the token.

        authorization_response: the whole URL that the user came back to; its state is compared with `state`, by default
            the one that authorization_url sent. code: instead, the code alone, where the caller has compared the state.
        parameters: more for the token endpoint; with `client=` of another grant all that this grant needs.

        Raises: OAuthError; TokenRefused; InsecureTransport; HttpRequestException.
        """
        return http.wait_for(self._fetch_token(http, authorization_response, code, state, parameters))

    async def _fetch_token(
        self, http: HttpClient, url: str | None, code: str | None, state: str | None, parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        client = self._oauthlib
        if url is not None:
            code = grants.code_in(client, url, state or client.state)
        given = {"scope": self.scope} if self._has_client_grant else {}
        if getattr(client, "grant_type", "") == "authorization_code":
            if code is None:
                raise OAuthError("fetch_token needs authorization_response= or code=; see also fetch_client_token")
            given = {"code": code, "redirect_uri": self.redirect_uri, "code_verifier": client.code_verifier}
        return await self._keep(await self._ask(http, grants.form_of_grant(client, **given, **parameters)))

    def fetch_client_token(self, http: HttpClient, **parameters: Any) -> Any:
        """A token for the client itself, no user (RFC 6749, section 4.4). It is renewed in the same way.

        Raises: TokenRefused; InsecureTransport; HttpRequestException.
        """
        return http.wait_for(self._fetch_client_token(http, parameters))

    async def _fetch_client_token(self, http: HttpClient, parameters: Mapping[str, Any]) -> dict[str, Any]:
        token = await self._ask(http, grants.form_of_credentials(self.client_id, self.scope, parameters))
        self._has_client_grant = True
        return await self._keep(token)

    def device_authorization(self, http: HttpClient, url: str, **parameters: str) -> Any:
        """Begin the grant for devices without a browser (RFC 8628, section 3.1); gives a DeviceAuthorization to show.

        Raises: TokenRefused; InsecureTransport; HttpRequestException.
        """
        return http.wait_for(self._device_authorization(http, url, parameters))

    async def _device_authorization(
        self, http: HttpClient, url: str, parameters: Mapping[str, str]
    ) -> DeviceAuthorization:
        form = grants.form_of_device(self.client_id, self.scope, parameters, has_secret=self._secret is not None)
        response = await self._post(http, url, form)
        try:
            return device_authorization_in(fields_in(response, self._secrets()))
        except ValueError as problem:
            raise refused(response, f"its answer is no device authorization: {problem}") from None

    def fetch_device_token(self, http: HttpClient, device: DeviceAuthorization) -> Any:
        """Wait until the user has agreed, and get the token (RFC 8628, section 3.4). Cancel it at will.

        Raises: TokenRefused, with `error` "access_denied" or "expired_token" where there will be none;
        InsecureTransport; HttpRequestException.
        """
        return http.wait_for(self._fetch_device_token(http, device))

    async def _fetch_device_token(self, http: HttpClient, device: DeviceAuthorization) -> dict[str, Any]:
        form = grants.form_of_device_code(self.client_id, device.device_code)
        return await self._keep(await poll(device, lambda: self._ask(http, form)))

    def refresh(self, http: HttpClient) -> Any:
        """Renew the token now, or wait for the renewal that is under way; gives the token.

        Raises: OAuthError, where there is no way; TokenRefused; InsecureTransport; HttpRequestException.
        """
        return http.wait_for(self._refresh(http))

    async def _refresh(self, http: HttpClient) -> dict[str, Any]:
        if not self.can_renew:
            raise TokenExpired("the token cannot be renewed: that takes a refresh token, token_url= and client_id=")
        self._rejected = self._access_token
        await self.renew(http, None)
        return dict(self._token or {})

    # -- the token endpoint

    async def _keep(self, token: dict[str, Any]) -> dict[str, Any]:
        self._take(token)
        await self._tell_updater()
        return dict(token)

    async def _tell_updater(self) -> None:
        """Give the user the token to keep. No lock is held, and nobody but the caller waits."""
        if self.token_updater is not None and self._token is not None:
            told = self.token_updater(dict(self._token))
            if inspect.isawaitable(told):
                await told

    async def _ask(self, http: HttpClient, form: str, parent: HttpRequest | None = None) -> dict[str, Any]:
        """Ask the token endpoint."""
        if self.token_url is None:
            raise OAuthError("token_url= was not given: nobody knows where to ask for a token")
        response = await self._post(http, self.token_url, form, parent)
        return token_in(response, time.time(), (*self._secrets(), *grants.secrets_of(form)))

    async def _post(self, http: HttpClient, url: str, form: str, parent: HttpRequest | None = None) -> Any:
        form, headers = grants.authenticated(form, self.client_id, self._secret, self._client_auth)
        return await answer_to(token_request(http, url, form, headers, parent))

    def _secrets(self) -> tuple[str | None, ...]:
        """What no message may show."""
        token = self._token or {}
        return self._secret, token.get("access_token"), token.get("refresh_token"), self.code_verifier

    def __repr__(self) -> str:
        client_id = None if self._client is None else self._client.client_id
        return f"<OAuth2 client_id={client_id!r}, {'no token yet' if self._token is None else 'with a token'}>"


def web_client(client_id: str | None, options: Mapping[str, Any]) -> Any:
    """oauthlib's client for the code grant; it takes any keyword in silence, so they are checked here.

    Raises: TypeError.
    """
    from oauthlib.oauth2 import Client, WebApplicationClient

    known = {"code", *inspect.signature(Client.__init__).parameters} - {"self", "kwargs", "client_id", "token", "scope"}
    for name in options:
        if name not in known:
            raise TypeError(f"OAuth2() got an unexpected keyword {name!r}")
    if client_id is None:
        raise TypeError(f"OAuth2 needs client_id= with {', '.join(options)}=")
    return WebApplicationClient(client_id, **options)


def is_backend(client: Any) -> bool:
    """Is it oauthlib's client for the client credentials grant?"""
    return bool(getattr(client, "grant_type", "") == "client_credentials")
