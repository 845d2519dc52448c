"""docs/serveur.md, followed to the letter on a PostgreSQL of our own: accounts, TLS, copies, a return to an instant."""

from __future__ import annotations

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest

from data.errors import StoreError
from data.postgis_migrate import known_migrations, migrate
from data.postgis_store import PostgisStore
from data.private_cluster import ADMINISTRATOR, SYSTEM_USER, PrivateCluster, find_binaries
from data.query import Query, Viewer
from tests.data.contract import FIRST_DAY, batch, chunk, event, memberships
from tests.documents import code_blocks
from tests.postgres import own_cluster

NATIONAL = Viewer("national")
EVERYTHING = Query(FIRST_DAY - timedelta(days=10_000), FIRST_DAY + timedelta(days=4000))
SECRET = "mot: de passe/@"
DEBIAN_FILES = "/var/lib/postgresql/15"
DEBIAN_SETTINGS = "/etc/postgresql/15/main"
LEAKPROOF = "SELECT proleakproof FROM pg_proc WHERE oid = 'public.geometry_overlaps(geometry, geometry)'::regprocedure"


@dataclass(frozen=True, slots=True)
class Production:
    """A server set up as the document says, its paths moved below `cluster.folder`."""

    cluster: PrivateCluster
    port: int
    settings: dict[str, str]

    @property
    def backups(self) -> Path:
        return self.cluster.folder / "sauvegardes"

    def address(self, user: str = "hexacross_app", host: str = "base.intra", **options: str) -> str:
        """As the document writes it; `base.intra` is found without a name server, the password in its file."""
        stated = {
            "sslmode": "verify-full",
            "sslrootcert": str(self.cluster.folder / "intra.crt"),
            "passfile": str(self.cluster.folder / "pgpass"),
            "hostaddr": "127.0.0.1",
            "port": str(self.port),
        } | options
        return f"postgresql://{user}@{host}/hexacross?" + "&".join(f"{name}={value}" for name, value in stated.items())

    def moved(self, text: str) -> str:
        """A text of the document with its paths below the cluster's folder."""
        for documented, ours in (
            (f"{DEBIAN_FILES}/main", str(self.cluster.files)),
            (DEBIAN_FILES, str(self.cluster.folder)),
            (DEBIAN_SETTINGS, str(self.cluster.folder)),
            ("/sauvegardes", str(self.backups)),
        ):
            text = text.replace(documented, ours)
        return text

    def run(self, script: str, folder: Path) -> None:
        """Run commands of the document as PostgreSQL's administrator."""
        environment = os.environ | {
            "PATH": f"{find_binaries()}:{os.environ['PATH']}", "PGHOST": str(self.cluster.folder),
            "PGPORT": str(self.port), "PGUSER": ADMINISTRATOR,
        }  # fmt: skip
        as_system = {"user": SYSTEM_USER, "group": SYSTEM_USER, "extra_groups": []} if os.geteuid() == 0 else {}
        subprocess.run(["sh", "-euc", self.moved(script)], cwd=folder, env=environment, check=True, **as_system)  # type: ignore[call-overload]  # two arguments or none

    def administrator(self) -> psycopg.Connection[tuple[object, ...]]:
        url = f"{self.cluster.url('hexacross', ADMINISTRATOR)}&port={self.port}"
        return psycopg.connect(url, autocommit=True)


def settings_of(block: str) -> dict[str, str]:
    """A block of postgresql.conf: its names and values."""
    return {name: value.strip("'") for name, value in re.findall(r"^(\w+) = (.+?)$", block, re.M)}


def own(path: Path) -> None:
    """Give a file to the account that runs the server."""
    if os.geteuid() == 0:
        shutil.chown(path, SYSTEM_USER, SYSTEM_USER)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def production() -> Iterator[Production]:
    with own_cluster() as cluster:
        cluster.stop()
        certificates, tls, rights = code_blocks("serveur.md", "Réseau et chiffrement")
        (accounts,) = code_blocks("serveur.md", "Comptes")
        archiving = code_blocks("serveur.md", "Revenir à un instant")[0]
        made = Production(cluster, free_port(), {})
        made.settings.update(settings_of(made.moved(tls + archiving)), port=str(made.port))
        made.settings["listen_addresses"] = "127.0.0.1"  # that base.intra stands for
        made.backups.joinpath("journaux").mkdir(parents=True)
        subprocess.run(["sh", "-euc", certificates], cwd=cluster.folder, check=True, capture_output=True)
        (cluster.folder / "server.key").chmod(0o600)
        for path in (made.backups, made.backups / "journaux", cluster.folder / "server.key"):
            own(path)
        ours = (
            f"local all {ADMINISTRATOR} trust\nlocal replication {ADMINISTRATOR} trust\n"  # `postgres` in the document
        )
        (cluster.files / "pg_hba.conf").write_text(ours + re.sub(r"10\.0\.0\.0/\d+", "127.0.0.1/32", rights))
        cluster.start(durable=False, settings=made.settings)
        made.run(f"psql -q --set ON_ERROR_STOP=1 postgres <<'X'\n{accounts.replace('…', SECRET)}\nX", cluster.folder)
        passwords = cluster.folder / "pgpass"
        (line,) = {
            line.rpartition(":")[0] for line in code_blocks("serveur.md", "Hexacross")[0].split() if "app" in line
        }
        assert line == "base.intra:5432:hexacross:hexacross_app"
        passwords.write_text("*:*:*:*:" + SECRET.replace(":", r"\:"))
        passwords.chmod(0o600)
        assert migrate(made.address("hexacross_owner")) == known_migrations()
        yield made


