# SPDX-License-Identifier: LGPL-2.1-or-later
"""rtmpclientsink and rtmpclientsrc with nginx-rtmp, as users run them."""

import os
import shutil

from rtmptest import case, wait
from rtmptest.gst import Gst
from programs import ENCODE


class ClientSink(case.Case):

    def setUp(self):
        super().setUp()
        self.need_elements('x264enc', 'avenc_aac')

    def test_a_player_behind_nginx_gets_what_the_pad_got(self):
        nginx = self.nginx()
        record = self.path('sent.flv')
        player = self.player(nginx.url()).wait_for_play()
        sending = self.pipeline(
            ENCODE.format(record=record, sink=f'rtmpclientsink location={nginx.url()}'))
        sending.play().wait_eos()
        sending.stop()
        self.assert_same(self.contents(record), player.contents(), nginx.log)

    def test_gst_launch_e_ends_a_publish_in_order(self):
        nginx = self.nginx()
        sending = self.launch(
            'videotestsrc is-live=true ! x264enc tune=zerolatency ! flvmux streamable=true !'
            f' rtmpclientsink location={nginx.url()}')
        nginx.wait_for_publisher()
        self.assertEqual(0, sending.interrupt(timeout=5), sending)
        nginx.wait_for_log('deleteStream')


class ClientSource(case.Case):

    def test_what_ffmpeg_publishes_to_nginx_reaches_a_file(self):
        nginx = self.nginx()
        record = self.path('played.flv')
        playing = self.pipeline(
            f'rtmpclientsrc location={nginx.url()} ! filesink location={record}').play()
        nginx.wait_for_player()
        sample = self.sample()
        self.publisher(sample, nginx.url()).succeed()
        playing.wait_eos()
        playing.stop()
        self.assert_same(self.contents(sample), self.contents(record), playing)

    def test_flvdemux_and_a_decoder_get_every_frame(self):
        nginx = self.nginx()
        playing = self.pipeline(
            f'rtmpclientsrc location={nginx.url()} ! flvdemux name=d'
            ' d.video ! queue ! h264parse ! avdec_h264 ! fakesink name=video sync=false'
            ' d.audio ! queue ! fakesink sync=false')
        frames = playing.count('video')
        playing.play()
        nginx.wait_for_player()
        sample = self.sample()
        self.publisher(sample, nginx.url()).succeed()
        playing.wait_eos()
        self.assertEqual(len(self.contents(sample).decoded('video')), frames.buffers, playing)

    def test_uridecodebin_takes_our_source(self):
        nginx = self.nginx()
        playing = self.pipeline(
            f'uridecodebin name=d uri={nginx.url()} ! fakesink sync=false')
        taken = []
        playing['d'].connect('source-setup', lambda _, source: taken.append(source))
        playing.play()
        nginx.wait_for_player()
        self.assertEqual('rtmpclientsrc', taken[0].get_factory().get_name())


class RecordedStream(case.Case):
    """A file of 20 s that nginx plays, with an index: it seeks by no other."""

    def setUp(self):
        super().setUp()
        nginx = self.nginx()
        film = self.sample(seconds=20, options=('-flvflags', 'add_keyframe_index'))
        shutil.copy(film, os.path.join(nginx.folder, 'vod', 'film.flv'))
        self.location = nginx.url('film.flv', 'vod')

    def playing(self, properties='', rest='fakesink name=end sync=false'):
        pipeline = self.pipeline(f'rtmpclientsrc location={self.location} {properties} ! {rest}')
        self.tags = pipeline.count('end')
        return pipeline.play()

    def seek(self, pipeline, second):
        """The time of the first frame seen after it, in seconds."""
        self.assertTrue(pipeline.pipeline.seek_simple(
            Gst.Format.TIME, Gst.SeekFlags.FLUSH | Gst.SeekFlags.KEY_UNIT, second * Gst.SECOND))
        count = self.tags.buffers  # no frame of before passes the flush
        wait.until(lambda: self.tags.buffers > count + 5, 'frames after the seek')
        return self.tags.times[count] / Gst.SECOND

    def assert_position_follows_the_frames(self, pipeline):
        """Frames go on while one asks: it lies between the last before and the last after."""
        before = self.tags.times[-2]
        known, position = pipeline.pipeline.query_position(Gst.Format.TIME)
        self.assertTrue(known)
        self.assertGreaterEqual(position, before)
        self.assertLessEqual(position, self.tags.times[-1] + 0.1 * Gst.SECOND)

    def test_it_seeks_back_from_its_end(self):
        pipeline = self.playing(f'start={18 * Gst.SECOND}')
        pipeline.wait_eos()
        self.assertGreaterEqual(self.tags.times[-1], 19 * Gst.SECOND)
        # nginx goes to the next key frame, one a second.
        self.assertAlmostEqual(10, self.seek(pipeline, 10), delta=1.1)

    def test_it_plays_from_each_place_through_a_demuxer_and_a_decoder_in_time(self):
        pipeline = self.playing(rest='flvdemux ! h264parse ! avdec_h264 ! fakesink name=end')
        wait.until(lambda: self.tags.buffers > 10, 'the first frames')
        for second in (10, 3, 17):
            self.assertAlmostEqual(second, self.seek(pipeline, second), delta=1.2)
            self.assert_position_follows_the_frames(pipeline)
        pipeline.wait_eos()

    def test_it_waits_at_the_server_while_the_pipeline_is_paused(self):
        pipeline = self.playing()
        wait.until(lambda: self.tags.buffers > 20, 'the first frames')
        pipeline.set_state(Gst.State.PAUSED)
        pipeline.message(lambda m: m.has_name('rtmp-status') and
                         m.get_structure().get_string('code') == 'NetStream.Pause.Notify',
                         'Pause.Notify')
        count = self.tags.buffers
        pipeline.set_state(Gst.State.PLAYING)
        wait.until(lambda: self.tags.buffers > count + 100, 'frames after the pause')
        times = self.tags.times[count - 5:]
        self.assertLess(max(b - a for a, b in zip(times, times[1:])), 0.2 * Gst.SECOND)


if __name__ == '__main__':
    case.main()
