"""Which estimates make one Job."""

from __future__ import annotations

import itertools

import pytest

from mapping.documents import parse_change_order, parse_customer, parse_estimate
from mapping.jobs import (
    EstimateState,
    base_number,
    change_order_number,
    estimate_state,
    gather,
    job_key,
)
from tests.builders import a_customer, a_fixture, an_estimate


def _estimate(**fields):
    return parse_estimate(an_estimate(**fields))


def _ids(estimates):
    return [estimate.id for estimate in estimates]


CUSTOMERS = {
    "318": parse_customer(a_customer("318")),
    "300": parse_customer(a_customer("300", parent_id="")),
}


@pytest.mark.parametrize(
    ("fields", "key"),
    [
        pytest.param({"project_id": "447190233"}, "project:447190233", id="project"),
        pytest.param({"customer_id": "318"}, "customer:318", id="sub-customer"),
        pytest.param({"customer_id": "300"}, "estimate:1187", id="plain-customer"),
        pytest.param({"customer_id": "999"}, "estimate:1187", id="customer-not-pulled-yet"),
        pytest.param({"CustomerRef": None}, "estimate:1187", id="no-customer"),
    ],
)
def test_a_job_is_a_project_else_a_sub_customer_else_one_estimate(fields, key):
    """Two estimates of a plain customer are two Jobs."""
    assert job_key(_estimate(**fields), CUSTOMERS) == key


def test_a_projects_customer_row_is_a_job_of_its_own():
    """Old transactions carry no ProjectRef and point at that row."""
    customers = {"318": parse_customer(a_fixture("customer_project"))}

    assert job_key(_estimate(), customers) == "customer:318"


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("Accepted", EstimateState.ACCEPTED),
        ("accepted", EstimateState.ACCEPTED),
        ("Converted", EstimateState.CONVERTED),
        ("Pending", EstimateState.PENDING),
        ("Rejected", EstimateState.REJECTED),
        ("Closed", EstimateState.CLOSED),
        ("", EstimateState.UNKNOWN),
        ("Deleted", EstimateState.DELETED),
        ("In Review", EstimateState.UNKNOWN),
    ],
)
def test_a_status_means_what_quickbooks_means(status, state):
    """The set is open: what we have never heard of is not agreed."""
    assert estimate_state(_estimate(status=status)) is state


def test_a_deleted_stub_is_deleted_whatever_its_status():
    """It has none."""
    assert estimate_state(parse_estimate(a_fixture("estimate_deleted"))) is EstimateState.DELETED


@pytest.mark.parametrize(
    ("number", "base", "count"),
    [
        ("1042-CO-1", "1042", 1),
        ("1042-CO1", "1042", 1),
        ("1042-co-12", "1042", 12),
        ("1042 CO 3", "1042", 3),
        ("1042/CO#3", "1042", 3),
        ("EST-123-CO1", "EST-123", 1),
        ("CO 3", "", 3),
        ("CO#3", "", 3),
        ("CO-3", "", 3),
        ("1042-CO-1-CO-2", "1042", 2),
        (" 1042-CO-1 ", "1042", 1),
    ],
)
def test_these_numbers_are_change_orders(number, base, count):
    """As contractors write them."""
    found = change_order_number(number)

    assert found is not None
    assert (found.base, found.number) == (base, count)


@pytest.mark.parametrize(
    "number",
    ["", "1042", "CO-1042", "DISCO-3", "1042-CO", "1042-CO-1-A", "ACO 3", "CO", "1042-COB-1"],
)
def test_these_numbers_are_not(number):
    """`CO-1042` is the own number of a company that counts that way."""
    assert change_order_number(number) is None


def test_the_earliest_accepted_estimate_is_the_main_one():
    """In whatever order they come."""
    first = _estimate(id="10", number="1042", accepted_on="2026-03-01")
    change = _estimate(id="5", number="1042-CO-1", accepted_on="2026-02-01")
    option = _estimate(id="12", number="1043", accepted_on="2026-03-02")

    for order in itertools.permutations([first, change, option]):
        found = gather(order)

        assert found.main is first
        assert _ids(found.change_orders) == ["5"]
        assert _ids(found.candidates) == ["12"]


def test_a_candidate_is_a_finding_and_not_in_the_contract():
    """It may be an option or a second quote: a person decides."""
    found = gather([_estimate(), _estimate(id="1300", number="1060", accepted_on="2026-04-01")])

    assert [(f.code, f.subject, dict(f.facts)) for f in found.findings] == [
        ("estimate_candidate", "estimate:1300", {"number": "1060", "of": "1042"})
    ]
    assert found.change_orders == ()


