"""Make unpacked HTCondor programs use the C library and the libraries of their own folder; called by install.sh.

    python relocate.py TREE PREFIX ROOT

``TREE`` (bin, sbin, libexec, lib) is completed with the libraries that its programs link to, taken from the unpacked
packages in ``ROOT``, and patched to run once it lies at ``PREFIX``. A search path in the programs, not in the
environment: LD_LIBRARY_PATH would reach the jobs.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

# loaded at run time, so no program names them
LOADED_BY_NAME = (
    "libSciTokens.so.0", "libcom_err.so.2", "libcrypto.so.3", "libcurl.so.4", "libgssapi_krb5.so.2", "libk5crypto.so.3",
    "libkrb5.so.3", "libkrb5support.so.0", "libmunge.so.2", "libsasl2.so.2", "libssl.so.3", "libvomsapi.so.1",
)  # fmt: skip


def is_elf(path: Path) -> bool:
    """Tell whether ``path`` is a program or library, not a link to one."""
    if path.is_symlink() or not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def patchelf(*arguments: str) -> str:
    """Run patchelf and return its output."""
    return subprocess.run(["patchelf", *arguments], check=True, capture_output=True, text=True).stdout


def needed(path: Path) -> list[str]:
    """Return the names of the libraries that ``path`` links to."""
    return patchelf("--print-needed", str(path)).split()


def has_interpreter(path: Path) -> bool:
    """Tell whether ``path`` is a dynamically linked program."""
    command = ["patchelf", "--print-interpreter", str(path)]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0


def add_libraries(tree: Path, root: Path) -> set[str]:
    """Copy what the files of ``tree`` link to into its lib folder; return the names that no package has."""
    folders = [folder for folder in sorted((root / "usr").glob("lib*/*-linux-gnu*")) if folder.is_dir()]
    folders += [folder for folder in (root / "usr" / "lib64", root / "usr" / "lib") if folder.is_dir()]
    queue = list(LOADED_BY_NAME)
    for path in tree.rglob("*"):
        if is_elf(path):
            queue += needed(path)
    missing: set[str] = set()
    seen: set[str] = set()
    while queue:
        name = queue.pop()
        if name in seen:
            continue
        seen.add(name)
        target = tree / "lib" / name
        if target.exists():
            continue
        source = next((folder / name for folder in folders if (folder / name).exists()), None)
        if source is None:
            missing.add(name)
            continue
        shutil.copy2(source.resolve(), target)
        queue += needed(target)
    return missing - set(LOADED_BY_NAME)


def patch(tree: Path, prefix: Path) -> None:
    """Let every program and library of ``tree`` search ``prefix``/lib, and programs start with the loader there."""
    loader = next((tree / "lib").glob("ld-linux*.so.*"))
    for folder in ("bin", "sbin", "libexec", "lib"):
        for path in sorted((tree / folder).iterdir()):
            if not is_elf(path) or path == loader or path.name.startswith("libc.so"):
                continue
            interpreter = ["--set-interpreter", str(prefix / "lib" / loader.name)] if has_interpreter(path) else []
            patchelf("--force-rpath", "--set-rpath", str(prefix / "lib"), *interpreter, str(path))


def main() -> int:
    """Relocate the tree named on the command line; return the exit status."""
    tree, prefix, root = map(Path, sys.argv[1:4])
    for pattern in ("*python*.so*", "libpyclassad*.so*"):  # for the distribution's own Python
        for path in [*(tree / "libexec").rglob(pattern), *(tree / "lib").rglob(pattern)]:
            path.unlink()
    shutil.rmtree(tree / "libexec" / "singularity_test_sandbox", ignore_errors=True)  # static, nothing to patch
    missing = add_libraries(tree, root)
    if missing:
        print(f"relocate.py: no unpacked package has {', '.join(sorted(missing))}", file=sys.stderr)
        return 1
    patch(tree, prefix)
    return 0


if __name__ == "__main__":
    sys.exit(main())
