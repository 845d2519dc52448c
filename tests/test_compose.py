"""compose.yaml without Docker: what it names exists, its commands are ours, its script makes a store that works."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from typer.testing import CliRunner

from dashboard.cli import app
from dashboard.settings import PREFIX, settings_from
from data.errors import StoreError
from data.opening import is_server, open_store
from data.private_cluster import ADMINISTRATOR, PrivateCluster, find_binaries
from tests.documents import DOCS
from tests.postgres import own_cluster

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "compose.yaml").read_text(encoding="utf-8")
VARIABLE = re.compile(r"(?<!\$)\$\{(\w+):-([^}]*)\}")
OURS = ("migrate", "hexacross")
PASSWORDS = {"postgres_password": "a", "owner_password": "l'un $1 \\ \"", "app_password": "l'autre % $HOME"}


def interpolated(text: str) -> str:
    """As Compose reads it: variables by their defaults, then doubled dollars made single."""
    return VARIABLE.sub(lambda found: found[2], text).replace("$$", "$")


COMPOSE: dict[str, Any] = yaml.safe_load(interpolated(TEXT))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]


def words(service: dict[str, Any]) -> list[str]:
    """The arguments that hexacross gets."""
    *_, name = service["entrypoint"]
    assert name == "hexacross"
    return list(service["command"])


def source_of(used: str | dict[str, Any]) -> str:
    return used if isinstance(used, str) else str(used["source"])


@pytest.mark.parametrize("kind", ["networks", "volumes", "secrets", "configs"])
def test_what_is_named_is_declared_and_what_is_declared_is_used(kind: str) -> None:
    used = {source_of(one).partition(":")[0] for service in SERVICES.values() for one in service.get(kind, ())}
    assert used == set(COMPOSE[kind])


def test_each_service_waits_for_what_it_needs() -> None:
    assert SERVICES["migrate"]["depends_on"] == {"postgres": {"condition": "service_healthy"}}
    assert SERVICES["hexacross"]["depends_on"] == {
        "postgres": {"condition": "service_healthy"},
        "migrate": {"condition": "service_completed_successfully"},
    }
    assert {name for name, service in SERVICES.items() if "healthcheck" in service} == {"postgres", "hexacross"}


def test_only_the_dashboard_is_published_and_to_this_machine_only() -> None:
    assert {name: service["ports"] for name, service in SERVICES.items() if "ports" in service} == {
        "hexacross": ["127.0.0.1:8501:8501"]
    }
    reached = {name for name, service in SERVICES.items() if set(service["networks"]) != {"inside"}}
    assert reached == {"hexacross"}
    assert COMPOSE["networks"]["inside"] == {"internal": True}


def test_every_variable_has_a_default_and_is_documented() -> None:
    assert not re.search(r"(?<!\$)\$(?!\$|\{\w+:-)", TEXT.replace("$$", ""))
    rows = re.findall(r"^\| `(\w+)` \| (?:`([^`]*)`|\(rien\)) \|", (DOCS / "serveur.md").read_text("utf-8"), re.M)
    assert set(VARIABLE.findall(TEXT)) <= set(rows)
    assert not any(name.startswith(PREFIX) and name != "HEXACROSS_IMAGE" for name, _ in VARIABLE.findall(TEXT))


def test_no_image_names_a_registry() -> None:
    images = [service["image"] for service in SERVICES.values()]
    images += [SERVICES["hexacross"]["build"]["args"]["PYTHON_IMAGE"]]
    for image in images:
        host, slash, _ = image.partition("/")
        assert not slash or not re.search(r"[.:]|^localhost$", host), image


def test_the_image_copies_what_exists_and_all_that_is_packaged() -> None:
    dockerfile = SERVICES["hexacross"]["build"]["dockerfile_inline"]
    copied = {name for line in re.findall(r"^COPY (.+) \S+$", dockerfile, re.M) for name in line.split()}
    assert all((ROOT / name).exists() for name in copied)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    packages = {name.rstrip("*") for name in project["tool"]["setuptools"]["packages"]["find"]["include"]}
    needed = {"pyproject.toml", "constraints.txt", project["project"]["readme"], *project["project"]["license-files"]}
    assert copied == packages | needed
    runs = re.findall(r"^RUN hexacross (.+)$", dockerfile, re.M)
    assert runs == ["prepare"]
    parse(runs)


def parse(arguments: list[str]) -> None:
    """Parse a command of ours without running it; raises ValueError for one that does not exist."""
    said = CliRunner().invoke(app, [*arguments, "--help"])
    if said.exit_code:
        raise ValueError(said.output)


def test_commands_are_ours() -> None:
    for name in OURS:
        parse(words(SERVICES[name]))
    for wrong in (["store", "migrte"], ["run", "--prot", "1"]):
        with pytest.raises(ValueError, match=r"migrte|--prot"):
            parse(wrong)


def test_settings_are_ours() -> None:
    for name in OURS:
        settings = settings_from(SERVICES[name]["environment"])
        assert is_server(settings.store)
        (host,) = re.findall(r"@(\w+)/", settings.store)
        assert host in SERVICES
    assert (settings.host, settings.port) == ("0.0.0.0", 8501)  # noqa: S104 -- inside its container


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[PrivateCluster, Path]]:
    """A PostgreSQL on which the image's script has run, that asks for passwords, and a folder of secrets."""
    secrets = tmp_path_factory.mktemp("secrets")
    for name, password in PASSWORDS.items():
        (secrets / name).write_text(password + "\n")
    with own_cluster() as cluster:
        with psycopg.connect(cluster.url("postgres", ADMINISTRATOR), autocommit=True) as connection:
            connection.execute("CREATE DATABASE hexacross")
        environment = os.environ | {
            "PATH": f"{find_binaries()}:{os.environ['PATH']}", "PGHOST": str(cluster.folder),
            "POSTGRES_USER": ADMINISTRATOR, "POSTGRES_DB": SERVICES["postgres"]["environment"]["POSTGRES_DB"],
        }  # fmt: skip
        script = COMPOSE["configs"]["roles"]["content"].replace("/run/secrets", str(secrets))
        path = secrets / "roles.sh"
        path.write_text(script)
        path.chmod(0o700)
        subprocess.run([str(path)], env=environment, check=True, capture_output=True)
        (cluster.files / "pg_hba.conf").write_text(f"local all {ADMINISTRATOR} trust\nlocal all all scram-sha-256\n")
        with psycopg.connect(cluster.url("postgres", ADMINISTRATOR)) as connection:
            connection.execute("SELECT pg_reload_conf()")
        yield cluster, secrets


