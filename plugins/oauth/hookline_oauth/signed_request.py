"""Sign one request that is about to be sent, and place the signature in it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookline import HttpRequest

from .errors import OAuthError
from .forms import FORM, append_to_form, parse_form
from .secure_transport import check_secure
from .signature import authorization_value, base_string_uri, signature_base_string

if TYPE_CHECKING:
    from oauthlib.oauth1 import Client

HEADER, QUERY, BODY = "AUTH_HEADER", "QUERY", "BODY"  # oauthlib's names of the places for a signature
PLACES = (HEADER, QUERY, BODY)
PLAINTEXT = "PLAINTEXT"

_FORMS = "oauth1_forms"  # an attribute of signed requests: the body with the protocol's parameters, and without them


def sign(request: HttpRequest, client: Client) -> None:
    """Sign a request.

    Raises: OAuthError, if the request cannot be signed as the client wants; InsecureTransport, for PLAINTEXT without TLS.
    """
    if client.signature_method == PLAINTEXT:
        check_secure(request.url, "the secrets of a PLAINTEXT signature", request)
    form = form_of(request)
    place = client.signature_type
    if place == BODY and request.body is None:
        place = HEADER  # a request without a body has no form; a redirect may have turned POST into GET
    if place == BODY and form is None:
        raise OAuthError(
            f"{request!r}: signature_type='BODY' places the signature in a form; give data= a mapping or pairs",
            request=request,
        )
    protocol = protocol_parameters(request, client, form)
    if place == HEADER:
        request.unredirected_headers["Authorization"] = authorization_value(protocol, client.realm)
    elif place == QUERY:
        # The target is for this hop alone. A proxy may have another form of it than path and query.
        path, _, query = request.target.partition("?")
        request.target = f"{path}?{append_to_form(query, protocol)}"
    else:
        signed = append_to_form(form or "", protocol).encode("utf-8", "surrogateescape")
        vars(request)[_FORMS] = (signed, request.body)
        request.body = signed


def remove_signature(request: HttpRequest) -> None:
    """Restore the form of a follow-up that was copied from a signed request."""
    signed, original = vars(request).pop(_FORMS, (None, None))
    if signed is not None and request.body == signed:
        request.body = original


def protocol_parameters(request: HttpRequest, client: Client, form: str | None) -> list[tuple[str, str]]:
    """Return the parameters that the protocol adds to a request, the signature last (RFC 5849, section 3.1).

    Raises: OAuthError, if the libraries for RSA are missing.
    """
    from oauthlib.common import Request

    origin = request.origin
    path, _, query = request.origin_form.partition("?")
    host = request.get_header("host") or origin.authority
    uri = base_string_uri(origin.scheme, host, path)
    parameters: list[tuple[str, str]] = client.get_oauth_params(Request(uri, request.method))
    text = signature_base_string(request.method, uri, [*parse_form(query), *parse_form(form or ""), *parameters])
    try:
        signature = client.SIGNATURE_METHODS[client.signature_method](text, client)
    except ModuleNotFoundError as error:
        raise OAuthError(
            f"{client.signature_method} needs {error.name}: pip install 'hookline-oauth[rsa]'", request=request
        ) from error
    return [*parameters, ("oauth_signature", signature)]


def form_of(request: HttpRequest) -> str | None:
    """Return the body if it is a form, whose fields are signed; None for any other body, which is neither read nor signed.

    Raises: OAuthError, for a form that is streamed.
    """
    kind = (request.get_header("content-type") or "").partition(";")[0].strip().lower()
    if kind != FORM:
        return None
    body = request.body
    if body is None:
        return ""
    if not isinstance(body, bytes):
        raise OAuthError(
            f"{request!r}: the fields of a form are part of its OAuth 1 signature, and this one is streamed;"
            " give data= a mapping, pairs or bytes",
            request=request,
        )
    return body.decode("utf-8", "surrogateescape")
