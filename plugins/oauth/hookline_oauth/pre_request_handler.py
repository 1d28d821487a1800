"""Auth objects that a user binds as handlers of pre_request: they become the `auth=` of the request.

A handler runs before the plugins do, and later ones may still change the request. As the value of `auth=`, the object is
applied by its plugin, which runs last.
"""

from __future__ import annotations

import inspect

from hookline import HttpRequest, HttpResponse, PluginError

_BOUND = "auth_of_handler"


def use_as_auth(auth: object, response: object, plugin: str) -> None:
    """Make `auth` the value of `auth=` for the request of this response, unless the call itself gave one.

    A third-party plugin that accepts any callable calls the object too, if the plugin of the object is not loaded. Then
    this raises PluginError, because the request must not be sent without credentials.

    response: what the handler was called with. plugin: the name of the object's plugin, for the error.

    Raises: PluginError, if no loaded plugin takes objects of this class.
    """
    request: HttpRequest | None = response.request if isinstance(response, HttpResponse) else None
    if request is None or not is_accepted(auth, request):
        if (
            request is None
            or request.configuration is request.client.configuration
            or vars(request).get("auth") is auth
        ):
            raise PluginError(f"{type(auth).__name__} needs the plugin {plugin!r}, which is not loaded here")
        return  # an object that belongs to the client does nothing in a call that leaves its plugin out
    values = vars(request)
    if "auth" not in values or values["auth"] is values.get(_BOUND, values):
        request.configuration.apply_options(request, {"auth": auth}, type(auth).__name__)
        values[_BOUND] = auth


def is_accepted(auth: object, request: HttpRequest) -> bool:
    """Say whether a plugin accepts objects of this class as `auth=`, and not just any callable."""
    keyword = request.configuration.table.find("auth", "request")
    kinds = [] if keyword is None else [kind for owner in keyword.owners for kind in owner.option.accepts]
    return any(inspect.isclass(kind) and isinstance(auth, kind) for kind in kinds)