def run_service(
    name: str, prepared: tuple[PrivateCluster, Path], arguments: list[str]
) -> subprocess.CompletedProcess[str]:
    """Run a service's entry point with its own secret and store, `hexacross` being this checkout's."""
    cluster, secrets = prepared
    service = SERVICES[name]
    (secret,) = service["secrets"]
    assert secret["target"] == "password"
    shutil.copy(secrets / secret["source"], secrets / "password")
    programs = secrets / "bin"
    programs.mkdir(exist_ok=True)
    command = [sys.executable, "-c", "from dashboard.cli import main; main()"]
    (programs / "hexacross").write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n')
    (programs / "hexacross").chmod(0o755)
    environment = os.environ | service["environment"] | {"PATH": f"{programs}:{os.environ['PATH']}"}
    environment["HEXACROSS_STORE"] = (
        environment["HEXACROSS_STORE"].replace("@postgres/", "@/") + f"?host={cluster.folder}"
    )
    entry = [word.replace("/run/secrets", str(secrets)) for word in service["entrypoint"]]
    return subprocess.run([*entry, *arguments], env=environment, capture_output=True, text=True, cwd=ROOT, check=False)


def test_the_services_prepare_and_open_the_store(prepared: tuple[PrivateCluster, Path]) -> None:
    migrated = run_service("migrate", prepared, words(SERVICES["migrate"]))
    assert migrated.returncode == 0, migrated.stderr
    assert "001" in migrated.stdout
    verified = run_service("hexacross", prepared, ["store", "verify"])
    assert verified.returncode == 0, verified.stderr
    with pytest.raises(StoreError, match="password"):
        open_store(prepared[0].url("hexacross") + "&password=faux")


def test_health_is_asked_of_a_route_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    kind, program, option, script = SERVICES["hexacross"]["healthcheck"]["test"]
    assert (kind, program, option) == ("CMD", "python", "-c")
    asked: list[str] = []
    monkeypatch.setattr(urllib.request, "urlopen", lambda url, timeout: asked.append(url))
    exec(script)  # noqa: S102 -- our own line
    assert asked == ["http://127.0.0.1:8501/healthz"]
    kind, program, *options = SERVICES["postgres"]["healthcheck"]["test"]
    binaries = find_binaries()
    assert kind == "CMD"
    assert binaries is not None
    said = subprocess.run([str(binaries / program), "--help"], capture_output=True, text=True, check=True).stdout
    assert all(option.partition("=")[0] in said for option in options)
