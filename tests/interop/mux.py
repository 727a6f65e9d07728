# SPDX-License-Identifier: LGPL-2.1-or-later
"""rtmpmux: what it writes is read by ffmpeg and by rtmpdemux, packet for packet."""

import hashlib
import os

from rtmptest import case, media
from rtmptest.gst import Gst

# A queue that lets the demuxer read on while the muxer waits for another track.
QUEUE = 'queue max-size-buffers=0 max-size-bytes=0 max-size-time=0'
SOURCE = 'filesrc location={} ! rtmpdemux name=d'


class Packets:
    """The packets of each pad of a demuxer, with running times."""

    def __init__(self):
        self.tracks = {}
        self.segments = {}

    def watch(self, pad):
        self.tracks[pad.get_name()] = []
        pad.add_probe(Gst.PadProbeType.BUFFER | Gst.PadProbeType.EVENT_DOWNSTREAM, self._note)

    def _note(self, pad, info):
        if info.type & Gst.PadProbeType.EVENT_DOWNSTREAM:
            event = info.get_event()
            if event.type == Gst.EventType.SEGMENT:
                self.segments[pad.get_name()] = event.parse_segment().copy()
            return Gst.PadProbeReturn.OK
        buffer = info.get_buffer()
        segment = self.segments[pad.get_name()]
        _, data = buffer.map(Gst.MapFlags.READ)
        digest = hashlib.md5(data.data).hexdigest()
        buffer.unmap(data)
        key = not buffer.has_flags(Gst.BufferFlags.DELTA_UNIT)
        self.tracks[pad.get_name()].append(
            (running(segment, buffer.dts), running(segment, buffer.pts), key, digest))
        return Gst.PadProbeReturn.OK

    def from_the_first(self):
        """The same, with times from the first packet of all."""
        first = min(decoding_time(packets[0]) for packets in self.tracks.values() if packets)

        def moved(time):
            return time and time[0] - first
        return {name: [(moved(dts), moved(pts), key, digest) for dts, pts, key, digest in packets]
                for name, packets in self.tracks.items() if packets}


def running(segment, time):
    """In a tuple, so that zero is not nothing."""
    if time == Gst.CLOCK_TIME_NONE:
        return None
    sign, distance = segment.to_running_time_full(Gst.Format.TIME, time)
    return (sign * distance,)


def decoding_time(packet):
    return (packet[0] or packet[1])[0]


class Mux(case.Case):
    """One test for each real file, added below."""

    def setUp(self):
        super().setUp()
        self.need_elements('rtmpmux')

    def demuxed(self, path):
        packets = Packets()
        pipeline = self.pipeline(SOURCE.format(path))

        def expose(_demuxer, pad):
            packets.watch(pad)
            sink = Gst.ElementFactory.make('fakesink')
            sink.set_property('sync', False)
            sink.set_property('async', False)
            pipeline.pipeline.add(sink)
            sink.sync_state_with_parent()
            pad.link(sink.get_static_pad('sink'))
        pipeline['d'].connect('pad-added', expose)
        pipeline.play().wait_eos()
        pipeline.stop()
        return packets.from_the_first()

    def remuxed(self, path, properties=''):
        written = self.path('muxed.flv')
        pipeline = self.pipeline(
            f'{SOURCE.format(path)} rtmpmux name=m {properties} ! filesink location={written}')

        def expose(_demuxer, pad):
            queue = Gst.parse_bin_from_description(QUEUE, True)
            pipeline.pipeline.add(queue)
            queue.sync_state_with_parent()
            queue.get_static_pad('src').link(
                pipeline['m'].request_pad_simple(pad.get_name()))
            pad.link(queue.get_static_pad('sink'))
        pipeline['d'].connect('pad-added', expose)
        pipeline.play().wait_eos()
        pipeline.stop()
        return written

    def compare(self, path, properties=''):
        self.need_elements('rtmpdemux')
        expected = self.demuxed(path)
        actual = self.demuxed(self.remuxed(path, properties))
        self.assertEqual(sorted(expected), sorted(actual), 'tracks')
        for name, packets in expected.items():
            self.assertEqual(len(packets), len(actual[name]), name)
            wrong = [(i, *pair) for i, pair in enumerate(zip(packets, actual[name]))
                     if pair[0] != pair[1]]
            self.assertEqual([], wrong[:3], f'{len(wrong)} packets of {name} differ')

    def test_ffmpeg_reads_what_came_from_another_container(self):
        sample = self.sample(seconds=3)
        line = (f'filesrc location={sample} ! flvdemux name=d '
                f'd.video ! {QUEUE} ! h264parse ! m.video d.audio ! {QUEUE} ! aacparse ! m.audio '
                f'rtmpmux name=m ! filesink location={self.path("muxed.flv")}')
        self.pipeline(line).play().wait_eos()
        self.assert_same(self.contents(sample), self.contents(self.path('muxed.flv')))

    def test_ffmpeg_reads_mp3(self):
        sample = self.sample(seconds=3, audio='libmp3lame')
        line = (f'filesrc location={sample} ! flvdemux name=d '
                f'd.video ! {QUEUE} ! h264parse ! m.video '
                f'd.audio ! {QUEUE} ! mpegaudioparse ! m.audio '
                f'rtmpmux name=m ! filesink location={self.path("muxed.flv")}')
        self.pipeline(line).play().wait_eos()
        self.assert_same(self.contents(sample), self.contents(self.path('muxed.flv')))

    def test_hevc_goes_through_a_relay(self):
        self.need_elements('rtmpdemux', 'x265enc', 'h265parse', 'opusenc')
        relay = self.rtmpserver()
        playing = self.pipeline(
            f'rtmpclientsrc location={relay.url()} ! rtmpdemux name=d '
            f'd.video ! {QUEUE} ! h265parse ! fakesink name=v sync=false '
            f'd.audio ! {QUEUE} ! opusparse ! fakesink name=a sync=false').play()
        playing.wait_element('rtmp-connected')
        video, audio = playing.count('v'), playing.count('a')
        self.pipeline(
            'videotestsrc num-buffers=50 ! video/x-raw,width=160,height=120,framerate=25/1 '
            f'! x265enc speed-preset=ultrafast ! h265parse ! {QUEUE} ! m.video '
            f'audiotestsrc num-buffers=100 ! opusenc ! {QUEUE} ! m.audio '
            f'rtmpmux name=m ! rtmpclientsink sync=false location={relay.url()}').play().wait_eos()
        playing.wait_eos()
        self.assertEqual(50, video.buffers)
        self.assertGreater(audio.buffers, 90)

    def test_the_real_files_are_here(self):
        if not media.flv_files():
            self.skipTest('no folder of real files (RTMP_SHARED)')
        self.need_elements('rtmpdemux')


def file_test(path, name, test):
    setattr(Mux, f'test_{os.path.basename(path).split(".")[0]}_{name}', test)


def add_file_test(path):
    file_test(path, 'is_the_same_again', lambda self: self.compare(path))


def add_ffmpeg_test(path):
    def test(self):
        self.assert_same(self.contents(path), self.contents(self.remuxed(path)))

    file_test(path, 'is_the_same_to_ffmpeg', test)


for found in media.flv_files():
    add_file_test(found)
for found in media.legacy_files():
    add_ffmpeg_test(found)

if __name__ == '__main__':
    case.main()
