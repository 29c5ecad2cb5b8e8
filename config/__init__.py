"""Settings, logging and the schedule templates a contractor can copy. Knows nothing of the rest."""

from pathlib import Path


def schedules_folder() -> Path:
    """Say where the templates that come with the package are."""
    return Path(__file__).parent / "schedules"
