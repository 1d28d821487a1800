"""The grants of OAuth 2: the forms with which a token is requested, and the code grant's URLs; oauthlib writes them."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

from hookline import split_url

from .errors import OAuthError
from .forms import append_to_form, parse_form
from .secure_transport import check_secure, query_of
from .token_request import printable

if TYPE_CHECKING:
    from oauthlib.oauth2 import Client

_OPTIONS = ("access_token", "code_verifier", "refresh_token", "state", "state_generator", "token_type")
CLIENT_AUTH = ("basic", "body")
_SECRETS = frozenset({
    "assertion", "client_assertion", "client_secret", "code", "code_verifier", "device_code", "password", "refresh_token",
})  # fmt: skip
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_VERIFIER_LENGTH = 64  # characters; RFC 7636, section 4.1, wants 43 to 128


def web_client(client_id: str | None, options: Mapping[str, Any]) -> Client:
    """Return oauthlib's client for the code grant. It ignores unknown keywords, so they are checked here.

    Raises: TypeError.
    """
    from oauthlib.oauth2 import WebApplicationClient

    for name in options:
        if name not in _OPTIONS:
            raise TypeError(f"OAuth2() got an unexpected keyword {name!r}; oauthlib's are {', '.join(_OPTIONS)}")
    if client_id is None:
        raise TypeError(f"OAuth2 needs client_id= with {', '.join(options)}=")
    return WebApplicationClient(client_id, **options)


def is_backend(client: Client | None) -> bool:
    """Say whether it is oauthlib's client for the client credentials grant."""
    return bool(getattr(client, "grant_type", "") == "client_credentials")


def initial_token(client: Client | None) -> dict[str, Any] | None:
    """Return the token that an oauthlib client was made with; None = none."""
    if client is None or getattr(client, "access_token", None) is None:
        return None
    own = {"access_token": client.access_token, "token_type": client.token_type, **client.token}
    return own if client.refresh_token is None else {"refresh_token": client.refresh_token, **own}


def authorization_url(client: Client, url: str, redirect_uri: str | None, scope: Any, more: Mapping[str, Any]) -> str:
    """Return the URL to send the user to, with a new state and a new PKCE challenge (RFC 6749, section 4.1.1; RFC 7636).

    url: the authorization endpoint. more: parameters for its query.

    Raises: InvalidURL.
    """
    split_url(url)
    client.create_code_verifier(_VERIFIER_LENGTH)
    challenge = client.create_code_challenge(client.code_verifier, "S256")
    # oauthlib gets only the query: urllib, which it calls, shows the userinfo of a malformed URL in its error.
    found, _, _ = client.prepare_authorization_request(
        f"https://localhost/?{query_of(url)}",
        redirect_url=redirect_uri,
        scope=scope,
        code_challenge=challenge,
        code_challenge_method="S256",
        **more,
    )
    return f"{url.partition('#')[0].partition('?')[0]}?{query_of(str(found))}"


def authorization_code(client: Client, url: str, state: str | None) -> str:
    """Return the code in the URL that the user came back to (RFC 6749, section 4.1.2).

    state: the one in the authorization URL.

    Raises: OAuthError, if the state is another, or the user or the server refused; InsecureTransport; InvalidURL.
    """
    from oauthlib.oauth2 import MismatchingStateError, OAuth2Error

    if not state:
        raise OAuthError(
            "there is no state to compare with: call authorization_url first, or give state=; without it, an attacker's"
            " code could be taken for the user's (RFC 6749, section 10.12)"
        )
    if url.strip().lower().startswith("http:") and split_url(url.strip()).host not in _LOOPBACK:
        check_secure(url, "the code")
    # oauthlib gets only the query: it refuses the redirect URIs of native apps, which are not https (RFC 8252, section 7).
    response_url = f"https://localhost/?{query_of(url)}"
    try:
        return str(client.parse_request_uri_response(response_url, state=state)["code"])
    except MismatchingStateError:
        raise OAuthError(
            "the state of the authorization response is not the one that was sent: do not use it",
            error="mismatching_state",
        ) from None
    except OAuth2Error as refused:
        error, description = printable(refused.error, (state,)), printable(refused.description or "", (state,))
        raise OAuthError(
            f"the authorization response has no code: {error}: {description}", error=error, description=description
        ) from None


def grant_form(client: Client, **parameters: Any) -> str:
    """Return the form for the grant of an oauthlib client, without the client's authentication."""
    return str(client.prepare_request_body(include_client_id=False, **parameters))


def client_credentials_form(client_id: str, scope: Any, more: Mapping[str, Any]) -> str:
    """Return the form of the client credentials grant (RFC 6749, section 4.4.2)."""
    from oauthlib.oauth2 import BackendApplicationClient

    return grant_form(BackendApplicationClient(client_id), **{"scope": scope, **more})


def device_authorization_form(client_id: str, scope: Any, more: Mapping[str, str], *, is_named: bool) -> str:
    """Return the form that begins a device grant (RFC 8628, section 3.1).

    is_named: the client's authentication will add client_id to the form.
    """
    named = [] if is_named else [("client_id", client_id)]
    wanted = [("scope", scope if isinstance(scope, str) else " ".join(scope))] if scope else []
    return append_to_form("", [*named, *wanted, *more.items()])


def device_token_form(client_id: str, device_code: str) -> str:
    """Return the form that requests the token of a device grant (RFC 8628, section 3.4)."""
    from oauthlib.oauth2 import DeviceClient

    return grant_form(DeviceClient(client_id), device_code=device_code)


def refresh_form(client: Client, refresh_token: str) -> str:
    """Return the form that renews a token (RFC 6749, section 6). It has no scope, which means the same scope as before."""
    return str(client.prepare_refresh_body(refresh_token=refresh_token, scope=""))


def secrets_in(form: str) -> list[str]:
    """Return the values in a form that no message may show."""
    return [value for name, value in parse_form(form) if name in _SECRETS]


def authenticate_client(form: str, client_id: str, secret: str | None, way: str) -> tuple[str, dict[str, str]]:
    """Return the form and the header fields that authenticate the client (RFC 6749, section 2.3.1).

    way: "basic", or "body" for servers that do not support it. secret: None = a public client, whose identifier is added to
    the form.
    """
    if secret is not None and way == "basic":
        pair = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()
        return form, {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    more = [("client_id", client_id)] if secret is None else [("client_id", client_id), ("client_secret", secret)]
    return append_to_form(form, more), {}
