"""The other ports: mail, the wake queue, limits, identifiers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from random import Random

from sync.errors import MailUnavailable, MailUncertain
from sync.store.database import assert_no_transaction
from tests.simulation.baton import Baton
from tests.simulation.chance import Chance
from tests.simulation.clock import SimTime


class SimMail:
    """The port `MailTransport`: a mail server that keeps what it accepted."""

    def __init__(self, baton: Baton, chance: Chance) -> None:
        """Take who runs and what goes wrong."""
        self.accepted: list[EmailMessage] = []
        self._baton = baton
        self._chance = chance

    def send(self, message: EmailMessage) -> str:
        """Take one mail, or fail as a server does."""
        assert_no_transaction("mail")
        self._baton.park("mail: before the hand-over")
        fires = self._chance.fires
        if fires("mail_refused_for_now"):
            raise MailUnavailable("450 later")
        if fires("mail_lost_before"):
            raise MailUnavailable("the line broke before DATA")
        if fires("mail_uncertain_dropped"):
            raise MailUncertain("the line broke after the final dot")
        self.accepted.append(message)
        if fires("mail_uncertain_taken"):
            raise MailUncertain("the line broke after the final dot")
        self._baton.park("mail: before the answer")
        return "250 kept"


@dataclass(frozen=True, slots=True)
class Message:
    """A wake-up on its way, not before a moment."""

    realm_no: int
    work_id: int
    not_before: float


class SimQueue:
    """The port `WakeQueue`, as weak as dramatiq on Redis: it loses, doubles and delays."""

    def __init__(self, baton: Baton, chance: Chance, time: SimTime) -> None:
        """Take who runs, what goes wrong, and the time."""
        self.messages: list[Message] = []
        self._baton = baton
        self._chance = chance
        self._time = time

    def wake(self, queue: str, realm_no: int, work_id: int) -> None:
        """Put a wake-up in, or lose it."""
        assert_no_transaction("the wake queue")
        self._baton.park("queue: before the wake-up")
        fires = self._chance.fires
        if fires("queue_wiped"):
            self.messages.clear()
            return
        if fires("wake_up_lost"):
            return
        delay_s = self._chance.order.uniform(1, 90) if fires("wake_up_late") else 0.0
        message = Message(realm_no, work_id, self._time.elapsed_s + delay_s)
        self.messages += [message, message] if fires("wake_up_doubled") else [message]

    def ready(self) -> list[Message]:
        """Give what may be delivered now."""
        return [one for one in self.messages if one.not_before <= self._time.elapsed_s]


class SimLimits:
    """The port `CallLimits`, without waiting: the pace is proved elsewhere."""

    @contextmanager
    def call(self, realm_no: int, *, is_write: bool) -> Iterator[None]:
        """Let the call through."""
        yield

    def close(self) -> None:
        """Nothing to let go of."""


class SimIds:
    """The port `Ids`, and the sandbox's, from the seed."""

    def __init__(self, chance: Random) -> None:
        """Take a source of chance."""
        self._chance = chance

    def request_id(self) -> str:
        """Give a `requestid`."""
        return f"{self._chance.getrandbits(128):032x}"

    def event_id(self) -> str:
        """Give the id of a webhook event."""
        return f"event-{self._chance.getrandbits(64):016x}"

    def token(self, prefix: str) -> str:
        """Give a secret that is none."""
        return f"{prefix}{self._chance.getrandbits(128):032x}"
