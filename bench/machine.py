# SPDX-License-Identifier: Apache-2.0
"""On what the numbers were taken: the machine, the interpreter, the tools."""

from __future__ import annotations

import datetime as dt
import importlib.metadata
import os
import platform
import sys
import sysconfig
from pathlib import Path


def processor() -> str:
    """Return the model of the processor, as well as it can be found."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        return platform.processor() or platform.machine()
    for line in text.splitlines():
        name, _, value = line.partition(":")
        if name.strip() in ("model name", "Model"):
            return value.strip()
    return platform.machine()


def system() -> str:
    """Return the name of the operating system with its version."""
    name = platform.system()
    try:
        name = platform.freedesktop_os_release()["PRETTY_NAME"]
    except OSError:
        if sys.platform == "darwin":
            name = f"macOS {platform.mac_ver()[0]}"
    return f"{name}, kernel {platform.release()}"


def version(package: str) -> str:
    """Return the version of an installed package."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "not installed"


def describe() -> dict[str, str]:
    """Return what is to be known with the numbers, as {name: text}."""
    options = sysconfig.get_config_var("CONFIG_ARGS") or ""
    optimised = "--enable-optimizations" in options
    build = "optimised build" if optimised else "build without profile optimisation"
    load = os.getloadavg()
    return {
        "processor": f"{processor()}, {os.cpu_count()} cores, {platform.machine()}",
        "system": system(),
        "python": f"{platform.python_version()}, {platform.python_compiler()}, {build}",
        "exactrace": version("exactrace"),
        "coverage": version("coverage"),
        "slipcover": version("slipcover"),
        "load": f"{load[0]:.2f} when it began",
        "date": dt.datetime.now().astimezone().strftime("%Y-%m-%d %H:%M %z"),
    }
