"""How one job's facts become the engine's Job. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial

from mapping.addresses import addresses_of
from mapping.adoption import Claim, adopted_invoice, invoices_of
from mapping.contracts import MappedContract, contract_of, pending_of
from mapping.credits import Credited, less_credits
from mapping.documents import (
    Estimate,
    contract_id,
    parse_change_order,
    parse_estimate,
    parse_invoice,
    parse_payment,
)
from mapping.edits import Conflict, conflicts
from mapping.errors import DocumentError
from mapping.events import EventWords, event_dates
from mapping.jobs import EstimateState, JobDocuments, estimate_state, gather
from mapping.numbers import find_marker
from mapping.receipts import Money, progress_invoice, unapplied_payments
from mapping.schedules import ChosenSchedule, Template, choose_schedule, words_left_behind
from milestone_engine.decisions import Routing
from milestone_engine.finding import Finding
from milestone_engine.job import (
    InvoiceState,
    Job,
    JobState,
    Policy,
    ProgressInvoice,
    UnappliedPayment,
)
from milestone_engine.legal import LegalRule, Site
from milestone_engine.money import parse_money
from milestone_engine.rebalance import OnInvoiced
from milestone_engine.timeline import APPROVED, Event, EventState, Terms, approved
from sync.gather import JobFacts
from sync.money_beside import confirmed_credits, credits_of, is_own_payment, money_beside
from sync.places import Place, place_of, public_holidays
from sync.store import mirror
from sync.store.tables import EventRow, JobDocumentRow, RealmRow

#: What a company's jobs are to the law, where its policy does not say.
ALL_WORK = ("home_improvement", "private")
#: Offsets in business days may reach beyond the last event's year.
HOLIDAY_YEARS_AHEAD = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class MappedJob:
    """A job as the engine wants it, or why it cannot be had."""

    contract: MappedContract
    job: Job | None
    events: tuple[EventWords, ...] = ()
    source: str = ""
    findings: tuple[Finding, ...] = ()
    holidays: frozenset[date] = frozenset()
    conflicts: Mapping[str, Sequence[Conflict]] = field(default_factory=dict)  #: by invoice id


def job_of(
    facts: JobFacts, *, templates: Sequence[Template], legal: Sequence[LegalRule] = ()
) -> MappedJob:
    """Map a job's facts to what the engine is given. Pure.

    Args:
        facts: as they were read.
        templates: schedules by rule.
        legal: all rules of law that are known.
    """
    try:
        return _map(facts, templates, legal)
    except DocumentError as exc:
        finding = exc.as_finding(f"estimate:{facts.job.estimate_id}")
        nothing = contract_of(JobDocuments(main=None), first_totals={})
        return MappedJob(contract=nothing, job=None, findings=(finding,))


def _map(facts: JobFacts, templates: Sequence[Template], legal: Sequence[LegalRule]) -> MappedJob:
    estimates = [parse_estimate(mirror.document(row)) for row in facts.estimates]
    documents = gather(
        estimates,
        main_id=facts.job.estimate_id,
        confirmed_ids=facts.standing.confirmed_ids,
        orders=[parse_change_order(mirror.document(row)) for row in facts.orders],
    )
    documents = replace(documents, credits=confirmed_credits(facts))
    contract = contract_of(
        documents,
        first_totals={
            contract_id(one.entity, one.qbo_id): one.first_total_minor
            for one in facts.documents
            if one.first_total_minor is not None
        },
        home_currency=facts.realm.currency,
    )
    if not contract.is_sound or documents.main is None:
        return MappedJob(contract=contract, job=None, findings=contract.findings)
    said = choose_schedule(
        documents.main, contract.coding, templates=templates, currency=contract.currency
    )
    stored_schedule = _stored_schedule(facts, contract.currency)
    chosen = _adopted_schedule(facts, said, stored_schedule, contract.currency) or said
    if not isinstance(chosen, ChosenSchedule):
        return MappedJob(contract=contract, job=None, findings=(*contract.findings, *chosen))
    if facts.standing.adoption:
        of_words: tuple[Finding, ...] = ()  # what remains of a schedule is not what words say
    elif stored_schedule:
        of_words = words_left_behind(documents.main, said, stored_schedule.schedule)
    else:
        of_words = chosen.findings
    by_hand = (
        *_unadopted(facts),
        *_rejoined(facts),
        *_copied(facts),
        *_made_by_hand(facts, documents),
    )
    state = _state(facts, documents.main, by_hand)
    is_frozen = state is JobState.FROZEN and facts.version is not None
    place = _place(facts, documents.main)
    job = Job(
        base=facts.job.base,
        currency=contract.currency,
        # A frozen job keeps its last known contract: a rejected estimate is never a total of zero.
        contract=facts.version.contract() if is_frozen and facts.version else contract.contract,
        schedule=chosen.schedule,
        events=_events(facts, chosen.events, documents),
        invoices=_invoices(facts, contract),
        told=(*facts.told, *(facts.standing.adoption.told if facts.standing.adoption else ())),
        policy=policy_of(facts.realm, currency=contract.currency),
        state=state,
        decisions=facts.standing.decisions,
        bound=facts.version.bound() if facts.version else (),
        pending=pending_of(documents, currency=contract.currency),
        unapplied=_unapplied(facts, contract.currency),
        legal=tuple(legal),
        site=Site(
            place=place.code,
            work=frozenset(facts.realm.policy.get("work", ALL_WORK)),
            signed_on=_accepted_on(facts, documents.main),
        ),
        is_currency_held=_is_currency_held(facts.realm, contract.currency),
    )
    return MappedJob(
        contract=contract,
        job=job,
        events=chosen.events,
        source=chosen.source,
        findings=(
            *contract.findings,
            *of_words,
            *by_hand,
            *money_beside(facts, currency=contract.currency),
        ),
        holidays=_holidays(job, place, facts.today),
        conflicts=_conflicts(facts, contract.currency),
    )


def _state(facts: JobFacts, main: Estimate, by_hand: Sequence[Finding]) -> JobState:
    if facts.standing.is_cancelled:
        return JobState.CANCELLED
    is_active = (estimate_state(main).is_agreed or _goes_on(facts, main)) and not by_hand
    return JobState.ACTIVE if is_active else JobState.FROZEN


def _goes_on(facts: JobFacts, main: Estimate) -> bool:
    """Whether a closed estimate is billed on: it was closed when a person took the job over."""
    adoption = facts.standing.adoption
    is_closed = estimate_state(main) is EstimateState.CLOSED
    return is_closed and adoption is not None and adoption.status == main.status


def _accepted_on(facts: JobFacts, main: Estimate) -> date:
    return main.accepted_on or main.dated_on or facts.today


def _place(facts: JobFacts, main: Estimate) -> Place:
    family = [addresses_of(row.fields) for row in facts.customers.values()]
    nearest_first = [*addresses_of(main.raw), *(one for some in family for one in some)]
    return place_of(nearest_first, home_country=facts.realm.country or "US")


def _holidays(job: Job, place: Place, today: date) -> frozenset[date]:
    """Give the days that offsets in business days pass over; none where nobody counts in them."""
    if not any(one.trigger.business_days for one in job.schedule.milestones):
        return frozenset()
    years = [today.year, *(event.day.year for event in job.events.values() if event.day)]
    return public_holidays(place, min(years) - 1, max(years) + HOLIDAY_YEARS_AHEAD)


def _is_currency_held(realm: RealmRow, currency: str) -> bool:
    return currency == realm.currency or bool(realm.preferences.get("multi_currency", True))


def _unapplied(facts: JobFacts, currency: str) -> tuple[UnappliedPayment, ...]:
    """Give the payments of the customer and of those above it that are on no invoice and no other
    job's: `sync/money_beside.py` tells of those that may be.
    """
    payments = [
        parse_payment(mirror.document(row))
        for row in facts.payments
        if row.qbo_id not in facts.claimed_elsewhere
    ]
    own = [one for one in payments if is_own_payment(facts, one)]
    return unapplied_payments(own, currency=currency, on=facts.today)


def _unadopted(facts: JobFacts) -> tuple[Finding, ...]:
    """Find a job whose taking over was taken back: what was billed before has no place again."""
    if not facts.standing.is_unadopted:
        return ()
    subject = f"estimate:{facts.job.estimate_id}"
    return (Finding(code="adoption_undone", subject=subject, facts={"number": facts.job.base}),)


def _rejoined(facts: JobFacts) -> tuple[Finding, ...]:
    """Find a job whose opening apart from another was taken back."""
    if not facts.is_rejoined:
        return ()
    subject = f"estimate:{facts.job.estimate_id}"
    return (Finding(code="separation_undone", subject=subject, facts={"number": facts.job.base}),)


def _made_by_hand(facts: JobFacts, documents: JobDocuments) -> tuple[Finding, ...]:
    """Find invoices that a person made from an estimate of the job: billing beside them would be
    twice.
    """
    found = invoices_of(
        documents.estimates,
        [parse_invoice(mirror.document(row)) for row in facts.beside],
        ours=(),
        is_own=lambda _: False,
    )
    return tuple(
        Finding(
            code="invoiced_by_hand",
            subject=f"invoice:{invoice.id}",
            facts={"number": facts.job.base, "invoice": invoice.doc_number or invoice.id},
        )
        for invoice, claim in found.claimed
        if claim is Claim.LINKED
    )


def _copied(facts: JobFacts) -> tuple[Finding, ...]:
    """Find copies of our invoices: the marker is there twice, and nobody can tell which is meant.

    One whose original we do not know is none: it is our own, and its answer is on the way.
    """
    known = {
        (one.milestone_id, one.ordinal): facts.invoices[one.qbo_id]
        for one in facts.documents
        if one.role == "invoice" and not one.is_adopted and one.qbo_id in facts.invoices
    }
    found = []
    for row in facts.beside:
        copy = parse_invoice(mirror.document(row))
        mark = find_marker(copy.private_note)
        if mark is None or mark.job_id != facts.job.job_id or copy.is_deleted or copy.is_voided:
            continue
        original = known.get((mark.milestone_id, mark.ordinal))
        if original is not None and copy.id not in facts.twins:
            about = {
                "number": str(original.fields.get("DocNumber") or original.qbo_id),
                "copy": copy.doc_number or copy.id,
            }
            subject = f"invoice:{copy.id}"
            found.append(Finding(code="invoice_copied", subject=subject, facts=about))
    return tuple(found)


def _conflicts(facts: JobFacts, currency: str) -> dict[str, tuple[Conflict, ...]]:
    """Give what people changed of the money and identity of our invoices, with both values."""
    return {
        row.qbo_id: conflicts(
            mirror.document(row), row.synced, line_ids=one.lines or {}, currency=currency
        )
        for one in facts.documents
        if one.role == "invoice" and not one.is_adopted
        for row in [facts.invoices.get(one.qbo_id)]
        if row is not None and row.synced
    }


def policy_of(realm: RealmRow, *, currency: str) -> Policy:
    """Read a company's policy; what it does not say is the default. Its smallest coin is of its own
    currency: a contract in another one has none.
    """
    said = realm.policy
    coin = said.get("cash_step") if currency == realm.currency else None
    return Policy(
        on_invoiced=OnInvoiced(said.get("on_invoiced", "revise")),
        routing=Routing(said.get("routing", "spread")),
        cash_step_minor=parse_money(coin, currency=currency) if coin else None,
        rules_off=frozenset(said.get("rules_off", ())),
        terms=Terms(
            lead_days=int(said.get("lead_days", 3)), payment_days=int(said.get("payment_days", 0))
        ),
    )


def _stored_schedule(facts: JobFacts, currency: str) -> ChosenSchedule | None:
    """Give the job's own schedule, if it has one: an edited memo does not
    change weights by itself.
    """
    if facts.version is None:
        return None
    return ChosenSchedule(
        schedule=facts.version.schedule(currency),
        events=tuple(
            EventWords(name=row.name, label=row.label, words=tuple(row.words))
            for row in facts.events
        ),
        source=facts.version.row.source,
    )


def _adopted_schedule(
    facts: JobFacts,
    said: ChosenSchedule | tuple[Finding, ...],
    stored: ChosenSchedule | None,
    currency: str,
) -> ChosenSchedule | None:
    """Give the job's own schedule: as it was stored last, or as it was taken over since."""
    adoption = facts.standing.adoption
    if adoption is None or (stored is not None and stored.source == adoption.source):
        return stored
    known = stored or (said if isinstance(said, ChosenSchedule) else None)
    return ChosenSchedule(
        schedule=adoption.schedule(currency),
        events=known.events if known else (),
        source=adoption.source,
    )


