"""Which file is compared with which."""

from __future__ import annotations

import os
import unicodedata
from pathlib import Path

import pytest

from ssimloss.evaluation.pairs import Pairing, find_pairs


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def names(pairing: Pairing, root: Path) -> dict[str, tuple[str, ...]]:
    """Pair name -> its files, relative."""
    return {
        pair.name: tuple(
            os.path.relpath(path, root) for path in (pair.reference, *pair.distorted.values())
        )
        for pair in pairing.pairs
    }


def test_folders_match_by_path_without_ending(tmp_path: Path) -> None:
    touch(
        tmp_path / "gt",
        "b.png",
        "a.png",
        "set5/a.PNG",
        "only.png",
        "notes.txt",
        "more.TXT",
        "film.gif",
        "LICENSE",
        ".hidden.png",
        ".git/x.png",
    )
    touch(tmp_path / "out", "a.jpg", "b.webp", "set5/a.tif", "extra.png")
    found = find_pairs(tmp_path / "gt", str(tmp_path / "out"))
    assert names(found, tmp_path) == {
        "a": ("gt/a.png", "out/a.jpg"),
        "b": ("gt/b.png", "out/b.webp"),
        "set5/a": ("gt/set5/a.PNG", "out/set5/a.tif"),
    }
    assert list(names(found, tmp_path)) == ["a", "b", "set5/a"]
    assert found.methods == ["out"]
    assert found.unmatched == [
        f"{tmp_path}/gt/only.png has no file of out",
        f"{tmp_path}/out/extra.png has no reference",
        f"{tmp_path}/gt: left out 4 of other kinds (.gif, .txt, no ending)",
    ]


def test_folders_behind_links(tmp_path: Path) -> None:
    """They count, also twice, and end where a link leads back: to itself, above the start, or to
    each other.
    """
    touch(tmp_path, "gt/a.png", "store/set5/b.png", "gt/x/c.png", "gt/y/d.png")
    (tmp_path / "gt/set5").symlink_to(tmp_path / "store/set5")
    (tmp_path / "gt/again").symlink_to(tmp_path / "store/set5")
    (tmp_path / "gt/loop").symlink_to(tmp_path / "gt")
    (tmp_path / "gt/x/to_y").symlink_to(tmp_path / "gt/y")
    (tmp_path / "gt/y/to_x").symlink_to(tmp_path / "gt/x")
    touch(
        tmp_path / "out",
        "a.png",
        "set5/b.png",
        "again/b.png",
        "x/c.png",
        "y/d.png",
        "x/to_y/d.png",
        "y/to_x/c.png",
    )
    found = find_pairs(tmp_path / "gt", tmp_path / "out")
    assert [pair.name for pair in found.pairs] == [
        "a",
        "again/b",
        "set5/b",
        "x/c",
        "x/to_y/d",
        "y/d",
        "y/to_x/c",
    ]
    assert found.unmatched == []


def test_suffix(tmp_path: Path) -> None:
    touch(tmp_path / "gt", "0801.png", "0802.png")
    touch(tmp_path / "out", "0801x4.png", "0802.png")
    found = find_pairs(tmp_path / "gt", tmp_path / "out", suffix="x4")
    assert names(found, tmp_path) == {"0801": ("gt/0801.png", "out/0801x4.png")}
    assert found.unmatched == [
        f"{tmp_path}/gt/0802.png has no file of out",
        f"{tmp_path}/out/0802.png has no reference",
    ]
    with pytest.raises(
        ValueError,
        match=r"no two files match by name: .*0802.png has no file of gt; .*; check suffix='x9'",
    ):
        find_pairs(tmp_path / "out", tmp_path / "gt", suffix="x9")
    touch(tmp_path / "other", "x.png")
    with pytest.raises(
        ValueError,
        match=r"no two files match by name: .*suffix='x4', .* matches 0801.png with 0801x4.png",
    ):
        find_pairs(tmp_path / "gt", tmp_path / "other")


