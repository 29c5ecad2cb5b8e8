"""Settings: read once, and what is wrong is said in one line that names the variable."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile

import pytest

from config.settings import Settings, SettingsError, environment, read_settings

GOOD = {
    "DATABASE_URL": "postgresql://u:p@127.0.0.1/db",
    "REDIS_URL": "redis://127.0.0.1/0",
    "SMTP_URL": "smtp://127.0.0.1:25",
    "MILESTONE_SYNC_SECRET_KEY": "s" * 40,
}


@pytest.fixture
def clean(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """An environment with good settings and no others of ours."""
    for name in list(os.environ):
        if name.startswith("MILESTONE_SYNC_") or name in GOOD:
            monkeypatch.delenv(name)
    for name, value in GOOD.items():
        monkeypatch.setenv(name, value)
    return monkeypatch


@pytest.mark.parametrize("name", list(GOOD))
def test_a_missing_setting_is_named(clean: pytest.MonkeyPatch, name: str) -> None:
    """One line, with the name of the variable as it is set."""
    clean.delenv(name)
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert str(caught.value) == f"{name} is not set"


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("DATABASE_URL", "mysql://x", "must begin with postgresql://"),
        ("REDIS_URL", "amqp://x", "must begin with redis://"),
        ("SMTP_URL", "mailto:x", "must begin with smtp://"),
        ("MILESTONE_SYNC_SECRET_KEY", "short", "must be at least 32"),
        ("MILESTONE_SYNC_ZONE", "Mars/Olympus", "is not a time zone"),
        ("MILESTONE_SYNC_PORT", "eighty", "valid integer"),
        ("MILESTONE_SYNC_NEW_COMPANY_MODE", "yolo", "pattern"),
    ],
)
def test_a_wrong_setting_is_named_with_the_reason(
    clean: pytest.MonkeyPatch, name: str, value: str, said: str
) -> None:
    """What is wrong with it, and never the value of a secret."""
    clean.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        read_settings()
    assert str(caught.value).startswith(name)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_settings_pass_through_the_environment_of_a_child(clean: pytest.MonkeyPatch) -> None:
    """What a supervisor gives its children is what they read."""
    settings = read_settings()
    for name, value in environment(settings).items():
        clean.setenv(name, value)
    assert read_settings() == settings


def test_no_secret_is_shown(clean: pytest.MonkeyPatch) -> None:
    """S26: a printed Settings hides what is secret."""
    assert "s" * 40 not in repr(Settings())  # type: ignore[call-arg]


def test_a_command_with_a_wrong_setting_exits_2_with_one_line(clean: pytest.MonkeyPatch) -> None:
    """The whole of what a person sees."""
    clean.setenv("REDIS_URL", "nonsense")
    ran = subprocess.run(
        [sys.executable, "-m", "sync.cli", "worker"], capture_output=True, text=True, timeout=60
    )
    assert ran.returncode == 2
    assert ran.stderr == "milestone-sync: REDIS_URL must begin with redis:// or rediss://\n"
    assert ran.stdout == ""


def test_up_says_a_wrong_setting_before_it_starts_anything() -> None:
    """One line, exit 2, and no secret repeated."""
    kept = {name: value for name, value in os.environ.items() if name not in GOOD}
    with tempfile.TemporaryDirectory() as folder:
        ran = subprocess.run(
            [sys.executable, "-m", "sync.cli", "up", "--data", folder],
            capture_output=True,
            text=True,
            timeout=60,
            env={**kept, "SMTP_URL": "http://user:secretpw@x"},
        )
    assert ran.returncode == 2
    assert ran.stderr == "milestone-sync: SMTP_URL must begin with smtp:// or smtps://\n"
