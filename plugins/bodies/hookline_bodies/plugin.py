"""The plugin `bodies`: files and multipart as bodies; saving, lines and links of responses; and the progress of both."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from hookline import Attribute, Body, HttpRequest, HttpResponse, Option, hookimpl

from .encoding import encode

if TYPE_CHECKING:
    from collections.abc import Callable

    from .progress import ProgressCallback

    class BodiesRequest(HttpRequest):
        """A request with the options of this plugin."""

        on_upload: ProgressCallback | None
        on_download: ProgressCallback | None

    class BodiesResponse(HttpResponse):
        """A response to such a request."""

        request: BodiesRequest


class Bodies:
    """What core leaves out about bodies. Only calls with `on_upload` or `on_download` run the one event of this plugin.

    What few programs use is imported at its first use.

    Example::

        from hookline import HttpClient
        from hookline_bodies import Bodies

        client = HttpClient(autoload=False, plugins=[Bodies()])
    """

    name = "bodies"

    @hookimpl
    def declare(self) -> list[Body | Option | Attribute]:
        return [
            Body(("data", "files"), encode, doc="data: also a file or a path; files: the files of multipart/form-data"),
            Option(
                "on_upload",
                convert=partial(as_progress_callback, "on_upload"),
                doc="f(done, total): the bytes of the request's body that were sent",
            ),
            Option(
                "on_download",
                convert=partial(as_progress_callback, "on_download"),
                doc="f(done, total): the bytes of the response's body that have arrived",
            ),
            Attribute("links", links, doc="the links of the Link fields, by relation"),
            Attribute("iter_lines", iter_lines, of="stream", doc="iter_lines(limit=...): the lines of the text"),
            Attribute("save", save, of="stream", doc="save(path): write the body to a file"),
        ]

    @hookimpl(options=("on_upload", "on_download"))
    def pre_request(self, response: BodiesResponse) -> None:
        request = response.request
        if request.on_upload is None and request.on_download is None:
            return
        from .progress import bind_download, upload_wrapper  # even a repeated import takes 2 us

        if request.on_upload is not None:
            response.wrap_upload(upload_wrapper(request.on_upload))
        if request.on_download is not None:
            bind_download(response, request.on_download, self.name)


def as_progress_callback(name: str, value: Any) -> ProgressCallback:
    """Check a progress callback. name: of the option.

    Raises: TypeError, for what is no plain function.
    """
    from .progress import as_plain_function

    return as_plain_function(name, value)


def links(response: HttpResponse) -> dict[str, dict[str, str]]:
    """Return `response.links`: the links of the Link fields (RFC 8288), a dict of dicts by relation.

    Each has the absolute URL of the link as "url", and its parameters. A link without a relation is under its URL; no Link
    fields give an empty dict.
    """
    from .link_fields import links_of

    return links_of(response.headers.getall("link", []), response.url)


def iter_lines(stream: Any) -> Callable[..., Any]:
    """Return `response.raw.iter_lines`, see `lines.iter_lines`."""
    from .lines import iter_lines

    return partial(iter_lines, stream)


def save(stream: Any) -> Callable[..., Any]:
    """Return `response.raw.save`, see `saving.save`."""
    from .saving import save

    return partial(save, stream)
