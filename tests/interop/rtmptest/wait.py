# SPDX-License-Identifier: LGPL-2.1-or-later
"""Waiting for conditions, never for time to pass."""

import random
import socket
import threading
import time

POLL_INTERVAL = 0.02

# Sanitizers and loaded machines are slow; no test should pass or fail by that.
PATIENCE = 30.0


class Timeout(AssertionError):
    """A condition did not come true before its deadline."""


def until(condition, what, timeout=PATIENCE):
    """Returns the first true value of condition() and fails when there is none in time."""
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise Timeout(f'after {timeout:g} s still waiting for {what}')
        time.sleep(POLL_INTERVAL)


def bounded(function, what, timeout=PATIENCE):
    """Calls a function that might hang; returns how many seconds it took."""
    failures = []

    def call():
        try:
            function()
        except Exception as error:  # carried over to the caller's thread
            failures.append(error)

    started = time.monotonic()
    thread = threading.Thread(target=call, daemon=True)
    thread.start()
    thread.join(timeout)
    if thread.is_alive():
        raise Timeout(f'{what} did not return within {timeout:g} s')
    if failures:
        raise failures[0]
    return time.monotonic() - started


def free_port():
    """A loopback port nobody listens on, below the range that outgoing connections take."""
    while True:
        port = random.randrange(20000, 32000)
        with socket.socket() as probe:
            try:
                probe.bind(('127.0.0.1', port))
                return port
            except OSError:
                continue


def port_listens(port):
    """Reads the kernel's table, so that no server sees a connection that says nothing."""
    wanted = f':{port:04X}'
    for table in ('/proc/net/tcp', '/proc/net/tcp6'):
        try:
            with open(table, encoding='ascii') as lines:
                for line in lines:
                    fields = line.split()
                    if fields[1].endswith(wanted) and fields[3] == '0A':
                        return True
        except FileNotFoundError:
            pass
    return False
