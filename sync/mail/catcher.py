"""A mail server that delivers nothing: every mail becomes one .eml file. For one machine without
SMTP_URL.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller

from sync.runner import stop_on_signals


class FileHandler:
    """Writes each mail into a folder, whole or not at all, named in the order of arrival."""

    def __init__(self, folder: Path) -> None:
        """Take the folder."""
        self._folder = folder
        self._lock = threading.Lock()

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        """Keep one mail."""
        with self._lock:
            name = f"{time.time_ns()}.eml"
            draft = self._folder / f".{name}.{os.getpid()}"
            draft.write_bytes(envelope.original_content or envelope.content)
            draft.rename(self._folder / name)
        return "250 kept"


def serve(*, host: str, port: int, folder: Path) -> None:
    """Take mails until TERM or INT."""
    stop = stop_on_signals()
    folder.mkdir(parents=True, exist_ok=True)
    controller = Controller(FileHandler(folder), hostname=host, port=port)
    controller.start()
    stop.wait()
    controller.stop()


def main() -> None:
    """Run from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    options = parser.parse_args()
    serve(host=options.host, port=options.port, folder=options.folder)


if __name__ == "__main__":
    main()
