"""Settings, read once from the environment: what they are, what they default to, and what is wrong
with them.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict


class SettingsError(Exception):
    """A setting is missing or wrong. The message is one line that names the variable."""


def _zone(value: str) -> str:
    if value not in available_timezones():
        raise ValueError("is not a time zone name such as America/Denver")
    return value


def _postgres(value: str) -> str:
    if not value.startswith(("postgresql://", "postgresql+psycopg://")):
        raise ValueError("must begin with postgresql://")
    return value.replace("postgresql://", "postgresql+psycopg://", 1)


def _redis(value: str) -> str:
    if not value.startswith(("redis://", "rediss://", "unix://")):
        raise ValueError("must begin with redis:// or rediss://")
    return value


def _smtp(value: str) -> str:
    if not value.startswith(("smtp://", "smtps://")):
        raise ValueError("must begin with smtp:// or smtps://")
    return value


def _http(value: str) -> str:
    if not value.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return value.rstrip("/")


def _secret(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < 32:
        raise ValueError("must be at least 32 characters of chance")
    return value


def _secrets(value: SecretStr) -> SecretStr:
    for one in value.get_secret_value().split(","):
        if one:
            _secret(SecretStr(one))
    return value


PostgresUrl = Annotated[str, AfterValidator(_postgres)]
HttpUrl = Annotated[str, AfterValidator(_http)]

#: Where Intuit is. Another address (the sandbox's) is set by `up --sandbox` or by hand.
INTUIT_API = "https://quickbooks.api.intuit.com/v3"
INTUIT_DISCOVERY = "https://developer.api.intuit.com/.well-known/openid_configuration"


class Settings(BaseSettings):
    """Everything that differs between two installations. Field names give the variables: see
    `variable()`.
    """

    model_config = SettingsConfigDict(
        env_prefix="MILESTONE_SYNC_", extra="ignore", frozen=True, populate_by_name=True
    )

    database_url: Annotated[PostgresUrl, Field(validation_alias="DATABASE_URL")]
    redis_url: Annotated[str, AfterValidator(_redis), Field(validation_alias="REDIS_URL")]
    smtp_url: Annotated[str, AfterValidator(_smtp), Field(validation_alias="SMTP_URL")]
    owner_database_url: PostgresUrl | None = None
    dispatcher_database_url: PostgresUrl | None = None
    secret_key: Annotated[SecretStr, AfterValidator(_secret)]
    other_secret_keys: Annotated[SecretStr, AfterValidator(_secrets)] = SecretStr("")
    quickbooks_url: HttpUrl = INTUIT_API
    discovery_url: HttpUrl = INTUIT_DISCOVERY
    client_id: str = ""
    client_secret: SecretStr = SecretStr("")
    webhook_verifier: SecretStr = SecretStr("")
    web_url: HttpUrl = "http://127.0.0.1:8000"
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=0, le=65535)] = 8000
    mail_from: str = "payments@localhost"
    zone: Annotated[str, AfterValidator(_zone)] = "America/New_York"
    schedules: Path | None = None
    threads: Annotated[int, Field(ge=1, le=64)] = 8
    sandbox_url: HttpUrl | None = None
    reads_per_month: Annotated[int, Field(ge=100)] = 500_000
    new_company_mode: Annotated[str, Field(pattern="^(observe|approve|auto)$")] = "approve"

    @property
    def secret_keys(self) -> tuple[str, ...]:
        """The secret that makes keys, then those that are accepted beside it."""
        others = self.other_secret_keys.get_secret_value().split(",")
        return (self.secret_key.get_secret_value(), *(one for one in others if one))

    @property
    def dispatcher_url(self) -> str:
        """The address under which the dispatcher logs in."""
        return self.dispatcher_database_url or self.database_url

    @property
    def owner_url(self) -> str:
        """The address under which migrations run."""
        return self.owner_database_url or self.database_url


def variable(field_name: str) -> str:
    """Name the environment variable of a field: `web_url` is `MILESTONE_SYNC_WEB_URL`."""
    alias = Settings.model_fields[field_name].validation_alias
    return alias if isinstance(alias, str) else f"MILESTONE_SYNC_{field_name.upper()}"


def read_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsError: the first variable that is missing or wrong, and why, in one line.
    """
    return make_settings()


def make_settings(**values: object) -> Settings:
    """Make settings from values, and from the environment for what is not given.

    Raises:
        SettingsError: as `read_settings()`. No value is repeated: it may be a secret.
    """
    try:
        return Settings(**values)  # type: ignore[arg-type]
    except ValidationError as exc:
        raise SettingsError(_first_fault(exc)) from None


def environment(settings: Settings) -> dict[str, str]:
    """Give the settings as the environment variables from which a child process reads the same
    ones.
    """
    values: dict[str, str] = {}
    for name in Settings.model_fields:
        value = getattr(settings, name)
        if value is not None:
            plain = value.get_secret_value() if isinstance(value, SecretStr) else str(value)
            values[variable(name)] = plain
    return values


def data_folder(given: Path | None) -> Path:
    """Say in which folder an embedded installation lives: the argument, MILESTONE_SYNC_DATA, or
    `.milestone-sync`.
    """
    return (given or Path(os.environ.get("MILESTONE_SYNC_DATA") or ".milestone-sync")).resolve()


def _first_fault(exc: ValidationError) -> str:
    fault = exc.errors(include_url=False, include_input=False)[0]
    place = str(fault["loc"][0]) if fault["loc"] else "settings"
    name = variable(place) if place in Settings.model_fields else place
    if fault["type"] == "missing":
        return f"{name} is not set"
    return f"{name} {fault['msg'].removeprefix('Value error, ')}"