def test_several_methods(tmp_path: Path) -> None:
    touch(tmp_path / "gt", "a.png", "b.png")
    touch(tmp_path / "one/out", "a.png", "b.png")
    touch(tmp_path / "two/out", "b.png")
    found = find_pairs(tmp_path / "gt", [tmp_path / "one/out", tmp_path / "two/out"])
    assert found.methods == ["one/out", "two/out"], "told apart by as much of the path as it takes"
    assert [list(pair.distorted) for pair in found.pairs] == [["one/out"], ["one/out", "two/out"]]
    assert found.unmatched == [f"{tmp_path}/gt/a.png has no file of two/out"]
    assert find_pairs(
        tmp_path / "gt", {"A": tmp_path / "one/out", "B": tmp_path / "two/out"}
    ).methods == ["A", "B"]
    with pytest.raises(ValueError, match="the same path twice"):
        find_pairs(tmp_path / "gt", [tmp_path / "one/out"] * 2)
    with pytest.raises(ValueError, match="is both A and B; name two different files"):
        find_pairs(tmp_path / "gt", {"A": tmp_path / "one/out", "B": tmp_path / "one/../one/out"})


def test_files(tmp_path: Path) -> None:
    touch(tmp_path, "a.png", "b.png", "c/b.png")
    found = find_pairs(tmp_path / "a.png", [tmp_path / "b.png", tmp_path / "c/b.png"])
    assert names(found, tmp_path) == {"a": ("a.png", "b.png", "c/b.png")}
    assert len(set(found.methods)) == 2


def test_patterns_match_by_what_the_wildcards_stand_for(tmp_path: Path) -> None:
    touch(
        tmp_path,
        "gt/1/clean.png",
        "gt/2/clean.png",
        "gt/3/clean.png",
        "out/sr_1.jpg",
        "out/sr_2.jpg",
        "flat/1.png",
        "deep/x/y/1.png",
    )
    found = find_pairs(f"{tmp_path}/gt/*/clean.png", f"{tmp_path}/out/sr_*.jpg")
    assert names(found, tmp_path) == {
        "1": ("gt/1/clean.png", "out/sr_1.jpg"),
        "2": ("gt/2/clean.png", "out/sr_2.jpg"),
    }
    assert found.methods == ["out"]
    assert found.unmatched == [f"{tmp_path}/gt/3/clean.png has no file of out"]
    assert names(find_pairs(f"{tmp_path}/flat/*", f"{tmp_path}/out/sr_?.*"), tmp_path) == {
        "1": ("flat/1.png", "out/sr_1.jpg")
    }
    touch(tmp_path, "flat/x/y/1.png", "flat/x/y/2.png", "flat/2.png")
    found = find_pairs(f"{tmp_path}/deep/**/[0-9].png", f"{tmp_path}/flat/**/[!2-9].png")
    assert names(found, tmp_path) == {"x/y/1": ("deep/x/y/1.png", "flat/x/y/1.png")}
    assert found.unmatched == [f"{tmp_path}/flat/1.png has no reference"]


def test_table(tmp_path: Path) -> None:
    lines = [
        "\ufeffreference,distorted,other",
        '"gt/a, ""1"".png",out/a.png,x/a.png',
        '"gt/é\n.png",out/2.png,',
        "gt/none.png,,",
        "gt/é.png,out/3.png,x/3.png",
        "gt/é.png,out/4.png,x/4.png",
    ]
    (tmp_path / "pairs.csv").write_text("\n".join(lines), encoding="utf-8")
    found = find_pairs(tmp_path / "pairs.csv")
    assert found.methods == ["distorted", "other"]
    assert [pair.name for pair in found.pairs] == ['gt/a, "1"', "gt/é\n", "gt/é", "gt/é (2)"]
    assert found.pairs[0].reference == tmp_path / 'gt/a, "1".png'
    assert found.pairs[1].distorted == {"distorted": tmp_path / "out/2.png"}
    assert found.unmatched == [
        "gt/é\n.png (line 4) has no file of other",
        "gt/none.png (line 5) has no file of distorted",
        "gt/none.png (line 5) has no file of other",
    ]
    with pytest.raises(ValueError, match="is a table that names the distorted files"):
        find_pairs(tmp_path / "pairs.csv", tmp_path)


