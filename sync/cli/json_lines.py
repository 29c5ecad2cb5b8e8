"""A stream of JSON, one case a line: read, answered and printed in order, whatever its length.

Whoever sends little waits for the answer, so it is given before more is read. Whoever sends much
gets helpers: further processes that answer whole chunks, a few at a time, so memory stays flat.
"""

from __future__ import annotations

import codecs
import gc
import os
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, BinaryIO

import orjson

from milestone_engine.cases import error_object
from milestone_engine.errors import EngineError
from milestone_engine.readers import CaseError, Steps

if TYPE_CHECKING:
    from concurrent.futures import Future

#: Bytes read at once. A pipe gives 64 KiB.
CHUNK_BYTES = 1 << 18

#: A chunk below this is somebody who waits.
SMALL_BYTES = 1 << 13

#: Helpers take a moment to start; a stream shorter than this is done before they are there.
HELP_AFTER_BYTES = 1 << 20

#: Chunks under way per helper: one in work, one to go on with.
AHEAD = 2

#: A case makes some hundred values and no cycles: the collector may look less often.
COLLECT_EVERY = 50_000

#: Cases that take a step together: enough to keep its code warm, few enough to stay in the cache.
TOGETHER = 32

Answered = tuple[bytes, bool]  #: the answers; whether all cases were right


def answer_stream(source: BinaryIO, sink: BinaryIO, steps: Steps) -> bool:
    """Answer every line of a stream; return whether all cases were right.

    Blank lines are passed over. A wrong case has its error object on its line.

    Args:
        source: lines of JSON, open until its end.
        sink: gets one line per case, in order.
        steps: functions of a module, since helpers must find them.
    """
    gc.set_threshold(COLLECT_EVERY)
    is_right = True
    for text, well in _answered(_chunks(source), steps):
        sink.write(text)
        sink.flush()
        is_right &= well
    return is_right


def parse_json(text: bytes) -> object:
    """Read JSON.

    Raises:
        CaseError: `not_json`.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise CaseError(f"not JSON: {error}", code="not_json") from None


def _chunks(source: BinaryIO) -> Iterator[bytes]:
    """Return what has come in, cut at the ends of lines."""
    begun: list[bytes] = []  # of a line whose end is still to come
    is_first = True
    while chunk := source.read1(CHUNK_BYTES):  # type: ignore[attr-defined]
        if is_first:
            chunk, is_first = chunk.removeprefix(codecs.BOM_UTF8), False
        cut = chunk.rfind(b"\n") + 1
        if cut:
            yield b"".join([*begun, chunk[:cut]])
            begun = []
        begun.append(chunk[cut:])
    yield b"".join(begun)


def _answered(chunks: Iterator[bytes], steps: Steps) -> Iterator[Answered]:
    """Answer chunks in order: here as long as they are few, then with helpers."""
    seen = 0
    for chunk in chunks:
        yield _answer_lines(chunk, steps)
        seen += len(chunk)
        if seen >= HELP_AFTER_BYTES and _cores() > 1:
            yield from _with_helpers(chunks, steps)


def _cores() -> int:
    known = getattr(os, "sched_getaffinity", None)
    return len(known(0)) if known else os.cpu_count() or 1


def _with_helpers(chunks: Iterator[bytes], steps: Steps) -> Iterator[Answered]:
    from concurrent.futures import ProcessPoolExecutor  # slow, and only long streams need it

    with ExitStack() as stack:
        pool = ProcessPoolExecutor(
            _cores(), initializer=gc.set_threshold, initargs=(COLLECT_EVERY,)
        )
        stack.callback(pool.shutdown, cancel_futures=True)
        waiting: deque[Future[Answered]] = deque()
        for chunk in chunks:
            waiting.append(pool.submit(_answer_lines, chunk, steps))
            at_most = 0 if len(chunk) < SMALL_BYTES else AHEAD * _cores()
            while len(waiting) > at_most:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _answer_lines(chunk: bytes, steps: Steps) -> Answered:
    """Answer the lines of one chunk."""
    lines = [line for line in chunk.split(b"\n") if line and not line.isspace()]
    answers: list[str] = []
    is_right = True
    for start in range(0, len(lines), TOGETHER):
        found: list[Any] = lines[start : start + TOGETHER]
        for step in (parse_json, *steps):
            found = [_taken(step, value) for value in found]
        for answer in found:
            if isinstance(answer, EngineError):
                answer, is_right = orjson.dumps(error_object(answer)).decode(), False
            answers.append(answer)
    answers.append("")
    return "\n".join(answers).encode(), is_right


def _taken(step: Callable[[Any], Any], value: object) -> object:
    """Return what a step makes of a value; a refusal, once there is one, stays to the end."""
    if isinstance(value, EngineError):
        return value
    try:
        return step(value)
    except EngineError as error:
        return error.with_traceback(None)
