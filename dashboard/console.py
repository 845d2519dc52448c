"""What the command line writes: answers on standard output, the rest and the progress bars on standard error."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from data.store import Progress as Report

REFUSED_LINES = 3  # exit code: done, but lines were refused

answers = Console(highlight=False, soft_wrap=True)
messages = Console(stderr=True, highlight=False, soft_wrap=True)


def answer_json(value: object) -> None:
    """One JSON document, for scripts; dates in ISO 8601."""
    answers.print(json.dumps(value, ensure_ascii=False, indent=2, default=_plain), markup=False)


def _plain(value: object) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(f"not for JSON: {type(value).__name__}")


@contextmanager
def progress_bar(title: str) -> Iterator[Report]:
    """A bar for long work; it leaves no trace when it is done."""
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=messages, transient=True) as bars:
        task = bars.add_task(title, total=None)
        yield lambda done, total: bars.update(task, completed=done, total=total)
