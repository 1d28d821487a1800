"""OAuth 2 (RFC 6749): the value of `auth=` that sends a bearer token, gets it, and renews it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hookline import HttpClient

from . import grants
from .device import DeviceAuthorization, device_authorization_in, poll
from .errors import OAuthError, TokenExpired
from .handler import register
from .holder import TokenHolder, Updater
from .origins import check_transport
from .token_response import fields_in, refused


class OAuth2(TokenHolder):
    """Sends a bearer token with requests to the origin that the user asked for, and renews it when it can.

    client_id: the client identifier. client: instead, an oauthlib.oauth2 client; its grant is what `fetch_token` uses.
    token: an access token, or a mapping as servers give it (access_token, refresh_token, expires_at, …).
    token_url: the token endpoint; renewal needs it. client_secret: None for a public client.
    client_auth: how the client says who it is to the token endpoint, "basic" or "body".
    token_updater: called with each new token, a dict; plain or async. Calls may overlap when it takes long.
    options: oauthlib's: state and code_verifier of a flow that another object began, state_generator, access_token,
        refresh_token and token_type.

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
        token_updater: Updater | None = None,
        **options: Any,
    ) -> None:
        if client_auth not in grants.CLIENT_AUTH:
            raise ValueError(f"client_auth={client_auth!r}; there are {', '.join(grants.CLIENT_AUTH)}")
        if client is not None and (client_id is not None or options):
            raise TypeError("OAuth2 takes client=, or client_id= and options, not both")
        if client is None and (client_id is not None or options):
            client = grants.web_client(client_id, options)
        super().__init__(client, token, token_url, client_secret, client_auth, scope)
        self.redirect_uri = redirect_uri
        self.token_updater = token_updater

    @property
    def state(self) -> str | None:
        """The state that the last authorization_url sent; a secret of the user's session."""
        return None if self._client is None else self._client.state

    @property
    def code_verifier(self) -> str | None:
        """The PKCE verifier behind the last authorization_url; a secret."""
        return None if self._client is None else self._client.code_verifier

    def __call__(self, response: Any, **kw: Any) -> None:
        """As a handler of pre_request: be the `auth=` of this request.

        Raises: PluginError, where the plugin oauth2 does not run.
        """
        register(self, response, "oauth2")

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
        return http.run(self._fetch_token(http, authorization_response, code, state, parameters))

    async def _fetch_token(
        self, http: HttpClient, url: str | None, code: str | None, state: str | None, parameters: Mapping[str, Any]
    ) -> dict[str, Any]:
        client = self._oauthlib
        if url is not None:
            code = grants.code_in(client, url, state or client.state)
        if grants.is_backend(client):
            return await self._fetch_client_token(http, parameters)
        given = {} if self.scope is None else {"scope": self.scope}
        if getattr(client, "grant_type", "") == "authorization_code":
            if code is None:
                raise OAuthError("fetch_token needs authorization_response= or code=; see also fetch_client_token")
            given = {"code": code, "redirect_uri": self.redirect_uri, "code_verifier": client.code_verifier}
        token = await self._ask(http, grants.form_of_grant(client, **{**given, **parameters}))
        client.state = None  # it is good for one response
        return await self._keep(token)

    def fetch_client_token(self, http: HttpClient, **parameters: Any) -> Any:
        """A token for the client itself, no user (RFC 6749, section 4.4). It is renewed in the same way.

        parameters: more for the token endpoint, such as audience or resource.

        Raises: TokenRefused; InsecureTransport; HttpRequestException.
        """
        return http.run(self._fetch_client_token(http, parameters))

    async def _fetch_client_token(self, http: HttpClient, parameters: Mapping[str, Any]) -> dict[str, Any]:
        token = await self._ask(http, grants.form_of_credentials(self.client_id, self.scope, parameters))
        return await self._keep(token, client_grant=dict(parameters))

    def device_authorization(self, http: HttpClient, url: str, **parameters: str) -> Any:
        """Begin the grant for devices without a browser (RFC 8628, section 3.1); gives a DeviceAuthorization to show.

        Raises: TokenRefused; InsecureTransport; HttpRequestException.
        """
        return http.run(self._device_authorization(http, url, parameters))

    async def _device_authorization(
        self, http: HttpClient, url: str, parameters: Mapping[str, str]
    ) -> DeviceAuthorization:
        form = grants.form_of_device(self.client_id, self.scope, parameters, is_named=self._is_named_in_forms)
        response = await self._post(http, url, form)
        try:
            return device_authorization_in(fields_in(response, self._secrets()))
        except ValueError as problem:
            raise refused(response, f"its answer is no device authorization: {problem}") from None

    def fetch_device_token(self, http: HttpClient, device: DeviceAuthorization) -> Any:
        """Wait until the user has agreed, and get the token (RFC 8628, section 3.4).

        Cancel it at will; closing the client ends it.

        Raises: TokenRefused, with `error` "access_denied" or "expired_token" where there will be none;
        InsecureTransport; HttpRequestException.
        """
        return http.run(self._fetch_device_token(http, device))

    async def _fetch_device_token(self, http: HttpClient, device: DeviceAuthorization) -> dict[str, Any]:
        form = grants.form_of_device_code(self.client_id, device.device_code)
        return await self._keep(await poll(device, lambda: self._ask(http, form), http.pause))

    def refresh(self, http: HttpClient) -> Any:
        """Renew the token now, or wait for the renewal that is under way; gives the token.

        Raises: OAuthError, where there is no way; TokenRefused; InsecureTransport; HttpRequestException.
        """
        return http.run(self._refresh(http))

    async def _refresh(self, http: HttpClient) -> dict[str, Any]:
        if not self.can_renew:
            raise TokenExpired("the token cannot be renewed: that takes a refresh token, token_url= and client_id=")
        self._rejected = self._access_token
        await self.renew(http, None)
        return dict(self._token or {})

    def __repr__(self) -> str:
        client_id = None if self._client is None else self._client.client_id
        return f"<OAuth2 client_id={client_id!r}, {'no token yet' if self._token is None else 'with a token'}>"
