"""The README's table of features matches the behaviour of the installed libraries."""

import importlib.util
import json

import oldest
import peers
import pytest

ANSWERS = json.loads(peers.RESULTS.read_text(encoding="utf-8"))["answers"]
# frame-analytics compiles for a minute, pyiqa brings packages of several gigabytes.
LEFT_OUT = {"frame-analytics", "pyiqa"} | (set() if oldest.KORNIA else {"kornia"})
RUN = [library for library in peers.LIBRARIES if library not in LEFT_OUT]
# VMAF of torchmetrics calls these, which are in the extra "bench".
HAS_VMAF = all(importlib.util.find_spec(package) for package in ("vmaf_torch", "einops"))


@pytest.mark.filterwarnings("ignore")  # the libraries' own
@pytest.mark.parametrize("question", peers.QUESTIONS)
def test_answers_are_those_of_the_table(question: str) -> None:
    left_out = {"torchmetrics"} if question.startswith("VMAF") and not HAS_VMAF else set()
    asked = [library for library in RUN if library not in left_out]
    found = {library: peers.QUESTIONS[question](library) for library in asked}
    assert found == {library: ANSWERS[question][library] for library in asked}
