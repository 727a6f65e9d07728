# SPDX-License-Identifier: LGPL-2.1-or-later
"""A host of its own at the end of a cable that loses, delays and breaks: a network namespace."""

import os
import shutil
import subprocess

# Of this process, for tests run beside each other; nobody routes to these.
_NETWORK = f'10.{os.getpid() >> 8 & 255}.{os.getpid() & 255}'
HERE, THERE = f'{_NETWORK}.1', f'{_NETWORK}.2'


class Unavailable(Exception):
    """This machine lets us make no network namespaces, or has no netem."""


class Host:
    """Named after this process, so that two tests do not meet."""

    def __init__(self):
        if not shutil.which('ip') or not shutil.which('tc'):
            raise Unavailable('iproute2 is not installed')
        self.name = f'rtmp-{os.getpid()}'
        self.link = f'r{os.getpid()}'
        self._run('ip', 'netns', 'add', self.name)
        try:
            self._build()
        except Unavailable:
            self.stop()
            raise

    def command(self, *argv):
        """The words that run a program over there."""
        return ['ip', 'netns', 'exec', self.name, *argv]

    def netem(self, words):
        """What happens to packets both ways, as `delay 20ms loss 2%`."""
        self._run('tc', 'qdisc', 'replace', 'dev', self.link, 'root', 'netem', *words.split())
        self._run(*self.command('tc', 'qdisc', 'replace', 'dev', 'far', 'root', 'netem',
                                *words.split()))

    def unplug(self):
        """Packets vanish: no end and no reset reaches anybody."""
        self._run('ip', 'link', 'set', self.link, 'down')

    def stop(self):
        subprocess.run(['ip', 'link', 'del', self.link], capture_output=True, check=False)
        subprocess.run(['ip', 'netns', 'del', self.name], capture_output=True, check=False)

    def _build(self):
        self._run('ip', 'link', 'add', self.link, 'type', 'veth', 'peer', 'name', 'far', 'netns',
                  self.name)
        self._run('ip', 'addr', 'add', f'{HERE}/30', 'dev', self.link)
        self._run('ip', 'link', 'set', self.link, 'up')
        for words in (f'addr add {THERE}/30 dev far', 'link set far up', 'link set lo up'):
            self._run(*self.command('ip', *words.split()))

    def _run(self, *argv):
        result = subprocess.run(argv, capture_output=True, text=True, check=False)
        if result.returncode:
            raise Unavailable(f'{" ".join(argv)}: {result.stderr.strip()}')
