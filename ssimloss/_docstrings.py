"""Google-style docstrings, read and written: the summary, sections, and their entries."""

import inspect
import textwrap
from collections.abc import Mapping

SECTIONS = ("Args", "Returns", "Raises", "Source")


def section(docstring: str | None, title: str) -> str:
    """The body of a section of a Google-style docstring, without indentation; empty if absent."""
    lines = inspect.cleandoc(docstring or "").split("\n")
    if f"{title}:" not in lines:
        return ""
    body = []
    for line in lines[lines.index(f"{title}:") + 1 :]:
        if line and not line.startswith(" "):
            break
        body.append(line)
    return textwrap.dedent("\n".join(body)).strip("\n")


def summary(docstring: str | None) -> str:
    """Everything before the first section."""
    lines = inspect.cleandoc(docstring or "").split("\n")
    titles = [line for line in lines if line.removesuffix(":") in SECTIONS and line.endswith(":")]
    return "\n".join(lines[: lines.index(titles[0])] if titles else lines).strip()


def after_sections(docstring: str | None) -> str:
    """The unindented text after the first section, such as the source."""
    lines = inspect.cleandoc(docstring or "").split("\n")
    heads = [f"{title}:" for title in SECTIONS]
    first = next((i for i, line in enumerate(lines) if line in heads), len(lines))
    rest, inside = [], True
    for line in lines[first:]:
        if line in heads:
            inside = True
        elif line and not line.startswith(" "):
            inside = False
        if not inside:
            rest.append(line)
    return "\n".join(rest).strip()


def entries(body: str) -> dict[str, str]:
    """The text of each ``name: text`` entry; ``k1, k2: text`` counts for both."""
    found: dict[str, str] = {}
    current: list[str] = []
    for line in body.split("\n"):
        head, colon, text = line.partition(": ")
        if colon and not line.startswith(" "):
            current = head.split(", ")
            found |= dict.fromkeys(current, text)
        else:
            for name in current:
                found[name] = f"{found[name]}\n{line}"
    return found


def arguments(texts: Mapping[str, str]) -> str:
    """An ``Args:`` section; neighbours with one text share an entry."""
    lines = ["Args:"]
    pending: list[str] = []
    items = list(texts.items())
    for i, (name, text) in enumerate(items):
        pending.append(name)
        if i + 1 < len(items) and items[i + 1][1] == text:
            continue
        lines += textwrap.indent(f"{', '.join(pending)}: {text}".rstrip(), "    ").split("\n")
        pending = []
    return "\n".join(lines)


def joined(*parts: str) -> str:
    """Paragraphs; empty ones are left out."""
    return "\n\n".join(part for part in parts if part)
