"""The documents tell the truth: every Python block runs and prints what the page shows, every
relative link leads somewhere.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import io
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import reference_pages
import torch

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
# Before a block that runs only where these packages are installed.
NEEDS = re.compile(r"<!-- needs (?P<packages>[\w ]+) -->")

FENCE = re.compile(
    r"^(?P<indent> *)```(?P<language>\w*)[^\n]*\n(?P<code>.*?)^ *```", re.MULTILINE | re.DOTALL
)
# Code such as `table["name"](x)` is no link.
CODE = re.compile(r"`[^`\n]*\]\([^`\n]*`")
LINK = re.compile(r"\]\((?P<target>[^)\s]+)[^)]*\)")
HEADING = re.compile(r"^#+ +(?P<title>.+?) *$", re.MULTILINE)


NUMBER = re.compile(r"(?<![\w.])[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?(?![\w.])")


class Block(NamedTuple):
    line: int
    code: str
    output: str | None = None  # the ``text`` block that follows at once


def blocks(text: str) -> list[Block]:
    """The ``python`` blocks of a document, with the line on which each starts."""
    found: list[Block] = []
    end = -1
    for match in FENCE.finditer(text):
        if match["language"] == "text" and not text[end : match.start()].strip() and end >= 0:
            found[-1] = found[-1]._replace(output=match["code"])
        end = -1
        before = text[: match.start()].rstrip().splitlines()
        marker = before[-1].strip() if before else ""
        needs = NEEDS.fullmatch(marker)
        runs = all(map(importlib.util.find_spec, needs["packages"].split())) if needs else True
        if match["language"] == "python" and marker != NO_RUN and runs:
            code = re.sub(f"^{match['indent']}", "", match["code"], flags=re.MULTILINE)
            found.append(Block(text.count("\n", 0, match.start("code")), code))
            end = match.end()
    return found


def prints(shown: str, printed: str) -> bool:
    """Whether a page shows what was printed: ``...`` stands for anything, a number with a decimal
    point may differ by one in its last digit.
    """
    pattern, numbers, place = "", [], 0
    for match in re.finditer(rf"\.\.\.|{NUMBER.pattern}", shown.strip()):
        pattern += re.escape(shown.strip()[place : match.start()])
        place = match.end()
        if match[0] == "...":
            pattern += ".*?"
        else:
            pattern += f"({NUMBER.pattern})"
            numbers.append(match[0])
    pattern += re.escape(shown.strip()[place:])
    lines = "\n".join(line.rstrip() for line in printed.strip().splitlines())
    found = re.fullmatch(pattern, lines, re.DOTALL)
    return found is not None and all(
        abs(float(number) - float(text)) <= 1.001 * last_digit(text)
        for text, number in zip(numbers, found.groups(), strict=True)
    )


def last_digit(text: str) -> float:
    """What one in the last digit is worth; 0 for an integer."""
    digits, _, exponent = text.partition("e")
    if "." not in digits:
        return 0.0
    return float(10 ** (int(exponent or 0) - len(digits.split(".")[1])))


def run(path: Path) -> None:
    """Run the blocks in order in one namespace; a failure points at the line of the document."""
    namespace: dict[str, object] = {"__name__": path.stem}
    for block in blocks(path.read_text(encoding="utf-8")):
        code = "\n" * block.line + block.code
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(code, str(path), "exec", dont_inherit=True), namespace)
        if block.output is not None and not prints(block.output, printed.getvalue()):
            raise AssertionError(
                f"{path.name}, the block of line {block.line + 1} prints\n{printed.getvalue()}\n"
                f"and the page shows\n{block.output}"
            )


def anchors(text: str) -> set[str]:
    """What a link may point at within a document, named as GitHub names headings."""
    titles = [match["title"].lower() for match in HEADING.finditer(FENCE.sub("", text))]
    return {re.sub(r"[^\w\- ]", "", title).replace(" ", "-") for title in titles}


def broken_links(path: Path) -> list[str]:
    """Relative links of a document that lead nowhere."""
    text, broken = path.read_text(encoding="utf-8"), []
    for match in LINK.finditer(CODE.sub("", FENCE.sub("", text))):
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


@pytest.mark.parametrize(
    ("shown", "printed", "same"),
    [
        ("a 0.123", "a 0.124", True),
        ("a 0.123", "a 0.126", False),
        ("(3, 64)", "(3, 65)", False),
        ("x ... 1.2e-03", "x and more 1.3e-03", True),
        ("x", "y", False),
        ("conv2d 1.0", "conv3d 1.0", False),
    ],
)
def test_printed_values_are_compared(shown: str, printed: str, same: bool) -> None:
    assert prints(shown, printed) is same


def test_planted_output_is_found(tmp_path: Path) -> None:
    document = tmp_path / "planted.md"
    document.write_text("```python\nprint(1 / 3)\n```\n\n```text\n0.37\n```\n", encoding="utf-8")
    with pytest.raises(AssertionError, match="the block of line 2 prints"):
        run(document)


def test_losses_that_take_masks_are_those_of_the_tables() -> None:
    """Each row with a module."""
    text = (ROOT / "docs" / "losses.md").read_text(encoding="utf-8")
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


@pytest.mark.slow
def test_ddp_validation_prints_the_numbers_of_one_process(tmp_path: Path) -> None:
    """The whole script of the how-to guide; 7 images, so that the sampler repeats one."""
    text = (ROOT / "docs" / "howto" / "ddp_validation.md").read_text(encoding="utf-8")
    (script,) = [match["code"] for match in FENCE.finditer(text) if match["language"] == "python"]
    (tmp_path / "validate.py").write_text(script, encoding="utf-8")
    launch = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [sys.executable, *launch, "validate.py"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    target = torch.rand(7, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    validator = ssimloss.metrics.Validator(["psnr", "ssim"], "basicsr", scale=4)
    validator.update(target * 0.9, target)
    scores = {name: f"{value:.4f}" for name, value in validator.compute().items()}
    assert done.stdout.strip() == str(scores)


def test_every_measure_has_a_picture() -> None:
    for each in (one for one in reference_pages.shown_measures() if not one.clips):
        picture = reference_pages.PICTURES / f"{each.name}.webp"
        assert picture.exists(), f"{each.name}: run make pictures ARGS=measures, make generate"
        assert picture.stat().st_size < 150_000
    assert (ROOT / "docs" / "pictures" / "restored.webp").stat().st_size < 150_000