def _events(
    facts: JobFacts, words: Sequence[EventWords], documents: JobDocuments
) -> dict[str, Event]:
    assert documents.main is not None
    stored = {row.name: row for row in facts.events}
    dates = event_dates((documents.main, *documents.change_orders), words)
    events = {one.name: _event(one, stored.get(one.name), dates.get(one.name)) for one in words}
    return events | {APPROVED: approved(_accepted_on(facts, documents.main))}


def _event(words: EventWords, row: EventRow | None, on: date | None) -> Event:
    if row is None or row.source != "person":
        return Event(name=words.name, label=words.label, on=on)
    return Event(
        name=words.name,
        label=words.label,
        on=row.on_date,
        state=EventState(row.state),
        completed_on=row.completed_on,
    )


def _invoices(facts: JobFacts, contract: MappedContract) -> tuple[ProgressInvoice, ...]:
    found = (*_adopted(facts, contract), *_made(facts, contract.currency))
    return tuple(sorted(found, key=lambda one: (one.milestone_id, one.ordinal)))


def _adopted(facts: JobFacts, contract: MappedContract) -> list[ProgressInvoice]:
    """Give the invoices that people made before us, and a person gave to the job."""
    adoption = facts.standing.adoption
    known = {one.qbo_id: one for one in facts.documents if one.entity == "Invoice"}
    payments = [parse_payment(mirror.document(row)) for row in facts.payments]
    credits = _credits(facts, contract.currency)
    found = []
    for one in adoption.invoices if adoption else ():
        row, document = facts.invoices.get(one.invoice_id), known.get(one.invoice_id)
        if row is None:
            continue
        invoice = adopted_invoice(
            parse_invoice(mirror.document(row)),
            milestone_id=one.milestone_id,
            ordinal=one.ordinal,
            contract=contract.contract,
            coding=contract.coding,
            payments=payments,
            currency=contract.currency,
            was_settled=document is not None and document.was_settled,
            without=credits.get(one.invoice_id),
        )
        found.append(_with_reversals(invoice, document))
    return found


