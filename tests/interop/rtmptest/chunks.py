# SPDX-License-Identifier: LGPL-2.1-or-later
"""Chunks to messages, from whatever pieces arrive, and messages to chunks of any form."""

import struct

from .stub import SET_CHUNK_SIZE, Message


class Reader:
    """feed() takes bytes and gives the messages that are whole by then."""

    def __init__(self):
        self.chunk_size = 128
        self.streams = {}
        self.data = bytearray()

    def feed(self, data):
        self.data += data
        position, messages = 0, []
        while True:
            end, message = self._chunk(position)
            if end is None:
                break
            position = end
            if message:
                if message.type == SET_CHUNK_SIZE:
                    self.chunk_size, = struct.unpack('>I', message.payload)
                messages.append(message)
        del self.data[:position]
        return messages

    def _chunk(self, position):
        """Where the chunk at a position ends, None if it is not all here, and its message."""
        data, left = self.data, len(self.data) - position
        if left < 3:
            return None, None
        form, number = data[position] >> 6, data[position] & 63
        position += 1
        if number < 2:
            more = 1 + number
            number = 64 + int.from_bytes(data[position:position + more], 'little')
            position += more
        size = (11, 7, 3, 0)[form]
        if len(data) < position + size:
            return None, None
        stream = self.streams.setdefault(number, _ChunkStream())
        header = bytes(data[position:position + size])
        field = int.from_bytes(header[:3], 'big') if form < 3 else stream.field
        position += size
        extended = field == 0xffffff
        if extended:
            if len(data) < position + 4:
                return None, None
            field, = struct.unpack_from('>I', data, position)
            position += 4
        length = int.from_bytes(header[3:6], 'big') if form < 2 else stream.length
        count = min(self.chunk_size, length - len(stream.partial))
        if len(data) < position + count:
            return None, None
        message = stream.take(form, header, field, extended, data[position:position + count])
        return position + count, message


class _ChunkStream:
    def __init__(self):
        self.field = self.time = self.length = self.type = self.id = 0
        self.partial = bytearray()

    def take(self, form, header, field, extended, payload):
        if not self.partial:
            self.time = field if form == 0 else (self.time + field) & 0xffffffff
        if form < 3:
            self.field = 0xffffff if extended else field
        if form < 2:
            self.length, self.type = int.from_bytes(header[3:6], 'big'), header[6]
        if form == 0:
            self.id, = struct.unpack('<I', header[7:11])
        self.partial += payload
        if len(self.partial) < self.length:
            return None
        message = Message(self.type, self.id, self.time, bytes(self.partial))
        self.partial.clear()
        return message


def basic_header(form, number, size=None):
    """In 1, 2 or 3 bytes: the shortest, if nobody says."""
    size = size or (1 if number < 64 else 2 if number < 320 else 3)
    if size == 1:
        return bytes([form << 6 | number])
    if size == 2:
        return bytes([form << 6, number - 64])
    return bytes([form << 6 | 1]) + struct.pack('<H', number - 64)


def write(kind, payload, stream=0, time=0, number=3, chunk_size=128, form=0, header_size=None,
          repeat=True, length=None):
    """A message in chunks. `length`: what the header says, if not the truth. Without `repeat` the
    extended time stamp comes in the first alone."""
    field = min(time, 0xffffff)
    header = field.to_bytes(3, 'big') + (length or len(payload)).to_bytes(3, 'big')
    header += bytes([kind])
    header = (header + struct.pack('<I', stream))[:(11, 7, 3, 0)[form]]
    extension = struct.pack('>I', time) if field == 0xffffff else b''
    follow = basic_header(3, number, header_size) + (extension if repeat else b'')
    pieces = [payload[i:i + chunk_size] for i in range(0, len(payload), chunk_size)] or [b'']
    return basic_header(form, number, header_size) + header + extension + follow.join(pieces)
