"""CONNECT: have an HTTP proxy open a tunnel to a host (RFC 9110, section 9.3.6).

The CONNECT is a sub-request with cause "connect": plugins whose hooks have a `cause` parameter see it, and may answer its
407 with another CONNECT.
"""

from __future__ import annotations

from hookline import (
    BodyTooLarge,
    Connection,
    ConnectionClosed,
    HttpClient,
    HttpProxyError,
    HttpRequest,
    HttpRequestException,
    HttpResponse,
    PluginError,
    Timeout,
)

from .proxy import Proxy
from .proxy_route import ProxyRoute

MAX_ATTEMPTS = 10  # requests to one proxy for one tunnel; Digest needs two, or three with a stale nonce
MAX_REFUSAL = 64 * 1024  # bytes of the body of a response that refuses


async def open_tunnel(client: HttpClient, request: HttpRequest, route: ProxyRoute, authority: str) -> Connection:
    """Return a connection to the proxy that is a tunnel to `authority`, `host:port`, from now on.

    Bytes that came after the proxy's answer are in its `leftover`. When a plugin answers the proxy's response with
    another CONNECT, that is sent on the same connection if it stays open, else on a new one.

    Raises: HttpProxyError, when the proxy refuses: `.response` is its answer; HttpConnectionError and its subclasses.
    """
    proxy = route.proxy
    connect = connect_request(client, request, route, authority)
    connection = await route.connect(client)
    try:
        for _ in range(MAX_ATTEMPTS):
            try:
                outcome = await client.exchange(connect, connection)
            except ConnectionClosed:
                if not connection.reused or connection.has_read:
                    raise
                connection = await route.connect(client)  # some proxies close after a 407 without Connection: close
                connect = repeat(connect, route, authority)
                continue
            if not isinstance(outcome, HttpRequest):
                check_granted(outcome, connection, request, proxy, authority)
                return connection
            connect = follow_up(outcome, route, authority)
            if connection.is_reusable:
                connection.end()
                connection.reused = True
            else:
                connection.abort()
                connection = await route.connect(client)
        raise HttpProxyError(f"{proxy}: no tunnel to {authority} after {MAX_ATTEMPTS} requests", request=request)
    except BaseException as error:
        connection.abort()
        if isinstance(error, (BodyTooLarge, ConnectionClosed)) and error.response is not None:
            # the body of the refusal was too long, or was cut off
            raise refusal(error.response, request, proxy, authority) from error
        if isinstance(error, HttpRequestException) and not isinstance(error, HttpProxyError):
            error.request = request  # the user's: the CONNECT is internal
            error.add_note(f"while asking {proxy} for a tunnel to {authority}")
        raise


def connect_request(client: HttpClient, request: HttpRequest, route: ProxyRoute, authority: str) -> HttpRequest:
    """Return the first CONNECT for a request, without the fields and the timeouts that are meant for the origin.

    Only the total timeout of the call applies: the whole tunnel is opened under the connect timeout of the request.
    """
    connect = client.new_request(
        "CONNECT",
        str(route.proxy),
        cause="connect",
        parent=request,
        stream=False,
        version="HTTP/1.1",
        max_body=MAX_REFUSAL,
        timeout=Timeout(request.timeout.total),
    )
    agent = connect.headers.get("User-Agent")
    connect.headers.clear()
    connect.headers["Host"] = authority
    if agent is not None:
        connect.headers["User-Agent"] = agent
    return address(connect, route, authority)


def address(connect: HttpRequest, route: ProxyRoute, authority: str) -> HttpRequest:
    """Set the target, the route and the Basic credentials of a CONNECT, and return it."""
    connect.target = authority
    connect.route = route
    add_basic(connect, route.proxy)
    return connect


def add_basic(request: HttpRequest, proxy: Proxy) -> None:
    """Set Proxy-Authorization for this hop if the proxy's URL has credentials, unless the request has the field already."""
    if proxy.basic is not None and not request.has_header("Proxy-Authorization"):
        request.unredirected_headers["Proxy-Authorization"] = proxy.basic


def follow_up(answer: HttpRequest, route: ProxyRoute, authority: str) -> HttpRequest:
    """Return a plugin's answer to the proxy's response, addressed as the first CONNECT.

    Raises: PluginError, for a request with another method.
    """
    if answer.method != "CONNECT":
        raise PluginError(f"a CONNECT was answered with a {answer.method}; only another CONNECT can follow it")
    return address(answer, route, authority)


def repeat(connect: HttpRequest, route: ProxyRoute, authority: str) -> HttpRequest:
    """Return a copy of a CONNECT, credentials included, for another connection to the same proxy."""
    copy = connect.copy()
    copy.unredirected_headers.extend(connect.unredirected_headers)
    return address(copy, route, authority)


def check_granted(
    answer: HttpResponse, connection: Connection, request: HttpRequest, proxy: Proxy, authority: str
) -> None:
    """Check that the proxy has opened the tunnel.

    Raises: HttpProxyError.
    """
    if not (200 <= answer.status_code < 300 and connection.upgraded):
        raise refusal(answer, request, proxy, authority)


def refusal(answer: HttpResponse, request: HttpRequest, proxy: Proxy, authority: str) -> HttpProxyError:
    """Return the error for a response that opens no tunnel."""
    reason = ascii(answer.reason[:60])[1:-1]
    hint = ""
    if answer.status_code == 407:
        hint = "; it requires credentials: put user:password@ before the host of its URL"
        if proxy.credentials is not None:
            hint = "; it did not accept the credentials of its URL, or requires another scheme than Basic"
    message = f"{proxy} refused a tunnel to {authority}: {answer.status_code} {reason}".rstrip()
    return HttpProxyError(message + hint, request=request, response=answer)
