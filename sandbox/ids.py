"""Where unguessable ids and tokens come from; a simulation passes its own, so that a run can be
repeated.
"""

import secrets
import uuid
from typing import Protocol


class Ids(Protocol):
    """Whatever makes ids."""

    def event_id(self) -> str:
        """Return the id of a webhook event, a UUID."""
        ...

    def token(self, prefix: str) -> str:
        """Return a fresh secret that starts with a prefix."""
        ...


class RandomIds:
    """Ids from the operating system's randomness."""

    def event_id(self) -> str:
        """Return a random UUID."""
        return str(uuid.uuid4())

    def token(self, prefix: str) -> str:
        """Return a prefix and 30 random bytes as text."""
        return f"{prefix}{secrets.token_urlsafe(30)}"
