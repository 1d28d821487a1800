"""OAuth 1 (RFC 5849): the value of `auth=` that signs requests, and the three steps that get a token for it."""

from __future__ import annotations

import copy
import hmac
from typing import TYPE_CHECKING, Any

from hookline import HttpClient, HttpRequest

from . import interfaces
from .errors import OAuthError, TokenRefused
from .forms import append_to_form, parse_form
from .pre_request_handler import use_as_auth
from .secure_transport import check_secure, query_of, shown
from .signed_request import HEADER, PLACES, remove_signature, sign
from .token_request import printable, send_token_request, token_request

if TYPE_CHECKING:
    from oauthlib.oauth1 import Client


class OAuth1(interfaces.OAuth1):
    """Sign each request to the origin of the user's URL, each hop anew.

    client_id: the client identifier (the consumer key). client: instead of all other arguments, an oauthlib.oauth1.Client.
    options: those of oauthlib's client: client_secret, resource_owner_key and resource_owner_secret (the token), signature_method
        ("HMAC-SHA1", "HMAC-SHA256", "HMAC-SHA512", "RSA-SHA1", "RSA-SHA256", "RSA-SHA512", "PLAINTEXT"),
        signature_type ("AUTH_HEADER", "QUERY", "BODY": the place of the signature), rsa_key, realm, callback_uri,
        verifier.

    Give it as `auth=` to a client or a request, or bind it as a handler of pre_request.

    Raises: TypeError, for an unknown option or no client identifier; ValueError, for an unknown method or place.

    Example: docs/oauth.md#oauth-1-signed-requests
    """

    def __init__(self, client_id: str | None = None, client: Client | None = None, **options: Any) -> None:
        if client is None:
            if client_id is None:
                raise TypeError("OAuth1 needs client_id=, or client=, an oauthlib.oauth1.Client")
            from oauthlib.oauth1 import Client

            client = Client(client_id, **options)
        elif client_id is not None or options:
            raise TypeError("OAuth1 takes client=, or client_id= and options, not both")
        if client.signature_method not in client.SIGNATURE_METHODS:
            raise ValueError(
                f"signature_method={client.signature_method!r}; there are {sorted(client.SIGNATURE_METHODS)}"
            )
        if client.signature_type not in PLACES:
            raise ValueError(f"signature_type={client.signature_type!r}; there are {', '.join(PLACES)}")
        self._client = client

    @property
    def client_id(self) -> str:
        """The client identifier."""
        return str(self._client.client_key)

    def __call__(self, response: object, **kw: Any) -> None:
        """Be a handler of pre_request: become the `auth=` of this request.

        Raises: PluginError, if the plugin oauth1 is not loaded.
        """
        use_as_auth(self, response, "oauth1")

    def apply(self, request: HttpRequest) -> None:
        """Sign a request that is about to be sent, unless it goes to another origin or has an Authorization field of its own.

        Raises: OAuthError.

        Example::

            from hookline import HttpClient, OAuth1

            auth = OAuth1("the-client", client_secret="its-secret")
            request = HttpClient().build_request("GET", "http://127.0.0.1:8000/")
            auth.apply(request)
            print(auth.client_id, request.has_header("Authorization"))
        """
        remove_signature(request)
        is_overruled = self._client.signature_type == HEADER and request.is_overruled("auth", "Authorization")
        if not request.has_left_origin and not is_overruled:
            sign(request, self._client)

    # -- the three steps (RFC 5849, section 2). The fetch methods return coroutines in a running event loop, and results
    # without one.

    def fetch_request_token(self, http: HttpClient, url: str) -> Any:
        """Fetch a request token, which this object then signs with; return the server's whole answer as a dict.

        The callback is the option callback_uri, else "oob": the server shows the verifier to the user (section 2.1).

        url: the temporary credential request endpoint.

        Raises: TokenRefused; InsecureTransport; HttpRequestException.

        Example: docs/oauth.md#oauth-1-signed-requests
        """
        return http.run(self._fetch_request_token(http, url))

    async def _fetch_request_token(self, http: HttpClient, url: str) -> dict[str, str]:
        signer = copy.copy(self._client)
        signer.resource_owner_key = signer.resource_owner_secret = signer.verifier = None
        signer.callback_uri = signer.callback_uri or "oob"
        token = await fetch(http, url, signer)
        if token.get("oauth_callback_confirmed", "").lower() != "true":
            raise TokenRefused(
                f"{shown(url)} did not confirm the callback (oauth_callback_confirmed=true): it uses OAuth 1.0,"
                " whose session fixation attack OAuth 1.0a prevents"
            )
        self._set_token(token)
        return token

    def authorization_url(self, url: str, **parameters: str) -> str:
        """Return the URL to send the user to (section 2.2).

        url: the resource owner authorization endpoint. parameters: more for its query.

        Raises: OAuthError, without a request token; InsecureTransport.

        Example: docs/oauth.md#oauth-1-signed-requests
        """
        check_secure(url, "the user's password")
        if self._client.resource_owner_key is None:
            raise OAuthError("there is no request token yet: await fetch_request_token(client, url) first")
        base, _, query = url.partition("?")
        more = [("oauth_token", self._client.resource_owner_key), *parameters.items()]
        return f"{base}?{append_to_form(query, more)}"

    def fetch_access_token(
        self, http: HttpClient, url: str, *, verifier: str | None = None, authorization_response: str | None = None
    ) -> Any:
        """Exchange the request token for an access token, which this object then signs with (section 2.3).

        Returns the server's whole answer as a dict.

        url: the token request endpoint. verifier: what the server showed the user. authorization_response: instead, the
        whole URL that the user came back to.

        Raises: OAuthError, for a response that belongs to another request token; TokenRefused; InsecureTransport;
        HttpRequestException.

        Example: docs/oauth.md#oauth-1-signed-requests
        """
        return http.run(self._fetch_access_token(http, url, verifier, authorization_response))

    async def _fetch_access_token(
        self, http: HttpClient, url: str, verifier: str | None, authorization_response: str | None
    ) -> dict[str, str]:
        signer = copy.copy(self._client)
        if authorization_response is not None:
            verifier = verifier_in(authorization_response, signer.resource_owner_key)
        signer.callback_uri = None
        signer.verifier = verifier or signer.verifier
        if signer.resource_owner_key is None or not signer.verifier:
            raise OAuthError("fetch_access_token needs a request token, and verifier= or authorization_response=")
        token = await fetch(http, url, signer)
        self._set_token(token)
        return token

    def _set_token(self, token: dict[str, str]) -> None:
        """Sign with this token from now on."""
        client = copy.copy(self._client)
        client.resource_owner_key = token["oauth_token"]
        client.resource_owner_secret = token["oauth_token_secret"]
        client.callback_uri = client.verifier = None
        self._client = client

    def __repr__(self) -> str:
        return f"<OAuth1 client_id={self.client_id!r} {self._client.signature_method}>"


