"""Logging as one JSON object a line, ids as fields, nothing secret."""

from __future__ import annotations

import json
import logging
import sys
from datetime import UTC, datetime

#: What every LogRecord has; the rest was passed as `extra` and is printed.
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}

#: These write headers with bearer tokens at DEBUG (qbo-platform, defect 33): never below INFO.
_TALKATIVE = ("requests_oauthlib", "oauthlib", "urllib3", "httpx", "httpcore", "dramatiq")


class JsonLines(logging.Formatter):
    """One line an outcome: time, level, dotted name, and the facts that came with it."""

    def format(self, record: logging.LogRecord) -> str:
        """Give the record as one line of JSON."""
        at = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line: dict[str, object] = {"at": at, "level": record.levelname, "name": record.getMessage()}
        line |= {key: value for key, value in vars(record).items() if key not in _STANDARD}
        if record.exc_info and record.exc_info[0] is not None:
            line["error_class"] = record.exc_info[0].__name__
            line["where"] = _where(record)
        return json.dumps(line, default=str)


def set_up_logging(*, role: str, level: int = logging.INFO) -> None:
    """Send every log line of this process to standard error as JSON, marked with the process's
    role.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    handler.addFilter(_mark(role))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)


def _mark(role: str) -> logging.Filter:
    class Mark(logging.Filter):
        def filter(self, record: logging.LogRecord) -> bool:
            record.role = role
            return True

    return Mark()


def _where(record: logging.LogRecord) -> str:
    # The exception's text may hold customer data; file and line never do.
    assert record.exc_info is not None
    trace = record.exc_info[2]
    places = []
    while trace is not None:
        code = trace.tb_frame.f_code
        places.append(f"{code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}")
        trace = trace.tb_next
    return " > ".join(places[-4:])
