"""The switches: what is not documented about QuickBooks, or in the way of a test, can be turned
here.

`POST /sandbox/settings {"name": value}` changes them, `GET /sandbox/settings` shows them; they stay
with the books.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace

from sandbox.values import Document


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Every switch with the value that is closest to what is known of QuickBooks."""

    rate_limits: bool = True  #: 500 requests a minute per company, 10 a second per company and app
    limit_standing_token: bool = False  #: the standing token is held to those limits too
    monthly_reads_max: int = 0  #: metered reads a month before every read answers 429; 0 is no end
    refresh_grace: bool = True  #: a refresh token that was replaced works for 24 h more
    remember_requests_s: int = (
        0  #: how long a `requestid` is remembered, books' time; 0 is for ever
    )
    refuse_changed_repeats: bool = False  #: a known `requestid` with another body answers 600
    remember_refusals: bool = False  #: a repeated `requestid` gets the first refusal again
    refuse_duplicate_numbers: bool = True  #: 6140 for a document number that is taken
    link_converts_estimate: bool = (
        True  #: an invoice that links to an estimate turns it `Converted`
    )
    unlink_reopens_estimate: bool = (
        True  #: its invoice voided, deleted or unlinked, an estimate is `Accepted` again
    )
    batch_items_max: int = 30  #: operations in one batch, 1040 beyond
    latency_ms: int = 0  #: every answer to a client waits this long, as if it came from afar
    query_lag_s: int = 0  #: queries do not see what is younger than this, books' time
    batch_reversed: bool = False  #: a batch is worked off from its last item
    link_touches_estimate: bool = (
        True  #: an invoice's link raises the estimate's SyncToken and is told as its update
    )
    merge_touches_documents: bool = (
        True  #: a merge of customers raises the SyncToken of what it moves, and tells of it
    )
    retry_after_s: int = 0  #: the `Retry-After` of a 429; 0 sends none
    quota_envelope: str = "xml"  #: of the 429 when the month's reads are used up: xml or gateway
    metered: str = "read,query,cdc,pdf,download"  #: what counts as a metered read
    cdc_inclusive: bool = True  #: a change at the very moment of changedSince is given
    cdc_newest_first: bool = False  #: the order of objects within a type
    change_orders_kept: bool = (
        True  #: the company's edition has ChangeOrder; queries refuse it else
    )
    change_orders_told: bool = True  #: change data capture and webhooks know ChangeOrder
    void_word: str = "voided"  #: CloudEvents' word for a void
    webhook_data: bool = False  #: CloudEvents carry the object in `data`
    cdc_limit: int = 1000  #: objects in one change-data-capture answer, all types together
    webhook_gather_ms: int = 150  #: events of a burst wait this long for each other


#: The values that some switches are held to.
CHOICES = {"quota_envelope": ("xml", "gateway"), "void_word": ("voided", "void")}


class SettingError(ValueError):
    """A switch that does not exist, or a value of the wrong kind."""


def changed(settings: Settings, wishes: Mapping[str, object]) -> Settings:
    """Return the settings with some of them changed.

    Raises:
        SettingError: unknown name, wrong type, or a negative number.
    """
    known = {spec.name: type(getattr(settings, spec.name)) for spec in fields(settings)}
    taken: Document = {}
    for name, value in wishes.items():
        if name not in known:
            raise SettingError(f"there is no setting {name!r}; there are: {', '.join(known)}")
        if type(value) is not known[name]:
            raise SettingError(f"{name} must be {known[name].__name__}, not {value!r}")
        if name in CHOICES and value not in CHOICES[name]:
            raise SettingError(f"{name} must be one of {', '.join(CHOICES[name])}, not {value!r}")
        if isinstance(value, int) and value < 0:
            raise SettingError(f"{name} must not be negative")
        taken[name] = value
    return replace(settings, **taken)


def shown(settings: Settings) -> Document:
    """Return the settings as JSON."""
    return asdict(settings)