def verifier_in(url: str, token: str | None) -> str:
    """Return the verifier in the URL that the user came back to. token: the request token.

    Raises: OAuthError, if the URL belongs to another request token, or says that the user refused.
    """
    found = dict(parse_form(query_of(url)))
    if not hmac.compare_digest(found.get("oauth_token", "").encode(), (token or "").encode()):
        raise OAuthError("the authorization response belongs to another request token: do not use it")
    if not found.get("oauth_verifier"):
        raise OAuthError("the authorization response has no oauth_verifier: the user did not agree")
    return found["oauth_verifier"]


async def fetch(http: HttpClient, url: str, signer: Client) -> dict[str, str]:
    """Return the server's answer to a signed POST request: a token and its secret, and whatever else it says.

    Raises: TokenRefused; InsecureTransport; HttpRequestException.
    """
    request = token_request(http, url, "", {"Accept": "*/*"})
    sign(request, signer)
    response = await send_token_request(request)
    fields = dict(parse_form(response.content.decode("utf-8", "replace").strip()))
    if not (response.ok and fields.get("oauth_token") and fields.get("oauth_token_secret") is not None):
        secrets = (signer.client_secret, signer.resource_owner_secret, signer.resource_owner_key, signer.verifier)
        error = printable(fields.get("error") or fields.get("oauth_problem") or "", secrets)
        description = printable(fields.get("error_description") or "", secrets)
        why = "its answer holds no oauth_token and oauth_token_secret" if response.ok else "it does not say why"
        reason = ": ".join(filter(None, (error, description))) or why
        raise TokenRefused(
            f"{request!r} gave no token: {response.status_code} {printable(response.reason, ())}: {reason}",
            error=error,
            description=description,
            response=response,
        )
    return fields
