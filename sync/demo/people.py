"""What bookkeeper and customer do in QuickBooks, over its HTTP API as any client would."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import simplejson

from sync.demo.cast import DemoFailed, Story


def create(
    story: Story, entity: str, body: dict[str, Any], *, actor: str = "bookkeeper"
) -> dict[str, Any]:
    answer = story.quickbooks.post(
        f"/{entity}",
        content=simplejson.dumps(body, use_decimal=True),
        headers={"Content-Type": "application/json", "X-Sandbox-Actor": actor},
    )
    if answer.status_code != 200:
        raise DemoFailed(f"QuickBooks refused the {entity}: {answer.text[:300]}")
    found: dict[str, Any] = _load(answer)[entity.capitalize()]
    return found


def update(story: Story, entity: str, known: dict[str, Any], change: dict[str, Any]) -> None:
    kept = {name: known[name] for name in ("Id", "SyncToken", "CustomerRef")}
    create(story, entity, {**kept, "sparse": True, **change}, actor="customer")


def query(story: Story, entity: str, number: str) -> list[dict[str, Any]]:
    where = f"WHERE DocNumber LIKE '{number}%' " if number else ""
    answer = story.quickbooks.get(
        "/query", params={"query": f"SELECT * FROM {entity} {where}MAXRESULTS 1000"}
    )
    if answer.status_code != 200:
        return []
    found: list[dict[str, Any]] = _load(answer)["QueryResponse"].get(entity, [])
    return found


def invoices(story: Story, number: str) -> list[dict[str, Any]]:
    return [one for one in query(story, "Invoice", number) if one["DocNumber"] == number]


def _load(answer: httpx.Response) -> Any:
    return simplejson.loads(answer.text, use_decimal=True)


def an_estimate(
    story: Story, number: str, lines: list[tuple[str, str, str, str, int | None]]
) -> dict[str, Any]:
    today = business_day(story)
    items = {one["Name"]: one["Id"] for one in query(story, "Item", "")}
    return {
        "CustomerRef": {"value": story.customer_id},
        "DocNumber": number,
        "TxnStatus": "Pending",
        "BillEmail": {"Address": "elena@example.com"},
        "Line": [
            {
                "DetailType": "SalesItemLineDetail",
                "Amount": Decimal(amount),
                "Description": text,
                "SalesItemLineDetail": {
                    "ItemRef": {"value": items[item]},
                    "TaxCodeRef": {"value": tax},
                    **(
                        {"ServiceDate": (today + timedelta(days=days)).isoformat()}
                        if days is not None
                        else {}
                    ),
                },
            }
            for item, text, amount, tax, days in lines
        ],
    }


def arm_fault(story: Story, fault: dict[str, Any]) -> None:
    url = story.facts["sandbox_url"]
    armed = httpx.post(f"{url}/sandbox/faults", json=fault, trust_env=False, timeout=10)
    armed.raise_for_status()


def business_day(story: Story) -> date:
    url = story.facts["sandbox_url"]
    now = httpx.get(f"{url}/sandbox/clock", trust_env=False, timeout=10).json()["now"]
    return day_of(story, now)


def day_of(story: Story, moment: str) -> date:
    zone = ZoneInfo(story.app.settings.zone)
    return datetime.fromisoformat(moment).astimezone(zone).date()
