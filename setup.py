"""Builds the native CPU library ``ssimloss/kernels/libssimloss.so``, puts ``weights/`` into the
package; the rest is in ``pyproject.toml``.

One shared library with a C interface: it uses neither the headers of Python nor those of PyTorch,
so that one wheel per platform serves every version of both. The kernels are compiled once per
instruction set and chosen among when they run. Without a compiler the package installs without it,
and ``python -m ssimloss.kernels`` says so; ``SSIMLOSS_BUILD=require`` makes that an error.
``SSIMLOSS_INSTRUCTIONS=avx2`` builds the kernels of one instruction set alone, for tests.
"""

import os
import platform
import shlex
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.bdist_wheel import bdist_wheel
from setuptools.command.build_ext import build_ext
from setuptools.command.build_py import build_py

NATIVE = Path("ssimloss/kernels/native")
IS_X86 = platform.machine().lower() in ("x86_64", "amd64")
# No -march=native: the library runs where it was not built. Features are named one by one, which
# holds for processors of every maker.
INSTRUCTIONS: dict[str, list[str]] = {"baseline": []}
if IS_X86:
    INSTRUCTIONS["avx2"] = ["-mavx2", "-mfma"]
    INSTRUCTIONS["avx512"] = [
        "-mavx2",
        "-mfma",
        *(f"-mavx512{part}" for part in ("f", "bw", "dq", "vl")),
        "-mprefer-vector-width=512",
    ]
if only := os.environ.get("SSIMLOSS_INSTRUCTIONS"):
    if only not in INSTRUCTIONS:
        raise SystemExit(f"SSIMLOSS_INSTRUCTIONS must be one of {[*INSTRUCTIONS]}, got {only!r}")
    INSTRUCTIONS = {only: INSTRUCTIONS[only]}
OPTIONS = [
    "-std=c++17",
    "-O3",
    "-g0",
    "-fPIC",
    "-fvisibility=hidden",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-Wall",
    "-Wextra",
]
KERNELS = ["-fno-exceptions", "-fno-rtti"]
WEIGHTS = sorted(
    [
        Path("weights/MANIFEST.toml"),
        *Path("weights").glob("*.safetensors"),
        *Path("weights").glob("*.json"),
        *Path("weights/licenses").glob("*.txt"),
    ]
)


class BuildNative(build_ext):
    """Compiles the kernels once per instruction set, the rest once, and links them."""

    def build_extension(self, ext: Extension) -> None:
        """Write the library to where setuptools expects it."""
        work: list[tuple[str, str, list[str]]] = []  # what takes longest comes first
        for name, options in INSTRUCTIONS.items():
            for number in ("float", "double"):
                flags = [*KERNELS, *options, f"-DSSIMLOSS_NUMBER={number}"]
                work.append(("similarity.cpp", f"{name}-{number}", flags))
        work += [("kernels.cpp", name, [*KERNELS, *use]) for name, use in INSTRUCTIONS.items()]
        work += [("library.cpp", "common", []), ("threads.cpp", "common", [])]

        def compiled(source: str, folder: str, options: list[str]) -> list[str]:
            return self.compiler.compile(
                [str(NATIVE / source)],
                output_dir=str(Path(self.build_temp, folder)),
                macros=[(f"SSIMLOSS_{name.upper()}", None) for name in INSTRUCTIONS],
                extra_postargs=[
                    *OPTIONS,
                    *options,
                    *shlex.split(os.environ.get("SSIMLOSS_CXXFLAGS", "")),
                ],
                depends=ext.depends,
            )

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            objects = [
                item
                for items in pool.map(lambda arguments: compiled(*arguments), work)
                for item in items
            ]
        self.compiler.link_shared_object(
            objects,
            self.get_ext_fullpath(ext.name),
            libraries=["pthread", "dl"],
            extra_postargs=shlex.split(os.environ.get("SSIMLOSS_LDFLAGS", "")),
            target_lang="c++",
        )

    def get_ext_filename(self, ext_name: str) -> str:
        """Not an extension module of Python: one name for every version."""
        return str(Path(*ext_name.split("."))) + ".so"


class BringWeights(build_py):
    """Copies the weights, which lie at the top of the repository, into the package, where an
    installed one looks for them.
    """

    def run(self) -> None:
        """Copy the package, then the weights; an editable install finds them in the repository."""
        super().run()
        if not self.editable_mode:
            for source, target in self._weights().items():
                self.mkpath(str(Path(target).parent))
                self.copy_file(source, target)

    def get_outputs(self, include_bytecode: bool = True) -> list[str]:
        """What an installation consists of."""
        return [*super().get_outputs(include_bytecode), *self._weights().values()]

    def get_source_files(self) -> list[str]:
        """What a source distribution needs besides the modules."""
        return [
            *super().get_source_files(),
            *self._weights(),
            "weights/README.md",
            "weights/convert.py",
        ]

    def _weights(self) -> dict[str, str]:
        folder = Path(self.build_lib, "ssimloss", "weights", "bundled")
        return {str(path): str(folder / path.relative_to("weights")) for path in WEIGHTS}


class AnyPython(bdist_wheel):
    """A wheel for one platform and any Python."""

    def get_tag(self) -> tuple[str, str, str]:
        """The platform is that of the library, Python and its ABI do not matter."""
        return "py3", "none", super().get_tag()[2]


setup(
    cmdclass={"build_ext": BuildNative, "build_py": BringWeights, "bdist_wheel": AnyPython},
    ext_modules=[
        Extension(
            "ssimloss.kernels.libssimloss",
            sources=[str(path) for path in sorted(NATIVE.glob("*.cpp"))],
            depends=[str(path) for path in sorted(NATIVE.glob("*.h"))],
            language="c++",
            optional=os.environ.get("SSIMLOSS_BUILD") != "require",
        )
    ],
)
