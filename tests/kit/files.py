"""Ways to open a file. Each function takes a path and returns an open file with the same content."""

import io
import mmap
import tempfile


def unbuffered(path):
    return path.open("rb", buffering=0)


def both_ways(path):
    return path.open("r+b")


def spooled(path):
    file = tempfile.SpooledTemporaryFile(max_size=10)  # noqa: SIM115  # the test closes it
    file.write(path.read_bytes())
    file.seek(0)
    return file


def named(path):
    file = tempfile.NamedTemporaryFile()  # noqa: SIM115  # the test closes it
    file.write(path.read_bytes())  # not flushed
    file.seek(0)
    return file


def in_memory(path):
    return io.BytesIO(path.read_bytes())


def mapped(path):
    with path.open("rb") as file:
        return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
