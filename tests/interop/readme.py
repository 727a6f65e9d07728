# SPDX-License-Identifier: LGPL-2.1-or-later
"""The pages' pipelines as a user pastes them, and their links."""

import json
import os
import re
import unittest

from rtmptest import case, process, wait

# Bytes of one picture of videotestsrc in I420.
PICTURE = 320 * 240 * 3 // 2

ROOT = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))


def read(name):
    with open(os.path.join(ROOT, name), encoding='utf-8') as file:
        return file.read()


def section(text, title):
    return re.search(rf'^## {title}\n(.*?)(?=^## |\Z)', text, re.MULTILINE | re.DOTALL)[1]


def shell_blocks(text):
    """The fenced sh blocks of a page."""
    return re.findall(r'^```sh\n(.*?)^```', text, re.MULTILINE | re.DOTALL)


def buffer_sizes(program):
    """What silent=false says of the buffers that came to a sink."""
    return [int(size) for size in re.findall(r'= chain .*\((\d+) bytes', program.output)]


class Pasting(case.Case):

    def setUp(self):
        super().setUp()
        self.need_elements('x264enc', 'avenc_aac', 'avdec_h264')
        self.port = wait.free_port()
        self.record = self.path('cam.flv')
        self.serve, self.publish, self.play, self.receive, self.transcode = \
            shell_blocks(section(read('README.md'), 'Five pipelines'))

    def paste(self, command, say_frames=False):
        """Runs the words of the page in a shell, on a port and with sinks that a test can have.

        With say_frames the sinks print a line for every buffer.
        """
        sink = 'fakesink sync=true silent=false' if say_frames else 'fakesink sync=true'
        for word, ours in {'port=1935': f'port={self.port}',
                           'localhost/': f'localhost:{self.port}/',
                           'autovideosink': sink, 'autoaudiosink': sink,
                           'cam.flv': self.record}.items():
            command = command.replace(word, ours)
        if say_frames:
            command = command.replace('gst-launch-1.0', 'gst-launch-1.0 -v', 1)
        return self.run_program(['sh', '-c', 'exec ' + command])

    def listening(self, command):
        program = self.paste(command)
        program.wait_for_port(self.port)
        return program

    def url(self, stream='cam'):
        return f'rtmp://localhost:{self.port}/live/{stream}'

    def probe(self, source):
        """The tracks of a file or a stream by their kinds."""
        text = process.run(['ffprobe', '-v', 'error', '-show_streams', '-of', 'json', source])
        return {track['codec_type']: track for track in json.loads(text)['streams']}

    def wait_for_pictures(self, player, count=20):
        wait.until(lambda: buffer_sizes(player).count(PICTURE) >= count, f'{count} pictures')


class Pipelines(Pasting):

    def test_the_server_serves_what_the_publisher_sends(self):
        self.listening(self.serve)
        publisher = self.paste(self.publish)
        tracks = self.probe(self.url())
        self.assertLessEqual({'video', 'audio'}, set(tracks))
        self.assertEqual(['h264', 'yuv420p', 'aac'],
                         [tracks['video']['codec_name'], tracks['video']['pix_fmt'],
                          tracks['audio']['codec_name']])
        self.assertEqual(0, publisher.interrupt(), publisher)

    def test_the_player_gets_pictures_and_sound(self):
        self.listening(self.serve)
        self.paste(self.publish)
        player = self.paste(self.play, say_frames=True)
        self.wait_for_pictures(player)
        wait.until(lambda: any(size != PICTURE for size in buffer_sizes(player)), 'sound')

    def test_the_player_ends_when_the_publisher_does(self):
        self.listening(self.serve)
        publisher = self.paste(self.publish)
        player = self.paste(self.play, say_frames=True)
        self.wait_for_pictures(player, 1)
        publisher.interrupt()
        player.succeed()

    def test_the_receiver_records_until_the_encoder_ends(self):
        receiver = self.listening(self.receive)
        publisher = self.paste(self.publish)
        wait.until(lambda: os.path.getsize(self.record) > 20000, 'a recording')
        self.assertEqual(0, publisher.interrupt(), publisher)
        receiver.succeed()
        contents = self.contents(self.record)
        self.assertGreater(len(contents.decoded('video')), 0)
        self.assertGreater(len(contents.decoded('audio')), 0)

    def test_the_transcoder_serves_small_pictures_with_sound(self):
        self.listening(self.transcode)
        self.paste(self.publish)
        tracks = self.probe(self.url('small'))
        self.assertLessEqual({'video', 'audio'}, set(tracks))
        self.assertEqual((320, 180), (tracks['video']['width'], tracks['video']['height']))


class ElementPages(Pasting):
    """The first line of each page below docs/elements."""

    def example(self, element):
        return shell_blocks(read(f'docs/elements/{element}.md'))[0]

    def assert_serves_pictures(self):
        video = self.probe(self.url())['video']
        self.assertEqual(('h264', 'yuv420p'), (video['codec_name'], video['pix_fmt']))

    def test_rtmpclientsrc_shows_pictures(self):
        self.listening(self.serve)
        self.paste(self.publish)
        self.wait_for_pictures(self.paste(self.example('rtmpclientsrc'), say_frames=True))

    def test_rtmpclientsink_publishes_through_rtmpserver(self):
        self.listening(self.example('rtmpserver'))
        self.paste(self.example('rtmpclientsink'))
        self.assert_serves_pictures()

    def test_rtmpserversrc_shows_pictures(self):
        player = self.paste(self.example('rtmpserversrc'), say_frames=True)
        player.wait_for_port(self.port)
        self.paste(self.publish)
        self.wait_for_pictures(player)

    def test_rtmpserversink_serves(self):
        self.listening(self.example('rtmpserversink'))
        self.assert_serves_pictures()


class Pages(unittest.TestCase):

    def pages(self):
        yield from ('README.md', 'CONTRIBUTING.md')
        for folder, _, names in os.walk(os.path.join(ROOT, 'docs')):
            for name in names:
                if name.endswith('.md'):
                    yield os.path.relpath(os.path.join(folder, name), ROOT)

    def test_every_link_into_the_repository_leads_somewhere(self):
        broken = []
        for page in self.pages():
            for target in re.findall(r'\]\(([^)\s]+)\)', read(page)):
                path = target.split('#')[0]
                if not path or re.match(r'[a-z]+:', path):
                    continue
                if not os.path.exists(os.path.join(ROOT, os.path.dirname(page), path)):
                    broken.append(f'{page}: {target}')
        self.assertEqual([], broken)


if __name__ == '__main__':
    case.main()
