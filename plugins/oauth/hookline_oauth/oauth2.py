"""OAuth 2 (RFC 6749): the value of `auth=` that sends a bearer token, gets it, and renews it."""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any

from hookline import BodyNotRepeatable, HttpClient, HttpRequest, HttpResponse

from . import grants, interfaces
from .device_authorization import DeviceAuthorization, parse_device_authorization, poll
from .errors import OAuthError, TokenExpired, TokenRefused
from .pre_request_handler import use_as_auth
from .secure_transport import check_secure
from .shared_task import SharedTask
from .token import as_token, is_due_for_renewal, is_expired, merge_renewed
from .token_request import send_token_request, token_request
from .token_response import parse_members, parse_token, token_refused

if TYPE_CHECKING:
    from oauthlib.oauth2 import Client

TokenUpdater = Callable[[dict[str, Any]], Any]


class OAuth2(interfaces.OAuth2):
    """Send a bearer token with requests to the origin of the user's URL, and renew it before it expires.

    client_id: the client identifier. client: instead, an oauthlib.oauth2 client; `fetch_token` uses its grant.
    token: an access token, or a mapping as servers send it (access_token, refresh_token, expires_at, …).
    token_url: the token endpoint; renewal needs it. client_secret: None for a public client.
    client_auth: how the client authenticates to the token endpoint, "basic" or "body" (RFC 6749, section 2.3.1).
    token_updater: called with each new token, a dict; plain or async. A call that takes long may overlap with the next.
    options: those of oauthlib's client: state and code_verifier of a grant that another object began, state_generator,
        access_token, refresh_token and token_type.

    Give it as `auth=` to a client or a request, or bind it as a handler of pre_request. One object may serve several
    clients and event loops.

    Raises: TypeError; ValueError.

    Example: docs/oauth.md#a-user-in-a-browser-the-authorization-code-grant
    """

    def __init__(
        self,
        client_id: str | None = None,
        client: Client | None = None,
        *,
        token: Any = None,
        token_url: str | None = None,
        client_secret: str | None = None,
        client_auth: str = "basic",
        scope: Any = None,
        redirect_uri: str | None = None,
        token_updater: TokenUpdater | None = None,
        **options: Any,
    ) -> None:
        if client_auth not in grants.CLIENT_AUTH:
            raise ValueError(f"client_auth={client_auth!r}; there are {', '.join(grants.CLIENT_AUTH)}")
        if client is not None and (client_id is not None or options):
            raise TypeError("OAuth2 takes client=, or client_id= and options, not both")
        if client is None and (client_id is not None or options):
            client = grants.web_client(client_id, options)
        self._client = client
        self._token = as_token(grants.initial_token(client) if token is None else token, time.time())
        self._secret = client_secret
        self._client_auth = client_auth
        # The parameters of the client credentials grant, if the token came, or is to come, by that grant.
        self._client_grant: Mapping[str, Any] | None = {} if grants.is_backend(client) else None
        self._rejected: str | None = None  # the access token that a server answered with 401
        self._renewal = SharedTask()
        self.token_url = token_url
        self.scope = scope
        self.redirect_uri = redirect_uri
        self.token_updater = token_updater

    # -- attributes

    @property
    def client_id(self) -> str:
        """The client identifier.

        Raises: OAuthError, if there is none.
        """
        return str(self._oauthlib.client_id)

    @property
    def token(self) -> dict[str, Any] | None:
        """A copy of the token, which is a secret; None before there is one. `expires_at`, if any, is in seconds since 1970."""
        return None if self._token is None else dict(self._token)

    @property
    def state(self) -> str | None:
        """The state in the last authorization_url; a secret of the user's session.

        Example::

            from hookline_oauth import OAuth2

            auth = OAuth2("the-client", token_url="https://login.example/token", redirect_uri="https://client.example/back")
            url = auth.authorization_url("https://login.example/authorize")
            print(auth.state in url, len(auth.code_verifier) >= 43)
        """
        return None if self._client is None else self._client.state

    @property
    def code_verifier(self) -> str | None:
        """The PKCE verifier of the last authorization_url; a secret."""
        return None if self._client is None else self._client.code_verifier

    @property
    def _oauthlib(self) -> Client:
        """The oauthlib client.

        Raises: OAuthError, if there is none.
        """
        if self._client is None:
            raise OAuthError("OAuth2 has no client identifier: give client_id=, or client=, an oauthlib.oauth2 client")
        return self._client

    @property
    def _access_token(self) -> str | None:
        return None if self._token is None else self._token["access_token"]

    # -- requests of the user

    def __call__(self, response: object, **kw: Any) -> None:
        """Be a handler of pre_request: become the `auth=` of this request.

        Raises: PluginError, if the plugin oauth2 is not loaded.
        """
        use_as_auth(self, response, "oauth2")

    def apply(self, request: HttpRequest) -> Awaitable[None] | None:
        """Place the token in a request, unless it goes to another origin or has an Authorization field of its own.

        Returns what to await first, if the token has to be renewed.

        Raises: OAuthError, without a token; TokenExpired; InsecureTransport.

        Example::

            from hookline import HttpClient
            from hookline_oauth import OAuth2

            auth = OAuth2("the-client", token={"access_token": "a-token", "expires_in": 3600})
            print(auth.client_id, sorted(auth.token), auth.can_renew, auth.must_renew())
            request = HttpClient().build_request("GET", "https://api.example/")
            auth.apply(request)
            print(request.has_header("Authorization"))
        """
        if request.has_left_origin or request.is_overruled("auth", "Authorization"):
            return None
        check_secure(request.url, "the access token", request)
        if self.must_renew():
            return self._renew_and_place(request)
        self._place(request)
        return None

    async def _renew_and_place(self, request: HttpRequest) -> None:
        await self.renew(request.client, request)
        self._place(request)

    def _place(self, request: HttpRequest) -> None:
        """Set the Authorization field (RFC 6750, section 2.1)."""
        request.unredirected_headers["Authorization"] = f"Bearer {self._access_token}"

    def can_answer(self, response: HttpResponse) -> bool:
        """Say whether a 401 is about our token and the first of its call, and the token can be renewed.

        Example::

            from hookline import HttpClient, HttpResponse
            from hookline_oauth import OAuth2

            auth = OAuth2(token="a-token")
            async with HttpClient() as client:
                response = HttpResponse.build(client.build_request("GET", "https://api.example/"), 401)
                if auth.can_answer(response):  # not this one: the token cannot be renewed
                    await auth.answer(response)
        """
        return (
            self.can_renew
            and not response.request.has_left_origin
            and "Authorization" in response.request.unredirected_headers
            and not any(earlier.status_code == 401 for earlier in response.history)
        )

    async def answer(self, response: HttpResponse) -> HttpRequest:
        """Return a copy of the request, once there is another token than the one that got the 401.

        Raises: BodyNotRepeatable, before the token is renewed; the errors of `renew`.
        """
        request = response.request
        if request.unredirected_headers["Authorization"] == f"Bearer {self._access_token}":
            self._rejected = self._access_token  # else the token was renewed meanwhile
        try:
            again = request.copy(cause="auth")
        except BodyNotRepeatable as error:
            error.response = response
            raise
        response.drop_connection()  # if its body was not read whole: the token request may need the place in the pool
        if self.must_renew():
            await self.renew(request.client, request)
        return again

    # -- renewal

    @property
    def can_renew(self) -> bool:
        """Say whether another token can be had without the user."""
        has_grant = self._client_grant is not None or (
            self._token is not None and bool(self._token.get("refresh_token"))
        )
        return has_grant and self.token_url is not None and self._client is not None

    def must_renew(self) -> bool:
        """Say whether the token has to be renewed before the next request.

        Raises: OAuthError, without a token, and TokenExpired, with an expired one; both only if it cannot be renewed.
        """
        token, now = self._token, time.time()
        if token is not None and not is_due_for_renewal(token, now) and token["access_token"] != self._rejected:
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

    async def renew(self, http: HttpClient, parent: HttpRequest | None) -> None:
        """Renew the token, or wait for the renewal that another request began; nothing if the token is good by now.

        parent: the request for whose sake this is done, None = none.

        Raises: TokenRefused; InsecureTransport; HttpRequestException; whatever token_updater raises.

        Example: docs/oauth.md#rules
        """

        async def work() -> None:
            old = self._token
            if self._client_grant is not None:
                form = grants.client_credentials_form(self.client_id, self.scope, self._client_grant)
                new = await self._request_token(http, form, parent)
            else:
                new = await self._refreshed(http, parent, old or {})
            if self._token is old:  # else the user has fetched one meanwhile
                self._set_token(new)

        await self._renewal.run(http, self.must_renew, work, self._call_updater)

    async def _refreshed(self, http: HttpClient, parent: HttpRequest | None, old: Mapping[str, Any]) -> dict[str, Any]:
        """Return a new token by the refresh token of the old one."""
        form = grants.refresh_form(self._oauthlib, old["refresh_token"])
        try:
            new = await self._request_token(http, form, parent)
        except TokenRefused as error:
            if error.error == "invalid_grant":
                error.args = (f"{error}. The refresh token was revoked or has expired: the user has to agree anew",)
            raise
        return merge_renewed(old, new)

    def _set_token(self, token: dict[str, Any]) -> None:
        self._token, self._rejected = token, None

    async def _accept(self, token: dict[str, Any], client_grant: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Set a token that the user fetched, and return a copy; it will be renewed by the grant that it came by."""
        self._set_token(token)
        self._client_grant = client_grant
        await self._call_updater()
        return dict(token)

    async def _call_updater(self) -> None:
        """Give the user the token to store. No lock is held, and no other request waits for this."""
        if self.token_updater is not None and self._token is not None:
            result = self.token_updater(dict(self._token))
            if inspect.isawaitable(result):
                await result

    # -- grants. The public methods return coroutines in a running event loop, and results without one.

    def authorization_url(self, url: str, **parameters: Any) -> str:
        """Return the URL to send the user to, with a new state and a new PKCE challenge (RFC 6749, section 4.1.1).

        url: the authorization endpoint. parameters: more for its query.

        Raises: InsecureTransport; OAuthError.

        Example: docs/oauth.md#a-user-in-a-browser-the-authorization-code-grant
        """
        check_secure(url, "the user's password")
        return grants.authorization_url(self._oauthlib, url, self.redirect_uri, self.scope, parameters)

    def fetch_token(
        self,
        http: HttpClient,
        authorization_response: str | None = None,
        *,
        code: str | None = None,
        state: str | None = None,
        **parameters: Any,
    ) -> Any:
        """Exchange the code that the user came back with for a token (RFC 6749, section 4.1.3); return the token.

        authorization_response: the whole URL that the user came back to; its state is compared with `state`, by default
            the one in the last authorization_url. code: instead, the code alone, if the caller has compared the state.
        parameters: more for the token endpoint; with `client=` of another grant, everything that its grant needs.

        Raises: OAuthError; TokenRefused; InsecureTransport; HttpRequestException.

        Example: docs/oauth.md#a-user-in-a-browser-the-authorization-code-grant
        """
        return http.run(self._fetch_token(http, authorization_response, code, state, parameters))

    async def _fetch_token(
        self, http: HttpClient, url: str | None, code: str | None, state: str | None, parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        client = self._oauthlib
        if url is not None:
            code = grants.authorization_code(client, url, state or client.state)
        if grants.is_backend(client):
            return await self._fetch_client_token(http, parameters)
        defaults = {} if self.scope is None else {"scope": self.scope}
        if getattr(client, "grant_type", "") == "authorization_code":
            if code is None:
                raise OAuthError("fetch_token needs authorization_response= or code=; see also fetch_client_token")
            defaults = {"code": code, "redirect_uri": self.redirect_uri, "code_verifier": client.code_verifier}
        token = await self._request_token(http, grants.grant_form(client, **{**defaults, **parameters}))
        client.state = None  # it is good for one response
        return await self._accept(token)

    def fetch_client_token(self, http: HttpClient, **parameters: Any) -> Any:
        """Fetch a token for the client itself, without a user (RFC 6749, section 4.4). It is renewed in the same way.

        parameters: more for the token endpoint, such as audience or resource.

        Raises: TokenRefused; InsecureTransport; HttpRequestException.

        Example: docs/oauth.md#no-user-the-client-credentials-grant
        """
        return http.run(self._fetch_client_token(http, parameters))

    async def _fetch_client_token(self, http: HttpClient, parameters: Mapping[str, Any]) -> dict[str, Any]:
        token = await self._request_token(http, grants.client_credentials_form(self.client_id, self.scope, parameters))
        return await self._accept(token, client_grant=dict(parameters))

    def device_authorization(self, http: HttpClient, url: str, **parameters: str) -> Any:
        """Begin the grant for devices without a browser (RFC 8628, section 3.1); return a DeviceAuthorization to show.

        url: the device authorization endpoint. parameters: more for its form.

        Raises: TokenRefused; InsecureTransport; HttpRequestException.

        Example: docs/oauth.md#a-user-on-another-device-the-device-authorization-grant
        """
        return http.run(self._device_authorization(http, url, parameters))

    async def _device_authorization(
        self, http: HttpClient, url: str, parameters: Mapping[str, str]
    ) -> DeviceAuthorization:
        form = grants.device_authorization_form(
            self.client_id, self.scope, parameters, is_named=self._is_named_in_forms
        )
        response = await self._post(http, url, form)
        try:
            return parse_device_authorization(parse_members(response, self._secrets()))
        except ValueError as problem:
            raise token_refused(response, f"its answer is not a device authorization: {problem}") from None

    def fetch_device_token(self, http: HttpClient, device: DeviceAuthorization) -> Any:
        """Wait until the user has agreed, and fetch the token (RFC 8628, section 3.4).

        Cancel it when you like; closing the client ends it.

        Raises: TokenRefused, with `error` "access_denied" if the user refuses, "expired_token" if the user takes too long;
        InsecureTransport; HttpRequestException.

        Example: docs/oauth.md#a-user-on-another-device-the-device-authorization-grant
        """
        return http.run(self._fetch_device_token(http, device))

    async def _fetch_device_token(self, http: HttpClient, device: DeviceAuthorization) -> dict[str, Any]:
        form = grants.device_token_form(self.client_id, device.device_code)
        return await self._accept(await poll(device, lambda: self._request_token(http, form), http.pause))

    def refresh(self, http: HttpClient) -> Any:
        """Renew the token now, or wait for the renewal that has begun; return the token.

        Raises: TokenExpired, if it cannot be renewed; TokenRefused; InsecureTransport; HttpRequestException.

        Example: docs/oauth.md#rules
        """
        return http.run(self._refresh(http))

    async def _refresh(self, http: HttpClient) -> dict[str, Any]:
        if not self.can_renew:
            raise TokenExpired("the token cannot be renewed: that takes a refresh token, token_url= and client_id=")
        self._rejected = self._access_token
        await self.renew(http, None)
        return dict(self._token or {})

    # -- the token endpoint

    async def _request_token(self, http: HttpClient, form: str, parent: HttpRequest | None = None) -> dict[str, Any]:
        """Send a form to the token endpoint; return the token."""
        if self.token_url is None:
            raise OAuthError("OAuth2 has no token endpoint: give token_url=")
        response = await self._post(http, self.token_url, form, parent)
        return parse_token(response, time.time(), (*self._secrets(), *grants.secrets_in(form)))

    async def _post(self, http: HttpClient, url: str, form: str, parent: HttpRequest | None = None) -> HttpResponse:
        """Send a form with the client's authentication; return the response."""
        form, headers = grants.authenticate_client(form, self.client_id, self._secret, self._client_auth)
        return await send_token_request(token_request(http, url, form, headers, parent))

    @property
    def _is_named_in_forms(self) -> bool:
        """Say whether the client's authentication writes the client identifier into the form."""
        return self._secret is None or self._client_auth != "basic"

    def _secrets(self) -> tuple[str | None, ...]:
        """Return what no message may show."""
        token = self._token or {}
        return (
            self._secret,
            token.get("access_token"),
            token.get("refresh_token"),
            getattr(self._client, "code_verifier", None),
        )

    def __repr__(self) -> str:
        client_id = None if self._client is None else self._client.client_id
        return f"<OAuth2 client_id={client_id!r}, {'no token yet' if self._token is None else 'with a token'}>"
