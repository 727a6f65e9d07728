# SPDX-License-Identifier: LGPL-2.1-or-later
"""ffmpeg as publisher, player and judge of what arrived."""

import os
from collections import namedtuple

from . import process, wait

QUIET = ['ffmpeg', '-nostdin', '-hide_banner', '-y']

Packet = namedtuple('Packet', 'dts pts size md5')


class Contents:
    """What a file or a stream holds: the packets of each track and what they decode to."""

    def __init__(self, packets, frames):
        self.packets = packets
        self.frames = frames

    def payloads(self, kind):
        return [packet.md5 for packet in self.packets.get(kind, [])]

    def decoded(self, kind):
        return [frame.md5 for frame in self.frames.get(kind, [])]

    def forget_last(self, other):
        """Leaves out the last packet and frame of a track of which the other has one less."""
        for mine, theirs in ((self.packets, other.packets), (self.frames, other.frames)):
            for kind, items in mine.items():
                if len(theirs.get(kind, [])) == len(items) - 1:
                    items.pop()

    def timeline(self, kind):
        """Decoding times relative to the first packet of the track."""
        packets = self.packets.get(kind, [])
        return [packet.dts - packets[0].dts for packet in packets]


class Player:
    """An ffmpeg that reads a stream to its end and writes down what came."""

    def __init__(self, source, folder, options=()):
        self.folder = folder
        handle = f'{id(self):x}'
        self.packets_path = os.path.join(folder, f'packets-{handle}.md5')
        self.frames_path = os.path.join(folder, f'frames-{handle}.md5')
        tracks = ['-map', '0:v?', '-map', '0:a?']
        self.program = process.Program(
            [*QUIET, '-loglevel', 'debug', '-copyts', *options, '-i', source,
             *tracks, '-c', 'copy', '-f', 'framemd5', self.packets_path,
             *tracks, '-fps_mode', 'passthrough', '-autoscale', '0', '-f', 'framemd5',
             self.frames_path],
            name='ffmpeg-play', folder=folder)

    def wait_for_play(self):
        """Until the play command left: what is published from now on has to arrive."""
        self.program.wait_for_log('Sending play command')
        return self

    def contents(self, timeout=wait.PATIENCE):
        self.program.succeed(timeout)
        return Contents(read_framemd5(self.packets_path), read_framemd5(self.frames_path))

    def stop(self):
        self.program.stop()


def read(path, folder):
    """The contents of a file."""
    player = Player(path, folder)
    try:
        return player.contents()
    finally:
        player.stop()


def read_framemd5(path):
    """The lines of ffmpeg's framemd5 muxer, by kind of track."""
    kinds, tracks = {}, {}
    with open(path, encoding='ascii') as lines:
        for line in lines:
            if line.startswith('#media_type'):
                index, kind = line.split(' ', 1)[1].split(':')
                kinds[int(index)] = kind.strip()
            elif not line.startswith('#'):
                fields = [field.strip() for field in line.split(',')]
                packet = Packet(int(fields[1]), int(fields[2]), int(fields[4]), fields[5])
                tracks.setdefault(kinds[int(fields[0])], []).append(packet)
    return tracks


def publish(path, url, folder, speed=4, options=()):
    """Publishes a file as it is. The speed is bounded, as that of any live encoder."""
    return process.Program(
        [*QUIET, '-loglevel', 'info', '-readrate', speed, '-copyts', '-i', path,
         '-map', '0:v?', '-map', '0:a?', '-c', 'copy', *options, '-f', 'flv', url],
        name='ffmpeg-publish', folder=folder)


def make_sample(path, seconds=6, size='320x240', rate=25, gop=25, video='libx264', audio='aac',
                options=()):
    """A test picture with a running number of lines and a tone, as FLV."""
    argv = [*QUIET, '-loglevel', 'error']
    if video:
        argv += ['-f', 'lavfi', '-t', seconds, '-i', f'testsrc2=size={size}:rate={rate}']
    if audio:
        argv += ['-f', 'lavfi', '-t', seconds, '-i', 'sine=frequency=440:sample_rate=44100']
    if video:
        argv += ['-c:v', video, '-g', gop, '-pix_fmt', 'yuv420p']
        if video == 'libx264':
            argv += ['-preset', 'veryfast', '-bf', 2]
    if audio:
        argv += ['-c:a', audio]
    process.run([*argv, *options, '-f', 'flv', path], timeout=120)
    return path


def difference(expected, actual, kind, what):
    """None, or in words how two lists of one track differ."""
    if expected == actual:
        return None
    shared = sum(1 for _ in zip(expected, actual))
    first = next((i for i, pair in enumerate(zip(expected, actual)) if pair[0] != pair[1]), shared)
    found = set(actual)
    missing = [i for i, item in enumerate(expected) if item not in found]
    return (f'{kind} {what}: expected {len(expected)}, got {len(actual)}; first difference at '
            f'{first}; missing {len(missing)} of the expected: {missing[:20]}')


def differences(expected, actual, decoded=True, times=True):
    """How what arrived differs from what was sent, as sentences."""
    found = []
    for kind in ('video', 'audio'):
        found.append(difference(expected.payloads(kind), actual.payloads(kind), kind, 'packets'))
        if times:
            found.append(difference(expected.timeline(kind), actual.timeline(kind), kind, 'times'))
        if decoded:
            found.append(
                difference(expected.decoded(kind), actual.decoded(kind), kind, 'decoded frames'))
    return [sentence for sentence in found if sentence]
