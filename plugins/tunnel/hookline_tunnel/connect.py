"""CONNECT: ask an HTTP proxy for a tunnel (RFC 9110, section 9.3.6).

The question is a sub-request with cause "connect": plugins that name `cause` see it, and may answer its 407 with another request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hookline import (
    BodyTooLarge,
    ConnectionClosed,
    HttpProxyError,
    HttpRequest,
    HttpRequestException,
    HttpResponse,
    PluginError,
    Timeout,
)

from .hop import Hop

if TYPE_CHECKING:
    from hookline import HttpClient

    from .routes import ProxyRoute

MAX_QUESTIONS = 10  # to one proxy for one tunnel; Digest needs two, three with a stale nonce
MAX_REFUSAL = 64 * 1024  # bytes of the page with which a proxy refuses


async def ask(client: HttpClient, request: HttpRequest, proxy: ProxyRoute, authority: str) -> Any:
    """A connection on which the proxy has granted a tunnel to `host:port`, with the bytes that came behind its answer.

    What a plugin answers the proxy's response with is sent on the same connection where that stays open, else on a
    new one.

    Raises: HttpProxyError, when the proxy refuses: `.response` is its answer; HttpConnectionError and its kinds.
    """
    hop: Hop = proxy.via[-1]  # type: ignore[assignment]  # what `proxy_route` put there
    question = first_question(client, request, proxy, authority)
    connection = await proxy.open(client)
    try:
        for _ in range(MAX_QUESTIONS):
            try:
                outcome = await client.exchange(question, connection)
            except ConnectionClosed:
                if not connection.reused or connection.has_read:
                    raise
                connection = await proxy.open(client)  # some close behind a 407 and do not say so
                question = again(question, proxy, authority)
                continue
            if not isinstance(outcome, HttpRequest):
                return granted(outcome, connection, request, hop, authority)
            question = repeated(outcome, proxy, authority)
            if connection.is_reusable:
                connection.end()
                connection.reused = True
            else:
                connection.abort()
                connection = await proxy.open(client)
        raise HttpProxyError(f"{hop}: no tunnel to {authority} after {MAX_QUESTIONS} questions", request=request)
    except BaseException as error:
        connection.abort()
        if isinstance(error, (BodyTooLarge, ConnectionClosed)) and error.response is not None:
            raise refusal(error.response, request, hop, authority) from error  # its page is too long, or was cut
        if isinstance(error, HttpRequestException) and not isinstance(error, HttpProxyError):
            error.request = request  # the question is an inner matter
            error.add_note(f"while {hop} was asked for a tunnel to {authority}")
        raise


def first_question(client: HttpClient, request: HttpRequest, proxy: ProxyRoute, authority: str) -> HttpRequest:
    """The CONNECT, with nothing in it of what is meant for the origin.

    The limits of the call's parts do not apply: the timeout for connecting is about all of this.
    """
    question = client.new_request(
        "CONNECT",
        str(proxy.via[-1]),
        cause="connect",
        parent=request,
        stream=False,
        version="HTTP/1.1",
        max_body=MAX_REFUSAL,
        timeout=Timeout(request.timeout.total),
    )
    agent = question.headers.get("User-Agent")
    question.headers.clear()
    question.headers["Host"] = authority
    if agent is not None:
        question.headers["User-Agent"] = agent
    return directed(question, proxy, authority)


def directed(question: HttpRequest, proxy: ProxyRoute, authority: str) -> HttpRequest:
    """Give a CONNECT its target, its route and, unless it has other ones, the credentials for Basic."""
    question.target = authority
    question.route = proxy
    give_basic(question, proxy.via[-1])
    return question


def give_basic(request: HttpRequest, hop: Any) -> None:
    """Proxy-Authorization for this hop alone, where the proxy's URL has credentials and nobody else gave any."""
    if hop.basic is not None and not request.has_header("Proxy-Authorization"):
        request.unredirected_headers["Proxy-Authorization"] = hop.basic


def repeated(answer: HttpRequest, proxy: ProxyRoute, authority: str) -> HttpRequest:
    """What a plugin answered the proxy's response with: its fields, on the way of the first question.

    Raises: PluginError.
    """
    if answer.method != "CONNECT":
        raise PluginError(f"a CONNECT was answered with a {answer.method}; only another CONNECT can follow it")
    return directed(answer, proxy, authority)


def again(question: HttpRequest, proxy: ProxyRoute, authority: str) -> HttpRequest:
    """The same question, credentials included, for another connection to the same proxy."""
    copy = question.copy()
    copy.unredirected_headers.extend(question.unredirected_headers)
    return directed(copy, proxy, authority)


def granted(answer: HttpResponse, connection: Any, request: HttpRequest, hop: Hop, authority: str) -> Any:
    """The connection, when the proxy has granted the tunnel.

    Raises: HttpProxyError.
    """
    if 200 <= answer.status_code < 300 and connection.upgraded:
        return connection
    raise refusal(answer, request, hop, authority)


def refusal(answer: HttpResponse, request: HttpRequest, hop: Hop, authority: str) -> HttpProxyError:
    """What to say of an answer that grants no tunnel."""
    reason = ascii(answer.reason[:60])[1:-1]
    hint = ""
    if answer.status_code == 407:
        hint = "; it wants credentials: user:password@ before the host of its URL"
        if hop.credentials is not None:
            hint = "; it did not accept the credentials of its URL, or wants them in another way than Basic"
    message = f"{hop} refused a tunnel to {authority}: {answer.status_code} {reason}".rstrip()
    return HttpProxyError(message + hint, request=request, response=answer)
