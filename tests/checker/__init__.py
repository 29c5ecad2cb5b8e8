"""The judge from outside: what a sync promises, checked on QuickBooks' own history and on the mails
that a server accepted. It shares nothing with the product but the marker at the front of a note.
"""

from tests.checker.history import HistoryChecker, Violation, check_history
from tests.checker.mails import check_mails

__all__ = ["HistoryChecker", "Violation", "check_history", "check_mails"]
