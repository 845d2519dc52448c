"""The map's legend as HTML, for the page and for exports: the same header, the same order as on the map."""

from __future__ import annotations

import html
from collections.abc import Callable

from layers.colours import THEMES, Theme, ThemeName
from layers.hexagons import ClassSpec, Header, StateSpec

BAR_PX = 48


def escape(text: object) -> str:
    """Text for HTML that may also end up in a JavaScript template literal, as folium's do.

    >>> escape("<b>${x}`")
    '&lt;b&gt;&#36;{x}&#96;'
    """
    escaped = html.escape(str(text), quote=True)
    return escaped.replace("\\", "&#92;").replace("`", "&#96;").replace("$", "&#36;")


def legend_html(header: Header, theme: ThemeName = "light", *, format_count: Callable[[int], str] = str) -> str:
    """The legend as one self-contained `<section>`: no script, no class of ours needed, every text escaped.

    Args:
        format_count: Writes a number of hexagons in the reader's language.
    """
    look = THEMES[theme]
    most = max([spec["count"] for spec in (*header["classes"], *header["states"])], default=0)
    rows = [_class_row(spec, look, most, format_count) for spec in reversed(header["classes"])]
    rows += [_state_row(spec, look, most, format_count) for spec in header["states"]]
    unit = " · ".join(part for part in (header["unit"], header["period"]) if part)
    return (
        f'<section class="hxc-legend" style="color:{look.ink};background:{look.panel};font:13px/1.4 sans-serif">'
        f'<h2 style="font-size:14px;margin:0">{escape(header["title"])}</h2>'
        f'<p style="margin:0;color:{look.ink_minor}">{escape(unit)}</p>'
        f'<table style="border-spacing:8px 3px;font-variant-numeric:tabular-nums">{"".join(rows)}</table>'
        f"{_foot(header, look)}</section>"
    )


def _class_row(spec: ClassSpec, look: Theme, most: int, format_count: Callable[[int], str]) -> str:
    colour = spec["colour_dark"] if look.name == "dark" else spec["colour"]
    return _row(f"background:{escape(colour)}", spec["label"], spec["count"], look, most, format_count)


def _state_row(spec: StateSpec, look: Theme, most: int, format_count: Callable[[int], str]) -> str:
    style = f"background:{look.pattern_ground};{_pattern(spec['state'], look.pattern)}"
    if spec["state"] == "zero":
        style = f"background:{look.land}"
    style += f";box-shadow:inset 0 0 0 1px {look.zero}"
    return _row(style, spec["label"], spec["count"], look, most, format_count)


def _pattern(state: str, ink: str) -> str:
    """The canvas's hatching, dots and cross-hatching, as CSS gradients."""
    stripe = f"repeating-linear-gradient({{angle}}deg,{ink} 0 1px,transparent 1px 4px)"
    images = {
        "unknown": stripe.format(angle=135),
        "withheld": f"radial-gradient({ink} 1px,transparent 1.2px)",
        "protected": f"{stripe.format(angle=45)},{stripe.format(angle=135)}",
    }
    size = ";background-size:4px 4px" if state == "withheld" else ""
    return f"background-image:{images[state]}{size}" if state in images else ""


def _row(
    swatch: str, label: str, count: int, look: Theme, most: int, format_count: Callable[[int], str]
) -> str:  # fmt: skip
    width = max(1, round(BAR_PX * count / most)) if count else 0
    return (
        f'<tr><td><span style="display:block;width:16px;height:12px;{swatch}"></span></td>'
        f"<td>{escape(label)}</td>"
        f'<td style="width:{BAR_PX}px"><span style="display:block;height:5px;width:{width}px;'
        f'background:{look.ink_minor}"></span></td>'
        f'<td style="text-align:right;color:{look.ink_minor}">{escape(format_count(count))}</td></tr>'
    )


def _foot(header: Header, look: Theme) -> str:
    lines = [(text, look.ink_minor) for text in (header["resolution_label"], *header["notes"]) if text]
    lines += [
        (f"{source['name']} · {source['age']}", look.stale if source["stale"] else look.ink_minor)
        for source in header["sources"]
    ]
    parts = [f'<p style="margin:0;font-size:12px;color:{colour}">{escape(text)}</p>' for text, colour in lines]
    if header["marking"]:
        parts.append(f'<p style="margin:8px 0 0"><strong>{escape(header["marking"]["label"])}</strong></p>')
    return "".join(parts)
