# SPDX-License-Identifier: LGPL-2.1-or-later
"""The base of the test classes, and the TAP that Meson counts by."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from . import ffmpeg, gst, netns, nginx, process, stub, wait


class Case(unittest.TestCase):
    """Owns a folder and everything it started; all of it is gone after each test."""

    maxDiff = 2000

    @classmethod
    def setUpClass(cls):
        cls.class_folder = tempfile.mkdtemp(prefix='rtmp-interop-')
        cls.addClassCleanup(shutil.rmtree, cls.class_folder, ignore_errors=True)
        cls.samples = {}

    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix='test-', dir=self.class_folder)

    def path(self, name):
        return os.path.join(self.folder, name)

    def need_elements(self, *names):
        missing = [name for name in names if not gst.has_element(name)]
        if missing:
            self.skipTest('GStreamer has no ' + ', '.join(missing))

    def need_property(self, element, name):
        if not gst.has_property(element, name):
            self.skipTest(f'{element} has no property {name}')

    def need_program(self, name):
        if not process.available(name):
            self.skipTest(f'{name} is not installed: scripts/install.sh test')

    def owned(self, thing):
        self.addCleanup(thing.stop)
        return thing

    def sample(self, **options):
        """A made file, the same for all tests of a class that want the same."""
        key = str(sorted(options.items()))
        if key not in self.samples:
            path = os.path.join(self.class_folder, f'sample{len(self.samples)}.flv')
            self.samples[key] = ffmpeg.make_sample(path, **options)
        return self.samples[key]

    def nginx(self, **options):
        if not nginx.available():
            self.skipTest('nginx-rtmp is not installed')
        return self.owned(nginx.Nginx(self.folder, **options))

    def far_host(self):
        """Another host at the end of a cable."""
        try:
            return self.owned(netns.Host())
        except netns.Unavailable as why:
            return self.skipTest(str(why))

    def pipeline(self, description):
        return self.owned(gst.Pipeline(description))

    def launch(self, description, **options):
        return self.owned(gst.launch(description, folder=self.folder, **options))

    def run_program(self, argv, **options):
        return self.owned(process.Program(argv, folder=self.folder, **options))

    def rtmpserver(self, properties=''):
        """A relay in a process of its own; returns the address of its streams."""
        port = wait.free_port()
        program = self.launch(f'rtmpserver port={port} {properties}')
        program.wait_for_port(port)
        return Relay(port, program)

    def server(self, script, **options):
        return self.owned(stub.Server(script, **options))

    def player(self, url, **options):
        return self.owned(ffmpeg.Player(url, self.folder, **options))

    def publisher(self, path, url, **options):
        return self.owned(ffmpeg.publish(path, url, self.folder, **options))

    def contents(self, path):
        return ffmpeg.read(path, self.folder)

    def certificate(self):
        """A self-signed certificate and its key."""
        self.need_program('openssl')
        paths = self.path('cert.pem'), self.path('key.pem')
        subprocess.run(
            ['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2',
             '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1',
             '-out', paths[0], '-keyout', paths[1]], check=True, capture_output=True)
        return paths

    def assert_same(self, expected, actual, note='', **options):
        found = ffmpeg.differences(expected, actual, **options)
        self.assertTrue(any(expected.packets.values()), 'nothing was sent')
        if found:
            self.fail('\n'.join(['what arrived is not what was sent:', *found, str(note)]))

    def assert_error(self, error, pattern, codes=None, within=None):
        """A resource error whose text tells the user what went wrong, in time."""
        self.assertEqual(gst.RESOURCE, error.domain, error)
        self.assertRegex(error.text.lower(), pattern)
        if codes:
            self.assertIn(error.code, codes, error)
        if within:
            self.assertLess(error.seconds, within, error)


class Relay:
    """A running rtmpserver."""

    def __init__(self, port, program):
        self.port = port
        self.program = program

    def url(self, stream='cam', application='live', scheme='rtmp'):
        return f'{scheme}://127.0.0.1:{self.port}/{application}/{stream}'

    def wait_for_clients(self, count=1):
        wait.until(lambda: wait.connections(self.port) >= count, f'{count} clients')


class TapResult(unittest.TestResult):
    """Writes a line per test to standard output, details to standard error."""

    def __init__(self):
        super().__init__()
        self.number = 0
        self.good = True

    def startTest(self, test):
        super().startTest(test)
        self.problem = None
        self.skip = None

    def addError(self, test, err):
        super().addError(test, err)
        self._fail(test, err)

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self._fail(test, err)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self._fail(subtest, err)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.skip = reason

    def stopTest(self, test):
        super().stopTest(test)
        self.number += 1
        name = test.id().split('.', 1)[1].replace('#', '')
        line = f'{"not ok" if self.problem else "ok"} {self.number} - {name}'
        if self.skip and not self.problem:
            line += ' # SKIP ' + self.skip
        print(line, flush=True)

    def _fail(self, test, err):
        self.good = False
        self.problem = self._exc_info_to_string(err, test)
        print(f'{test.id()}:\n{self.problem}', file=sys.stderr, flush=True)
        if not isinstance(test, unittest.TestCase) or 'setUpClass' in test.id():
            self.number += 1
            print(f'not ok {self.number} - {test.id()}', flush=True)


def main():
    """Runs the file's tests, or those that the arguments name (part of a name is enough)."""
    loader = unittest.TestLoader()
    if sys.argv[1:]:
        loader.testNamePatterns = [f'*{word}*' for word in sys.argv[1:]]
    tests = loader.loadTestsFromModule(sys.modules['__main__'])
    print(f'1..{tests.countTestCases()}', flush=True)
    result = TapResult()
    tests.run(result)
    # A pipeline that hangs must not keep the process: os._exit() asks no thread.
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0 if result.good else 1)
