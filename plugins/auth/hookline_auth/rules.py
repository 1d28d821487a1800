"""Whose credentials go with a request: those given for it, those found for it, or none."""

from __future__ import annotations

from typing import Any

from hookline import HttpRequest

from .basic import HTTPBasicAuth, from_userinfo
from .errors import AuthError
from .netrc import Hosts, credentials_for


def found_for(request: HttpRequest, hosts: Hosts | None) -> HTTPBasicAuth | None:
    """What the URL says, else netrc; None where an Authorization field is there already. A userinfo that is empty says: none.

    hosts: netrc's, None where it may not be read. `auth=None` of the call leaves netrc out, but not the URL.

    Raises: AuthError, for a userinfo that Basic cannot carry.
    """
    if request.has_header("Authorization"):
        return None
    if request.userinfo is not None:
        try:
            return from_userinfo(request.userinfo)
        except ValueError as error:
            raise AuthError(f"the userinfo of the URL: {error}", request=request) from None
    if not hosts or vars(request).get("auth", "") is None:
        return None
    return credentials_for(hosts, request.host)


def ask_first(request: Any) -> None:
    """Where a body can be sent once only, and the plugin for it is there, hear what the server says before it is sent.

    What the call itself says of `wait_continue` stays.
    """
    if getattr(request.body, "is_repeatable", True) or "wait_continue" in vars(request):
        return
    if hasattr(request, "wait_continue"):
        request.wait_continue = request.wait_continue or True
