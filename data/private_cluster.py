"""A PostgreSQL of one's own, from the system's binaries, in one folder: for development and for the tests.

It listens on a socket in its folder and nowhere else; the folder's rights are the only lock on it.
"""

from __future__ import annotations

import os
import pwd
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg import sql

from data.errors import StoreError
from data.postgis_migrate import migrate
from geo.errors import N_

MAJOR_VERSION = 15
USUAL_BINARIES = Path(f"/usr/lib/postgresql/{MAJOR_VERSION}/bin")  # of Debian and Ubuntu
SYSTEM_USER = "postgres"  # that runs the server when we are root: PostgreSQL refuses to
ADMINISTRATOR = "hexacross_admin"
APPLICATION = "hexacross_app"  # the login of the dashboard: member of hexacross_server, owns nothing
PREPARED = "hexacross_prepared"  # an empty store, that new ones are copied from
# A killed server loses nothing, a machine without power does.
RECOVERY_S = "600"  # after a crash, a long journal is read again before the server answers
SPEED_NOT_SAFETY = {"fsync": "off", "full_page_writes": "off"}


def find_binaries() -> Path | None:
    """The folder of initdb and pg_ctl of this machine's PostgreSQL; None: not installed."""
    if (USUAL_BINARIES / "initdb").exists():
        return USUAL_BINARIES
    found = shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@dataclass(frozen=True, slots=True)
class PrivateCluster:
    """A server whose files are all in `folder`."""

    folder: Path

    @property
    def files(self) -> Path:
        """PostgreSQL's own folder."""
        return self.folder / "pgdata"

    def url(self, database: str, user: str = APPLICATION) -> str:
        """The address of a database."""
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def start(self, *, durable: bool = True, settings: Mapping[str, str] | None = None) -> None:
        """Start the server, made first if there is none. `durable=False`: quick, and lost when the machine stops.

        Args:
            settings: Of PostgreSQL, beside ours or instead of them.

        Raises:
            StoreError: PostgreSQL is not installed, or does not start.
        """
        if not self.files.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            if os.geteuid() == 0:
                shutil.chown(self.folder, SYSTEM_USER)
            self._run(
                "initdb", "-D", str(self.files), "-U", ADMINISTRATOR, "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"
            )
        stated = {"listen_addresses": "", "unix_socket_directories": str(self.folder), "max_connections": "60"}
        stated |= {} if durable else SPEED_NOT_SAFETY
        stated |= settings or {}
        options = " ".join(f"-c {name}={shlex.quote(value)}" for name, value in stated.items())
        log = str(self.folder / "log")
        self._run("pg_ctl", "-D", str(self.files), "-l", log, "-o", options, "-w", "-t", RECOVERY_S, "start")

    def stop(self, mode: str = "fast") -> None:
        """Stop the server; `mode`: fast, or immediate (as a crash would)."""
        self._run("pg_ctl", "-D", str(self.files), "-m", mode, "-w", "stop")

    def is_running(self) -> bool:
        """Whether the server answers."""
        return self.files.exists() and self._ask("pg_ctl", "-D", str(self.files), "status").returncode == 0

    def create_store(self, database: str) -> str:
        """Make an empty store, ready for the application.

        Returns:
            Its address, for `HEXACROSS_STORE`.
        """
        if not self.has_database(PREPARED):
            self._prepare()
        self._administer(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(database), sql.Identifier(PREPARED))
        )
        return self.url(database)

    def drop_store(self, database: str) -> None:
        """Remove a database, whoever is connected."""
        self._administer(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(database)))

    def has_database(self, database: str) -> bool:
        """Whether a database of this name is there."""
        with psycopg.connect(self.url("postgres", ADMINISTRATOR)) as connection:
            return (
                connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone() is not None
            )

    def _prepare(self) -> None:
        self._administer(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(PREPARED)))
        migrate(self.url(PREPARED, ADMINISTRATOR))
        application = sql.Identifier(APPLICATION)
        self._administer(sql.SQL("CREATE ROLE {} LOGIN").format(application))
        self._administer(sql.SQL("GRANT hexacross_server TO {}").format(application))

    def _administer(self, statement: sql.Composed) -> None:
        with psycopg.connect(self.url("postgres", ADMINISTRATOR), autocommit=True) as connection:
            connection.execute(statement)

    def _run(self, program: str, *arguments: str) -> None:
        done = self._ask(program, *arguments)
        if done.returncode != 0:
            log = self.folder / "log"
            said = done.stderr.strip() or (log.read_text(errors="replace")[-500:] if log.exists() else "")
            raise StoreError(N_("PostgreSQL ne démarre pas dans {folder} : {reason}"), folder=self.folder, reason=said)

    def _ask(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        binaries = find_binaries()
        if binaries is None:
            raise StoreError(
                N_("PostgreSQL n'est pas installé ici. Sous Debian : apt install postgresql-15-postgis-3.")
            )
        account = pwd.getpwnam(SYSTEM_USER) if os.geteuid() == 0 else None
        # The server outlives us: it must not inherit pipes that we would wait on.
        with (self.folder / "said").open("w+", encoding="utf-8") as said:
            done = subprocess.run(  # noqa: S603 -- PostgreSQL's own programs, arguments of ours
                [str(binaries / program), *arguments],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                cwd=self.folder,
                user=account.pw_uid if account else None,
                group=account.pw_gid if account else None,
                extra_groups=[] if account else None,
            )
            said.seek(0)
            return subprocess.CompletedProcess(done.args, done.returncode, "", said.read())
