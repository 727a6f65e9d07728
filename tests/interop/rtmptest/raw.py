# SPDX-License-Identifier: LGPL-2.1-or-later
"""A client on a bare socket: says what a test wants it to say, and no more."""

import itertools
import os
import socket
import struct
import time

from . import amf, chunks, wait
from .stub import (COMMAND, HANDSHAKE_SIZE, PING_REQUEST, PING_RESPONSE, SET_CHUNK_SIZE,
                   USER_CONTROL)


class Closed(Exception):
    """The server closed the connection."""


class Client:
    """`port` may be the path of a unix socket, or "@name" without a file. `source` is a loopback
    address of its own, where limits count by host."""

    def __init__(self, port, source=None, timeout=wait.PATIENCE, receive_buffer=None):
        unix = isinstance(port, str)
        self.sock = socket.socket(socket.AF_UNIX if unix else socket.AF_INET)
        if receive_buffer:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if source:
            self.sock.bind((source, 0))
        self.sock.settimeout(timeout)
        if unix:
            self.sock.connect(port.replace('@', '\0', 1) if port.startswith('@') else port)
        else:
            self.sock.connect(('127.0.0.1', port))
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.reader = chunks.Reader()
        self.chunk_size = 128
        self.messages = []
        self.pongs = 0
        self.shaken = False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    # Bytes

    def write(self, data):
        try:
            self.sock.sendall(data)
        except (BrokenPipeError, ConnectionError):
            raise Closed from None

    def read(self, size):
        data = b''
        while len(data) < size:
            data += self._receive(size - len(data))
        return data

    def stop(self):
        self.sock.close()

    def reset(self):
        """The end without a goodbye."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        self.sock.close()

    def wait_closed(self, timeout=wait.PATIENCE):
        """Reads until the server closes."""
        self.sock.settimeout(timeout)
        try:
            if self.shaken:
                for _ in self.incoming():
                    pass
            while True:
                self._receive(65536)
        except Closed:
            pass

    # Steps of a conversation

    def handshake(self):
        self.write(b'\3' + bytes(8) + os.urandom(HANDSHAKE_SIZE - 8))
        answer = self.read(1 + 2 * HANDSHAKE_SIZE)
        self.write(answer[1:1 + HANDSHAKE_SIZE])
        self.shaken = True
        return self

    def connect(self, app='live', **fields):
        self.command('connect', 1, {'app': app, 'flashVer': 'test', **fields})
        return self.answer(1)

    def create_stream(self):
        self.command('createStream', 2, None)
        return int(self.answer(2)[3])

    def begin(self, app='live'):
        """Everything before publish and play."""
        self.handshake()
        self.connect(app)
        return self.create_stream()

    def publish(self, name, app='live'):
        """From the first byte to the moment where media may be sent."""
        stream = self.begin(app)
        self.command('publish', 3, None, name, 'live', stream=stream)
        self.status('NetStream.Publish.Start')
        return self

    def play(self, name, app='live'):
        stream = self.begin(app)
        self.command('play', 3, None, name, stream=stream)
        self.status('NetStream.Play.Start')
        return self

    # Messages

    def send(self, kind, payload, stream=1, **form):
        self.write(chunks.write(kind, payload, stream, chunk_size=self.chunk_size, **form))

    def command(self, *values, stream=0):
        self.send(COMMAND, amf.encode_all(*values), stream)

    def set_chunk_size(self, size):
        self.send(SET_CHUNK_SIZE, struct.pack('>I', size), 0, number=2)
        self.chunk_size = size

    def ping(self):
        self.send(USER_CONTROL, struct.pack('>HI', PING_REQUEST, 7), 0, number=2)

    def is_served(self):
        """Whether the server still takes messages and answers them."""
        before = self.pongs
        try:
            self.ping()
            for _ in self.incoming():
                if self.pongs > before:
                    return True
        except Closed:
            return False

    def next_message(self):
        while not self.messages:
            self.messages += self.reader.feed(self._receive(65536))
        message = self.messages.pop(0)
        if message.type == USER_CONTROL:
            self._on_control(message.payload)
        return message

    def incoming(self):
        """As they come; what is awaited comes in time, however many others do."""
        deadline = time.monotonic() + self.sock.gettimeout()
        while True:
            yield self.next_message()
            if time.monotonic() > deadline:
                raise wait.Timeout('others came, but not the message that was awaited')

    def commands(self):
        for message in self.incoming():
            if message.type == COMMAND:
                yield amf.decode_all(message.payload)

    def answer(self, transaction):
        """_result or _error."""
        return next(values for values in self.commands()
                    if values[0] in ('_result', '_error') and values[1] == transaction)

    def status(self, *codes):
        """The first status with such a code, or any."""
        for values in self.commands():
            if values[0] == 'onStatus' and (not codes or values[3]['code'] in codes):
                return values[3]
            if values[0] == 'onStatus' and values[3]['level'] == 'error':
                raise AssertionError(values[3])

    def media(self, count):
        """The next messages that are audio, video or data."""
        media = (message for message in self.incoming()
                 if message.type in (8, 9, 18)
                 and not message.payload.startswith(b'\2\0\x11|Rtmp'))
        return list(itertools.islice(media, count))

    def _on_control(self, payload):
        event, value = struct.unpack_from('>HI', payload)
        if event == PING_RESPONSE:
            self.pongs += 1
        if event == PING_REQUEST:
            self.send(USER_CONTROL, struct.pack('>HI', PING_RESPONSE, value), 0, number=2)

    def _receive(self, size):
        try:
            data = self.sock.recv(size)
        except ConnectionError:
            raise Closed from None
        if not data:
            raise Closed
        return data
