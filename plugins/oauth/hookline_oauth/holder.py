"""A bearer token that is placed in requests, and renewed: before its end, and where a server says 401."""

from __future__ import annotations

import inspect
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from hookline import BodyNotRepeatable, HttpClient, HttpRequest, HttpResponse

from . import grants, kinds
from .errors import OAuthError, TokenExpired, TokenRefused
from .flight import SingleFlight
from .origins import check_transport
from .token import as_token, is_due, is_expired, renewed
from .token_request import answer_to, token_request
from .token_response import token_in

Updater = Callable[[dict[str, Any]], Any]


class TokenHolder(kinds.OAuth2):
    """See the module. OAuth2 adds the ways to a first token.

    client: an oauthlib.oauth2 client, or None, which knows no renewal. secret: the client's. The rest as for OAuth2.
    """

    def __init__(
        self, client: Any, token: Any, token_url: str | None, secret: str | None, client_auth: str, scope: Any
    ) -> None:
        self._client = client
        self._token = as_token(grants.token_of(client) if token is None else token, time.time())
        self._secret = secret
        self._client_auth = client_auth
        self._client_grant: Mapping[str, Any] | None = {} if grants.is_backend(client) else None  # its parameters
        self._rejected: str | None = None  # the access token that a server said 401 to
        self._flight = SingleFlight()
        self.token_url = token_url
        self.scope = scope
        self.token_updater: Updater | None = None

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
    def _oauthlib(self) -> Any:
        if self._client is None:
            raise OAuthError("OAuth2 has no client identifier: give client_id=, or client=, an oauthlib.oauth2 client")
        return self._client

    @property
    def _access_token(self) -> str | None:
        return None if self._token is None else self._token["access_token"]

    # -- for the plugin

    def apply(self, request: HttpRequest) -> Awaitable[None] | None:
        """Place the token in a request, renewed where it must be, unless it goes where the user did not send it.

        Raises: OAuthError, without a token; TokenExpired; InsecureTransport.
        """
        if request.has_left_origin or request.is_overruled("auth", "Authorization"):
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
            and not response.request.has_left_origin
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
        has_grant = self._client_grant is not None or (
            self._token is not None and bool(self._token.get("refresh_token"))
        )
        return has_grant and self.token_url is not None and self._client is not None

    async def renew(self, http: HttpClient, parent: HttpRequest | None) -> None:
        """Get another token, or wait for the one that is on its way, unless there is a good one by now.

        Raises: TokenRefused; InsecureTransport; HttpRequestException; whatever token_updater raises.
        """

        async def work() -> None:
            old = self._token
            if self._client_grant is not None:
                form = grants.form_of_credentials(self.client_id, self.scope, self._client_grant)
                new = await self._ask(http, form, parent)
            else:
                new = await self._refreshed(http, parent, old or {})
            if self._token is old:  # else the user has fetched one meanwhile
                self._take(new)

        await self._flight.run(http, self.must_renew, work, self._tell_updater)

    async def _refreshed(self, http: HttpClient, parent: HttpRequest | None, old: Mapping[str, Any]) -> dict[str, Any]:
        try:
            new = await self._ask(http, grants.form_of_refresh(self._oauthlib, old["refresh_token"]), parent)
        except TokenRefused as refusal:
            if refusal.error == "invalid_grant":
                refusal.args = (f"{refusal}. The refresh token was revoked or has expired: the user has to agree anew",)
            raise
        return renewed(old, new)

    def _take(self, token: dict[str, Any]) -> None:
        self._token, self._rejected = token, None

    # -- the token endpoint

    async def _keep(self, token: dict[str, Any], client_grant: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Take a token that the user asked for; it is renewed by the grant that it came by."""
        self._take(token)
        self._client_grant = client_grant
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

    @property
    def _is_named_in_forms(self) -> bool:
        """Does the authentication write the client identifier into the form?"""
        return self._secret is None or self._client_auth != "basic"

    def _secrets(self) -> tuple[str | None, ...]:
        """What no message may show."""
        token = self._token or {}
        return (
            self._secret,
            token.get("access_token"),
            token.get("refresh_token"),
            getattr(self._client, "code_verifier", None),
        )
