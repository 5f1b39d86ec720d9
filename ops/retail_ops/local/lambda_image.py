"""Makes a replacement of AWS's image from this machine's Python, for machines that cannot reach a registry.

SAM CLI looks for `public.ecr.aws/lambda/python:3.13-...`, and adds its own emulator of the runtime. That needs a
Python, glibc, a few tools, and AWS's client of the runtime interface. Docker makes an image of them from a tar stream.
"""

import io
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from retail_ops.errors import OpsError
from retail_ops.local.sam import ARCHITECTURE

if TYPE_CHECKING:
    from docker import DockerClient

VERSION = "3.13"
REPOSITORY = "public.ecr.aws/lambda/python"
TAG = f"{VERSION}-{ARCHITECTURE}"
DERIVED = f"{VERSION}-rapid-{ARCHITECTURE}"
"""Tag of the image that SAM derives from it. One that was derived from an older base has to be deleted."""

TOOLS = ("sh", "mv", "cp", "rm", "chmod")
"""The tools that SAM calls to build and to start the derived image."""

UNNEEDED = {"test", "idlelib", "tkinter", "turtledemo", "ensurepip", "site-packages", "lib2to3"}
"""Parts of the standard library that are left out, besides those for compiling (config-...)."""

# All libraries of glibc: a compiled package may need one that Python itself does not (pydantic-core needs librt).
GLIBC = {"libc.so.6", "libm.so.6", "libpthread.so.0", "libdl.so.2", "librt.so.1", "libutil.so.1", "libresolv.so.2"}
GLIBC |= {"libnss_files.so.2", "libnss_dns.so.2", "libgcc_s.so.1", "libstdc++.so.6"}

BOOTSTRAP = f"""#!/bin/sh
export PYTHONPATH="/var/task:/opt/python:/opt/python/lib/python{VERSION}/site-packages:/var/runtime"
exec /var/lang/bin/python{VERSION} -m awslambdaric "$_HANDLER"
"""

ENVIRONMENT = {
    "PATH": "/var/lang/bin:/usr/bin:/bin:/opt/bin",
    "LD_LIBRARY_PATH": "/var/lang/lib:/usr/lib:/lib64:/var/runtime:/opt/lib",
    "LAMBDA_TASK_ROOT": "/var/task",
    "LAMBDA_RUNTIME_DIR": "/var/runtime",
    "LANG": "C.UTF-8",
    "SSL_CERT_FILE": "/etc/ssl/certs/ca-certificates.crt",
}


def build(client: "DockerClient") -> str:
    """Make the image; returns its name.

    Args:
        client: of the container engine.

    Raises:
        OpsError: this machine lacks something that is needed.
    """
    if sys.platform != "linux":
        raise OpsError("An image of this machine's Python can be made on Linux only. Elsewhere: docker pull " + name())
    with tempfile.TemporaryDirectory() as folder:
        runtime = Path(folder) / "runtime"
        _install_runtime(runtime)
        archive = Path(folder) / "image.tar"
        with tarfile.open(archive, "w") as tar:
            _pack(tar, runtime)
        changes = [f"ENV {key}={value}" for key, value in ENVIRONMENT.items()]
        changes += ["WORKDIR /var/task", 'ENTRYPOINT ["/var/rapid/aws-lambda-rie"]']
        remove(client, DERIVED)
        client.api.import_image(src=str(archive), repository=REPOSITORY, tag=TAG, changes=changes)
    return name()


def name() -> str:
    return f"{REPOSITORY}:{TAG}"


def remove(client: "DockerClient", tag: str) -> None:
    """Delete an image, if there is one."""
    from docker.errors import APIError, ImageNotFound

    try:
        client.images.remove(f"{REPOSITORY}:{tag}", force=True)
    except ImageNotFound:
        pass
    except APIError as error:  # Podman's error for the same.
        if error.status_code != 404:
            raise


def _install_runtime(folder: Path) -> None:
    """Install AWS's own part of the runtime from PyPI, and boto3 in the version of this environment."""
    import boto3

    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"]
    command += [str(folder), "awslambdaric", f"boto3=={boto3.__version__}"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise OpsError("The runtime's packages could not be installed (awslambdaric, boto3).", done.stderr)


def _pack(tar: tarfile.TarFile, runtime: Path) -> None:
    prefix = Path(sys.base_prefix)
    standard_library = Path(sysconfig.get_path("stdlib"))
    interpreter = prefix / "bin" / f"python{VERSION}"
    if not interpreter.exists():
        interpreter = Path(sys.executable).resolve()
    tools = [Path(found) for tool in TOOLS if (found := shutil.which(tool))]
    extensions = list((standard_library / "lib-dynload").glob("*.so"))
    for name, folder in (("tmp", True), ("var/task", False), ("opt", False), ("var/rapid", False)):
        _folder(tar, name, 0o1777 if folder else 0o755)
    tar.add(interpreter, f"var/lang/bin/python{VERSION}")
    tar.add(standard_library, f"var/lang/lib/python{VERSION}", filter=_needed)
    for library in prefix.glob(f"lib/libpython{VERSION}.so*"):
        tar.add(library, f"var/lang/lib/{library.name}")
    for tool in tools:
        tar.add(tool.resolve(), f"usr/bin/{tool.name}")
        _link(tar, f"bin/{tool.name}", f"/usr/bin/{tool.name}")
    for library in _libraries([interpreter, *tools, *extensions]):
        # Programs have the loader's path built in. All other libraries are found by LD_LIBRARY_PATH.
        place = str(library).lstrip("/") if library.name.startswith("ld-linux") else f"usr/lib/{library.name}"
        tar.add(library.resolve(), place)
    tar.add(runtime, "var/runtime", filter=_needed)
    _file(tar, "var/runtime/bootstrap", BOOTSTRAP, 0o755)
    _file(tar, "etc/passwd", "root:x:0:0:root:/root:/bin/sh\n")
    _file(tar, "etc/nsswitch.conf", "hosts: files dns\n")
    certificates = Path("/etc/ssl/certs/ca-certificates.crt")
    if certificates.exists():
        tar.add(certificates.resolve(), str(certificates).lstrip("/"))


def _needed(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    parts = entry.name.split("/")
    standard = entry.name.startswith("var/lang/lib/")
    unneeded = standard and (UNNEEDED & set(parts) or any(part.startswith("config-") for part in parts))
    return None if "__pycache__" in parts or unneeded else entry


def _libraries(programs: Iterable[Path]) -> set[Path]:
    """The shared libraries that programs need, and all of glibc."""
    found: dict[str, Path] = {}
    for program in programs:
        for library in _linked(program):
            found.setdefault(library.name, library)
    folder = found["libc.so.6"].parent
    for wanted in GLIBC:
        if wanted not in found and (folder / wanted).exists():
            found[wanted] = folder / wanted
    return {library for library in found.values() if not library.name.startswith("libpython")}


def _linked(program: Path) -> Iterator[Path]:
    said = subprocess.run(["ldd", str(program)], capture_output=True, text=True, check=False).stdout
    for path in re.findall(r"(/\S+) \(0x", said):
        yield Path(path)


def _folder(tar: tarfile.TarFile, name: str, mode: int) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, mode
    tar.addfile(entry)


def _link(tar: tarfile.TarFile, name: str, target: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = tarfile.SYMTYPE, target
    tar.addfile(entry)


def _file(tar: tarfile.TarFile, name: str, content: str, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.mode, entry.size = mode, len(content)
    tar.addfile(entry, io.BytesIO(content.encode()))
