"""The grants of OAuth 2, written by oauthlib: each function gives the form that a token is asked for with."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote_plus

from hookline import split_url

from .errors import OAuthError
from .origins import check_transport, query_of
from .signature import appended, pairs_of
from .token_request import words_of

_OPTIONS = ("access_token", "code_verifier", "refresh_token", "state", "state_generator", "token_type")
CLIENT_AUTH = ("basic", "body")
_SECRETS = frozenset({
    "assertion", "client_assertion", "client_secret", "code", "code_verifier", "device_code", "password", "refresh_token",
})  # fmt: skip
_LOOPBACK = ("127.0.0.1", "::1", "localhost")
_VERIFIER_LENGTH = 64  # characters; RFC 7636, section 4.1, wants 43 to 128


def web_client(client_id: str | None, options: Mapping[str, Any]) -> Any:
    """oauthlib's client for the code grant; it takes any keyword in silence, so they are checked here.

    Raises: TypeError.
    """
    from oauthlib.oauth2 import WebApplicationClient

    for name in options:
        if name not in _OPTIONS:
            raise TypeError(f"OAuth2() got an unexpected keyword {name!r}; oauthlib's are {', '.join(_OPTIONS)}")
    if client_id is None:
        raise TypeError(f"OAuth2 needs client_id= with {', '.join(options)}=")
    return WebApplicationClient(client_id, **options)


def is_backend(client: Any) -> bool:
    """Is it oauthlib's client for the client credentials grant?"""
    return bool(getattr(client, "grant_type", "") == "client_credentials")


def token_of(client: Any) -> dict[str, Any] | None:
    """The token that an oauthlib client was made with."""
    if getattr(client, "access_token", None) is None:
        return None
    own = {"access_token": client.access_token, "token_type": client.token_type, **client.token}
    return own if client.refresh_token is None else {"refresh_token": client.refresh_token, **own}


def start_of_code_grant(client: Any, url: str, redirect_uri: str | None, scope: Any, more: Mapping[str, Any]) -> str:
    """The URL to send the user to, with a fresh state and a PKCE challenge by S256 (RFC 6749, section 4.1.1; RFC 7636).

    Raises: InvalidURL.
    """
    split_url(url)
    client.create_code_verifier(_VERIFIER_LENGTH)
    challenge = client.create_code_challenge(client.code_verifier, "S256")
    # oauthlib gets the query alone: urllib shows the userinfo of a URL that it cannot take apart.
    found, _, _ = client.prepare_authorization_request(
        f"https://localhost/?{query_of(url)}",
        redirect_url=redirect_uri,
        scope=scope,
        code_challenge=challenge,
        code_challenge_method="S256",
        **more,
    )
    return f"{url.partition('#')[0].partition('?')[0]}?{query_of(str(found))}"


def code_in(client: Any, url: str, state: str | None) -> str:
    """The code in the URL that the user came back to (RFC 6749, section 4.1.2).

    Raises: OAuthError, where the state is not ours, or the user or the server refused; InsecureTransport; InvalidURL.
    """
    from oauthlib.oauth2 import MismatchingStateError, OAuth2Error

    if not state:
        raise OAuthError(
            "there is no state to compare with: call authorization_url first, or give state=, so that nobody can pass"
            " off their own code as the user's (RFC 6749, section 10.12)"
        )
    if url.strip().lower().startswith("http:") and split_url(url.strip()).host not in _LOOPBACK:
        check_transport(url, "the code")
    # Those that stay on this machine are no https (RFC 8252, section 7): oauthlib gets the query alone.
    asked = f"https://localhost/?{query_of(url)}"
    try:
        return str(client.parse_request_uri_response(asked, state=state)["code"])
    except MismatchingStateError:
        raise OAuthError(
            "the state of the authorization response is not the one that was sent: do not use it",
            error="mismatching_state",
        ) from None
    except OAuth2Error as refusal:
        error, description = words_of(refusal.error, (state,)), words_of(refusal.description or "", (state,))
        raise OAuthError(
            f"the authorization response has no code: {error}: {description}", error=error, description=description
        ) from None


def form_of_grant(client: Any, **parameters: Any) -> str:
    """The form of the client's own grant; the client's authentication comes later."""
    return str(client.prepare_request_body(include_client_id=False, **parameters))


def form_of_credentials(client_id: str, scope: Any, more: Mapping[str, Any]) -> str:
    """RFC 6749, section 4.4.2."""
    from oauthlib.oauth2 import BackendApplicationClient

    return form_of_grant(BackendApplicationClient(client_id), **{"scope": scope, **more})


def form_of_device(client_id: str, scope: Any, more: Mapping[str, str], *, is_named: bool) -> str:
    """RFC 8628, section 3.1. is_named: will the authentication name the client in the form?"""
    named = [] if is_named else [("client_id", client_id)]
    wanted = [("scope", scope if isinstance(scope, str) else " ".join(scope))] if scope else []
    return appended("", [*named, *wanted, *more.items()])


def form_of_device_code(client_id: str, device_code: str) -> str:
    """RFC 8628, section 3.4."""
    from oauthlib.oauth2 import DeviceClient

    return form_of_grant(DeviceClient(client_id), device_code=device_code)


def form_of_refresh(client: Any, refresh_token: str) -> str:
    """RFC 6749, section 6. Without scope, which means: the same as before."""
    return str(client.prepare_refresh_body(refresh_token=refresh_token, scope=""))


def secrets_of(form: str) -> list[str]:
    """The values in a form that nobody else may see."""
    return [value for name, value in pairs_of(form) if name in _SECRETS]


def authenticated(form: str, client_id: str, secret: str | None, way: str) -> tuple[str, dict[str, str]]:
    """The form, and the fields of the head, that say which client asks (RFC 6749, section 2.3.1).

    way: "basic", or "body" for servers that cannot take that. A client without a secret says its name in the form.
    """
    if secret is not None and way == "basic":
        pair = f"{quote_plus(client_id)}:{quote_plus(secret)}".encode()
        return form, {"Authorization": f"Basic {base64.b64encode(pair).decode()}"}
    more = [("client_id", client_id)] if secret is None else [("client_id", client_id), ("client_secret", secret)]
    return appended(form, more), {}
