# SPDX-License-Identifier: LGPL-2.1-or-later
"""Packages of the npm registry, fetched the first time that a test wants them."""

import os
import shutil
import subprocess
import tempfile

from . import process


def install(name, version):
    """The folder of a package with what it needs; None if it cannot be had."""
    return _fetch(name, version, os.path.join('node_modules', name), ['npm', 'install'])


def unpack(name, version):
    """The folder of a package that needs nothing else; None if it cannot be had."""
    return _fetch(name, version, 'package', ['npm', 'pack'])


def _fetch(name, version, inside, command):
    if not process.available('npm') or not process.available('node'):
        return None
    folder = os.path.join(tempfile.gettempdir(), f'rtmp-interop-{name}-{version}')
    package = os.path.join(folder, inside)
    if os.path.exists(package):
        return package
    # Whole or not at all: somebody else may be fetching it, too.
    half = tempfile.mkdtemp(prefix='rtmp-interop-npm-')
    try:
        _run([*command, '--no-audit', '--no-fund', f'{name}@{version}'], half)
        for archive in os.listdir(half):
            if archive.endswith('.tgz'):
                _run(['tar', 'xf', archive], half)
        os.rename(half, folder)
    except (OSError, subprocess.SubprocessError):
        shutil.rmtree(half, ignore_errors=True)
    return package if os.path.exists(package) else None


def _run(argv, folder):
    subprocess.run(argv, cwd=folder, check=True, capture_output=True, stdin=subprocess.DEVNULL,
                   timeout=120)
