"""Print what `make test-oldest` installs: the extra ``test``, and the oldest version of each
package that the library cannot do without.

    python tests/oldest_requirements.py > requirements.txt

The other packages are the newest ones that go with these.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def requirements() -> Iterator[str]:
    """Of the project, each of which must state the oldest version as ``name>=version``."""
    project = tomllib.loads(PROJECT.read_text(encoding="utf-8"))["project"]
    for requirement in project["dependencies"]:
        name, least = re.fullmatch(r"([\w-]+)>=([\d.]+)", requirement).groups()
        yield f"{name}=={least}"
    yield from of_extra(project["optional-dependencies"], "test")


def of_extra(extras: dict[str, list[str]], name: str) -> Iterator[str]:
    """Of an extra and of those it names, ``ssimloss[...]``."""
    for requirement in extras[name]:
        if named := re.fullmatch(r"ssimloss\[([\w,]+)\]", requirement):
            for other in named[1].split(","):
                yield from of_extra(extras, other)
        else:
            yield requirement


if __name__ == "__main__":
    print(*dict.fromkeys(requirements()), sep="\n")
