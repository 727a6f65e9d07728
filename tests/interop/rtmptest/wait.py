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
    return _sockets(port, '0A') > 0


def connections(port):
    """How many clients of a local server are connected to it."""
    return _sockets(port, '01')


def _sockets(port, state):
    local = f':{port:04X}'
    count = 0
    for table in ('/proc/net/tcp', '/proc/net/tcp6'):
        try:
            with open(table, encoding='ascii') as lines:
                rows = [line.split() for line in lines]
        except FileNotFoundError:
            continue
        count += sum(row[1].endswith(local) and row[3] == state for row in rows)
    return count


def stays(condition, what, seconds):
    """Fails when a condition stops being true within some seconds."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not condition():
            raise AssertionError(f'{what} did not last {seconds:g} s')
        time.sleep(POLL_INTERVAL)


def settled(value, seconds=1.0, timeout=PATIENCE):
    """Waits until a number has not changed for some seconds, and returns it."""
    deadline = time.monotonic() + timeout
    last, since = value(), time.monotonic()
    while time.monotonic() - since < seconds:
        if time.monotonic() > deadline:
            raise Timeout(f'a number still changes after {timeout:g} s: {last}')
        time.sleep(POLL_INTERVAL)
        current = value()
        if current != last:
            last, since = current, time.monotonic()
    return last
