"""How much of what its server can do the sandbox does: `python -m benchmarks.sandbox --json`.

Two processes serve: the sandbox, and an application of the same framework under the same server
whose only handler is empty. One client asks both in turn, over a few kept connections with requests
written beforehand, so that it is the servers that are measured. It does so with a small company and
with one of 100,000 documents, on books that are on disk.
"""

import argparse
import json
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.serve import listen, server_config
from sandbox.values import dumps, loads

ROOT = Path(__file__).parents[1]
CONNECTIONS = 4
#: Turns are short and many: what else runs on the machine should hit all kinds alike.
ROUNDS = 21
#: Least shares of the empty handler's rate, and of the small company's: below "no slower" by what
#: two runs of one and the same thing differ.
READ_MIN, CREATE_MIN, LARGE_TO_SMALL_MIN = 0.4, 0.2, 0.9
LARGE = 100_000
SMALL = 100

Make = Callable[[int], bytes]


def main(arguments: list[str] | None = None) -> int:
    """Measure, and print the figures; 1 if a limit is missed."""
    options = _parser().parse_args(arguments)
    if options.empty:
        return serve_empty()
    figures = measure(requests=options.requests, large=options.documents)
    if options.json:
        sys.stdout.write(f"{json.dumps(figures)}\n")
    else:
        _show(figures)
    return 1 if figures["missed"] else 0


def measure(*, requests: int, large: int) -> dict[str, Any]:
    """Return requests a second of every kind, and as shares of the empty handler's of the turn.

    The small company, the large one and the empty handler take turns all through the run, so that
    whatever else the machine does hits them alike.
    """
    sizes = {"small": SMALL, "large": large}
    with tempfile.TemporaryDirectory(prefix="sandbox-benchmark-") as folder, ExitStack() as servers:
        bare = servers.enter_context(empty_server())
        kinds: dict[str, tuple[str, Make]] = {}
        filled_s: dict[str, float] = {}
        for name, documents in sizes.items():
            facts = servers.enter_context(sandbox_server(Path(folder) / name))
            filled_s[name] = fill(facts, documents)
            for kind, way in _kinds(facts, bare, documents).items():
                kinds[kind if kind == "empty" else f"{name}_{kind}"] = way
        rates = _in_turns(kinds, requests)
    figures: dict[str, Any] = {"requests": requests, "rounds": ROUNDS, "connections": CONNECTIONS}
    figures["empty_per_s"] = round(statistics.median(rates["empty"]))
    for name, documents in sizes.items():
        figures[name] = {"documents": documents, "filled_s": round(filled_s[name], 1)}
        for kind in ("read", "query", "create"):
            values = rates[f"{name}_{kind}"]
            figures[name][f"{kind}_per_s"] = round(statistics.median(values))
            figures[name][f"{kind}_share"] = _share(values, rates["empty"])
    figures["large_to_small"] = {
        kind: _share(rates[f"large_{kind}"], rates[f"small_{kind}"])
        for kind in ("read", "query", "create")
    }
    figures["missed"] = _missed(figures)
    return figures


def _missed(figures: dict[str, Any]) -> list[str]:
    """Return the names of the limits that are missed."""
    limits = [(size, "read_share", READ_MIN) for size in ("small", "large")]
    limits += [(size, "create_share", CREATE_MIN) for size in ("small", "large")]
    limits += [("large_to_small", kind, LARGE_TO_SMALL_MIN) for kind in ("read", "create")]
    return [f"{group} {name}" for group, name, least in limits if figures[group][name] < least]


def _in_turns(kinds: dict[str, tuple[str, Make]], requests: int) -> dict[str, list[float]]:
    for address, make in kinds.values():
        rate(address, make, requests)  # warm up
    rates: dict[str, list[float]] = {name: [] for name in kinds}
    for _ in range(ROUNDS):
        for name, (address, make) in kinds.items():
            rates[name].append(rate(address, make, requests))
    return rates


def _share(parts: list[float], wholes: list[float]) -> float:
    """Return the median of the shares of one turn each."""
    return round(statistics.median(p / w for p, w in zip(parts, wholes, strict=True)), 3)


def _kinds(facts: dict[str, Any], bare: str, documents: int) -> dict[str, tuple[str, Make]]:
    here = facts["sandbox_url"]
    base = f"/v3/company/{facts['realm_id']}"
    token = facts["access_token"]
    first = _first_id(facts)

    def read(number: int) -> bytes:
        path = f"{base}/invoice/{first + number % documents}?minorversion=75"
        return request("GET", path, token)

    def query(number: int) -> bytes:
        statement = f"SELECT * FROM Invoice WHERE Id = '{first + number % documents}'"
        return request("GET", f"{base}/query?query={quote(statement)}", token)

    def create(number: int) -> bytes:
        return request("POST", f"{base}/invoice?minorversion=75", token, _invoice(facts, number))

    return {
        "empty": (bare, lambda _: request("GET", f"{base}/invoice/1?minorversion=75", token)),
        "read": (here, read),
        "query": (here, query),
        "create": (here, create),
    }


