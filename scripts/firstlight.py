#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Starts rtmpserver, publishes a test picture to it, plays that back and counts the frames."""

import argparse
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

USUAL_PORT = 1935

# How long starting and ending may take.
PATIENCE = 15.0

PUBLISH = (
    'videotestsrc is-live=true pattern=ball ! video/x-raw,width=640,height=360,framerate=30/1 !'
    ' timeoverlay ! videoconvert !'
    ' x264enc tune=zerolatency speed-preset=veryfast bitrate=1000 key-int-max=60 ! h264parse !'
    ' identity name=video ! queue ! mux.'
    ' audiotestsrc is-live=true wave=ticks ! audio/x-raw,rate=48000,channels=2 ! audioconvert !'
    ' avenc_aac bitrate=128000 ! aacparse ! identity name=audio ! queue ! mux.'
    ' flvmux name=mux streamable=true ! rtmpclientsink name=client location={url}')

PLAY = (
    'rtmpclientsrc name=client location={url} ! flvdemux name=demux'
    ' demux.video ! queue ! identity name=video ! fakesink sync=false'
    ' demux.audio ! queue ! identity name=audio ! fakesink sync=false')


class Failure(Exception):
    """What the user is told before the program ends with status 1."""


def parse_arguments():
    parser = argparse.ArgumentParser(prog='scripts/run.sh')
    parser.add_argument('--port', type=int, help='port of the server (1935, or any that is free)')
    parser.add_argument('--seconds', type=float, help='end by itself, and check what came back')
    parser.add_argument('--build', default='build-release', help=argparse.SUPPRESS)
    return parser.parse_args()


def port_is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(('127.0.0.1', port))
        except PermissionError:
            raise Failure(f'Port {port} needs privileges; choose one above 1023 with --port.')
        except OSError:
            return False
        return True


def choose_port(wanted):
    if wanted:
        if not port_is_free(wanted):
            raise Failure(f'Port {wanted} is used by another program; choose another with --port.')
        return wanted
    if port_is_free(USUAL_PORT):
        return USUAL_PORT
    with socket.socket() as probe:
        probe.bind(('127.0.0.1', 0))
        return probe.getsockname()[1]


class Server:
    """rtmpserver in a gst-launch-1.0 of its own, as a user would run it."""

    def __init__(self, port):
        self.port = port
        self.log = tempfile.TemporaryFile('w+', encoding='utf-8', errors='replace')
        words = ['gst-launch-1.0', '-e', 'rtmpserver', f'port={port}']
        if shutil.which('setpriv'):  # so that it never outlives this program
            words = ['setpriv', '--pdeathsig', 'TERM', *words]
        # Its own session: Ctrl-C is for us, who end it after its clients.
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=self.log,
                                        stderr=subprocess.STDOUT, start_new_session=True)

    def wait_listening(self):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            self.check()
            if listens(self.port):
                return
            time.sleep(0.02)
        raise Failure(f'rtmpserver did not listen on port {self.port}:\n{self.output()}')

    def check(self):
        if self.process.poll() is not None:
            raise Failure(f'rtmpserver ended:\n{self.output()}')

    def output(self):
        self.log.seek(0)
        return self.log.read()

    def stop(self):
        for number in (signal.SIGINT, signal.SIGKILL):
            if self.process.poll() is None:
                self.process.send_signal(number)
                try:
                    self.process.wait(5)
                except subprocess.TimeoutExpired:
                    pass


def listens(port):
    for table in ('/proc/net/tcp', '/proc/net/tcp6'):
        with open(table, encoding='ascii') as lines:
            for fields in map(str.split, lines):
                if fields[1].endswith(f':{port:04X}') and fields[3] == '0A':
                    return True
    return False


class Counted:
    """A pipeline whose elements `video` and `audio` are counted."""

    def __init__(self, gst, name, description):
        self.gst = gst
        self.name = name
        self.frames = {'video': 0, 'audio': 0}
        self.bytes = 0
        self.connected = self.ended = False
        self.pipeline = gst.parse_launch(description)
        self.bus = self.pipeline.get_bus()
        for kind in self.frames:
            pad = self.pipeline.get_by_name(kind).get_static_pad('src')
            pad.add_probe(gst.PadProbeType.BUFFER, self.count, kind)
        self.pipeline.set_state(gst.State.PLAYING)

    def count(self, _pad, info, kind):
        self.frames[kind] += 1
        self.bytes += info.get_buffer().get_size()
        return self.gst.PadProbeReturn.OK

    def read_messages(self):
        """Takes note of what happened; an error ends everything."""
        while True:
            message = self.bus.pop()
            if not message:
                return
            if message.type == self.gst.MessageType.ERROR:
                error, debug = message.parse_error()
                raise Failure(f'The {self.name} failed: {error.message}\n{debug}')
            if message.type == self.gst.MessageType.EOS:
                self.ended = True
            structure = message.get_structure()
            if structure and structure.get_name() == 'rtmp-connected':
                self.connected = True

    def end(self):
        self.pipeline.send_event(self.gst.Event.new_eos())

    def stop(self):
        self.pipeline.set_state(self.gst.State.NULL)


