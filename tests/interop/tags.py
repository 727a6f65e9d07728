# SPDX-License-Identifier: LGPL-2.1-or-later
"""rtmpclientsink -> rtmpserver -> rtmpclientsrc: every tag of every kind of file, byte for byte.

With the FourCC codecs, several tracks and times beyond 31 bits, which ffmpeg 5.1 does not send.
"""

import os

from rtmptest import case, flv, media, stub

KINDS = {stub.VIDEO: 'video', stub.AUDIO: 'audio'}


def is_frame(kind, payload):
    """Whether a tag has a time of its own: headers and ends take that of their neighbours."""
    if len(payload) < 2:
        return False
    enhanced = payload[0] & 0x80 if kind == stub.VIDEO else payload[0] >> 4 == 9
    if not enhanced:
        packed = payload[0] & 15 == 7 if kind == stub.VIDEO else payload[0] >> 4 == 10
        return payload[1] == 1 if packed else True
    packet_type = payload[0] & 15
    multitrack = 6 if kind == stub.VIDEO else 5
    return (payload[1] & 15 if packet_type == multitrack else packet_type) in (1, 3)


def by_kind(tags):
    """Payloads of audio and video, and the frames' times (from the first, as 32 bits go)."""
    first = next((time for kind, time, payload in tags
                  if kind in KINDS and is_frame(kind, payload)), 0)
    payloads, times = {}, {}
    for kind, time, payload in tags:
        if kind in KINDS:
            payloads.setdefault(KINDS[kind], []).append(payload)
        if kind in KINDS and is_frame(kind, payload):
            times.setdefault(KINDS[kind], []).append((time - first) % 2**32)
    return payloads, times


def texts(tags):
    """Script data that is neither metadata nor a server's own."""
    return [payload for kind, _, payload in tags
            if kind == stub.DATA and b'onTextData' in payload[:16]]


class Tags(case.Case):
    """One test for each real file, added below."""

    def carry(self, path, pieces=None):
        """The tags of a file after their journey, one per buffer or in pieces of so many bytes."""
        relay = self.rtmpserver()
        record = self.path('played.flv')
        playing = self.pipeline(
            f'rtmpclientsrc location={relay.url()} ! filesink location={record}').play()
        playing.wait_element('rtmp-connected')
        source = flv.Source.LINE
        if pieces:
            source = f'filesrc location={path} blocksize={pieces} ! video/x-flv'
        sending = self.pipeline(f'{source} ! rtmpclientsink sync=false location={relay.url()}')
        if not pieces:
            flv.push_tags(sending, stub.read_flv_tags(path))
        sending.play().wait_eos()
        sending.stop()
        playing.wait_eos()
        playing.stop()
        return stub.read_flv_tags(record)

    def compare(self, path, **options):
        sent, received = stub.read_flv_tags(path), self.carry(path, **options)
        sent_payloads, sent_times = by_kind(sent)
        payloads, times = by_kind(received)
        for kind, expected in sent_payloads.items():
            self.assertEqual(len(expected), len(payloads.get(kind, [])), kind)
            wrong = [i for i, pair in enumerate(zip(expected, payloads[kind]))
                     if pair[0] != pair[1]]
            self.assertEqual([], wrong, f'{kind} tags that differ')
            self.assertEqual(sent_times.get(kind), times.get(kind), f'{kind} times')
        self.assertEqual(texts(sent), texts(received))

    def test_a_made_file_arrives_tag_by_tag(self):
        self.compare(self.sample(seconds=3))

    def test_a_file_in_pieces_arrives_tag_by_tag(self):
        self.compare(self.sample(seconds=3), pieces=1000)

    def test_the_real_files_are_here(self):
        if not media.flv_files():
            self.skipTest('no folder of real files (RTMP_SHARED)')


def add_file_test(path):
    name = os.path.basename(path).split('.')[0]
    setattr(Tags, f'test_{name}_arrives_tag_by_tag', lambda self: self.compare(path))


for found in media.flv_files():
    add_file_test(found)

if __name__ == '__main__':
    case.main()
