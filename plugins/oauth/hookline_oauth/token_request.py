"""Send a request for a token: a sub-request, so that the client's proxies, TLS settings and timeouts apply."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from typing import Any

from hookline import HttpClient, HttpRequest, HttpResponse

from .errors import TokenRefused
from .forms import FORM
from .secure_transport import check_secure

LIMIT = 60.0  # seconds for a whole token request if the client has no total timeout: other requests wait for it
MAX_BODY = 256 * 1024  # bytes; an ID token with many claims has some KiB
MAX_WORDS = 200  # characters of a server's text in a message
MAX_ANSWERS = 5


def token_request(
    http: HttpClient,
    url: str,
    body: str,
    headers: Mapping[str, str] | None = None,
    parent: HttpRequest | None = None,
) -> HttpRequest:
    """Return a POST request for a token, not yet sent.

    It has a deadline of its own, not that of `parent`, because other requests wait for the token too.

    body: a form, encoded. parent: the request for whose sake it is sent, None = none.

    Raises: InsecureTransport; InvalidURL.
    """
    check_secure(url, "the credentials of the token request", parent)
    fields = {"Accept": "application/json", "Accept-Encoding": "identity", "Content-Type": FORM, **(headers or {})}
    request = http.new_request(
        "POST",
        url,
        cause="token",
        parent=parent,
        data=body.encode("ascii"),
        headers=fields,
        max_body=MAX_BODY,
        stream=False,
    )
    request.deadline = asyncio.get_running_loop().time() + (request.timeout.total or LIMIT)
    return request


async def send_token_request(request: HttpRequest) -> HttpResponse:
    """Send a token request, and the requests with which plugins answer it, as for a challenge; return the response.

    Redirects are not followed.

    Raises: HttpRequestException; TokenRefused, for a redirect, or a request of a plugin to another origin.
    """
    sent = request
    for _ in range(MAX_ANSWERS):
        outcome = await request.client.exchange(sent)
        if not isinstance(outcome, HttpRequest):
            response: HttpResponse = outcome
            break
        if outcome.origin.key != request.origin.key:
            raise TokenRefused(f"{request!r} was answered with a request to another origin, which gets no credentials")
        sent = outcome
    else:
        raise TokenRefused(f"{request!r} was answered with a request {MAX_ANSWERS} times", request=request)
    if 300 <= response.status_code < 400:
        raise TokenRefused(
            f"{request!r} was answered with {response.status_code}: credentials are not sent after a redirect; give the"
            " token endpoint's own URL",
            response=response,
        )
    return response


def printable(text: Any, secrets: Iterable[str | None]) -> str:
    """Return a server's text for a message: printable ASCII, cut, and without the secrets that were sent to it."""
    words = str(text)
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        words = words.replace(secret, "…")
    words = re.sub(r"[^\x20-\x7e…]", "?", words)
    return words[:MAX_WORDS] + ("…" if len(words) > MAX_WORDS else "")
