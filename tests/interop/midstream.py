# SPDX-License-Identifier: LGPL-2.1-or-later
"""What changes in the middle of a stream: a player's pipeline goes on and gets every packet.

rtmpmux and rtmpclientsink -> rtmpserver -> rtmpclientsrc and rtmpdemux. What comes three seconds
late does so in the stream's time: nothing here waits for a clock.
"""

import collections
import hashlib

from rtmptest import case, flv, stub, wait
from rtmptest.gst import Gst

QUEUE = 'queue max-size-buffers=0 max-size-bytes=0 max-size-time=0'

# Its time in ms, the codec, and codec_data where there is some.
Packet = collections.namedtuple('Packet', 'time codec config md5')


def add_sink(pipeline, pad):
    sink = Gst.ElementFactory.make('fakesink')
    sink.set_property('sync', False)
    # A track that comes late must not hold up what plays.
    sink.set_property('async', False)
    pipeline.add(sink)
    sink.sync_state_with_parent()
    pad.link(sink.get_static_pad('sink'))


def contents(buffer):
    return buffer.extract_dup(0, buffer.get_size())


class Tracks:
    """What comes out of each pad of the rtmpdemux named d of a pipeline."""

    def __init__(self, pipeline):
        self.packets, self.gaps = {}, {}
        self.pipeline = pipeline.pipeline
        pipeline['d'].connect('pad-added', self._add)

    def _add(self, _demuxer, pad):
        self.packets[pad.get_name()], self.gaps[pad.get_name()] = [], []
        pad.add_probe(Gst.PadProbeType.BUFFER | Gst.PadProbeType.EVENT_DOWNSTREAM, self._note)
        add_sink(self.pipeline, pad)

    def _note(self, pad, info):
        name = pad.get_name()
        if info.type & Gst.PadProbeType.EVENT_DOWNSTREAM:
            if info.get_event().type == Gst.EventType.GAP:
                self.gaps[name].append(info.get_event().parse_gap())
            return Gst.PadProbeReturn.OK
        buffer = info.get_buffer()
        caps = pad.get_current_caps().get_structure(0)
        config = caps.get_value('codec_data') if caps.has_field('codec_data') else None
        time = buffer.pts if buffer.dts == Gst.CLOCK_TIME_NONE else buffer.dts
        self.packets[name].append(Packet(
            time // Gst.MSECOND, caps.get_name(), config and contents(config),
            hashlib.md5(contents(buffer)).hexdigest()))
        return Gst.PadProbeReturn.OK

    def count(self):
        return sum(len(packets) for packets in self.packets.values())

    def from_the_first(self):
        first = min(packets[0].time for packets in self.packets.values())
        return {name: [packet._replace(time=packet.time - first) for packet in packets]
                for name, packets in self.packets.items()}


def write(path, tags):
    with open(path, 'wb') as file:
        file.write(flv.FILE_HEADER)
        for kind, time, payload in tags:
            file.write(flv.tag(kind, time, payload))
    return path


def is_aac_header(kind, payload):
    return kind == flv.AUDIO and payload[:2] == b'\xaf\0'


def media_tags(path):
    return [tag for tag in stub.read_flv_tags(path) if tag[0] in (flv.AUDIO, flv.VIDEO)]


def one_after_the_other(*paths):
    """The audio and video of each file begins where that of the one before ended."""
    joined, start = [], 0
    for path in paths:
        tags = media_tags(path)
        joined += [(kind, start + time, payload) for kind, time, payload in tags]
        start = max(time for _, time, _ in joined) + 40
    return joined


def without_audio(tags, begin, end):
    """Nothing of audio between two times; a header that falls in is moved to the end."""
    kept = []
    header = None
    for kind, time, payload in tags:
        is_out = kind == flv.AUDIO and begin <= time < end
        if is_out and is_aac_header(kind, payload):
            header = payload
        if is_out:
            continue
        if header and kind == flv.AUDIO:
            kept.append((kind, time, header))
            header = None
        kept.append((kind, time, payload))
    return kept


