"""Stamp every request with the field X-Stamp, except those that open a tunnel."""

from hookline import Option, hookimpl


class Stamp:
    """Names `cause`, so that the sub-requests of other plugins come by too; a CONNECT is the proxy's, not the origin's."""

    @hookimpl
    def declare(self):
        return [Option("stamp", "blue", convert=str, doc="the value of X-Stamp; None = no field")]

    @hookimpl
    def pre_request(self, response, cause):
        request = response.request
        if request.stamp is not None and cause != "connect":
            request.unredirected_headers["X-Stamp"] = request.stamp  # for this hop; the next one comes by itself
