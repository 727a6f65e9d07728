# SPDX-License-Identifier: LGPL-2.1-or-later
"""FLV tags, one per buffer, for tests that need exact numbers of frames of exact sizes."""

import random

from .gst import Gst

FILE_HEADER = b'FLV\1\1\0\0\0\x09\0\0\0\0'

# A decoder configuration of Constrained Baseline, level 3.0.
AVC_SEQUENCE_HEADER = bytes.fromhex(
    '1700000000'
    '0142c01effe1000b6742c01eda0280bfe5c04401000468ce3c80')

AUDIO, VIDEO, SCRIPT = 8, 9, 18


def tag(kind, time, payload):
    head = bytes([kind]) + len(payload).to_bytes(3, 'big')
    head += (time & 0xffffff).to_bytes(3, 'big') + bytes([time >> 24 & 0xff]) + b'\0\0\0'
    return head + payload + (len(head) + len(payload)).to_bytes(4, 'big')


def video_payload(key, size, number=0):
    """A frame that looks like H.264 from outside; its number is readable in its bytes."""
    noise = random.Random(number)
    unit = bytes([0x65 if key else 0x41]) + number.to_bytes(4, 'big')
    unit += noise.randbytes(max(0, size - len(unit)))
    head = bytes([0x17 if key else 0x27, 1, 0, 0, 0])
    return head + len(unit).to_bytes(4, 'big') + unit


def frame_number(payload):
    """The number in a frame from video_payload(); None for a header."""
    return int.from_bytes(payload[10:14], 'big') if payload[1] == 1 else None


def frame_numbers(messages):
    numbers = (frame_number(message.payload) for message in messages)
    return [number for number in numbers if number is not None]


def _buffer(data, time, header=False, key=True):
    buffer = Gst.Buffer.new_wrapped(data)
    buffer.pts = buffer.dts = time * Gst.MSECOND
    if header:
        buffer.set_flags(Gst.BufferFlags.HEADER)
    if not key:
        buffer.set_flags(Gst.BufferFlags.DELTA_UNIT)
    return buffer


class Source:
    """Feeds an appsrc named `in` with numbered frames."""

    LINE = 'appsrc name=in format=time max-bytes=0 block=false caps=video/x-flv'

    def __init__(self, pipeline, frame_size=2000, gop=25, interval=20):
        self.appsrc = pipeline['in']
        self.frame_size = frame_size
        self.gop = gop
        self.interval = interval
        self.count = 0
        self._push(_buffer(FILE_HEADER, 0, header=True))
        self._push(_buffer(tag(VIDEO, 0, AVC_SEQUENCE_HEADER), 0, header=True))

    def push(self, frames=1):
        for _ in range(frames):
            key = self.count % self.gop == 0
            time = self.count * self.interval
            payload = video_payload(key, self.frame_size, self.count)
            self._push(_buffer(tag(VIDEO, time, payload), time, key=key))
            self.count += 1

    def end(self):
        self.appsrc.emit('end-of-stream')

    def _push(self, buffer):
        self.appsrc.emit('push-buffer', buffer)


def push_tags(pipeline, tags, begin=True, end=True):
    """Feeds an appsrc named `in` with (type, time, payload), then ends it."""
    appsrc = pipeline['in']
    if begin:
        appsrc.emit('push-buffer', _buffer(FILE_HEADER, 0, header=True))
    first = tags[0][1] if tags else 0
    for kind, time, payload in tags:
        # Beyond 2^32 the file begins again at zero; a pipeline's clock does not.
        since = (time - first + 2**31) % 2**32 - 2**31
        appsrc.emit('push-buffer', _buffer(tag(kind, time, payload), max(0, since)))
    if end:
        appsrc.emit('end-of-stream')
