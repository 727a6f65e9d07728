# SPDX-License-Identifier: LGPL-2.1-or-later
"""rtmpclientsink -> Node-Media-Server -> rtmpclientsrc: Enhanced RTMP through somebody else's server.

It relays what it does not know as it came, several tracks included.
"""

import os

import tags
from rtmptest import case, flv, media, npm, process, stub, wait

# The newest that runs on Debian 12's Node.js 18.
VERSION = '4.2.8'

SCRIPT = os.path.join(os.path.dirname(stub.__file__), 'node_media_server.js')


def enhanced_files():
    return [path for path in media.flv_files() if path not in media.legacy_files()]


def media_tags(path):
    return [tag for tag in stub.read_flv_tags(path) if tag[0] in tags.KINDS]


class NodeMediaServer(case.Case):
    """One test for each real file with Enhanced RTMP, added below."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        package = npm.install('node-media-server', VERSION)
        cls.server = None
        if not package:
            return
        cls.port = wait.free_port()
        cls.server = process.Program(
            ['node', SCRIPT, package, cls.port, os.path.join(cls.class_folder, 'data')],
            folder=cls.class_folder)
        cls.addClassCleanup(cls.server.stop)
        cls.server.wait_for_port(cls.port)

    def setUp(self):
        super().setUp()
        if not self.server:
            self.skipTest(f'npm cannot install node-media-server {VERSION}')

    def carry(self, path):
        """The tags of a file after their journey. The server tells no player that it has ended."""
        location = f'rtmp://127.0.0.1:{self.port}/live/{os.path.basename(path)[:-4]}'
        sent, record = stub.read_flv_tags(path), self.path('played.flv')
        playing = self.pipeline(f'rtmpclientsrc location={location} '
                                f'! filesink buffer-mode=unbuffered location={record}').play()
        playing.wait_element('rtmp-connected')
        sending = self.pipeline(f'{flv.Source.LINE} ! rtmpclientsink sync=false '
                                f'location={location}')
        flv.push_tags(sending, sent)
        sending.play().wait_eos()
        sending.stop()
        count = len(media_tags(path))
        wait.until(lambda: len(media_tags(record)) >= count, f'{count} tags\n{self.server}')
        playing.stop()
        return sent, stub.read_flv_tags(record)

    def compare(self, path):
        (sent, sent_times), (got, times) = map(tags.by_kind, self.carry(path))
        self.assertEqual(set(sent), set(got))
        for kind, payloads in sent.items():
            wrong = [i for i, pair in enumerate(zip(payloads, got[kind])) if pair[0] != pair[1]]
            self.assertEqual(([], len(payloads)), (wrong, len(got[kind])), kind)
        self.assertEqual(sent_times, times)

    def test_the_real_files_are_here(self):
        if not enhanced_files():
            self.skipTest('no folder of real files (RTMP_SHARED)')


def add_file_test(path):
    name = os.path.basename(path).split('.')[0]
    setattr(NodeMediaServer, f'test_{name}_arrives_tag_by_tag', lambda self: self.compare(path))


for found in enhanced_files():
    add_file_test(found)

if __name__ == '__main__':
    case.main()