class Midstream(case.Case):

    def setUp(self):
        super().setUp()
        # Files go faster than time; a player that is slow to start must still get all.
        self.relay = self.rtmpserver('max-queue-time=0 max-queue-bytes=0')

    def tracks_of(self, path):
        pipeline = self.pipeline(f'filesrc location={path} ! rtmpdemux name=d')
        tracks = Tracks(pipeline)
        pipeline.play().wait_eos()
        pipeline.stop()
        return tracks.from_the_first()

    def player(self):
        pipeline = self.pipeline(
            f'rtmpclientsrc location={self.relay.url()} ! rtmpdemux name=d').play()
        tracks = Tracks(pipeline)
        pipeline.wait_element('rtmp-connected')
        return pipeline, tracks

    def send_tags(self, tags, url=None):
        """As an encoder that is not ours."""
        sending = self.pipeline(
            f'{flv.Source.LINE} ! rtmpclientsink sync=false location={url or self.relay.url()}')
        flv.push_tags(sending, tags)
        sending.play().wait_eos()
        sending.stop()

    def send_muxed(self, tags):
        """As an application that has tracks."""
        source = write(self.path('source.flv'), tags)
        sending = self.pipeline(
            f'filesrc location={source} ! rtmpdemux name=d '
            f'rtmpmux name=m ! rtmpclientsink sync=false location={self.relay.url()}')

        def expose(_demuxer, pad):
            queue = Gst.parse_bin_from_description(QUEUE, True)
            sending.pipeline.add(queue)
            queue.sync_state_with_parent()
            queue.get_static_pad('src').link(
                sending['m'].request_pad_simple(pad.get_name()))
            pad.link(queue.get_static_pad('sink'))
        sending['d'].connect('pad-added', expose)
        sending.play().wait_eos()
        sending.stop()

    def carry(self, tags, send):
        """What the player gets of the tags; it is the same as what they are."""
        playing, tracks = self.player()
        send(tags)
        playing.wait_eos()
        playing.stop()
        expected = self.tracks_of(write(self.path('expected.flv'), tags))
        self.assertEqual(expected, tracks.from_the_first())
        return tracks

    def made_tags(self, seconds=6, **options):
        return media_tags(self.sample(seconds=seconds, **options))

    def configs(self, packets):
        """How many packets came with each configuration, in order."""
        runs = []
        for packet in packets:
            if not runs or runs[-1][0] != (packet.codec, packet.config):
                runs.append([(packet.codec, packet.config), 0])
            runs[-1][1] += 1
        return runs

    def check_resolution(self, send):
        tags = one_after_the_other(self.sample(seconds=2),
                                   self.sample(seconds=2, size='160x120'))
        tracks = self.carry(tags, send)
        self.assertEqual([50, 50], [count for _, count in self.configs(tracks.packets['video'])])
        self.assertEqual(1, len(self.configs(tracks.packets['audio'])))

    def test_a_change_of_resolution(self):
        self.check_resolution(self.send_tags)

    def test_a_change_of_resolution_through_the_muxer(self):
        self.check_resolution(self.send_muxed)

    def check_late_audio(self, send):
        tags = without_audio(self.made_tags(), 0, 3000)
        tracks = self.carry(tags, send)
        self.assertEqual(150, len(tracks.packets['video']))
        late = tracks.packets['audio'][0].time - tracks.packets['video'][0].time
        self.assertAlmostEqual(3000, late, delta=100)

    def test_audio_that_begins_three_seconds_late(self):
        self.check_late_audio(self.send_tags)

    def test_audio_that_begins_three_seconds_late_through_the_muxer(self):
        self.check_late_audio(self.send_muxed)

    def check_audio_that_returns(self, send):
        tags = without_audio(self.made_tags(), 1000, 4000)
        tracks = self.carry(tags, send)
        times = [packet.time for packet in tracks.packets['audio']]
        self.assertGreater(max(b - a for a, b in zip(times, times[1:])), 2900)
        # What is downstream knows that there is nothing to wait for.
        self.assertTrue(tracks.gaps['audio'])

    def test_audio_that_leaves_and_returns(self):
        self.check_audio_that_returns(self.send_tags)

    def test_audio_that_leaves_and_returns_through_the_muxer(self):
        self.check_audio_that_returns(self.send_muxed)

    def test_decodebin_gets_a_track_that_is_announced_and_late(self):
        self.need_elements('avdec_h264', 'avdec_aac')
        tags = without_audio(stub.read_flv_tags(self.sample(seconds=6)), 0, 4000)
        path = write(self.path('late.flv'), tags)
        playing = self.pipeline(f'filesrc location={path} ! decodebin name=d')
        tracks = Tracks(playing)
        playing.play().wait_eos()
        counts = {packets[0].codec: len(packets) for packets in tracks.packets.values()}
        audio = [payload for kind, _, payload in tags
                 if kind == flv.AUDIO and not is_aac_header(kind, payload)]
        self.assertEqual({'video/x-raw': 150, 'audio/x-raw': len(audio)}, counts)

    def other_codecs(self):
        """A file of HEVC and Opus."""
        self.need_elements('x265enc', 'h265parse', 'opusenc')
        path = self.path('other.flv')
        self.pipeline(
            'videotestsrc num-buffers=50 ! video/x-raw,width=160,height=120,framerate=25/1 '
            f'! x265enc speed-preset=ultrafast ! h265parse ! {QUEUE} ! m.video '
            f'audiotestsrc num-buffers=100 ! opusenc ! {QUEUE} ! m.audio '
            f'rtmpmux name=m ! filesink location={path}').play().wait_eos()
        return path

    def check_codecs(self, tracks):
        self.assertEqual(['video/x-h264', 'video/x-h265'],
                         [codec for (codec, _), _ in self.configs(tracks['video'])])
        self.assertEqual(['audio/mpeg', 'audio/x-opus'],
                         [codec for (codec, _), _ in self.configs(tracks['audio'])])

    def test_other_codecs_in_the_same_stream(self):
        tags = one_after_the_other(self.sample(seconds=2), self.other_codecs())
        self.check_codecs(self.carry(tags, self.send_tags).packets)

    def test_another_publisher_with_other_codecs(self):
        port = wait.free_port()
        url = f'rtmp://127.0.0.1:{port}/live/cam'
        playing = self.pipeline(f'rtmpserversrc port={port} stream=live/cam ! rtmpdemux name=d')
        tracks = Tracks(playing)
        playing.play()
        wait.until(lambda: wait.port_listens(port), 'the element to listen')
        self.check_successors(playing, tracks, lambda tags: self.send_tags(tags, url))

    def check_successors(self, playing, tracks, send):
        """What was sent of two files, one after the other, arrives as one stream."""
        files = self.sample(seconds=2), self.other_codecs()
        expected = {'video': [], 'audio': []}
        for path in files:
            send(media_tags(path))
            for name, packets in self.tracks_of(path).items():
                expected[name] += [(packet.codec, packet.config, packet.md5) for packet in packets]
            count = sum(len(packets) for packets in expected.values())
            wait.until(lambda: tracks.count() >= count, 'all packets')
        self.assertEqual([], playing.poll())
        received = {name: [(packet.codec, packet.config, packet.md5) for packet in packets]
                    for name, packets in tracks.packets.items()}
        self.assertEqual(expected, received)
        self.check_codecs(tracks.packets)
        for packets in tracks.packets.values():
            self.assertEqual(sorted(packet.time for packet in packets),
                             [packet.time for packet in packets])

    def test_a_publisher_that_takes_over_with_other_codecs(self):
        self.relay = self.rtmpserver('max-queue-time=0 max-queue-bytes=0'
                                     ' duplicate-publish=takeover')
        playing, tracks = self.player()

        def send_and_stay(tags):
            sending = self.pipeline(f'{flv.Source.LINE} ! rtmpclientsink sync=false'
                                    f' location={self.relay.url()}')
            flv.push_tags(sending, tags, end=False)
            sending.play()

        self.check_successors(playing, tracks, send_and_stay)

    def test_a_publisher_that_comes_back_with_other_codecs(self):
        self.relay = self.rtmpserver('max-queue-time=0 max-queue-bytes=0'
                                     ' publisher-grace=20000000000')
        playing, tracks = self.player()
        self.check_successors(playing, tracks, self.send_tags)

    def test_a_publisher_that_comes_back_too_late(self):
        self.relay = self.rtmpserver('max-queue-time=0 max-queue-bytes=0'
                                     ' publisher-grace=500000000')
        playing, tracks = self.player()
        self.send_tags(self.made_tags(seconds=2))
        playing.wait_eos()
        self.assertEqual(50, len(tracks.packets['video']))


if __name__ == '__main__':
    case.main()