def test_a_person_can_make_a_candidate_a_change_order():
    """Their word counts more than a number."""
    other = _estimate(id="1300", number="1060", accepted_on="2026-04-01")

    found = gather([_estimate(), other], confirmed_ids={"1300"})

    assert (found.change_orders, found.candidates) == ((other,), ())


def test_a_change_order_of_another_base_is_a_candidate():
    """`999-CO-1` is not of 1042."""
    found = gather([_estimate(), _estimate(id="2", number="999-CO-1", accepted_on="2026-04-01")])

    assert _ids(found.candidates) == ["2"]


def test_a_blank_estimate_is_known_by_its_made_up_base():
    """`E1187-CO-1` belongs to the estimate 1187 that has no number."""
    change = _estimate(id="2", number="E1187-CO-1", accepted_on="2026-04-01")

    assert gather([_estimate(number=""), change]).change_orders == (change,)


def test_pending_and_ended_change_orders_stand_apart():
    """Neither is part of the contract."""
    pending = _estimate(id="2", number="1042-CO-1", status="Pending", accepted_on=None)
    ended = _estimate(id="3", number="1042-CO-2", status="Rejected")
    offer = _estimate(id="4", number="1099", status="Pending")

    found = gather([_estimate(), pending, ended, offer])

    assert _ids(found.pending_change_orders) == ["2"]
    assert _ids(found.ended_change_orders) == ["3"]
    assert found.change_orders == found.candidates == ()


@pytest.mark.parametrize("status", ["Pending", "Rejected", "Closed", "Deleted", "?"])
def test_nothing_agreed_is_no_job(status):
    """A Job begins with a yes."""
    assert gather([_estimate(status=status)]).main is None


def test_a_change_order_alone_is_a_candidate():
    """Its contract is somewhere else: a person says where."""
    found = gather([_estimate(number="1042-CO-1")])

    assert found.main is None
    assert _ids(found.candidates) == ["1187"]


def test_the_known_main_estimate_stays_main_when_it_ends():
    """A rejected contract freezes its Job and does not hand it to a neighbour."""
    main = _estimate(status="Rejected")
    option = _estimate(id="9", number="1060", accepted_on="2026-01-01")

    found = gather([option, main], main_id="1187")

    assert found.main is main
    assert _ids(found.candidates) == ["9"]


def test_age_decides_between_two_accepted_on_one_day():
    """Ids are compared as numbers: 99 is older than 100."""
    found = gather([_estimate(id="100", number="A"), _estimate(id="99", number="B")])

    assert found.main is not None
    assert found.main.id == "99"


@pytest.mark.parametrize(
    ("number", "taken", "base"),
    [
        pytest.param("1042", [], "1042", id="its-number"),
        pytest.param("", [], "E1187", id="blank"),
        pytest.param("A" * 15, [], "A" * 15, id="fits"),
        pytest.param("A" * 16, [], "E1187", id="too-long"),
        pytest.param("ab-1", ["AB-1"], "E1187", id="taken"),
    ],
)
def test_the_base_is_the_estimates_number_where_it_can_be(number, taken, base):
    """It stands in front of every invoice number of the Job."""
    assert base_number(_estimate(number=number), taken=taken) == base


def _order(of: str, **fields):
    links = [{"TxnId": of, "TxnType": "Estimate"}]
    return parse_change_order(an_estimate(LinkedTxn=links, **fields))


@pytest.mark.parametrize(
    ("status", "group"),
    [
        ("Pending", "pending_change_orders"),
        ("Accepted", "change_orders"),
        ("Rejected", "ended_change_orders"),
    ],
)
def test_a_native_change_order_goes_where_its_status_says(status, group):
    """It is no candidate: QuickBooks says what it changes. Its id may be an estimate's too."""
    orders = [_order("1187", id="1187", number="7", status=status), _order("9", id="1301")]

    found = gather([_estimate()], orders=orders)

    assert [one.contract_id for one in getattr(found, group)] == ["co1187"]
    assert found.candidates == ()
    assert [one.entity for one in found.estimates] == ["Estimate"]


def test_a_native_change_order_may_name_a_change_order():
    """One that names a further estimate belongs to the Job once that does."""
    further = _estimate(id="1300", number="1060")
    order = _order("1300", id="1301", number="8")

    assert gather([_estimate(), further], orders=[order]).change_orders == ()
    confirmed = gather([_estimate(), further], orders=[order], confirmed_ids={"1300"})
    assert [one.contract_id for one in confirmed.change_orders] == ["1300", "co1301"]
