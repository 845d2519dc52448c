"""What our documents tell people to type, so that tests can do exactly that."""

from __future__ import annotations

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)


def code_blocks(document: str, heading: str) -> list[str]:
    """The blocks of code below a heading of any level, until the next heading, in order.

    Raises:
        LookupError: No such heading, or more than one.
    """
    text = (DOCS / document).read_text(encoding="utf-8")
    outside = BLOCK.sub(lambda block: re.sub(r"[^\n]", " ", block[0]), text)  # a comment of a shell is no heading
    headings = [(found[1], found.start()) for found in re.finditer(r"^#+ (.+)$", outside, re.M)]
    starts = [start for name, start in headings if name == heading]
    if len(starts) != 1:
        raise LookupError(f"{document}: {len(starts)} headings « {heading} »")
    stop = min((start for _, start in headings if start > starts[0]), default=len(text))
    return [block[2] for block in BLOCK.finditer(text[starts[0] : stop])]
