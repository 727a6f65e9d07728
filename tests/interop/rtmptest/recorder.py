# SPDX-License-Identifier: LGPL-2.1-or-later
"""Stands between a program and a server, and keeps every byte that the program sent."""

import io
import socket
import threading

from . import flv, stub, wait

MEDIA = (stub.AUDIO, stub.VIDEO)


class Recorder:
    """A loopback port that passes one connection on to another port."""

    def __init__(self, port):
        self.target = port
        self.sent = bytearray()
        self.sockets = []
        self.ended = threading.Event()
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def wait_end(self, timeout=wait.PATIENCE):
        wait.until(self.ended.is_set, 'the end of the recorded connection', timeout)

    def messages(self):
        """What the program said after its handshake."""
        peer = stub.Connection(_Replay(self.sent), 0)
        peer.read(1 + 2 * stub.HANDSHAKE_SIZE)
        try:
            peer.read_to_end()
        except stub.Closed:
            return peer.received

    def write_flv(self, path):
        """The audio and video that the program published."""
        with open(path, 'wb') as file:
            file.write(flv.FILE_HEADER)
            for message in self.messages():
                if message.type in MEDIA:
                    file.write(flv.tag(message.type, message.time, message.payload))

    def stop(self):
        for sock in (self.listener, *self.sockets):
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    def _serve(self):
        try:
            program, _ = self.listener.accept()
            server = socket.create_connection(('127.0.0.1', self.target))
        except OSError:
            return
        self.sockets += [program, server]
        threading.Thread(target=_forward, args=[server, program], daemon=True).start()
        _forward(program, server, self.sent)
        self.ended.set()


class _Replay:
    """As much of a socket as a reader of messages asks for."""

    def __init__(self, data):
        self.recv = io.BytesIO(data).read


def _forward(source, target, copy=None):
    try:
        while data := source.recv(65536):
            if copy is not None:
                copy += data
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        pass
