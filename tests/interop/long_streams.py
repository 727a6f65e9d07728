# SPDX-License-Identifier: LGPL-2.1-or-later
"""Ten minutes of a stream, in less time, over the end of what a chunk's 24 bits can say."""

from rtmptest import case, flv, gst, wait

BORDER = 0xffffff
MINUTES = 10
INTERVAL = 1000
AT_ONCE = 5  # tags that are under way together: clients bound their queues by the stream's time

SCHEMES = 'rtmp', 'rtmps', 'rtmpe', 'rtmpt', 'rtmpte', 'rtmpts'


def long_stream():
    begin = BORDER - MINUTES * 30_000
    frames = MINUTES * 60_000 // INTERVAL
    return [(9, begin, flv.AVC_SEQUENCE_HEADER)] + [
        (9, begin + INTERVAL * number, flv.video_payload(number % 10 == 0, 300, number))
        for number in range(frames)]


def parse(tag):
    """(type, time, payload)"""
    time = int.from_bytes(tag[4:7], 'big') | tag[7] << 24
    return tag[0], time, tag[11:-4]


class LongStreams(case.Case):

    def carry(self, location, trust, sent):
        """The video that comes back of it."""
        playing = self.pipeline(f'rtmpclientsrc location={location} {trust} ! '
                                'appsink name=out sync=false').play()
        playing.wait_element('rtmp-connected')
        sending = self.pipeline(f'{flv.Source.LINE} ! rtmpclientsink sync=false '
                                f'location={location} {trust}').play()
        got = []
        for first in range(0, len(sent), AT_ONCE):
            piece = sent[first:first + AT_ONCE]
            flv.push_tags(sending, piece, begin=first == 0, end=False)
            while len(got) < first + len(piece):
                tag = parse(self.pull(playing))
                if tag[0] == 9:
                    got.append(tag)
        sending.stop()
        return got

    def pull(self, playing):
        sample = playing['out'].emit('try-pull-sample', wait.PATIENCE * gst.Gst.SECOND)
        self.assertIsNotNone(sample, playing)
        buffer = sample.get_buffer()
        return buffer.extract_dup(0, buffer.get_size())


def add_test(scheme):
    def test(self):
        file, key = self.certificate()
        relay = self.rtmpserver('protocols=' + '+'.join(SCHEMES) +
                                f' tls-certificate-file={file} tls-key-file={key}')
        sent = long_stream()
        got = self.carry(relay.url(scheme=scheme), f'tls-ca-file={file}', sent)
        wrong = [number for number, pair in enumerate(zip(sent, got)) if pair[0] != pair[1]]
        self.assertEqual(([], len(sent)), (wrong, len(got)))

    setattr(LongStreams, f'test_{scheme}_goes_on_past_24_bits', test)


for name in SCHEMES:
    add_test(name)

if __name__ == '__main__':
    case.main()
