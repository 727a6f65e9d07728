#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What each way to play costs the server, beside plain RTMP, and how long a frame is on its way.

    RTMP_SHARED=../shared tests/bench/variants.py build [--rounds 5]

docs/performance.md says what the figures mean and what came out.
"""

import argparse
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections import defaultdict

import measure
from rtmptest import gst, process, wait

RTMP = ['rtmp', 'rtmps', 'rtmpe', 'rtmpt', 'rtmpte', 'rtmpts']
FLV = ['http', 'https', 'ws']
PROTOCOLS = 'rtmp+rtmps+rtmpe+rtmpt+rtmpte+rtmpts+http-flv+ws-flv'

# The load program's mark in a frame, behind which stand its number and when it was sent.
MARK, MASK = b'RLSTAMPV', 0xA5C3A5C3A5C3A5C3
UPGRADE = ('Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
           'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n')


class Delays:
    """Of the frames in pieces of a stream."""

    def __init__(self):
        self.seconds = []
        self.rest = b''

    def take(self, piece):
        now = time.monotonic_ns()
        bytes_ = self.rest + piece
        at = bytes_.find(MARK)
        while at >= 0 and at + 24 <= len(bytes_):
            sent = struct.unpack_from('>Q', bytes_, at + 16)[0] ^ MASK
            self.seconds.append((now - sent) / 1e9)
            at = bytes_.find(MARK, at + 24)
        self.rest = bytes_[at:] if at >= 0 else bytes_[-len(MARK):]


class ElementPlayer:
    """rtmpclientsrc in this process."""

    def __init__(self, url, certificate):
        trust = f'tls-ca-file={certificate}' if url.startswith(('rtmps', 'rtmpts')) else ''
        self.delays = Delays()
        self.pipeline = gst.Pipeline(f'rtmpclientsrc location={url} {trust} ! '
                                     'appsink name=out sync=false emit-signals=true')
        self.pipeline['out'].connect('new-sample', self.take)
        self.pipeline.play()

    def take(self, sink):
        buffer = sink.emit('pull-sample').get_buffer()
        self.delays.take(buffer.extract_dup(0, min(buffer.get_size(), 128)))
        return gst.Gst.FlowReturn.OK

    def stop(self):
        self.pipeline.stop()


class FlvPlayer:
    """A socket, or a curl where there is TLS."""

    def __init__(self, url, certificate):
        self.delays = Delays()
        scheme, _, rest = url.partition('://')
        place, _, path = rest.partition('/')
        self.curl = None
        if scheme == 'https':
            self.curl = subprocess.Popen(['curl', '-sN', '--cacert', certificate, url],
                                         stdout=subprocess.PIPE)
            self.read = lambda: os.read(self.curl.stdout.fileno(), 1 << 18)
        else:
            host, port = place.split(':')
            self.socket = socket.create_connection((host, int(port)))
            upgrade = UPGRADE if scheme == 'ws' else ''
            self.socket.sendall(f'GET /{path} HTTP/1.1\r\nHost: {place}\r\n{upgrade}\r\n'.encode())
            self.read = lambda: self.socket.recv(1 << 18)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        piece = self.read()
        while piece:
            self.delays.take(piece)
            piece = self.read()

    def stop(self):
        if self.curl:
            self.curl.kill()
            self.curl.wait()
        else:
            self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join()


class Bench:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.instrument = measure.Instrument(folder)
        self.certificate, key = (os.path.join(folder, name) for name in ('cert.pem', 'key.pem'))
        process.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2',
                     '-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1',
                     '-out', self.certificate, '-keyout', key])
        self.properties = (f'threads=1 protocols={PROTOCOLS} tls-certificate-file={self.certificate}'
                           f' tls-key-file={key}')

    def player(self, scheme, port):
        location = f'{scheme}://127.0.0.1:{port}/live/bench'
        if scheme in RTMP:
            return ElementPlayer(location, self.certificate)
        return FlvPlayer(location + '.flv', self.certificate)

    def run(self, scheme):
        """CPU seconds of the server for a Gbit of media played, and the frames' delays."""
        server = measure.rtmpserver(self.folder, self.properties)
        load = self.instrument.start('publish', server.port, [
            '--video-kbps', self.options.kbps, '--audio-kbps', 0, '--gop', 0.5, '--chunk', 60000,
            '--duration', 60])
        players = []
        try:
            wait.until(lambda: wait.connections(server.port) > 0, 'the publisher')
            players = [self.player(scheme, server.port) for _ in range(self.options.players)]
            for player in players:
                wait.until(lambda player=player: len(player.delays.seconds) > 10, 'frames')
            before = measure.cpu_by_thread(server.pid)
            counts = [len(player.delays.seconds) for player in players]
            time.sleep(self.options.duration)
            used = sum(measure.cpu_between(before, measure.cpu_by_thread(server.pid)).values())
            delays = sorted(delay for player, count in zip(players, counts)
                            for delay in player.delays.seconds[count:])
            bits = len(delays) * self.options.kbps * 1000 / 30
            return used / (bits / 1e9), delays
        finally:
            load.kill()
            load.communicate()
            for player in players:
                player.stop()
            server.stop()

    def compare(self):
        schemes = [scheme for scheme in RTMP + FLV if scheme in self.options.only]
        costs, delays = defaultdict(list), defaultdict(list)
        for number in range(self.options.rounds):
            first = number % len(schemes)
            for scheme in schemes[first:] + schemes[:first]:
                cost, seconds = self.run(scheme)
                costs[scheme].append(cost)
                delays[scheme] += seconds
        plain = measure.median(costs['rtmp']) if 'rtmp' in schemes else 0
        rows = []
        for scheme in schemes:
            cost, seconds = measure.median(costs[scheme]), sorted(delays[scheme])
            rows.append([scheme, cost, cost / plain if plain else 0.0,
                         measure.spread(costs[scheme]), 1000 * seconds[len(seconds) // 2],
                         1000 * seconds[len(seconds) * 99 // 100]])
        measure.table(
            f'{self.options.players} players of {self.options.kbps / 1000:g} Mbit/s',
            ['', 'CPU s/Gbit', 'to rtmp', 'spread', 'delay p50, ms', 'p99'], rows)


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('build')
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--players', type=int, default=10)
    parser.add_argument('--kbps', type=int, default=5000)
    parser.add_argument('--duration', type=float, default=5)
    parser.add_argument('--only', nargs='+', default=RTMP + FLV)
    parser.add_argument('--smoke', action='store_true',
                        help='a short run, for what it says of the programs, not of their speed')
    options = parser.parse_args()
    if options.smoke:
        options.rounds, options.players, options.duration = 1, 2, 1
    return options


def main():
    options = read_options()
    measure.use_build(options.build)
    if not process.available('curl') or not process.available('openssl'):
        measure.skip('curl or openssl is missing')
    with measure.temporary_folder() as folder:
        Bench(options, folder).compare()


if __name__ == '__main__':
    sys.exit(main())
