# SPDX-License-Identifier: LGPL-2.1-or-later
"""A server under load for minutes (scripts/soak.sh): soak.py MINUTES FOLDER."""

import itertools
import random
import sys
import time

from rtmptest import crowd, ffmpeg, gst, process, raw, watch, wait

TURN = 5  # seconds
STEADY, VISITORS = 10, 20
STREAMS = 3
# What a flat process may gain between its second turn and its last: caches that fill.
GROWTH = 16 << 20


class Load:
    """The server, one publisher that stays with players that stay, and those who come and go."""

    def __init__(self, folder):
        self.folder = folder
        self.port = wait.free_port()
        self.server = gst.launch(f'rtmpserver port={self.port}', folder=folder)
        self.server.wait_for_port(self.port)
        self.idle = watch.descriptors(self.server.pid)
        self.sample = ffmpeg.make_sample(f'{folder}/sample.flv', seconds=10, gop=25)
        self.steady = crowd.Crowd(self.port, 'steady', STEADY)
        self.publishers = {'steady': self.publish('steady')}
        self.visitors = []
        self.visits = self.restarts = 0
        self.random = random.Random(1)

    def publish(self, stream):
        return process.Program(
            [*ffmpeg.QUIET, '-loglevel', 'warning', '-re', '-stream_loop', '-1', '-i',
             self.sample, '-c', 'copy', '-f', 'flv', f'rtmp://127.0.0.1:{self.port}/live/{stream}'],
            folder=self.folder)

    def turn(self):
        """Publishers end well or badly and come back; players leave in each way."""
        for number in range(STREAMS):
            stream = f'cam{number}'
            publisher = self.publishers.get(stream)
            if publisher and self.random.random() < 0.5:
                continue
            if publisher:
                self.restarts += 1
                publisher.kill() if self.random.random() < 0.5 else publisher.interrupt()
            self.publishers[stream] = self.publish(stream)
        for visitor in self.visitors:
            visitor.reset() if self.random.random() < 0.5 else visitor.stop()
        streams = itertools.cycle(f'cam{number}' for number in range(STREAMS))
        self.visitors = [raw.Client(self.port).play(next(streams)) for _ in range(VISITORS)]
        for visitor in self.visitors[::2]:
            visitor.media(5)  # the others never read
        self.visits += VISITORS

    def check(self):
        state = self.steady.ask()
        if not self.server.running() or state['closed'] or state['different']:
            raise AssertionError(f'{state["closed"]} players were ended, {state["different"]}'
                                 f' got other frames\n{self.server}')
        return state['least']

    def stop(self):
        for program in self.publishers.values():
            program.stop()
        for visitor in self.visitors:
            visitor.stop()
        self.steady.stop()


def run(minutes, folder):
    load = Load(folder)
    deadline = time.monotonic() + 60 * minutes
    sizes = []
    print(f'{"s":>6} {"memory":>10} {"descriptors":>11} {"visits":>8} {"restarts":>8} {"frames":>8}')
    while time.monotonic() < deadline:
        begun = time.monotonic()
        load.turn()
        frames = load.check()
        sizes.append(watch.resident(load.server.pid))
        passed = int(begun - deadline + 60 * minutes)
        print(f'{passed:6} {sizes[-1]:10} {watch.descriptors(load.server.pid):11}'
              f' {load.visits:8} {load.restarts:8} {frames:8}', flush=True)
        while time.monotonic() < begun + TURN:
            wait.until(lambda least=load.check(): load.check() > least, 'the next frames')
    load.stop()
    wait.until(lambda: watch.descriptors(load.server.pid) <= load.idle, 'all to be let go', 60)
    settled = sizes[len(sizes) // 4]
    if sizes[-1] - settled > GROWTH:
        raise AssertionError(f'memory grew from {settled} to {sizes[-1]}')
    load.server.interrupt()
    print(f'flat: {settled} to {sizes[-1]} bytes, {load.idle} descriptors')


if __name__ == '__main__':
    run(float(sys.argv[1]), sys.argv[2])
