"""What the steps of the story share: the running installation, and a client of QuickBooks' API."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx
from rich.console import Console

from sync.bootstrap import App
from sync.up import Up

NUMBER = "2001"
CHANGE_ORDER = f"{NUMBER}-CO-1"


class DemoFailed(Exception):
    """The story did not go as it should. The message says where."""


@dataclass(slots=True)
class Story:
    """What the steps share."""

    console: Console
    up: Up
    app: App
    quickbooks: httpx.Client
    began: float
    job_id: int = 0
    realm_no: int = 0
    customer_id: str = ""
    mails_seen: int = 0
    killed: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
