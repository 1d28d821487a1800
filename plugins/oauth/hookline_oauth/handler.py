"""An auth object that a user binds as a handler of pre_request only registers itself: the plugin acts last."""

from __future__ import annotations

import inspect
from typing import Any

from hookline import HttpResponse, PluginError

_BOUND = "auth_of_handler"


def register(auth: Any, response: Any, plugin: str) -> None:
    """Make `auth` the value of `auth=` for this request, unless the call itself was given one.

    Raises: PluginError, where no plugin of the client takes it.
    """
    if not isinstance(response, HttpResponse):
        raise PluginError(f"{type(auth).__name__} is used through the plugin {plugin!r}, which does not run here")
    request = response.request
    values = vars(request)
    if "auth" in values and values["auth"] is not values.get(_BOUND, values):
        return
    profile = request.profile
    keyword = profile.table.find("auth", "request")
    owners = [] if keyword is None else keyword.owners
    if not any(inspect.isclass(kind) and isinstance(auth, kind) for _, option in owners for kind in option.accepts):
        if profile is not request.client.profile:
            return  # this call leaves the plugin out
        raise PluginError(f"{type(auth).__name__} is bound as a handler, but the plugin {plugin!r} does not run")
    profile.apply_options(request, {"auth": auth}, type(auth).__name__)
    values[_BOUND] = auth
