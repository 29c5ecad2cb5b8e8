"""Dramatiq: one generic actor per queue, declared on a broker that is passed in, never at import.

The actors never raise, and the broker has no Retries, Callbacks, Pipelines or Results: what failed,
how often and what comes next stands in the ledger alone.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

import dramatiq
import redis
from dramatiq import Broker
from dramatiq.brokers.redis import RedisBroker
from dramatiq.middleware import CurrentMessage, ShutdownNotifications, TimeLimit

from sync.work import QUEUES

logger = logging.getLogger(__name__)

NAMESPACE = "milestone-sync"
#: A row's budget. Over it the thread is interrupted; the lease brings the row back.
TIME_LIMIT_MS = 75_000
#: Longer than Redis' own stalls: with the default of 5 s a slow fetch strands its messages
#: (dramatiq-facts 3.3).
SOCKET_TIMEOUT_S = 30
HEARTBEAT_TIMEOUT_MS = 30_000
MAINTENANCE_CHANCE = 100_000

CarryOut = Callable[[int, int], None]


def build_broker(redis_url: str) -> Broker:
    """Connect dramatiq to Redis with the few middlewares that lose nothing."""
    middleware = [TimeLimit(time_limit=TIME_LIMIT_MS), ShutdownNotifications(), CurrentMessage()]
    pool = redis.ConnectionPool.from_url(
        redis_url, socket_timeout=SOCKET_TIMEOUT_S, socket_connect_timeout=5
    )
    return RedisBroker(  # type: ignore[no-untyped-call]
        client=redis.Redis(connection_pool=pool),
        middleware=middleware,
        namespace=NAMESPACE,
        heartbeat_timeout=HEARTBEAT_TIMEOUT_MS,
        maintenance_chance=MAINTENANCE_CHANCE,
    )


def declare_actors(broker: Broker, carry_out: CarryOut) -> None:
    """One generic actor per queue: a wake-up call for one row of work, safe to come twice, late, or
    never.
    """

    def run(realm_no: int, work_id: int) -> None:
        carry_out(realm_no, work_id)

    for queue in QUEUES:
        dramatiq.actor(broker=broker, queue_name=queue, actor_name=queue)(run)


class DramatiqWakeQueue:
    """Pushes wake-ups to Redis. A push that fails is only logged: the sweep sends it again."""

    def __init__(self, broker: Broker) -> None:
        """Take a broker on which the actors are declared."""
        self._broker = broker

    def wake(self, queue: str, realm_no: int, work_id: int) -> None:
        """Tell a worker of one row."""
        message: dramatiq.Message[None] = dramatiq.Message(
            queue_name=queue, actor_name=queue, args=(realm_no, work_id), kwargs={}, options={}
        )
        try:
            self._broker.enqueue(message)
        except Exception as exc:
            facts = {"realm_no": realm_no, "work_id": work_id, "error_class": type(exc).__name__}
            logger.warning("work.wake_up_not_sent", extra=facts)
