"""The package: the time of an import, and what it contains."""

from __future__ import annotations

import importlib.metadata
import subprocess
import sys

import casino_loyalty

# The processor time that an import takes, in seconds, and the modules that it loads.
IMPORT = """
import sys, time
start = time.process_time()
import casino_loyalty
print(time.process_time() - start, *sys.modules)
"""
LIMIT = 0.150


def test_import_is_fast() -> None:
    fastest = LIMIT * 2
    for _ in range(20):  # on a loaded machine, some imports are slower than others
        seconds, *modules = subprocess.run(
            [sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True
        ).stdout.split()
        assert not {"asyncio", "httpx", "websockets", "dataclasses"} & set(modules)
        fastest = min(fastest, float(seconds))
        if fastest <= LIMIT:
            break
    print(f"the import takes {fastest * 1000:.0f} ms")
    assert fastest <= LIMIT


def test_metadata() -> None:
    metadata = importlib.metadata.metadata("casino-loyalty")
    assert metadata["Version"] == casino_loyalty.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    files = {str(file) for file in importlib.metadata.files("casino-loyalty") or []}
    assert "casino_loyalty/py.typed" in files
    assert not any("test" in file for file in files)


def test_all_names_exist() -> None:
    assert casino_loyalty.AsyncClient.__name__ == "AsyncClient"
    assert casino_loyalty.AsyncInbox.__name__ == "AsyncInbox"
