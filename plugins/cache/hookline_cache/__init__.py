"""A private HTTP cache (RFC 9111) for the HTTP client Hookline: `HttpClient(cache=Cache())`."""

from typing import TYPE_CHECKING

from hookline import names_at_first_use

from .plugin import CacheClient, CacheRequest, CacheResponse, HttpCache, HttpCacheVary

if TYPE_CHECKING:
    from .cache import Cache
    from .cache_status import CacheStatus
    from .memory_storage import MemoryStorage
    from .redis_storage import RedisStorage
    from .sqlite_storage import SQLiteStorage
    from .storage import BodyReader, BodyWriter, Storage, StorageError
    from .stored_response import StoredResponse

__version__ = "0.1.0"

__all__ = [
    "BodyReader",
    "BodyWriter",
    "Cache",
    "CacheClient",
    "CacheRequest",
    "CacheResponse",
    "CacheStatus",
    "HttpCache",
    "HttpCacheVary",
    "MemoryStorage",
    "RedisStorage",
    "SQLiteStorage",
    "Storage",
    "StorageError",
    "StoredResponse",
]

__getattr__ = names_at_first_use(
    __name__,
    {
        "BodyReader": "storage",
        "BodyWriter": "storage",
        "Cache": "cache",
        "CacheStatus": "cache_status",
        "MemoryStorage": "memory_storage",
        "RedisStorage": "redis_storage",
        "SQLiteStorage": "sqlite_storage",
        "Storage": "storage",
        "StorageError": "storage",
        "StoredResponse": "stored_response",
    },
)