def test_table_with_spaces(tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_text('reference , distorted\na.png, b.png\nc.png, " d.png"\n')
    found = find_pairs(tmp_path / "pairs.csv")
    assert found.methods == ["distorted"]
    assert names(found, tmp_path) == {"a": ("a.png", "b.png"), "c": ("c.png", " d.png")}


def test_each_pair_has_a_name_of_its_own(tmp_path: Path) -> None:
    """The best and the worst image are reported by name."""
    (tmp_path / "pairs.csv").write_text(
        "name,reference,x\n"
        + "".join(f"{name},{i}.png,x{i}\n" for i, name in enumerate(["k", "k", "k (2)"]))
    )
    assert [pair.name for pair in find_pairs(tmp_path / "pairs.csv").pairs] == [
        "k",
        "k (3)",
        "k (2)",
    ]
    for folder in ("gt", "out"):
        touch(tmp_path / folder, "\udcff.png", "?.png", "\udcfe.png")
    assert [pair.name for pair in find_pairs(tmp_path / "gt", tmp_path / "out").pairs] == [
        "?",
        "? (2)",
        "? (3)",
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "first line must name a column reference .* got nothing"),
        ("a.png,b.png\n", "first line must name a column reference .* got a.png,b.png"),
        ("reference\na.png\n", "first line must name a column reference"),
        ("reference,x,x\na,b,c\n", "first line must name a column reference"),
        ("reference,distorted\na.png,b.png,c.png\n", "line 2: more cells than columns"),
        ("reference,distorted\n,b.png\n", "line 2: no reference"),
        ("reference,distorted\n", "pairs.csv names no pair: there is no row below its first line"),
        (
            "reference,distorted\na.png,\n",
            "pairs.csv names no pair: a.png .line 2. has no file of distorted",
        ),
        (
            "reference,distorted\na.png,./a.png\n",
            "is both the reference and distorted; name two different files",
        ),
        ('reference,distorted\na.png,"b.png\n', "pairs.csv cannot be read as CSV in UTF-8: "),
    ],
)
def test_bad_table(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "pairs.csv").write_text(text)
    with pytest.raises(ValueError, match=words):
        find_pairs(tmp_path / "pairs.csv")


def test_names_beyond_ascii(tmp_path: Path) -> None:
    """An accent is one letter or two, by system; and a name may be bytes that are no text."""
    composed, decomposed = (unicodedata.normalize(form, "é") for form in ("NFC", "NFD"))
    touch(tmp_path / "gt", f"{composed}.png", "日本.png", "\udcff.png", "line\nbreak.png")
    touch(tmp_path / "out", f"{decomposed}.png", "日本.png", "\udcff.png", "line\nbreak.png")
    found = find_pairs(tmp_path / "gt", tmp_path / "out")
    assert found.unmatched == []
    assert [pair.name for pair in found.pairs] == ["line\nbreak", "é", "日本", "?"]
    assert found.pairs[-1].reference.exists()


def test_errors(tmp_path: Path) -> None:
    touch(tmp_path, "gt/a.png", "twice/a.png", "twice/a.jpg", "file.png")
    (tmp_path / "empty").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "gt")
    for distorted, words in {
        "gone": "gone: there is no such file or folder",
        "x" * 300: "xxx: there is no such file or folder",
        "empty": "empty holds no images",
        "gt": "gt would be compared with itself; name two different folders",
        "link": "link would be compared with itself",
        "twice": "a.jpg and .*a.png have the same name",
        "file.png": "must be a folder like .*gt, got a file",
        "*.gif": "must be a folder like .*gt, got a pattern",
    }.items():
        with pytest.raises(ValueError, match=words):
            find_pairs(tmp_path / "gt", tmp_path / distorted)
    with pytest.raises(
        ValueError,
        match=r"suffix='x4' is for files that are matched by name, and .*file.png names its files",
    ):
        find_pairs(tmp_path / "file.png", tmp_path / "gt/a.png", suffix="x4")
    with pytest.raises(ValueError, match="distorted is missing"):
        find_pairs(tmp_path / "gt")
    with pytest.raises(ValueError, match="at least one folder, file or pattern"):
        find_pairs(tmp_path / "gt", [])
    with pytest.raises(ValueError, match="no file matches this pattern"):
        find_pairs(f"{tmp_path}/gt/*", f"{tmp_path}/empty/*")
    with pytest.raises(ValueError, match=r"gone\.csv: there is no such file"):
        find_pairs(tmp_path / "gone.csv")
