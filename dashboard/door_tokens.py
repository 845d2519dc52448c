"""Who may feed: one token a producer, known by its digest only, in a file that is only ever added to.

Each line of the file is a JSON object: a token given, or one revoked. What is never rewritten cannot lose a
revocation, and says who was let in when.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from data.live_lines import Producer
from data.parsing import TEXT_LIMIT
from data.vocabulary import MARKINGS
from geo.errors import N_, HexacrossError

PREFIX = "hx_"  # so that a token is known for what it is wherever it is found
TOKEN_BYTES = 32
NAME_DIGITS = 12  # of the digest, that name a token in lists


class TokenError(HexacrossError, ValueError):
    """A token that cannot be made, or is not there; a file of tokens that cannot be read."""


@dataclass(frozen=True, slots=True)
class Token:
    """A token as the file knows it: never the token itself."""

    digest: str  # SHA-256, hexadecimal
    source: str
    markings: tuple[str, ...]
    created: str  # ISO 8601, UTC
    revoked: str = ""  # the same; empty: still good

    @property
    def name(self) -> str:
        """What to call it in lists and to revoke it."""
        return self.digest[:NAME_DIGITS]

    @property
    def producer(self) -> Producer:
        return Producer(self.source, self.markings)


class Tokens:
    """The tokens of a file, read again whenever it has changed: a revocation holds from the next request on."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stamp: tuple[int, int] | None = None
        self._known: tuple[Token, ...] = ()

    def find(self, presented: str) -> Token | None:
        """The token presented, revoked or not; None: unknown. Takes as long whichever it is."""
        digest = digest_of(presented)
        found = None
        for token in self._current():
            if hmac.compare_digest(token.digest, digest):
                found = token
        return found

    def _current(self) -> tuple[Token, ...]:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            self._stamp, self._known = None, ()
            return ()
        stamp = (status.st_mtime_ns, status.st_size)
        if stamp != self._stamp:
            self._known = tuple(read_tokens(self._path))
            self._stamp = stamp
        return self._known


def digest_of(presented: str) -> str:
    return hashlib.sha256(presented.encode("utf-8", "surrogatepass")).hexdigest()


def read_tokens(path: Path) -> list[Token]:
    """All tokens ever given, in order. Raises `TokenError` naming the line that is none."""
    if not path.exists():
        return []
    tokens: dict[str, Token] = {}
    for number, text in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        try:
            line: dict[str, Any] = json.loads(text)
            if "revoked" in line:
                tokens[line["digest"]] = replace(tokens[line["digest"]], revoked=line["revoked"])
            else:
                made = Token(line["digest"], line["source"], tuple(line["markings"]), line["created"])
                tokens[made.digest] = made
        except (ValueError, KeyError, TypeError) as error:
            raise TokenError(N_("{path}, ligne {line} : ce n'est pas une clé."), path=path, line=number) from error
    return list(tokens.values())


def create_token(path: Path, source: str, markings: tuple[str, ...]) -> str:
    """Add a token to the file, made first if there is none.

    Returns:
        The token, to be shown once: only its digest is kept.

    Raises:
        TokenError: The source's name or a marking is not one.
    """
    source = source.strip()
    if not source or len(source) > TEXT_LIMIT or not source.isprintable():
        raise TokenError(
            N_("« {given} » n'est pas un nom de source. Attendu un nom court, sur une ligne."), given=source
        )
    for marking in markings:
        if marking not in MARKINGS:
            raise TokenError(
                N_("Mention inconnue : « {given} ». Attendu {expected}."), given=marking, expected=", ".join(MARKINGS)
            )
    token = PREFIX + secrets.token_urlsafe(TOKEN_BYTES)
    _add(path, {"digest": digest_of(token), "source": source, "markings": markings, "created": _now()})
    return token


def revoke_token(path: Path, name: str) -> Token:
    """Revoke the token of that name, the beginning of its digest. Raises `TokenError` when it is none, or several."""
    found = [token for token in read_tokens(path) if name and token.digest.startswith(name.lower())]
    if len(found) != 1:
        raise TokenError(N_("{n} clés commencent par « {given} ». Attendu une : hexacross token list."),
                         n=len(found), given=name)  # fmt: skip
    [token] = found
    if token.revoked:
        return token
    revoked = _now()
    _add(path, {"digest": token.digest, "revoked": revoked})
    return replace(token, revoked=revoked)


def _add(path: Path, line: dict[str, Any]) -> None:
    """One line more, in one write: two programs that add at once both do."""
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, (json.dumps(line, ensure_ascii=False) + "\n").encode())
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
