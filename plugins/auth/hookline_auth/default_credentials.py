"""Credentials for a request without `auth=`: those in its URL, else those of netrc."""

from __future__ import annotations

from hookline import HttpRequest

from .basic import HTTPBasicAuth, from_userinfo
from .errors import AuthError
from .netrc import Hosts, credentials_for


def default_credentials(request: HttpRequest, hosts: Hosts | None) -> HTTPBasicAuth | None:
    """Return the userinfo of the URL, else the netrc entry of the host; None if the request has Authorization already.

    An empty userinfo means: no credentials. `auth=None` of the call leaves netrc out, but not the URL.

    hosts: the entries of netrc; None = netrc may not be read.

    Raises:
        AuthError: Basic cannot carry the userinfo.
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
    return credentials_for(hosts, request.origin.host)
