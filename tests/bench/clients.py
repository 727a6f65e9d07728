#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the client elements cost beside rtmp2sink and rtmp2src, and beside ffmpeg's own client.

    RTMP_SHARED=../shared tests/bench/clients.py build [--rounds 5]

docs/performance.md says what the figures mean and what came out.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections import defaultdict

import measure
from rtmptest import ffmpeg, process, wait

QUIET = ['ffmpeg', '-nostdin', '-hide_banner', '-loglevel', 'error', '-y']


class Bench:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.program = os.path.join(options.build, 'tests', 'bench', 'bench-publish')
        self.ratios = []
        self.instrument = measure.Instrument(folder)
        self.make_media()

    def make_media(self):
        """Pictures of 2.5 Mbit/s and AAC of 128 kbit/s."""
        short = os.path.join(self.folder, 'short.flv')
        ffmpeg.make_sample(short, seconds=self.options.seconds, size='640x360', rate=30, gop=60,
                           options=['-b:v', '2500k', '-minrate', '2500k', '-maxrate', '2500k',
                                    '-bufsize', '2500k', '-x264-params', 'nal-hrd=cbr',
                                    '-b:a', '128k', '-ac', '2'])
        self.media = os.path.join(self.folder, 'long.flv')
        process.run([*QUIET, '-stream_loop', self.options.loops - 1, '-i', short, '-c', 'copy',
                     '-f', 'flv', self.media])

    # --- publishing

    def publish_element(self, words, speed):
        """CPU seconds and bytes of one element that publishes the file."""
        core, _ = measure.cores()
        argv = measure.on_core(core, [self.program, self.media, str(speed), *words])
        result = json.loads(subprocess.run(argv, check=True, capture_output=True, timeout=170,
                                           text=True).stdout)
        return result['cpu'], result['bytes']

    def run_ffmpeg(self, words, speed):
        core, _ = measure.cores()
        rate = ['-readrate', str(speed)] if speed else []
        return cpu_of(measure.on_core(core, [*QUIET, *rate, '-i', self.media, '-c', 'copy',
                                             '-f', 'flv', *words]))

    def publish_once(self, name, server, chunk_size, speed):
        """CPU seconds per Gbit of the protocol alone: less what a sink that does nothing takes."""
        location = f'rtmp://127.0.0.1:{server.port}/live/{name}'
        if name == 'ffmpeg':
            seconds = self.run_ffmpeg([location], speed) - self.run_ffmpeg(['/dev/null'], speed)
            return seconds / (os.path.getsize(self.media) * 8e-9)
        properties = [f'location={location}', f'chunk-size={chunk_size}']
        seconds, count = self.publish_element([name, *properties], speed)
        return (seconds - self.publish_element(['fakesink'], speed)[0]) / (count * 8e-9)

    def publish(self, chunk_size, speed):
        def once(name):
            server = self.server(chunk_size)
            try:
                return self.publish_once(name, server, chunk_size, speed)
            finally:
                server.stop()

        pace = f'at {speed:g} times its speed' if speed else 'as fast as it goes'
        self.compare(f'Publishing {pace}, chunks of {chunk_size}',
                     ['rtmpclientsink', 'rtmp2sink', 'ffmpeg'], once)

    # --- playing

    def play(self, chunk_size):
        idle = self.reading_cost()

        def once(name):
            server = self.server(chunk_size)
            load = self.instrument.start('publish', server.port, self.programme())
            client = None
            try:
                wait.until(lambda: wait.connections(server.port) > 0, 'the publisher')
                client = self.start_player(name, f'rtmp://127.0.0.1:{server.port}/live/bench')
                cost = cost_of_playing(client.pid, server.port, self.options.duration)
                return cost - (idle if name == 'ffmpeg' else 0)
            finally:
                load.kill()
                load.communicate()
                if client:
                    client.stop()
                server.stop()

        self.compare(f'Playing {self.options.kbps / 1000:g} Mbit/s, chunks of {chunk_size}',
                     ['rtmpclientsrc', 'rtmp2src', 'ffmpeg'], once)

    def programme(self):
        """Frames of 10 KB, as of 2.5 Mbit/s, more often."""
        options = self.options
        return ['--video-kbps', options.kbps, '--fps', options.kbps * 30 / 2500, '--gop', 0.5,
                '--chunk', 60000, '--duration', 170]

    def start_player(self, name, location):
        core, _ = measure.cores()
        if name == 'ffmpeg':
            argv = [*QUIET, '-analyzeduration', '500000', '-i', location, '-c', 'copy', '-f', 'flv',
                    '/dev/null']
        else:
            argv = ['gst-launch-1.0', '-q', name, f'location={location}', '!', 'fakesink',
                    'sync=false']
        return process.Program(measure.on_core(core, argv), folder=self.folder)

    def reading_cost(self):
        """What ffmpeg takes for the same from a file, without its start."""
        core, _ = measure.cores()

        def seconds(*words):
            return cpu_of(measure.on_core(core, [*QUIET, '-i', self.media, *words, '-c', 'copy',
                                                 '-f', 'flv', '/dev/null']))

        whole, start = ([seconds(*words) for _ in range(self.options.rounds)]
                        for words in ([], ['-t', '0.1']))
        return max(0, measure.median(whole) - measure.median(start)) / (
            os.path.getsize(self.media) * 8e-9)

    # --- both

    def server(self, chunk_size):
        _, core = measure.cores()
        return measure.rtmpserver(self.folder, f'threads=1 chunk-size={chunk_size}', core)

    def compare(self, title, names, once):
        """CPU seconds per Gbit of each, in turns; ours is the first."""
        costs = defaultdict(list)
        for number in range(self.options.rounds):
            first = number % len(names)
            for name in names[first:] + names[:first]:
                costs[name].append(once(name))
        ours = measure.median(costs[names[0]])
        rows = []
        for name in names:
            cost = measure.median(costs[name])
            rows.append([name, cost, ours / cost if cost else 0.0, measure.spread(costs[name])])
            if name != names[0]:
                self.ratios.append((f'{title}: {names[0]} / {name}', ours / cost if cost else 0.0))
        measure.table(title, ['', 'CPU s/Gbit', 'ours / its', 'spread'], rows)


