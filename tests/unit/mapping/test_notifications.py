"""A delivery is read event by event, in both formats."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mapping.errors import DocumentError
from mapping.notifications import Unread, parse_notification


def an_event(**fields: Any) -> dict[str, Any]:
    """One CloudEvent."""
    return {
        "id": "e1",
        "type": "qbo.invoice.updated.v1",
        "intuitentityid": "7",
        "intuitaccountid": "42",
        **fields,
    }


def an_envelope(*entities: Any, **fields: Any) -> dict[str, Any]:
    """One notification of the older format."""
    return {"realmId": "42", "dataChangeEvent": {"entities": list(entities)}, **fields}


def an_entity(**fields: Any) -> dict[str, Any]:
    """One entity of it."""
    return {"name": "Customer", "id": "5", "operation": "Update", **fields}


@pytest.mark.parametrize(
    ("bad", "realm_id"),
    [
        pytest.param(an_event(type="qbo"), "42", id="no-kind"),
        pytest.param(an_event(intuitentityid=None), "42", id="no-id"),
        pytest.param(an_event(intuitaccountid=True), "", id="no-company"),
        pytest.param("text", "", id="no-object"),
    ],
)
def test_one_cloud_event_that_cannot_be_read_hides_no_other(bad: Any, realm_id: str) -> None:
    """What is known of the bad one is whose books it tells of."""
    read = parse_notification(json.dumps([bad, an_event(id="e2")]).encode())

    assert [one.event_key for one in read.events] == ["ce:e2"]
    assert [one.realm_id for one in read.unread] == [realm_id]


@pytest.mark.parametrize(
    ("bad", "realm_id"),
    [
        pytest.param(an_envelope(an_entity(id="")), "42", id="no-id"),
        pytest.param(an_envelope("text"), "42", id="no-object"),
        pytest.param(an_envelope(an_entity(), realmId=None), "", id="no-company"),
        pytest.param({"realmId": "42"}, "42", id="no-entities"),
        pytest.param(None, "", id="nothing"),
    ],
)
def test_one_notification_that_cannot_be_read_hides_no_other(bad: Any, realm_id: str) -> None:
    """The same of the older format."""
    body = {"eventNotifications": [bad, an_envelope(an_entity(id="6"))]}

    read = parse_notification(json.dumps(body).encode())

    assert [one.entity_id for one in read.events] == ["6"]
    assert [one.realm_id for one in read.unread] == [realm_id]


def test_a_body_of_which_only_the_company_is_known_is_of_that_company() -> None:
    """Nothing can be read, and yet it is known whom to pull."""
    read = parse_notification(json.dumps([an_event(type="")]).encode())

    assert read.events == ()
    assert read.unread == (Unread(code="event_type", realm_id="42"),)


@pytest.mark.parametrize("body", [b"[{}]", b"[1, 2]", b'{"eventNotifications": [{}]}', b"{}", b"x"])
def test_a_body_that_says_nothing_at_all_is_refused(body: bytes) -> None:
    """Not even whose it is."""
    with pytest.raises(DocumentError):
        parse_notification(body)


def test_a_merge_tells_of_both_customers() -> None:
    """The one that stays, and the one that went into it."""
    merge = an_entity(operation="Merge", deletedId="9")

    read = parse_notification(json.dumps({"eventNotifications": [an_envelope(merge)]}).encode())

    assert [(one.entity, one.entity_id, one.operation) for one in read.events] == [
        ("customer", "5", "merge"),
        ("customer", "9", "merge"),
    ]
    assert len({one.event_key for one in read.events}) == 2
