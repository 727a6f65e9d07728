# SPDX-License-Identifier: LGPL-2.1-or-later
"""A scripted RTMP server: each connection runs a function that says what the peer does."""

import os
import socket
import ssl
import struct
import threading
from collections import namedtuple

from . import amf, wait

Message = namedtuple('Message', 'type stream time payload')

SET_CHUNK_SIZE, ACKNOWLEDGEMENT, USER_CONTROL, WINDOW_ACK_SIZE, PEER_BANDWIDTH = 1, 3, 4, 5, 6
AUDIO, VIDEO, DATA, COMMAND = 8, 9, 18, 20
STREAM_BEGIN, STREAM_EOF, PING_REQUEST, PING_RESPONSE = 0, 1, 6, 7

HANDSHAKE_SIZE = 1536


class Closed(Exception):
    """The client closed the connection."""


class Connection:
    """The server's side of one connection, seen by a script."""

    def __init__(self, sock, number):
        self.sock = sock
        self.number = number
        self.in_chunk_size = 128
        self.streams = {}
        self.received = []

    # Bytes

    def read(self, size):
        data = bytearray()
        while len(data) < size:
            piece = self.sock.recv(size - len(data))
            if not piece:
                raise Closed
            data += piece
        return bytes(data)

    def write(self, data):
        self.sock.sendall(data)

    def stay_silent(self):
        """Takes no more bytes and says nothing until the client gives up or the test ends."""
        poll = self.sock.gettimeout()
        self.sock.settimeout(0.2)
        try:
            while True:
                try:
                    # Looks for the end without taking what lies before it.
                    if self.sock.recv(1, socket.MSG_PEEK) == b'':
                        raise Closed
                    wait.until(lambda: False, 'a turn', 0.2)
                except (socket.timeout, wait.Timeout):
                    continue
        finally:
            self.sock.settimeout(poll)

    # Messages

    def handshake(self):
        c0c1 = self.read(1 + HANDSHAKE_SIZE)
        s1 = bytes(8) + os.urandom(HANDSHAKE_SIZE - 8)
        self.write(b'\3' + s1 + c0c1[1:])
        self.read(HANDSHAKE_SIZE)

    def send(self, kind, payload, stream=0, time=0, chunk_stream=3):
        """One message in chunks of 128 bytes, the size every connection begins with."""
        header = struct.pack('>B', chunk_stream) + time.to_bytes(3, 'big')
        header += len(payload).to_bytes(3, 'big') + bytes([kind]) + struct.pack('<I', stream)
        pieces = [payload[i:i + 128] for i in range(0, len(payload), 128)] or [b'']
        self.write(header + bytes([0xc0 | chunk_stream]).join(pieces))

    def send_command(self, *values, stream=0):
        self.send(COMMAND, amf.encode_all(*values), stream)

    def send_status(self, code, level='status', description='', stream=1):
        self.send_command('onStatus', 0, None, {
            'level': level, 'code': code, 'description': description or code}, stream=stream)

    def send_user_control(self, event, value):
        self.send(USER_CONTROL, struct.pack('>HI', event, value), chunk_stream=2)

    def next_message(self):
        while True:
            message = self._read_chunk()
            if message:
                if message.type == SET_CHUNK_SIZE:
                    self.in_chunk_size, = struct.unpack('>I', message.payload)
                self.received.append(message)
                return message

    def expect(self, *names):
        """Reads on until one of these commands; returns its values."""
        while True:
            message = self.next_message()
            if message.type == COMMAND:
                values = amf.decode_all(message.payload)
                if values[0] in names:
                    return values

    def read_to_end(self):
        """Reads as any server would; the client's close is the end."""
        while True:
            self.next_message()

    # What a well-behaved server answers, in steps that scripts leave out or replace

    def accept_connect(self):
        values = self.expect('connect')
        self.send(WINDOW_ACK_SIZE, struct.pack('>I', 5000000), chunk_stream=2)
        self.send(PEER_BANDWIDTH, struct.pack('>IB', 5000000, 2), chunk_stream=2)
        self.send_command('_result', values[1],
                          {'fmsVer': 'FMS/3,0,1,123', 'capabilities': 31},
                          {'level': 'status', 'code': 'NetConnection.Connect.Success',
                           'description': 'Connection succeeded.', 'objectEncoding': 0})
        return values[2]

    def accept_create_stream(self, identifier=1):
        values = self.expect('createStream')
        self.send_command('_result', values[1], None, identifier)

    def accept_publish(self, identifier=1):
        values = self.expect('publish')
        self.send_user_control(STREAM_BEGIN, identifier)
        self.send_status('NetStream.Publish.Start', stream=identifier)
        return values

    def accept_play(self, identifier=1):
        values = self.expect('play')
        self.send_user_control(STREAM_BEGIN, identifier)
        self.send_status('NetStream.Play.Reset', stream=identifier)
        self.send_status('NetStream.Play.Start', stream=identifier)
        return values

    def become_publisher_peer(self, identifier=1):
        self.handshake()
        self.accept_connect()
        self.accept_create_stream(identifier)
        self.accept_publish(identifier)

    def become_player_peer(self, identifier=1):
        self.handshake()
        self.accept_connect()
        self.accept_create_stream(identifier)
        self.accept_play(identifier)

    def send_flv(self, tags, stream=1):
        """Media from read_flv_tags()."""
        for kind, time, payload in tags:
            self.send(kind, payload, stream, time, chunk_stream={8: 4, 9: 6}.get(kind, 5))

    # What arrived

    def media(self, kind):
        return [message for message in list(self.received) if message.type == kind]

    def commands(self):
        return [amf.decode_all(message.payload) for message in list(self.received)
                if message.type == COMMAND]

    def command_names(self):
        return [values[0] for values in self.commands()]

    def _read_chunk(self):
        first = self.read(1)[0]
        form, number = first >> 6, first & 63
        if number == 0:
            number = 64 + self.read(1)[0]
        elif number == 1:
            low, high = self.read(2)
            number = 64 + low + 256 * high
        state = self.streams.setdefault(number, _ChunkStream())
        state.read_header(self, form)
        size = min(self.in_chunk_size, state.length - len(state.partial))
        state.partial += self.read(size)
        if len(state.partial) < state.length:
            return None
        return state.take_message()