def cpu_of(argv):
    """User and system seconds of a program that ends well."""
    child = subprocess.Popen([str(word) for word in argv], stdin=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise RuntimeError(f'{argv} ended with {child.returncode}')
    return usage.ru_utime + usage.ru_stime


def cost_of_playing(pid, port, seconds):
    """CPU seconds per Gbit of a player, from when it has got the first of it."""
    begun = measure.received(port)
    wait.until(lambda: measure.received(port) > begun + 1_000_000, 'the player to get media')
    before, got_before = measure.cpu_by_thread(pid), measure.received(port)
    time.sleep(seconds)
    after, got = measure.cpu_by_thread(pid), measure.received(port)
    return sum(measure.cpu_between(before, after).values()) / ((got - got_before) * 8e-9)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('build')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--seconds', type=int, default=20, help='of the file that is repeated')
    parser.add_argument('--loops', type=int, default=15)
    parser.add_argument('--speeds', type=float, nargs='+', default=[0, 20],
                        help='of publishing, times real time; 0 is as fast as it goes')
    parser.add_argument('--chunk-sizes', type=int, nargs='+', default=[4096, 60000])
    parser.add_argument('--kbps', type=int, default=80000, help='what is played')
    parser.add_argument('--duration', type=float, default=6)
    parser.add_argument('--gate', action='store_true', help='fail unless ours costs less than both')
    parser.add_argument('--smoke', action='store_true',
                        help='a short run, for what it says of the programs, not of their speed')
    options = parser.parse_args()
    if options.smoke:
        options.rounds, options.seconds, options.loops = 1, 2, 2
        options.speeds, options.chunk_sizes = [0], [60000]
        options.duration = 1
    return options


def main():
    options = read_options()
    measure.use_build(options.build)
    with measure.temporary_folder() as folder:
        bench = Bench(options, folder)
        for chunk_size in options.chunk_sizes:
            for speed in options.speeds:
                bench.publish(chunk_size, speed)
            bench.play(chunk_size)
    missed = [name for name, ratio in bench.ratios if not 0 < ratio < 1]
    if options.gate and missed:
        print('ours is not less:', *missed, sep='\n  ', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
