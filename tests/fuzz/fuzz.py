#!/usr/bin/python3
"""Runs one fuzz target over its seeds and the inputs of corpus/NAME that once did harm:
    fuzz.py PROGRAM NAME [--seconds N] [--found FOLDER]
Without --seconds the program is a replay; with them libFuzzer, which leaves what it finds in FOLDER."""
# SPDX-License-Identifier: LGPL-2.1-or-later

import argparse
import hashlib
import pathlib
import subprocess
import sys
import tempfile

import seeds

HERE = pathlib.Path(__file__).parent
LONGEST_RUN = 20  # seconds for one input: more is a hang
LARGEST_INPUT = 32 * 1024  # bytes


def write_seeds(target, folder):
    for content in seeds.seeds(target):
        (folder / hashlib.sha1(content).hexdigest()).write_bytes(content)


def options(arguments):
    if not arguments.seconds:
        return []
    found = pathlib.Path(arguments.found).resolve()
    found.mkdir(parents=True, exist_ok=True)
    return [
        f"-max_total_time={arguments.seconds}",
        f"-timeout={LONGEST_RUN}",
        f"-max_len={LARGEST_INPUT}",
        f"-artifact_prefix={found}/{arguments.name}-",
        "-print_final_stats=1",
        "-verbosity=1",
    ]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("program")
    parser.add_argument("name")
    parser.add_argument("--seconds", type=int, default=0)
    parser.add_argument("--found", default="found")
    arguments = parser.parse_args()
    corpus = HERE / "corpus" / arguments.name
    with tempfile.TemporaryDirectory(prefix="rtmp-fuzz-") as folder:
        write_seeds(arguments.name, pathlib.Path(folder))
        folders = [folder] + ([corpus] if corpus.is_dir() else [])
        run = subprocess.run([arguments.program, *options(arguments), *folders])
        # libFuzzer's own code for a finding is 77, which Meson takes for a test that was skipped.
        return 0 if run.returncode == 0 else 1


if __name__ == "__main__":
    sys.exit(main())
