"""Everything that is left to chance, from one seed, and what of it came about.

Every opportunity has its own draw, by kind and number: so a fault can be taken out of a run without
moving the others, which is how a failing seed is shrunk.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from random import Random

#: How often a fault that is switched on fires at one of its opportunities.
RATES: Mapping[str, float] = {
    # at QuickBooks
    "reset_after_commit": 0.10,
    "reset_before_commit": 0.08,
    "late_commit": 0.20,
    "stuck_before_request": 0.20,
    "status_500_after_commit": 0.06,
    "status_503": 0.08,
    "error_6000_after_commit": 0.12,
    "cut_body": 0.05,
    "html_page": 0.05,
    "throttled": 0.06,
    "token_refused": 0.06,
    "query_lag": 0.15,
    # by people, at the worst moment
    "person_comes_first": 0.25,
    "person_meets_lost_answer": 0.35,
    # at our processes
    "kill_process": 0.005,
    "pause_process": 0.008,
    "kill_dispatcher": 0.01,
    "kill_web": 0.05,
    # at the database
    "commit_unknown": 0.006,
    "connection_lost": 0.006,
    # at the queue
    "wake_up_lost": 0.10,
    "wake_up_doubled": 0.08,
    "wake_up_late": 0.08,
    "queue_wiped": 0.01,
    # webhooks
    "webhook_lost": 0.25,
    "webhook_doubled": 0.15,
    "webhook_shuffled": 0.20,
    "webhook_legacy": 0.30,
    # mail
    "mail_refused_for_now": 0.15,
    "mail_lost_before": 0.08,
    "mail_uncertain_taken": 0.08,
    "mail_uncertain_dropped": 0.06,
    # tokens
    "refresh_unanswered": 0.20,
    "refresh_unanswered_after_rotation": 0.10,
}


class Chance:
    """One seed's draws."""

    def __init__(self, seed: int, *, without: Collection[tuple[str, int]] = ()) -> None:
        """Switch on a random third of the faults, more or less; `without` never fires."""
        self.seed = seed
        self.without = frozenset(without)
        self.fired: list[tuple[str, int]] = []
        self.order = Random(f"order/{seed}")
        swarm = Random(f"swarm/{seed}")
        share = swarm.choice([0.0, 0.2, 0.35, 0.35, 0.5, 0.8])
        strength = swarm.choice([0.5, 1.0, 1.0, 2.0])
        self.rates = {
            kind: min(rate * strength, 0.5)
            for kind, rate in RATES.items()
            if swarm.random() < share
        }
        # What people do at the worst moment is the hardest of all, and needs no other fault.
        if swarm.random() < 0.5:
            self.rates |= {kind: rate for kind, rate in RATES.items() if kind.startswith("person")}
        self.is_calm = False
        self._turns: Counter[str] = Counter()

    def fires(self, kind: str) -> bool:
        """Tell whether a fault comes about at this opportunity."""
        assert kind in RATES, kind
        if self.is_calm or kind not in self.rates:
            return False
        turn = self._turns[kind]
        self._turns[kind] += 1
        if (kind, turn) in self.without:
            return False
        if Random(f"{kind}/{turn}/{self.seed}").random() >= self.rates[kind]:
            return False
        self.fired.append((kind, turn))
        return True

    def stream(self, name: str) -> Random:
        """Give a source of chance of its own."""
        return Random(f"{name}/{self.seed}")
