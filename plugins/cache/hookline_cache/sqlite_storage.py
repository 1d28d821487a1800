"""A storage in an SQLite file, for several processes at the same time. Small bodies are in it, large ones in files beside it.

A body that arrives is written into a file whose name ends in `.part`. When it is complete, that file is renamed, and the row is
written in one transaction. So a crash at any moment leaves the responses that were stored before, and at most a file that no
row names; such files are removed when the storage is opened, once they are an hour old.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import sqlite3
import threading
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from .memory_storage import MAX_VARIANTS, MemoryBody, check_limits
from .storage import StorageError
from .stored_response import StoredResponse

T = TypeVar("T")

VERSION = 1  # of the tables; those of another version are dropped
SMALL = 64 * 1024  # bytes: a body up to this size is in the row, so that it is read with it
PIECE = 256 * 1024  # bytes that are read of a file at a time
LOCK_SECONDS = 5.0  # for which another process may hold the lock
UNUSED_SECONDS = 3600.0  # after which a file that no row names is removed
USE_SECONDS = 60.0  # how exactly the time of the last use is known
_inherited: list[sqlite3.Connection | None] = []  # of a parent process: SQLite forbids a child even to close them
TABLES = """
CREATE TABLE responses (
    key TEXT NOT NULL, variant TEXT NOT NULL, vary TEXT NOT NULL, status INTEGER NOT NULL, reason TEXT NOT NULL,
    fields BLOB NOT NULL, requested_at REAL NOT NULL, received_at REAL NOT NULL, size INTEGER NOT NULL,
    body BLOB, file TEXT, cost INTEGER NOT NULL, used_at REAL NOT NULL,
    PRIMARY KEY (key, variant)
) WITHOUT ROWID;
CREATE INDEX by_use ON responses (used_at, cost);
"""


class SQLiteStorage:
    """Keeps responses in an SQLite file, and large bodies in files of the folder PATH-bodies beside it.

    Several processes, threads and event loops may use the same file. It is opened at the first use. What is in it is as
    confidential as the responses: the file and the folder are made readable by their owner alone.

    path: of the file; an attribute too. max_bytes: what all responses together may take, about. max_body: the largest body
    that is stored.

    Raises: ValueError, for a limit below 1, or a `max_body` above `max_bytes`.

    Example: docs/caching.md#storages
    """

    def __init__(
        self, path: str | os.PathLike[str], *, max_bytes: int = 1024 * 1024 * 1024, max_body: int | None = None
    ) -> None:
        self.path = Path(path)
        self._folder = self.path.with_name(f"{self.path.name}-bodies")
        self._max_bytes, self._max_body = check_limits(max_bytes, max_bytes if max_body is None else max_body)
        self._database: sqlite3.Connection | None = None
        self._executor: ThreadPoolExecutor | None = None
        self._pid = 0
        self._lock = threading.Lock()

    # -- the storage

    async def find(self, key: str) -> list[StoredResponse]:
        return await self._run(lambda: self._find(key))

    async def open(self, stored: StoredResponse) -> MemoryBody | FileBody | None:
        if isinstance(stored.body, bytes):
            return MemoryBody(0, stored.body)
        return await self._run(lambda: self._open_body(stored.body))

    def write(self, size: int | None) -> FileWriter | None:
        return None if size is not None and size > self._max_body else FileWriter(self._folder, self._max_body)

    async def add(self, stored: StoredResponse, body: FileWriter) -> bool:
        try:
            return await self._run(lambda: self._add(stored, body))
        finally:
            body.discard()

    async def renew(self, stored: StoredResponse) -> None:
        await self._run(lambda: self._renew(stored))

    async def remove(self, key: str) -> None:
        await self._run(lambda: self._remove(self._connect(), "key = ?", (key,)))

    async def close(self) -> None:
        """Close the file. The next use opens it again.

        Example::

            import tempfile
            from hookline_cache import SQLiteStorage

            with tempfile.TemporaryDirectory() as folder:
                storage = SQLiteStorage(f"{folder}/responses.db")
                await storage.close()
        """
        with self._lock:
            database, executor = self._database, self._executor
            self._database = self._executor = None
        if executor is None or self._pid != os.getpid():
            return
        if database is not None:
            await asyncio.get_running_loop().run_in_executor(executor, database.close)
        executor.shutdown(wait=False)

    # -- in the thread

    async def _run(self, work: Callable[[], T]) -> T:
        """Run work in the thread of this storage, which has the connection.

        Raises: StorageError.
        """
        with self._lock:
            if self._pid != os.getpid():  # a forked child has neither the thread nor the connection of its parent
                _inherited.append(self._database)
                self._database, self._executor, self._pid = None, None, os.getpid()
            if self._executor is None:
                self._executor = ThreadPoolExecutor(1, thread_name_prefix="hookline-cache")
            executor = self._executor
        try:
            return await asyncio.get_running_loop().run_in_executor(executor, work)
        except (sqlite3.Error, OSError) as error:
            raise StorageError(f"{self.path}: {error}") from error

    def _connect(self) -> sqlite3.Connection:
        if self._database is None:
            made = not self.path.exists()
            self._folder.mkdir(mode=0o700, exist_ok=True)
            if made:
                os.close(os.open(self.path, os.O_CREAT | os.O_RDWR, 0o600))
            database = sqlite3.connect(self.path, timeout=LOCK_SECONDS, isolation_level=None, check_same_thread=False)
            try:
                # Readers do not wait for a writer, and a crash cannot leave half of a transaction.
                database.execute("PRAGMA journal_mode = WAL")
                database.execute("PRAGMA synchronous = NORMAL")
                with transaction(database):
                    self._make_tables(database)
                self._remove_unused_files(database)
            except BaseException:
                database.close()
                raise
            self._database = database
        return self._database

    def _make_tables(self, database: sqlite3.Connection) -> None:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        if version == VERSION:
            return
        database.execute("DROP TABLE IF EXISTS responses")
        for statement in TABLES.split(";\n"):
            if statement.strip():
                database.execute(statement)
        database.execute(f"PRAGMA user_version = {VERSION}")

    def _remove_unused_files(self, database: sqlite3.Connection) -> None:
        named = {name for (name,) in database.execute("SELECT file FROM responses WHERE file IS NOT NULL")}
        for path in self._folder.iterdir():
            with contextlib.suppress(FileNotFoundError):
                if path.name not in named and time.time() - path.stat().st_mtime > UNUSED_SECONDS:
                    path.unlink()

    def _find(self, key: str) -> list[StoredResponse]:
        database, found, now = self._connect(), [], time.time()
        for row in database.execute(
            "SELECT variant, vary, status, reason, fields, requested_at, received_at, size, body, file, used_at"
            " FROM responses WHERE key = ?",
            (key,),
        ).fetchall():
            variant, vary, status, reason, fields, requested_at, received_at, size, body, file, used_at = row
            found.append(
                StoredResponse(
                    key, json.loads(vary), variant, status, reason, bytes(fields),
                    requested_at, received_at, size, body if file is None else file,
                )
            )  # fmt: skip
            if now - used_at > USE_SECONDS:
                database.execute("UPDATE responses SET used_at = ? WHERE key = ? AND variant = ?", (now, key, variant))
        return found

    def _open_body(self, name: str) -> FileBody | None:
        assert self._executor is not None
        try:
            return FileBody(os.open(self._folder / name, os.O_RDONLY), self._run)
        except FileNotFoundError:
            return None

    def _add(self, stored: StoredResponse, body: FileWriter) -> bool:
        database = self._connect()
        content, name = body.complete()
        if content is None and name is None:
            return False
        cost = stored.cost
        if cost > self._max_bytes:
            return False
        with transaction(database):
            self._remove(database, "key = ? AND variant = ?", (stored.key, stored.variant))
            database.execute(
                "INSERT INTO responses VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    stored.key, stored.variant, json.dumps(stored.vary), stored.status, stored.reason,
                    stored.lines, stored.requested_at, stored.received_at, stored.size, content, name, cost, time.time(),
                ),
            )  # fmt: skip
            self._remove(
                database,
                "key = ? AND variant IN (SELECT variant FROM responses WHERE key = ? ORDER BY received_at DESC"
                " LIMIT -1 OFFSET ?)",
                (stored.key, stored.key, MAX_VARIANTS),
            )
            self._make_room(database)
        body.keep()
        return True

    def _make_room(self, database: sqlite3.Connection) -> None:
        (total,) = database.execute("SELECT total(cost) FROM responses").fetchone()
        while total > self._max_bytes:
            key, variant, cost = database.execute(
                "SELECT key, variant, cost FROM responses ORDER BY used_at LIMIT 1"
            ).fetchone()
            self._remove(database, "key = ? AND variant = ?", (key, variant))
            total -= cost

    def _renew(self, stored: StoredResponse) -> None:
        self._connect().execute(
            "UPDATE responses SET fields = ?, requested_at = ?, received_at = ?, used_at = ?"
            " WHERE key = ? AND variant = ? AND size = ? AND (file IS NULL OR file = ?)",
            (
                stored.lines, stored.requested_at, stored.received_at, time.time(),
                stored.key, stored.variant, stored.size, stored.body if isinstance(stored.body, str) else "",
            ),
        )  # fmt: skip

    def _remove(self, database: sqlite3.Connection, where: str, values: tuple[str | int, ...]) -> None:
        """Remove rows and their files. One that is being read stays readable until it is closed."""
        for (name,) in database.execute(
            f"DELETE FROM responses WHERE {where} RETURNING file",  # noqa: S608  # the condition is one of this class
            values,
        ).fetchall():
            if name is not None:
                with contextlib.suppress(FileNotFoundError):
                    (self._folder / name).unlink()

    def __getstate__(self) -> dict[str, Any]:
        raise TypeError("a SQLiteStorage cannot be copied or pickled; make one for the same path")

    def __repr__(self) -> str:
        return f"<SQLiteStorage {str(self.path)!r}>"


@contextlib.contextmanager
def transaction(database: sqlite3.Connection) -> Any:
    """Write within one transaction, which is undone if that fails."""
    database.execute("BEGIN IMMEDIATE")
    try:
        yield
    except BaseException:
        database.execute("ROLLBACK")
        raise
    database.execute("COMMIT")


class FileWriter:
    """Takes a body: in memory while it is small, then in a file.

    The file is written when the bytes arrive, into the page cache of the system, as a download into a file is.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self._folder, self._limit = folder, limit
        self._parts: list[bytes] = []
        self._size = 0
        self._name = f"{secrets.token_hex(16)}"
        self._file: int | None = None
        self.path: Path | None = None  # of what `discard` has to remove

    def write(self, data: bytes) -> bool:
        self._size += len(data)
        if self._size > self._limit:
            return False
        try:
            if self._size <= SMALL:
                self._parts.append(bytes(data))
                return True
            if self._file is None:
                self._folder.mkdir(mode=0o700, exist_ok=True)
                self.path = self._folder / f"{self._name}.part"
                self._file = os.open(self.path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
                for part in self._parts:
                    write_all(self._file, part)
                self._parts.clear()
            write_all(self._file, data)
        except OSError:  # the disk is full, for instance
            return False
        return True

    def complete(self) -> tuple[bytes | None, str | None]:
        """Return the body, or the name of the file that has it."""
        if self._file is None:
            return b"".join(self._parts), None
        os.close(self._file)
        self._file = None
        assert self.path is not None
        renamed = self._folder / self._name
        self.path.rename(renamed)
        self.path = renamed
        return None, self._name

    def keep(self) -> None:
        """Leave the file where it is: a row names it."""
        self.path = None

    def discard(self) -> None:
        self._parts.clear()
        file, self._file = self._file, None
        path, self.path = self.path, None
        if file is not None:
            os.close(file)
        if path is not None:
            with contextlib.suppress(OSError):
                path.unlink()

    def __del__(self) -> None:
        self.discard()


def write_all(file: int, data: bytes) -> None:
    """Write all of the data.

    Raises: OSError.
    """
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


class FileBody:
    """Reads a body from a file, which stays readable if it is removed meanwhile."""

    def __init__(self, file: int, run: Callable[[Callable[[], bytes]], Any]) -> None:
        """run: runs a function in a thread."""
        self._file: int | None = file
        self._run = run

    async def read(self, start: int, end: int) -> AsyncIterator[bytes]:
        try:
            while start < end:
                data = await self._run(lambda start=start: self._piece(start, end))  # type: ignore[misc]
                if not data:
                    raise StorageError("a stored body is shorter than it was")
                yield data
                start += len(data)
        finally:
            self.close()

    def _piece(self, start: int, end: int) -> bytes:
        assert self._file is not None
        return os.pread(self._file, min(PIECE, end - start), start)

    def close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            os.close(file)

    def __del__(self) -> None:
        self.close()
