"""Sign one request as it is about to be sent, and place the signature in it."""

from __future__ import annotations

from typing import Any

from hookline import HttpRequest

from .errors import OAuthError
from .origins import check_transport
from .signature import appended, authorization, base_string, base_uri, pairs_of

FORM = "application/x-www-form-urlencoded"
HEADER, QUERY, BODY = "AUTH_HEADER", "QUERY", "BODY"  # oauthlib's names of the placements
PLACEMENTS = (HEADER, QUERY, BODY)
PLAINTEXT = "PLAINTEXT"

_KEPT = "oauth1_form"  # on a request: its form with and without our parameters


def sign(request: HttpRequest, client: Any) -> None:
    """Sign a request. client: an oauthlib.oauth1.Client.

    Raises: OAuthError, where the request cannot be signed so; InsecureTransport, for PLAINTEXT without TLS.
    """
    if client.signature_method == PLAINTEXT:
        check_transport(request.url, "the secrets of a PLAINTEXT signature", request)
    form = form_of(request)
    place = client.signature_type
    if place == BODY and request.body is None:
        place = HEADER  # no body to stand in, as behind a redirect that turned POST into GET
    if place == BODY and form is None:
        raise OAuthError(
            f"{request!r}: signature_type='BODY' places the signature in a form; give data= a mapping or pairs",
            request=request,
        )
    protocol = protocol_parameters(request, client, form)
    if place == HEADER:
        request.unredirected_headers["Authorization"] = authorization(protocol, client.realm)
    elif place == QUERY:
        # The target is for this hop alone, and a proxy may need it in another form than path and query.
        path, _, query = request.target.partition("?")
        request.target = f"{path}?{appended(query, protocol)}"
    else:
        signed = appended(form or "", protocol).encode("utf-8", "surrogateescape")
        vars(request)[_KEPT] = (signed, request.body)
        request.body = signed


def unsign(request: HttpRequest) -> None:
    """Give a follow-up its form back, as it was before the earlier hop was signed."""
    signed, given = vars(request).pop(_KEPT, (None, None))
    if signed is not None and request.body == signed:
        request.body = given


def protocol_parameters(request: HttpRequest, client: Any, form: str | None) -> list[tuple[str, str]]:
    """The parameters that go with a request, the signature last (RFC 5849, section 3.1).

    Raises: OAuthError, without the libraries for RSA.
    """
    from oauthlib.common import Request

    where = request._destination
    path, _, query = where.target.partition("?")
    host = request.get_header("host") or where.origin.authority
    uri = base_uri(where.origin.scheme, host, path)
    found: list[tuple[str, str]] = client.get_oauth_params(Request(uri, request.method))
    text = base_string(request.method, uri, [*pairs_of(query), *pairs_of(form or ""), *found])
    try:
        signature = client.SIGNATURE_METHODS[client.signature_method](text, client)
    except ModuleNotFoundError as error:
        raise OAuthError(
            f"{client.signature_method} needs {error.name}: pip install 'hookline-oauth[rsa]'", request=request
        ) from error
    return [*found, ("oauth_signature", signature)]


def form_of(request: HttpRequest) -> str | None:
    """The body where it is a form, whose fields are signed too; None for any other, which is neither read nor signed.

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
