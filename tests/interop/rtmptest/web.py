# SPDX-License-Identifier: LGPL-2.1-or-later
"""A web service that servers ask: answers as a test wants, and remembers what was said."""

import http.server
import json
import socketserver
import ssl
import threading
import urllib.parse

from . import wait

HANG = 'hang'  # no answer until the end of the test
CLOSE = 'close'  # the end of the connection instead of an answer
BROKEN = 'broken'  # an answer that is none


class Service(socketserver.ThreadingMixIn, http.server.HTTPServer):
    """`answer` takes the fields that were sent: a status, or (status, headers, body), or a word."""

    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, answer=lambda said: 200, certificate=None):
        super().__init__(('127.0.0.1', 0), Handler)
        self.answer = answer
        self.scheme = 'http'
        self.calls = []
        self.connections = 0
        self.over = threading.Event()
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            self.socket = context.wrap_socket(self.socket, server_side=True,
                                              do_handshake_on_connect=False)
            self.scheme = 'https'
        self.thread = threading.Thread(target=self.serve_forever, args=[0.05], daemon=True)
        self.thread.start()

    @property
    def url(self):
        return f'{self.scheme}://127.0.0.1:{self.server_port}/hook'

    def stop(self):
        self.over.set()
        self.shutdown()
        self.thread.join(wait.PATIENCE)
        self.server_close()

    def said(self, **fields):
        """What was sent with such fields, in order."""
        return [said for said in list(self.calls)
                if all(said.get(name) == value for name, value in fields.items())]

    def wait_said(self, count=1, **fields):
        wait.until(lambda: len(self.said(**fields)) >= count, f'{count} x {fields}')
        return self.said(**fields)

    def handle_error(self, request, client_address):
        """Clients may go when they like."""


class Handler(http.server.BaseHTTPRequestHandler):

    protocol_version = 'HTTP/1.1'
    disable_nagle_algorithm = True

    def setup(self):
        super().setup()
        self.server.connections += 1

    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length'])).decode()
        if self.headers['Content-Type'] == 'application/json':
            said = json.loads(body)
        else:
            said = dict(urllib.parse.parse_qsl(body, keep_blank_values=True))
        self.server.calls.append(said)
        answer = self.server.answer(said)
        if answer == HANG:
            self.server.over.wait()
        if answer in (HANG, CLOSE):
            self.close_connection = True
        elif answer == BROKEN:
            self.wfile.write(b'Bonjour\r\n\r\n')
            self.close_connection = True
        else:
            self.reply(*(answer if isinstance(answer, tuple) else (answer, {}, '')))

    def reply(self, status, headers, body):
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if status != 204:
            self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, *_):
        """Not on standard error."""
