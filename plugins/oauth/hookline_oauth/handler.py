"""An auth object that a user binds as a handler of pre_request only registers itself: the plugin acts last."""

from __future__ import annotations

import inspect
from typing import Any

from hookline import HttpRequest, HttpResponse, PluginError

_BOUND = "auth_of_handler"


def register(auth: Any, response: Any, plugin: str) -> None:
    """Make `auth` the value of `auth=` for this request, unless the call itself was given one.

    Another plugin that takes callables calls it too, where ours does not run: the request must not go out without.

    Raises: PluginError, where no plugin takes it.
    """
    request = response.request if isinstance(response, HttpResponse) else None
    if request is None or not is_taken(auth, request):
        if (
            request is None
            or request._configuration is request.client.configuration
            or vars(request).get("auth") is auth
        ):
            raise PluginError(f"{type(auth).__name__} needs the plugin {plugin!r}, which does not run here")
        return  # what belongs to the client is left out where this call leaves its plugin out
    values = vars(request)
    if "auth" not in values or values["auth"] is values.get(_BOUND, values):
        request._configuration.apply_options(request, {"auth": auth}, type(auth).__name__)
        values[_BOUND] = auth


def is_taken(auth: Any, request: HttpRequest) -> bool:
    """Is there a plugin that takes objects of this class, and not just anything that can be called?"""
    keyword = request._configuration.table.find("auth", "request")
    kinds = [] if keyword is None else [kind for _, option in keyword.owners for kind in option.accepts]
    return any(inspect.isclass(kind) and isinstance(auth, kind) for kind in kinds)
