"""Stamp every request with the field X-Stamp, except those that open a tunnel."""

from hookline import Option, hookimpl


class Stamp:
    """Add X-Stamp to calls, follow-ups and sub-requests. A CONNECT goes to a proxy, which must not get the field."""

    @hookimpl
    def declare(self):
        return [Option("stamp", "blue", convert=str, doc="the value of X-Stamp; None = no field")]

    @hookimpl
    def pre_request(self, response, cause):  # without `cause`, it would not be called for sub-requests
        request = response.request
        if request.stamp is not None and cause != "connect":
            request.unredirected_headers["X-Stamp"] = request.stamp  # for this request; follow-ups come here again
