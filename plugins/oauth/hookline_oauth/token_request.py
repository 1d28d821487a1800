"""Send a request for a token: a sub-request of the client, so that its proxies, TLS settings and timeouts apply."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable, Mapping
from typing import Any

from hookline import HttpClient, HttpRequest, HttpResponse

from .errors import TokenRefused
from .origins import check_transport
from .signing import FORM

LIMIT = 60.0  # seconds for a whole token request where the client has no total timeout: others wait for its end
MAX_BODY = 256 * 1024  # bytes; an ID token with many claims has some KiB
MAX_WORDS = 200  # characters of a server's own words in a message
MAX_ANSWERS = 5


def token_request(
    http: HttpClient,
    url: str,
    body: str,
    headers: Mapping[str, str] | None = None,
    parent: HttpRequest | None = None,
) -> HttpRequest:
    """A POST for a token, not yet sent. It has a time limit of its own: requests other than `parent` wait for it too.

    body: a form, encoded.

    Raises: InsecureTransport; InvalidURL.
    """
    check_transport(url, "the credentials that a token is asked for with", parent)
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


async def answer_to(request: HttpRequest) -> HttpResponse:
    """Send it, and what plugins answer with where that goes to the same origin. A redirect is not followed.

    Raises: HttpRequestException; TokenRefused, where the answer leads elsewhere.
    """
    outcome: Any = request
    for _ in range(MAX_ANSWERS):
        outcome = await request.client.exchange(outcome)
        if not isinstance(outcome, HttpRequest):
            break
        if outcome.origin.key != request.origin.key:
            raise TokenRefused(f"{request!r} was answered with a request to another origin, which gets no credentials")
    if isinstance(outcome, HttpRequest):
        raise TokenRefused(f"{request!r} was answered with a request {MAX_ANSWERS} times", request=request)
    response: HttpResponse = outcome
    if 300 <= response.status_code < 400:
        raise TokenRefused(
            f"{request!r} was answered with {response.status_code}: credentials do not follow a redirect; give the URL"
            " that the token endpoint really has",
            response=response,
        )
    return response


def words_of(text: Any, secrets: Iterable[str | None]) -> str:
    """A server's own words for a message: printable, cut, and without what was sent to it in confidence."""
    words = str(text)
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        words = words.replace(secret, "…")
    words = re.sub(r"[^\x20-\x7e…]", "?", words)
    return words[:MAX_WORDS] + ("…" if len(words) > MAX_WORDS else "")
