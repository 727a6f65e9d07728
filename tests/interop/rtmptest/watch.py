# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a running process has, by its id."""

import os


def descriptors(pid):
    return len(os.listdir(f'/proc/{pid}/fd'))


def resident(pid):
    """Bytes of memory."""
    with open(f'/proc/{pid}/statm', encoding='ascii') as figures:
        return int(figures.read().split()[1]) * os.sysconf('SC_PAGE_SIZE')
