# SPDX-License-Identifier: LGPL-2.1-or-later
"""A program under test: started from an argument vector, ended by its process id."""

import os
import re
import shutil
import signal
import subprocess
import tempfile

from . import wait


class Program:
    """A running program whose output goes to a file that failures quote."""

    def __init__(self, argv, env=None, name=None, folder=None):
        self.argv = [str(word) for word in argv]
        self.name = name or os.path.basename(self.argv[0])
        handle, self.log_path = tempfile.mkstemp(
            prefix=self.name + '-', suffix='.log', dir=folder)
        with os.fdopen(handle, 'wb') as log:
            self.process = subprocess.Popen(
                _ends_with_parent(self.argv), stdin=subprocess.DEVNULL, stdout=log,
                stderr=subprocess.STDOUT, env={**os.environ, **(env or {})})

    @property
    def pid(self):
        return self.process.pid

    @property
    def output(self):
        with open(self.log_path, encoding='utf-8', errors='replace') as log:
            return log.read()

    def running(self):
        return self.process.poll() is None

    def wait_for_log(self, pattern, timeout=wait.PATIENCE):
        """Waits for a line that matches; a program that ends before is a failure."""
        expression = re.compile(pattern)

        def found():
            ended = not self.running()
            match = expression.search(self.output)
            if ended and not match:
                raise AssertionError(f'{self.name} ended before it said {pattern!r}\n{self}')
            return match

        return self._until(found, f'{self.name} to say {pattern!r}', timeout)

    def wait_for_port(self, port, timeout=wait.PATIENCE):
        def listens():
            if not self.running():
                raise AssertionError(f'{self.name} ended before it listened\n{self}')
            return wait.port_listens(port)

        self._until(listens, f'{self.name} to listen on port {port}', timeout)

    def wait_end(self, timeout=wait.PATIENCE):
        """Returns the exit status of a program that ends by itself."""
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise wait.Timeout(f'{self.name} still runs after {timeout:g} s\n{self}') from None

    def succeed(self, timeout=wait.PATIENCE):
        """Waits for the end, which has to be a good one."""
        status = self.wait_end(timeout)
        if status != 0:
            raise AssertionError(f'{self.name} ended with status {status}\n{self}')
        return self

    def suspend(self):
        self.process.send_signal(signal.SIGSTOP)

    def resume(self):
        self.process.send_signal(signal.SIGCONT)

    def kill(self):
        """The end without a goodbye: the kernel closes its sockets."""
        self.process.kill()
        self.process.wait()

    def interrupt(self, timeout=wait.PATIENCE):
        self.process.send_signal(signal.SIGINT)
        return self.wait_end(timeout)

    def stop(self):
        """Ends it whatever it takes."""
        for number in (signal.SIGCONT, signal.SIGTERM, signal.SIGKILL):
            if not self.running():
                return
            self.process.send_signal(number)
            if number == signal.SIGCONT:
                continue
            try:
                self.process.wait(2)
            except subprocess.TimeoutExpired:
                pass

    def _until(self, condition, what, timeout):
        try:
            return wait.until(condition, what, timeout)
        except wait.Timeout as error:
            raise wait.Timeout(f'{error}\n{self}') from None

    def __str__(self):
        tail = self.output[-6000:]
        return f'--- {" ".join(self.argv)}\n{tail}\n--- end of {self.name}'


def run(argv, timeout=wait.PATIENCE, env=None):
    """Runs a program to its good end and returns its output."""
    program = Program(argv, env)
    try:
        return program.succeed(timeout).output
    finally:
        program.stop()
        os.unlink(program.log_path)


def available(name):
    return shutil.which(name) is not None


def _ends_with_parent(argv):
    """Nothing outlives a test that was killed."""
    if available('setpriv'):
        return ['setpriv', '--pdeathsig', 'KILL', *argv]
    return argv
