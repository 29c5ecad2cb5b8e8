"""Ten thousand signed webhooks in a minute: every one is answered in time, and QuickBooks is asked
for changes at most once in five seconds per company.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import re
import time
import uuid
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sandbox.courier import signature
from sync.inbox import BURST_S
from tests.chaos.calm import Calm
from tests.chaos.parts import Parts
from tests.chaos.people import open_company, sign
from tests.chaos.recovery import percentile
from tests.chaos.run import Outcome, installation, judge_all_of

WITHIN_S = 60.0
#: What is not sent by then is not sent any more.
GIVE_UP_S = 3 * WITHIN_S
#: Intuit waits so long for an answer.
ANSWER_S_MAX = 3.0
ANSWER_S_GIVEN_UP = 30.0
#: Lines to the web process; a delivery that is due waits for a free one, and that is counted.
LINES = 64
#: Share of deliveries that were made before; of those with more than one event; documents of a
#: company.
REPEATED, GATHERED, DOCUMENTS = 0.3, 0.2, 500
EVENTS_MAX = 6
_CDC = re.compile(rb"GET /v3/company/(\d+)/cdc")
_KINDS = ("estimate", "invoice", "payment", "customer", "creditmemo")
_REST_S = 90.0


@dataclass(slots=True, kw_only=True)
class BurstReport(Outcome):
    """What came of the deliveries."""

    deliveries: int = 0
    repeats: int = 0
    sent_within_s: float = 0.0
    answers: dict[str, int] = field(default_factory=dict)
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    max_ms: float = 0.0
    waited_for_a_line: int = 0  #: deliveries that were sent later than due
    events_kept: int = 0
    cdc_calls: dict[str, int] = field(default_factory=dict)
    cdc_distance_s_min: float | None = None
    idle_after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class _Answer:
    status: int
    took_s: float
    was_late: bool


def run(*, seed: int, count: int, companies: int, keep: Path | None = None) -> BurstReport:
    """Do one run and report it."""
    report = BurstReport(seed=seed)
    wishes = {"companies": companies, "proxied": ("sandbox",)}
    with installation(wishes, report, keep=keep) as parts:
        for number, facts in enumerate(parts.facts["companies"]):
            sign(open_company(parts, facts), f"{number + 1}001", memo="", cents=90_000)
        Calm(parts, parts.watch).wait(timeout_s=_REST_S)
        calls: list[tuple[float, str]] = []
        parts.proxies["sandbox"].overhear = lambda piece: calls.extend(
            (time.monotonic(), found.decode()) for found in _CDC.findall(piece)
        )
        bodies = _bodies(parts, random.Random(f"burst/{seed}"), count)
        report.deliveries, report.repeats = len(bodies), len(bodies) - len(set(bodies))
        began = time.monotonic()
        answers = asyncio.run(_deliver(parts, bodies))
        report.sent_within_s = round(time.monotonic() - began, 1)
        _judge_answers(answers, report)
        rested = time.monotonic()
        report.violations += Calm(parts, parts.watch).wait(timeout_s=_REST_S)
        report.idle_after_s = round(time.monotonic() - rested, 1)
        _judge_calls(calls, parts, report)
        report.violations += judge_all_of(parts)
    return report


def _bodies(parts: Parts, chance: random.Random, count: int) -> list[bytes]:
    """Make deliveries of a few events each, of one company or of several; some come again."""
    realm_ids = [str(company["realm_id"]) for company in parts.facts["companies"]]
    bodies: list[bytes] = []
    while len(bodies) < count:
        if bodies and chance.random() < REPEATED:
            bodies.append(chance.choice(bodies[-1000:]))
            continue
        size = chance.randint(2, EVENTS_MAX) if chance.random() < GATHERED else 1
        events = [_event(chance, chance.choice(realm_ids)) for _ in range(size)]
        bodies.append(json.dumps(events).encode())
    return bodies


def _event(chance: random.Random, realm_id: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": str(uuid.UUID(int=chance.getrandbits(128))),
        "source": "intuit.chaos",
        "type": f"qbo.{chance.choice(_KINDS)}.updated.v1",
        "datacontenttype": "application/json",
        "time": datetime.now(UTC).isoformat(),
        "intuitentityid": str(chance.randint(1, DOCUMENTS)),
        "intuitaccountid": realm_id,
        "data": {},
    }


async def _deliver(parts: Parts, bodies: Sequence[bytes]) -> list[_Answer]:
    """Send all of them evenly over the minute; the time runs from when each is due."""
    address = urlsplit(f"{parts.settings.web_url}/webhooks/quickbooks")
    verifier = str(parts.facts["webhook_verifier"])
    began = time.monotonic() + 0.2
    due = ((began + n * WITHIN_S / len(bodies), body) for n, body in enumerate(bodies))
    answers: list[_Answer] = []

    async def line() -> None:
        reader, writer = await asyncio.open_connection(address.hostname, address.port)
        for at, body in due:
            if time.monotonic() - began > GIVE_UP_S:
                break
            await asyncio.sleep(max(0.0, at - time.monotonic()))
            was_late = time.monotonic() - at > 0.05
            head = (
                f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
                f"intuit-signature: {signature(verifier, body)}\r\n\r\n"
            )
            writer.write(head.encode() + body)
            status = await asyncio.wait_for(_status(reader), ANSWER_S_GIVEN_UP)
            answers.append(_Answer(status, time.monotonic() - at, was_late))
        writer.close()

    watching = asyncio.create_task(_watch(parts))
    await asyncio.gather(*(line() for _ in range(LINES)))
    watching.cancel()
    return answers


async def _watch(parts: Parts) -> None:
    while True:
        parts.watch()
        await asyncio.sleep(0.5)


async def _status(reader: asyncio.StreamReader) -> int:
    head = await reader.readuntil(b"\r\n\r\n")
    length = re.search(rb"content-length: (\d+)", head.lower())
    await reader.readexactly(int(length[1]) if length else 0)
    return int(head.split()[1])


def _judge_answers(answers: Sequence[_Answer], report: BurstReport) -> None:
    took = [one.took_s for one in answers]
    report.answers = {str(k): n for k, n in sorted(Counter(a.status for a in answers).items())}
    report.p50_ms = round(percentile(took, 0.5) * 1000, 1)
    report.p99_ms = round(percentile(took, 0.99) * 1000, 1)
    report.max_ms = round(max(took) * 1000, 1)
    report.waited_for_a_line = sum(one.was_late for one in answers)
    if len(answers) != report.deliveries or set(report.answers) != {"200"}:
        report.violations.append(f"not every delivery was answered 200: {report.answers}")
    if max(took) >= ANSWER_S_MAX:
        late = sum(one >= ANSWER_S_MAX for one in took)
        report.violations.append(f"{late} answers took {ANSWER_S_MAX} s or more")


def _judge_calls(calls: Sequence[tuple[float, str]], parts: Parts, report: BurstReport) -> None:
    by_company: dict[str, list[float]] = defaultdict(list)
    for at, realm_id in calls:
        by_company[realm_id].append(at)
    report.cdc_calls = {realm_id: len(times) for realm_id, times in sorted(by_company.items())}
    distances = [distance for times in by_company.values() for distance in _distances(times)]
    report.cdc_distance_s_min = round(min(distances), 3) if distances else None
    close = sum(distance < BURST_S for distance in distances)
    if close:
        report.violations.append(
            f"{close} times a company was asked again within {BURST_S} s: {min(distances):.3f} s"
        )
    if len(by_company) != len(parts.facts["companies"]):
        report.violations.append("not every company was asked for its changes")
    with parts.admin() as admin:
        (report.events_kept,) = admin.execute("SELECT count(*) FROM inbox").fetchone() or (0,)


def _distances(times: Sequence[float]) -> Iterator[float]:
    return (later - earlier for earlier, later in itertools.pairwise(sorted(times)))
