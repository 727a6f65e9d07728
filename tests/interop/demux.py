# SPDX-License-Identifier: LGPL-2.1-or-later
"""rtmpdemux against FFmpeg: the same packets, times and payloads of every track of real files.

In pull and in push mode; decoding with what Debian decodes; seeking.
"""

import collections
import hashlib
import os
import unittest

from rtmptest import case, media
from rtmptest.gst import Gst

Packet = collections.namedtuple('Packet', 'dts pts size md5')

HEADS = {
    'pull': 'filesrc location={}',
    'push': 'filesrc location={} blocksize=777 ! queue',
}


def expected(path):
    """The packets of each track, as FFmpeg's newest version reads them; times modulo 2^32 ms."""
    listing = os.path.join(media.shared_folder(), 'expected',
                           os.path.basename(path) + '.packets.tsv')
    tracks = {}
    with open(listing, encoding='utf-8') as lines:
        for line in lines:
            if line.startswith('#'):
                continue
            track, dts, pts, _, size, md5 = line.split()
            # Empty packets say that a sequence has ended.
            if int(size):
                tracks.setdefault(track, []).append(
                    Packet(int(dts) % 2**32, int(pts) % 2**32, int(size), md5))
    return list(tracks.values())


class Recording:
    """What comes out of each pad of rtmpdemux."""

    def __init__(self, head):
        self.packets, self.flags, self.caps = {}, {}, {}
        self.error = None
        self.pipeline = Gst.parse_launch(f'{head} ! rtmpdemux name=demux')
        self.demux = self.pipeline.get_by_name('demux')
        self.demux.connect('pad-added', self._link)

    def _link(self, _, pad):
        name = pad.get_name()
        self.packets[name], self.flags[name], self.caps[name] = [], [], []
        sink = Gst.ElementFactory.make('fakesink')
        sink.set_property('sync', False)
        # A track without buffers must not hold the others up.
        sink.set_property('async', False)
        self.pipeline.add(sink)
        sink.sync_state_with_parent()
        pad.link(sink.get_static_pad('sink'))
        pad.add_probe(Gst.PadProbeType.BUFFER, self._record)

    def _record(self, pad, info):
        buffer = info.get_buffer()
        bytes_ = buffer.extract_dup(0, buffer.get_size())
        name = pad.get_name()
        self.packets[name].append(
            Packet(buffer.dts, buffer.pts, len(bytes_), hashlib.md5(bytes_).hexdigest()))
        self.flags[name].append(buffer.get_flags())
        caps = pad.get_current_caps().to_string()
        if caps not in self.caps[name]:
            self.caps[name].append(caps)
        return Gst.PadProbeReturn.OK

    def clear(self):
        for name in self.packets:
            self.packets[name], self.flags[name] = [], []

    def wait_end(self):
        message = self.pipeline.get_bus().timed_pop_filtered(
            30 * Gst.SECOND, Gst.MessageType.EOS | Gst.MessageType.ERROR)
        if message is None:
            self.error = 'no end came'
        elif message.type == Gst.MessageType.ERROR:
            self.error = message.parse_error()[0].message

    def run(self):
        self.pipeline.set_state(Gst.State.PLAYING)
        self.wait_end()
        self.stop()
        return self

    def stop(self):
        self.pipeline.set_state(Gst.State.NULL)

    def in_ms(self):
        """Each track's packets with times as FLV has them, without a nanosecond beside."""
        def ms(time):
            whole, rest = divmod(time, Gst.MSECOND)
            return whole % 2**32 if not rest else time
        return [[packet._replace(dts=ms(packet.dts), pts=ms(packet.pts)) for packet in packets]
                for name, packets in self.packets.items() if not name.startswith('data')]


class Demux(case.Case):
    """One test for each real file and mode, added below."""

    def compare(self, path, head):
        recording = Recording(head.format(path)).run()
        self.assertIsNone(recording.error)
        tracks = expected(path)
        found = recording.in_ms()
        self.assertTrue(tracks)
        for track in tracks:
            # FFmpeg gives some kinds of data a track, and leaves VP8 in FLV out.
            self.assertIn(track, found)

    def decode(self, path):
        pipeline = self.pipeline(f'filesrc location={path} ! rtmpdemux ! decodebin name=decode ! '
                                 'fakesink sync=false')
        pipeline.play()
        pipeline.wait_eos()

    def seek(self, path, to, flags):
        """The packets after a seek of a paused pipeline, from the first on."""
        recording = Recording(f'filesrc location={path}')
        self.addCleanup(recording.stop)
        recording.pipeline.set_state(Gst.State.PLAYING)
        recording.wait_end()
        recording.clear()
        self.assertTrue(recording.pipeline.seek_simple(
            Gst.Format.TIME, Gst.SeekFlags.FLUSH | flags, to))
        recording.wait_end()
        self.assertIsNone(recording.error)
        return recording

    def check_seek(self, name):
        path = os.path.join(media.shared_folder(), name)
        if not os.path.exists(path):
            self.skipTest(f'{name} is not there')
        whole = Recording(f'filesrc location={path}').run()
        keys = [packet.dts for packet, flags in zip(whole.packets['video'], whole.flags['video'])
                if not flags & Gst.BufferFlags.DELTA_UNIT]
        target = keys[1] + 100 * Gst.MSECOND
        part = self.seek(path, target, Gst.SeekFlags.KEY_UNIT)
        self.assertEqual(keys[1], part.packets['video'][0].dts)
        self.assertFalse(part.flags['video'][0] & Gst.BufferFlags.DELTA_UNIT)
        count = len(part.packets['video'])
        self.assertEqual(whole.packets['video'][-count:], part.packets['video'])

    def test_seeks_by_the_index_of_the_file(self):
        self.check_seek('h264_aac_keyframeindex.flv')

    def test_seeks_without_an_index(self):
        self.check_seek('h264_aac_bframes.flv')

    def test_seeks_to_enhanced_key_frames(self):
        self.check_seek('hevc_aac.flv')


def add_tests():
    for path in media.flv_files():
        name = os.path.basename(path)[:-4]
        for mode, head in HEADS.items():
            def compare(self, path=path, head=head):
                self.compare(path, head)
            setattr(Demux, f'test_{mode}_{name}', compare)

        def decode(self, path=path):
            self.decode(path)
        setattr(Demux, f'test_decode_{name}', decode)
    if not media.flv_files():
        Demux.test_files = unittest.skip('the shared files are not there')(lambda self: None)


if __name__ == '__main__':
    add_tests()
    case.main()
