"""Downloads of Scrapy: a download handler for http and https."""

from __future__ import annotations

from .handler import HooklineDownloadHandler

__all__ = ["HooklineDownloadHandler"]