@pytest.fixture
def store(production: Production) -> Iterator[PostgisStore]:
    """The store that all tests of this module share, as the dashboard opens it; it holds two facts."""
    made = PostgisStore.open(production.address())
    if made.version() == 0:
        made.set_memberships(memberships())
        made.load(batch("un"), [chunk([event(1, commune="13055", departement="13"), event(2, commune="75056")])])
    yield made
    made.close()


def facts(production: Production) -> int:
    """Facts in the store, once every check has passed."""
    opened = PostgisStore.open(production.address())
    assert {check.wrong for check in opened.verify()} == {0}
    held = opened.totals(EVERYTHING, NATIONAL).incidents
    opened.close()
    return int(held)


@pytest.mark.usefixtures("store")
def test_the_store_is_reached_under_its_name_and_with_tls_only(production: Production) -> None:
    assert facts(production) == 2
    with psycopg.connect(production.address()) as connection:
        used = connection.execute("SELECT ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()").fetchone()
    assert used == (True, "TLSv1.3")
    with pytest.raises(StoreError, match=r"refuse la connexion .*no encryption"):
        PostgisStore.open(production.address(sslmode="disable"))
    with pytest.raises(StoreError, match=r"certificat .*autre.intra"):
        PostgisStore.open(production.address(host="autre.intra"))
    with pytest.raises(StoreError, match=r"certificat .*certificate verify failed"):
        PostgisStore.open(production.address(sslrootcert=str(production.cluster.folder / "server.crt")))


@pytest.mark.usefixtures("store")
def test_a_person_sees_the_facts_of_their_territories(production: Production) -> None:
    with production.administrator() as connection:
        for statement in code_blocks("serveur.md", "Droits")[0].replace("…", SECRET).split(";\n"):
            connection.execute(re.sub(r";\s*--.*", "", statement).encode())
    with psycopg.connect(production.address("dupont")) as connection:
        seen = connection.execute("SELECT DISTINCT commune FROM hexacross.facts").fetchall()
        assert seen == [("13055",)]
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT * FROM hexacross.seal")


@pytest.mark.usefixtures("store")
def test_migrating_with_the_account_of_the_dashboard_names_the_right_one(production: Production) -> None:
    with pytest.raises(StoreError, match="hexacross_owner"):
        migrate(production.address())


def test_a_copy_of_the_database_is_restored(production: Production, store: PostgisStore) -> None:
    save, restore = code_blocks("serveur.md", "Copie de la base, chaque nuit")
    production.run(save, production.backups)
    store.load(batch("perdu"), [chunk([event(90)])])
    store.close()
    production.run(f"dropdb --force hexacross\n{restore}", production.backups)
    assert facts(production) == 2
    with production.administrator() as connection:
        assert connection.execute(LEAKPROOF).fetchone() == (True,)


def test_the_store_goes_back_to_an_instant(production: Production, store: PostgisStore) -> None:
    """The journal that holds the instant was not yet copied away when the server was killed."""
    _archiving, base, move, target = code_blocks("serveur.md", "Revenir à un instant")
    held, cluster = facts(production), production.cluster
    production.run(base, production.backups)
    store.load(batch("gardé"), [chunk([event(100)])])
    with production.administrator() as connection:
        instant = connection.execute("SELECT now()::TEXT").fetchone()
        store.load(batch("perdu"), [chunk([event(101)])])
        connection.execute("TRUNCATE hexacross.events CASCADE")
    store.close()
    assert instant is not None
    cluster.stop("immediate")
    production.run(move, cluster.folder)
    going_back = settings_of(production.moved(target)) | {"recovery_target_time": str(instant[0])}
    cluster.start(durable=False, settings=production.settings | going_back)
    deadline = time.monotonic() + 60
    while (cluster.files / "recovery.signal").exists() and time.monotonic() < deadline:
        time.sleep(0.1)
    assert facts(production) == held + 1
