#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Adds up the test cases of the last `meson test` in some build folders.

One file may hold many cases, so the figures come from Meson's JUnit report. What a program
that crashed or ran out of time never reported counts as one failure. What failed is told again
just before the figures, for whoever sees only the end of a long log.
"""

import json
import os
import sys
import xml.etree.ElementTree

GOOD = {'OK', 'EXPECTEDFAIL', 'SKIP'}
LAST_LINES = 40
LONGEST_LINE = 300


def count_cases(path):
    """How many cases passed, failed and were skipped, and the suites with failures."""
    counts = {'passed': 0, 'failed': 0, 'skipped': 0}
    failed = {}
    for suite in xml.etree.ElementTree.parse(path).iter('testsuite'):
        for case in suite.findall('testcase'):
            faults = case.findall('failure') + case.findall('error')
            if faults:
                counts['failed'] += 1
                told = '\n'.join(fault.get('message') or fault.text or '' for fault in faults)
                failed.setdefault(suite.get('name'), []).append(f"{case.get('name')}\n{told}")
            elif case.find('skipped') is not None:
                counts['skipped'] += 1
            else:
                counts['passed'] += 1
    return counts, failed


def bad_programs(path):
    """What Meson wrote of the test programs that did not end well."""
    with open(path, encoding='utf-8') as lines:
        entries = [json.loads(line) for line in lines]
    return [entry for entry in entries if entry['result'] not in GOOD]


def tell(folder, entry, cases):
    """Prints a program's end, its failed cases, and the last that it said."""
    print(f"{folder}: {entry['name']}: {entry['result']} after {entry['duration']:.1f} s")
    for case in cases:
        print('  failed:', '\n    '.join(case.splitlines()[:LAST_LINES]))
    for stream in ('stdout', 'stderr'):
        for line in entry.get(stream, '').splitlines()[-LAST_LINES:]:
            print('  |', line[:LONGEST_LINE])


def count(folder):
    logs = os.path.join(folder, 'meson-logs')
    counts, failed = count_cases(os.path.join(logs, 'testlog.junit.xml'))
    for entry in bad_programs(os.path.join(logs, 'testlog.json')):
        program = '/ ' + entry['name'].split(' / ')[-1]
        cases = [case for suite, names in failed.items() if program in suite for case in names]
        if not cases:
            counts['failed'] += 1
        tell(folder, entry, cases)
    return counts


def main():
    total = {'passed': 0, 'failed': 0, 'skipped': 0}
    for folder in sys.argv[1:]:
        for outcome, number in count(folder).items():
            total[outcome] += number
    print(', '.join(f'{number} {outcome}' for outcome, number in total.items()))
    return 0 if total['failed'] == 0 and total['passed'] > 0 else 1


if __name__ == '__main__':
    sys.exit(main())
