"""The documents tell the truth: every Python block runs, every relative link leads somewhere."""

from __future__ import annotations

import inspect
import re
from pathlib import Path
from typing import NamedTuple

import pytest

import ssimloss

ROOT = Path(__file__).parents[1]
DOCUMENTS = [
    ROOT / "README.md",
    *sorted((ROOT / "docs").rglob("*.md")),
    *sorted((ROOT / "benchmarks").rglob("*.md")),
]
LINKED = [*DOCUMENTS, *(ROOT / name for name in ("CHANGELOG.md",) if (ROOT / name).exists())]

# Before a block that is not Python to run, such as one that needs another library's data.
NO_RUN = "<!-- no-run -->"

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^ *```", re.MULTILINE | re.DOTALL
)
LINK = re.compile(r"\]\((?P<target>[^)\s]+)[^)]*\)")
HEADING = re.compile(r"^#+ +(?P<title>.+?) *$", re.MULTILINE)


class Block(NamedTuple):
    line: int
    code: str


def blocks(text: str) -> list[Block]:
    """The ``python`` blocks of a document, with the line on which each starts."""
    found = []
    for match in FENCE.finditer(text):
        before = text[: match.start()].rstrip().splitlines()
        if match["language"] == "python" and not (before and before[-1].strip() == NO_RUN):
            code = re.sub(f"^{match['indent']}", "", match["code"], flags=re.MULTILINE)
            found.append(Block(text.count("\n", 0, match.start("code")), code))
    return found


def run(path: Path) -> None:
    """Run the blocks in order in one namespace; a failure points at the line of the document."""
    namespace: dict[str, object] = {"__name__": path.stem}
    for block in blocks(path.read_text(encoding="utf-8")):
        code = "\n" * block.line + block.code
        exec(compile(code, str(path), "exec", dont_inherit=True), namespace)


def anchors(text: str) -> set[str]:
    """What a link may point at within a document, named as GitHub names headings."""
    titles = [match["title"].lower() for match in HEADING.finditer(FENCE.sub("", text))]
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


def broken_links(path: Path) -> list[str]:
    """Relative links of a document that lead nowhere."""
    text, broken = path.read_text(encoding="utf-8"), []
    for match in LINK.finditer(FENCE.sub("", text)):
        target, _, anchor = match["target"].partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        file = path.parent / target if target else path
        if not file.exists() or (
            anchor
            and file.suffix == ".md"
            and anchor not in anchors(file.read_text(encoding="utf-8"))
        ):
            broken.append(match["target"])
    return broken


@pytest.mark.parametrize(
    "path",
    [d for d in DOCUMENTS if d.exists() and blocks(d.read_text(encoding="utf-8"))],
    ids=lambda path: path.name,
)
def test_python_blocks_run(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(path)


@pytest.mark.parametrize("path", LINKED, ids=lambda path: path.name)
def test_relative_links_lead_somewhere(path: Path) -> None:
    assert broken_links(path) == []


def test_readme_shows_code_that_runs() -> None:
    assert blocks((ROOT / "README.md").read_text(encoding="utf-8"))


def test_planted_faults_are_found(tmp_path: Path) -> None:
    document = tmp_path / "planted.md"
    document.write_text(
        "# A title, `code`\n\n```python\nx = 1\n```\ntext\n\n```python\nassert x == 2\n```\n\n"
        f"{NO_RUN}\n```python\nraise SystemError\n```\n```bash\nexit 1\n```\n"
        "[here](#a-title-code) [there](planted.md#nowhere) [gone](gone.md) [outside](https://example.org/gone)\n",
        encoding="utf-8",
    )
    with pytest.raises(AssertionError) as caught:
        run(document)
    assert caught.traceback[-1].lineno + 1 == 9
    assert broken_links(document) == ["planted.md#nowhere", "gone.md"]


def test_losses_that_take_masks_are_those_of_the_tables() -> None:
    """Of the README, each row with a module."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    told: dict[str, str] = {}
    for table in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        head, _, *rows = [[cell.strip() for cell in line.split("|")] for line in table.split("\n")]
        if "module" not in head or "mask" not in head:
            continue
        for row in filter(any, rows):
            modules = re.findall(r"`(\w+)`", row[head.index("module")])
            told |= dict.fromkeys(modules, row[head.index("mask")])
    assert {"SSIMLoss", "LPIPS", "TextureLoss"} <= told.keys() <= set(ssimloss.losses.__all__)
    for name, answer in told.items():
        takes = "mask" in inspect.signature(getattr(ssimloss, name).forward).parameters
        assert answer == ("yes" if takes else "no"), name
