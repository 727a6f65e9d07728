# SPDX-License-Identifier: LGPL-2.1-or-later
"""A bad network between two programs: a TCP proxy whose faults are told to it."""

import asyncio
import socket
import struct
import threading

from . import wait


class Fault:
    """What happens to bytes on their way. Both directions suffer alike unless told otherwise.

    delay      seconds that every piece is late
    piece      largest number of bytes passed on at a time
    pause      seconds between pieces
    """

    def __init__(self, delay=0.0, piece=65536, pause=0.0):
        self.delay = delay
        self.piece = piece
        self.pause = pause


class Proxy:
    """Listens on a loopback port; every connection goes on to `target`."""

    def __init__(self, target, fault=None):
        self.target = target
        self.fault = fault or Fault()
        self.connections = []
        self.accepted = 0
        self.open = True
        self.loop = asyncio.new_event_loop()
        self.listener = socket.create_server(('127.0.0.1', 0))
        self.port = self.listener.getsockname()[1]
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def url(self, stream='cam', application='live'):
        return f'rtmp://127.0.0.1:{self.port}/{application}/{stream}'

    def passed(self):
        """Bytes so far, of all connections in both directions."""
        return sum(connection.passed for connection in list(self.connections))

    def wait_passed(self, count):
        goal = self.passed() + count
        wait.until(lambda: self.passed() >= goal, f'{count} bytes through the proxy')

    def stall(self):
        """Nothing passes, in either direction, until resume(); TCP stays alive."""
        self._call(lambda connection: connection.flows.clear())

    def resume(self):
        self._call(lambda connection: connection.flows.set())

    def cut(self):
        """An orderly end of every connection, seen from both sides."""
        self._call(lambda connection: connection.close(False))

    def reset(self):
        self._call(lambda connection: connection.close(True))

    def refuse(self, refuses=True):
        """New connections end at once."""
        self.open = not refuses

    def stop(self):
        self.reset()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self.thread.join(5)
        self.listener.close()

    def _call(self, action):
        done = threading.Event()

        def act():
            for connection in self.connections:
                action(connection)
            done.set()
        self.loop.call_soon_threadsafe(act)
        done.wait(5)

    def _run(self):
        asyncio.set_event_loop(self.loop)
        self.loop.run_until_complete(asyncio.start_server(self._serve, sock=self.listener))
        self.loop.run_forever()
        tasks = asyncio.all_tasks(self.loop)
        for task in tasks:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))

    async def _serve(self, reader, writer):
        self.accepted += 1
        if not self.open:
            writer.close()
            return
        try:
            there = await asyncio.open_connection('127.0.0.1', self.target)
        except OSError:
            writer.close()
            return
        connection = _Connection(self, (reader, writer), there)
        self.connections.append(connection)
        await connection.run()


class _Connection:
    def __init__(self, proxy, here, there):
        self.proxy = proxy
        self.pairs = (here, there)
        self.passed = 0
        self.flows = asyncio.Event()
        self.flows.set()
        for _, writer in self.pairs:
            writer.get_extra_info('socket').setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    async def run(self):
        here, there = self.pairs
        await asyncio.gather(self._forward(here[0], there[1]), self._forward(there[0], here[1]))

    def close(self, reset):
        for _, writer in self.pairs:
            if reset and not writer.is_closing():
                writer.get_extra_info('socket').setsockopt(
                    socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
                writer.transport.abort()
            writer.close()

    async def _forward(self, reader, writer):
        try:
            while data := await reader.read(self.proxy.fault.piece):
                fault = self.proxy.fault
                await self.flows.wait()
                if fault.delay or fault.pause:
                    await asyncio.sleep(fault.delay or fault.pause)
                writer.write(data)
                await writer.drain()
                self.passed += len(data)
            await self.flows.wait()
            writer.write_eof()
        except (OSError, RuntimeError):
            self.close(False)