def _made(facts: JobFacts, currency: str) -> list[ProgressInvoice]:
    """Give the invoices that we made."""
    payments = [parse_payment(mirror.document(row)) for row in facts.payments]
    credits = _credits(facts, currency)
    found = []
    for one in facts.documents:
        row = facts.invoices.get(one.qbo_id)
        if one.role != "invoice" or one.is_adopted or row is None:
            continue
        assert one.milestone_id is not None
        assert one.ordinal is not None
        invoice = progress_invoice(
            parse_invoice(mirror.document(row)),
            milestone_id=one.milestone_id,
            ordinal=one.ordinal,
            line_ids=one.lines or {},
            synced=parse_invoice(row.synced) if row.synced else None,
            payments=payments,
            currency=currency,
            was_settled=one.was_settled,
            closed_until=_closed_until(facts.realm),
            without=credits.get(one.qbo_id),
        )
        found.append(_with_reversals(invoice, one))
    return found


def _credits(facts: JobFacts, currency: str) -> dict[str, Callable[[Money], Money]]:
    """Give what takes the credits that changed the contract off an invoice's money, by invoice."""
    by_invoice: dict[str, list[Credited]] = {}
    for one in credits_of(facts, currency=currency):
        by_invoice.setdefault(one.invoice_id, []).append(one)
    return {name: partial(less_credits, credited=some) for name, some in by_invoice.items()}


def _with_reversals(invoice: ProgressInvoice, known: JobDocumentRow | None) -> ProgressInvoice:
    """Give an invoice with how often it was seen open again, today included."""
    if known is None:
        return invoice
    is_open = invoice.state is InvoiceState.LIVE and not invoice.is_settled
    return replace(invoice, reversals=known.reversals + (known.is_settled and is_open))


def _closed_until(realm: RealmRow) -> date | None:
    said = realm.preferences.get("book_close_date")
    try:
        return date.fromisoformat(str(said)) if said else None
    except ValueError:
        return None
