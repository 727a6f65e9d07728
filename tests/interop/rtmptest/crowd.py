# SPDX-License-Identifier: LGPL-2.1-or-later
"""Many well-behaved players of one stream, in a process of their own, that lose no frame.

As a program: python3 -m rtmptest.crowd PORT STREAM PLAYERS. It says "ready" once all play, then
answers every line with how they are, in JSON.
"""

import hashlib
import json
import os
import selectors
import subprocess
import sys

from . import raw, stub, wait

MEDIA = (stub.AUDIO, stub.VIDEO)


class Crowd:
    """The program, from the test's side."""

    def __init__(self, port, stream, players):
        folder = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        self.players = players
        self.process = subprocess.Popen(
            [sys.executable, '-m', 'rtmptest.crowd', str(port), stream, str(players)], cwd=folder,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != 'ready\n':
            raise AssertionError('the players could not play')

    def ask(self):
        """closed, different: numbers of players; least: frames; digests: of the first player."""
        self.process.stdin.write('\n')
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def wait_for(self, frames):
        """Until every player has so many frames."""
        def enough():
            state = self.ask()
            return state['closed'] or state['least'] >= frames
        wait.until(enough, f'{frames} frames for everyone in the crowd')
        return self.ask()

    def stop(self):
        self.process.stdin.close()
        self.process.wait(5)
        self.process.stdout.close()


def digests(messages):
    """One for each frame of messages in their order; times count from the first."""
    frames = [message for message in messages if message.type in MEDIA]
    return [_digest(frame, frames[0].time) for frame in frames]


def _digest(frame, start):
    about = b'%d %d ' % (frame.type, (frame.time - start) & 0xffffffff)
    return hashlib.md5(about + frame.payload).hexdigest()


class _Player:
    def __init__(self, port, stream):
        self.client = raw.Client(port).play(stream)
        self.client.sock.setblocking(False)
        self.digests = []
        self.start = None
        for message in self.client.messages:
            self.take(message)

    def receive(self):
        """Takes what is there; False at the end."""
        try:
            data = self.client.sock.recv(1 << 18)
        except BlockingIOError:
            return True
        except ConnectionError:
            return False
        for message in self.client.reader.feed(data):
            self.take(message)
        return bool(data)

    def take(self, message):
        if message.type in MEDIA:
            if self.start is None:
                self.start = message.time
            self.digests.append(_digest(message, self.start))
        elif message.type == stub.USER_CONTROL:
            self.client._on_control(message.payload)


class _Program:
    def __init__(self, port, stream, count):
        self.players = [_Player(port, stream) for _ in range(count)]
        self.closed = 0
        self.selector = selectors.DefaultSelector()
        for player in self.players:
            self.selector.register(player.client.sock, selectors.EVENT_READ, player)
        self.selector.register(sys.stdin, selectors.EVENT_READ)

    def run(self):
        print('ready', flush=True)
        while True:
            for key, _ in self.selector.select():
                if key.data is None:
                    if not sys.stdin.readline():
                        return
                    print(json.dumps(self.state()), flush=True)
                elif not key.data.receive():
                    self.closed += 1
                    self.selector.unregister(key.fileobj)

    def state(self):
        first = self.players[0].digests
        different = sum(player.digests[:least] != first[:least] for player in self.players
                        for least in [min(len(player.digests), len(first))])
        least = min(len(player.digests) for player in self.players)
        return {'closed': self.closed, 'different': different, 'least': least,
                'digests': first[:least]}


if __name__ == '__main__':
    _Program(int(sys.argv[1]), sys.argv[2], int(sys.argv[3])).run()