class Show:
    """The session: server, player and publisher, in the order that loses nothing."""

    def __init__(self, gst, port, seconds):
        self.gst = gst
        self.seconds = seconds
        self.port = port
        self.url = f'rtmp://localhost:{port}/live/test'
        self.interrupts = 0
        self.parts = []
        self.started = None
        self.shown = (0.0, 0)

    def own(self, part):
        self.parts.append(part)
        return part

    def start(self):
        self.server = self.own(Server(self.port))
        self.server.wait_listening()
        self.player = self.own(Counted(self.gst, 'player', PLAY.format(url=self.url)))
        self.wait(lambda: self.player.connected, 'the player to connect')
        self.publisher = self.own(Counted(self.gst, 'publisher', PUBLISH.format(url=self.url)))
        self.started = time.monotonic()

    def run(self):
        next_line = 1.0
        while not self.interrupts and not (self.seconds and self.elapsed() >= self.seconds):
            self.poll()
            if self.elapsed() >= next_line:
                self.show_figures()
                next_line += 1.0

    def finish(self):
        """Ends the publisher first and waits until the player has everything."""
        self.publisher.end()
        self.wait(lambda: self.publisher.ended, 'the publisher to end')
        self.wait(lambda: self.player.ended or self.complete(), 'the player to get the rest')
        self.show_figures()
        print()
        if not self.complete():
            raise Failure(f'Not every frame came back: sent {text(self.publisher.frames)}, '
                          f'received {text(self.player.frames)}.')
        print(f'Every frame came back: {text(self.player.frames)}.')

    def stop(self):
        for part in reversed(self.parts):
            part.stop()

    def interrupt(self, *_):
        self.interrupts += 1
        if self.interrupts > 2:
            os._exit(1)

    def wait(self, condition, what):
        deadline = time.monotonic() + PATIENCE
        while not condition():
            self.poll()
            if time.monotonic() > deadline:
                raise Failure(f'Waited {PATIENCE:g} s in vain for {what}.')

    def poll(self):
        self.server.check()
        for part in self.parts[1:]:
            part.read_messages()
        time.sleep(0.02)

    def complete(self):
        return 0 < self.publisher.frames['video'] and self.publisher.frames == self.player.frames

    def elapsed(self):
        return time.monotonic() - self.started

    def show_figures(self):
        now, total = self.elapsed(), self.player.bytes
        before, bytes_before = self.shown
        rate = (total - bytes_before) * 8 / 1000 / max(now - before, 0.001)
        if now - before > 0.5:
            self.shown = now, total
        line = (f'{now:6.0f} s   published {text(self.publisher.frames)}   '
                f'received {text(self.player.frames)}   {rate:5.0f} kbit/s')
        if sys.stdout.isatty():
            print(f'\r\x1b[K{line}', end='', flush=True)
        else:
            print(line, flush=True)


def text(frames):
    return f'{frames["video"]} video + {frames["audio"]} audio frames'


def print_invitation(port, plugins):
    url = f'rtmp://localhost:{port}/live/test'
    print(f'''
A test picture runs at {url}. Watch it from another terminal:
  ffplay -fflags nobuffer {url}
  GST_PLUGIN_PATH={plugins} gst-play-1.0 {url}
  vlc --network-caching=300 {url}
Publish your own with OBS Studio: Settings, Stream, Service "Custom...",
  Server      rtmp://localhost:{port}/live
  Stream Key  mine
and watch rtmp://localhost:{port}/live/mine. Ctrl-C ends all of it.
''', flush=True)


def load_gstreamer(plugins, folder):
    """GStreamer with the built plugin, and with a registry that is gone afterwards."""
    os.environ['GST_PLUGIN_PATH'] = plugins
    os.environ['GST_REGISTRY'] = os.path.join(folder, 'registry.bin')
    import gi
    gi.require_version('Gst', '1.0')
    from gi.repository import Gst
    Gst.init(None)
    names = ('rtmpserver', 'rtmpclientsrc', 'rtmpclientsink', 'x264enc', 'avenc_aac', 'flvmux')
    missing = [name for name in names if not Gst.ElementFactory.find(name)]
    if missing:
        raise Failure(f'GStreamer does not find {", ".join(missing)} (looked in {plugins} too).')
    return Gst


def perform(arguments, folder):
    port = choose_port(arguments.port)
    plugins = os.path.abspath(os.path.join(arguments.build, 'gst', 'elements'))
    show = Show(load_gstreamer(plugins, folder), port, arguments.seconds)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, show.interrupt)
    try:
        show.start()
        print_invitation(port, plugins)
        show.run()
        show.finish()
    finally:
        show.stop()


def main():
    arguments = parse_arguments()
    with tempfile.TemporaryDirectory(prefix='rtmp-firstlight-') as folder:
        try:
            perform(arguments, folder)
        except Failure as failure:
            print(f'\n{failure}', file=sys.stderr)
            return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
