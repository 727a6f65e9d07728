#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Adds up the test cases of the last `meson test` in some build folders.

One file may hold many cases, so the figures come from Meson's JUnit report. What a program
that crashed or ran out of time never reported counts as one failure.
"""

import json
import os
import sys
import xml.etree.ElementTree

GOOD = {'OK', 'EXPECTEDFAIL', 'SKIP'}


def count_cases(path):
    """How many cases passed, failed and were skipped, and the suites with failures."""
    counts = {'passed': 0, 'failed': 0, 'skipped': 0}
    failed = set()
    for suite in xml.etree.ElementTree.parse(path).iter('testsuite'):
        for case in suite.findall('testcase'):
            if case.find('failure') is not None or case.find('error') is not None:
                counts['failed'] += 1
                failed.add(suite.get('name'))
            elif case.find('skipped') is not None:
                counts['skipped'] += 1
            else:
                counts['passed'] += 1
    return counts, failed


def bad_programs(path):
    """Names of the test programs that did not end well."""
    with open(path, encoding='utf-8') as lines:
        entries = [json.loads(line) for line in lines]
    return [entry['name'] for entry in entries if entry['result'] not in GOOD]


def count(folder):
    logs = os.path.join(folder, 'meson-logs')
    counts, failed = count_cases(os.path.join(logs, 'testlog.junit.xml'))
    for name in bad_programs(os.path.join(logs, 'testlog.json')):
        program = '/ ' + name.split(' / ')[-1]
        if not any(program in suite for suite in failed):
            counts['failed'] += 1
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