def fill(facts: dict[str, Any], documents: int) -> float:
    """Create invoices until there are so many; return the seconds it took."""
    began = time.monotonic()
    path = f"/v3/company/{facts['realm_id']}/invoice?minorversion=75"

    def make(number: int) -> bytes:
        return request("POST", path, facts["access_token"], _invoice(facts, number))

    rate(facts["sandbox_url"], make, documents)
    return time.monotonic() - began


def rate(address: str, make: Make, requests: int) -> float:
    """Send so many requests over the kept connections; return answers a second.

    Raises:
        RuntimeError: an answer is not a 200.
    """
    written = [make(number) for number in range(requests)]
    lines = [_Line(address) for _ in range(CONNECTIONS)]
    began = time.perf_counter()
    for start in range(0, requests, CONNECTIONS):
        batch = list(zip(lines, written[start : start + CONNECTIONS], strict=False))
        for line, content in batch:
            line.send(content)
        for line, _ in batch:
            line.receive()
    took = time.perf_counter() - began
    for line in lines:
        line.close()
    return requests / took


class _Line:
    """One kept connection, with just enough HTTP to find the end of an answer."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        self._socket = socket.create_connection((parts.hostname or "", parts.port or 80))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._left = b""

    def send(self, content: bytes) -> None:
        self._socket.sendall(content)

    def receive(self) -> bytes:
        data = self._left
        while b"\r\n\r\n" not in data:
            data += self._more()
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
        while len(body) < length:
            body += self._more()
        self._left = body[length:]
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(f"{head[:60]!r} {body[:300]!r}")
        return body[:length]

    def close(self) -> None:
        self._socket.close()

    def _more(self) -> bytes:
        data = self._socket.recv(65536)
        if not data:
            raise RuntimeError("the server closed the connection")
        return data


def request(method: str, path: str, token: str, body: bytes = b"") -> bytes:
    """Return one request as it goes over the wire."""
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: 127.0.0.1",
        f"Authorization: Bearer {token}",
        "Accept: application/json",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def _invoice(facts: dict[str, Any], number: int) -> bytes:
    line = {
        "Amount": 125,
        "DetailType": "SalesItemLineDetail",
        "Description": "Field measurements",
        "SalesItemLineDetail": {"ItemRef": {"value": "2"}, "Qty": 1, "UnitPrice": 125},
    }
    customer = str(1 + number % 11)
    return dumps({"CustomerRef": {"value": customer}, "Line": [line, line]}).encode()


def _first_id(facts: dict[str, Any]) -> int:
    """Return the id of the first invoice that was filled in; the others follow it."""
    base = f"/v3/company/{facts['realm_id']}"
    statement = quote("SELECT Id FROM Invoice WHERE TotalAmt = '250' ORDERBY Id MAXRESULTS 1")
    line = _Line(facts["sandbox_url"])
    line.send(request("GET", f"{base}/query?query={statement}", facts["access_token"]))
    found = loads(line.receive())["QueryResponse"]["Invoice"][0]["Id"]
    line.close()
    return int(found)


@contextmanager
def sandbox_server(folder: Path) -> Iterator[dict[str, Any]]:
    """Run a sandbox on books of its own and give its facts."""
    command = [sys.executable, "-m", "sandbox", "--data", str(folder), "--json"]
    with _process(command) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())


@contextmanager
def empty_server() -> Iterator[str]:
    """Run the empty handler and give its address."""
    with _process([sys.executable, "-m", "benchmarks.sandbox", "--empty"]) as process:
        assert process.stdout is not None
        yield process.stdout.readline().strip()


@contextmanager
def _process(command: list[str]) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


def serve_empty() -> int:
    """Serve an empty handler as the sandbox is served, until SIGTERM."""

    async def nothing(_: Request) -> Response:
        return Response(b"{}", media_type="application/json")

    app = Starlette(routes=[Route("/{rest:path}", nothing, methods=["GET", "POST"])])
    listener = listen("127.0.0.1", 0)
    sys.stdout.write(f"http://127.0.0.1:{listener.getsockname()[1]}\n")
    sys.stdout.flush()
    uvicorn.Server(server_config(app)).run(sockets=[listener])
    return 0


def _show(figures: dict[str, Any]) -> None:
    sys.stdout.write(f"empty handler {figures['empty_per_s']}/s\n")
    for name in ("small", "large"):
        row = figures[name]
        sys.stdout.write(f"{row['documents']} documents\n")
        for kind in ("read", "query", "create"):
            share = f"{row[f'{kind}_share']:.2f} of empty"
            if name == "large":
                share += f", {figures['large_to_small'][kind]:.2f} of small"
            sys.stdout.write(f"  {kind:8}{row[f'{kind}_per_s']:>8}/s  {share}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sandbox")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")
    parser.add_argument("--requests", type=int, default=200, help="of each kind, per turn")
    parser.add_argument("--documents", type=int, default=LARGE, help="in the large company")
    parser.add_argument("--empty", action="store_true", help=argparse.SUPPRESS)
    return parser


if __name__ == "__main__":
    sys.exit(main())
