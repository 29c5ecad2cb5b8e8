"""What can go wrong in the shell. The class answers "again or not"; the message says what, which
id, which value.

SyncError
├── TransientSyncError            the row of work is tried again later
│   ├── QuickBooksUnavailable     not sent, or refused before anything happened: the same again
│   ├── OutcomeUnknown            perhaps done: read back before anything else
│   ├── QuickBooksThrottled       wait; costs no try
│   │   ├── RealmBlocked          QuickBooks has closed the company: a person ends that, there
│   │   ├── CircuitOpen           not called: too many calls in a row found nobody
│   │   ├── ReadsUsedUp           the month's reads are used up; writes go on
│   │   └── AppRefused            Intuit does not know our keys: whoever runs us mends the settings
│   ├── StaleRevision             somebody saved first: read and decide again
│   ├── AccessExpired             the access token is no longer good: refresh once
│   └── MailUnavailable           the mail server said later, or nothing
├── PermanentSyncError            a person must act
│   ├── RealmDisconnected         the company must be connected again
│   │   └── AccessWithdrawn       by its answer: who connected it may not any more
│   ├── RejectedWrite             QuickBooks refused the document
│   ├── BooksClosed               the books are closed for the document's date
│   ├── DuplicateNumber           the number is taken by a document that is not ours
│   ├── Gone                      the document is not there any more
│   ├── InvoiceUncertain          an unanswered invoice may have been made, and changed since
│   ├── MailRefused               the mail server will never take it
│   ├── MailStale                 the mail has waited for days: it may be old news
│   └── MailUncertain             the mail may have gone out: never sent twice
├── FeedTooOld                    what changed since then is not told any more: read everything
├── Fenced                        another process has taken the row over: stop
└── NotNow                        facts have moved since the plan: let it be decided first
"""

from __future__ import annotations

#: A company that QuickBooks has closed is asked again this often.
BLOCKED_WAIT_S = 3600.0
#: Whether Intuit knows the app by now is asked this often.
APP_REFUSED_WAIT_S = 300.0


class SyncError(Exception):
    """Base of all errors of the shell."""

    #: what a person can do about it, for the ops view
    remedy = ""

    def __init__(self, message: str, *, intuit_tid: str | None = None) -> None:
        """Keep the message, and Intuit's trace id where there is one."""
        super().__init__(message)
        self.intuit_tid = intuit_tid


class TransientSyncError(SyncError):
    """The row of work is tried again later."""

    retry_after_s: float | None = None


class QuickBooksUnavailable(TransientSyncError):
    """Not sent, or refused before anything happened."""


class OutcomeUnknown(TransientSyncError):
    """The write may have happened: read back first."""


class QuickBooksThrottled(TransientSyncError):
    """Too many calls. Waits, and costs no try."""

    def __init__(
        self, message: str, *, retry_after_s: float, intuit_tid: str | None = None
    ) -> None:
        """Keep how long QuickBooks wants us to wait."""
        super().__init__(message, intuit_tid=intuit_tid)
        self.retry_after_s = retry_after_s


class RealmBlocked(QuickBooksThrottled):
    """QuickBooks has closed the company: a subscription ended, or it is locked. Only a person can
    end that, in QuickBooks; it is looked at again by and by.
    """

    def __init__(self, message: str, *, intuit_tid: str | None = None) -> None:
        """Wait as long as a person may take."""
        super().__init__(message, retry_after_s=BLOCKED_WAIT_S, intuit_tid=intuit_tid)


class CircuitOpen(QuickBooksThrottled):
    """Not called at all: too many calls to this company in a row found nobody."""


class ReadsUsedUp(QuickBooksThrottled):
    """The month's reads are used up: this one waits, writes go on."""


class AppRefused(QuickBooksThrottled):
    """Intuit does not know this app: client id or secret is wrong, for every company. What was to
    be done waits, and is tried again by itself.
    """

    def __init__(self, message: str, *, intuit_tid: str | None = None) -> None:
        """Wait a few minutes: settings are mended by a restart."""
        super().__init__(message, retry_after_s=APP_REFUSED_WAIT_S, intuit_tid=intuit_tid)


class StaleRevision(TransientSyncError):
    """Somebody saved the document first: read it and decide again."""


class AccessExpired(TransientSyncError):
    """The access token is no longer good."""


class MailUnavailable(TransientSyncError):
    """The mail server is away or said later; nothing was handed over."""


class PermanentSyncError(SyncError):
    """A person must act."""


class RealmDisconnected(PermanentSyncError):
    """The grant is dead."""

    remedy = "Connect the company again at /connect; the work goes on by itself afterwards."


class AccessWithdrawn(RealmDisconnected):
    """QuickBooks lets the person who connected the company in no more."""


class RejectedWrite(PermanentSyncError):
    """QuickBooks refused the document as it is."""

    remedy = "Correct in QuickBooks what the message names, then: milestone-sync queue retry."

    def __init__(
        self, message: str, *, code: str = "", remedy: str = "", intuit_tid: str | None = None
    ) -> None:
        """Keep QuickBooks' own code, and what helps against this one where that is known."""
        super().__init__(message, intuit_tid=intuit_tid)
        self.code = code
        self.remedy = remedy or type(self).remedy


class BooksClosed(RejectedWrite):
    """The books are closed for the date of the document. The message names both days."""

    remedy = "Open the books for that day in QuickBooks and retry, or give the row up."


class DuplicateNumber(RejectedWrite):
    """The document number is in use, or the very document is there already."""

    remedy = (
        "Look at the document that carries this number in QuickBooks. If it asks for this very"
        " payment, give the row up with `queue drop`; if not, renumber it, then retry."
    )


class Gone(PermanentSyncError):
    """The document is not there any more."""

    remedy = "The document was deleted in QuickBooks. It is not made again by itself."


class InvoiceUncertain(PermanentSyncError):
    """An invoice whose answer was lost may have been made, and changed or deleted by a person
    since.
    """

    remedy = (
        "See in QuickBooks, and in its audit log, whether it was ours. If it stands there, write"
        " our mark to the front of its note, then `queue retry`: it is taken for ours. If it was"
        " deleted on purpose, `queue drop`. If it was not ours, `queue retry` makes ours."
    )


class MailRefused(PermanentSyncError):
    """The mail server will never take this mail."""

    remedy = "Mend the address on the estimate or customer in QuickBooks, then retry."


class MailUncertain(PermanentSyncError):
    """The line broke after the mail was handed over: it may have gone out, so
    it is not sent again.
    """

    remedy = "Ask the customer, or look into the mail server's log; `queue retry` sends it again."


class MailStale(PermanentSyncError):
    """The mail has waited so long that it may be old news."""

    remedy = "See whether it is still to be said: `queue retry` sends it, `queue drop` does not."


class FeedTooOld(SyncError):
    """QuickBooks does not tell changes from so far back."""


class Fenced(SyncError):
    """Another process has taken the row over."""


class NotNow(SyncError):
    """Facts have moved since the plan was made: it is decided again first."""