class _ChunkStream:
    def __init__(self):
        self.time = self.delta = self.field = self.length = self.type = self.stream = 0
        self.partial = bytearray()

    def read_header(self, peer, form):
        begins = not self.partial
        if form < 3:
            self.field = int.from_bytes(peer.read(3), 'big')
        if form < 2:
            self.length = int.from_bytes(peer.read(3), 'big')
            self.type = peer.read(1)[0]
        if form < 1:
            self.stream, = struct.unpack('<I', peer.read(4))
        value = self.field
        if value == 0xffffff:
            value, = struct.unpack('>I', peer.read(4))
        if not begins:
            return
        if form == 0:
            self.time = self.delta = value
        else:
            self.delta = value
            self.time = (self.time + self.delta) & 0xffffffff

    def take_message(self):
        message = Message(self.type, self.stream, self.time, bytes(self.partial))
        self.partial.clear()
        return message


class Server:
    """Listens on a loopback port and runs `script(connection)` for every connection."""

    def __init__(self, script, certificate=None):
        self.script = script
        self.connections = []
        self.failures = []
        self.tls = None
        if certificate:
            self.tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.tls.load_cert_chain(*certificate)
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def url(self, stream='cam', scheme='rtmp', application='live'):
        return f'{scheme}://127.0.0.1:{self.port}/{application}/{stream}'

    def connection(self, number=0, timeout=wait.PATIENCE):
        """The numbered connection, when it is there."""
        wait.until(lambda: len(self.connections) > number, f'connection {number}', timeout)
        return self.connections[number]

    def stop(self):
        # Only shutdown() wakes the thread that sits in accept().
        for sock in (self.listener, *(peer.sock for peer in self.connections)):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    def _accept(self):
        while True:
            try:
                sock, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[sock], daemon=True).start()

    def _serve(self, sock):
        try:
            if self.tls:
                sock = self.tls.wrap_socket(sock, server_side=True)
            peer = Connection(sock, len(self.connections))
            self.connections.append(peer)
            self.script(peer)
        except (Closed, OSError):
            pass
        except Exception as error:  # a fault of the script: the test that owns it asks
            self.failures.append(error)
        finally:
            sock.close()


def read_flv_tags(path):
    """(type, time, payload) of each tag of an FLV file."""
    with open(path, 'rb') as file:
        data = file.read()
    position = 13
    tags = []
    while position + 11 <= len(data):
        kind = data[position]
        size = int.from_bytes(data[position + 1:position + 4], 'big')
        time = int.from_bytes(data[position + 4:position + 7], 'big')
        tags.append((kind, time | data[position + 7] << 24,
                     data[position + 11:position + 11 + size]))
        position += 11 + size + 4
    return tags
