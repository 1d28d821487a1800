"""Masking keys are fresh in every thread and process, and the compiled mask is optional."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from types import ModuleType

import pytest

from hookline_websocket.frames import masking
from hookline_websocket.frames.masking import choose_mask, load_speedups, mask_in_python, new_masking_key

PAYLOAD_SIZES = [*range(12), 511, 512, 513, 514, 515, 516, 4099, 70_001]


def drawn(count: int) -> list[bytes]:
    return [new_masking_key() for _ in range(count)]


def repeats(keys: Iterable[bytes]) -> int:
    """Return how many keys are equal to an earlier one. Two in a thousand of 4 billion are so by chance once in 10,000."""
    found = list(keys)
    return len(found) - len(set(found))


def test_keys_are_four_bytes_and_fresh() -> None:
    keys = drawn(5000)  # of several draws
    assert {len(key) for key in keys} == {4}
    assert repeats(keys) <= 2


def test_threads_get_no_key_twice() -> None:
    with ThreadPoolExecutor(8) as pool:
        keys = [key for found in pool.map(drawn, [1000] * 8) for key in found]
    assert repeats(keys) <= 2


@pytest.mark.skipif(not hasattr(os, "fork"), reason="os.fork is not here")
def test_forked_child_gets_no_key_of_its_parent() -> None:
    program = """
import os, sys
from hookline_websocket.frames.masking import new_masking_key
new_masking_key()
reader, writer = os.pipe()
if os.fork() == 0:
    os.write(writer, b"".join(new_masking_key() for _ in range(100)))
    os._exit(0)
os.wait()
theirs = os.read(reader, 400)
ours = [new_masking_key() for _ in range(1023)]
children = {theirs[at : at + 4] for at in range(0, 400, 4)}
sys.exit(len(children & set(ours)) > 1 or len(theirs) != 400)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("size", PAYLOAD_SIZES)
def test_masks_in_c_and_in_python_agree(size: int) -> None:
    dice = random.Random(size)
    data, key = dice.randbytes(size), dice.choice([b"\x00\x00\x00\x00", b"\x00\x00\x00\x01", dice.randbytes(4)])
    expected = bytes(byte ^ key[at % 4] for at, byte in enumerate(data))

    module = load_speedups()

    assert module is not None, "the extra `speedups` is not installed"
    assert bytes(choose_mask(module)(data, key)) == expected
    assert bytes(mask_in_python(data, key)) == expected
    assert bytes(mask_in_python(bytearray(data), key)) == expected
    assert masking.mask is not mask_in_python


@pytest.mark.parametrize(
    "modules",
    ["sys.modules['websockets'] = None", "sys.modules['websockets.speedups'] = None", "sys.path[:] = standard"],
    ids=["blocked package", "blocked module", "not installed"],
)
def test_without_the_compiled_module_python_masks(modules: str) -> None:
    source = masking.__file__
    program = f"""
import importlib.util, sys
standard = [path for path in sys.path if "site-packages" not in path]
{modules}
spec = importlib.util.spec_from_file_location("masking", {source!r})
masking = importlib.util.module_from_spec(spec)
spec.loader.exec_module(masking)
sys.exit(masking.mask is not masking.mask_in_python)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def test_module_without_the_function_is_not_used() -> None:
    assert choose_mask(ModuleType("speedups")) is mask_in_python
    assert choose_mask(None) is mask_in_python


def test_package_of_the_compiled_module_is_not_imported_and_still_can_be() -> None:
    program = """
import sys
import hookline_websocket.frames.masking as masking
assert masking.mask is not masking.mask_in_python
assert not [name for name in sys.modules if name.startswith("websockets")]
from websockets.speedups import apply_mask
assert apply_mask(b"abcde", b"1234") == masking.mask(b"abcde", b"1234")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
