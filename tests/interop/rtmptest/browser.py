# SPDX-License-Identifier: LGPL-2.1-or-later
"""A page with mpegts.js in a headless Chromium, which tells how far it has played."""

import base64
import collections
import http.server
import json
import os
import threading
import urllib.parse

from . import npm, wait

VERSION = '1.8.0'

PAGE = b"""<!DOCTYPE html>
<meta charset="utf-8">
<script src="/mpegts.js"></script>
<video id="video" muted autoplay></video>
<script>
const video = document.getElementById('video');
const tell = (fields) => fetch('/tell', {method: 'POST', body: JSON.stringify(fields)});

const picture = () => {
  const canvas = document.createElement('canvas');
  canvas.width = video.videoWidth;
  canvas.height = video.videoHeight;
  const context = canvas.getContext('2d');
  context.drawImage(video, 0, 0);
  const pixels = new Uint32Array(context.getImageData(0, 0, canvas.width, canvas.height).data.buffer);
  return {colours: new Set(pixels).size, image: canvas.toDataURL('image/png')};
};

const url = new URLSearchParams(location.search).get('url');
const player = mpegts.createPlayer({type: 'flv', isLive: true, url});
player.on(mpegts.Events.ERROR, (...words) => tell({error: words.map(String).join(' ')}));
player.attachMediaElement(video);
player.load();
video.addEventListener('canplay', () => video.play().catch((why) => tell({error: String(why)})));
setInterval(() => video.videoWidth && tell({time: video.currentTime, ...picture()}), 250);
</script>
"""

Seen = collections.namedtuple('Seen', 'colours path')


class Page(http.server.ThreadingHTTPServer):
    """The web server of the page, and what the page has told it."""

    daemon_threads = True

    def __init__(self, test):
        test.need_program('chromium')
        package = npm.unpack('mpegts.js', VERSION)
        if not package:
            test.skipTest(f'npm cannot fetch mpegts.js {VERSION}')
        super().__init__(('127.0.0.1', 0), Handler)
        self.test = test
        self.script = os.path.join(package, 'dist', 'mpegts.js')
        self.told = []
        self.browser = None
        threading.Thread(target=self.serve_forever, args=[0.05], daemon=True).start()
        test.owned(self)

    @property
    def origin(self):
        return f'http://127.0.0.1:{self.server_port}'

    def play(self, url):
        self.browser = self.test.run_program(
            ['chromium', '--headless', '--no-sandbox', '--disable-gpu', '--disable-quic',
             '--no-first-run', '--disable-background-networking', '--disable-component-update',
             '--disable-sync', '--autoplay-policy=no-user-gesture-required',
             f'--user-data-dir={self.test.path("chromium")}', '--enable-logging=stderr',
             f'{self.origin}/?{urllib.parse.urlencode({"url": url})}'])

    def wait_for_picture(self, seconds):
        """The first after so many seconds of playing, kept as a file."""
        def found():
            told = list(self.told)
            for said in told:
                if 'error' in said:
                    raise AssertionError(f'{said["error"]}\n{self.browser}')
                if said['time'] >= told[0]['time'] + seconds:
                    return said
            return None

        said = wait.until(found, f'{seconds} s of video in the browser', 60)
        path = self.test.path('picture.png')
        with open(path, 'wb') as file:
            file.write(base64.b64decode(said['image'].split(',')[1]))
        return Seen(said['colours'], path)

    def stop(self):
        self.shutdown()
        self.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == '/mpegts.js':
            with open(self.server.script, 'rb') as file:
                return self.answer('text/javascript', file.read())
        return self.answer('text/html', PAGE)

    def do_POST(self):
        said = self.rfile.read(int(self.headers['Content-Length']))
        self.server.told.append(json.loads(said))
        self.answer('text/plain', b'')

    def answer(self, kind, body):
        self.send_response(200)
        self.send_header('Content-Type', kind)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass
