# SPDX-License-Identifier: LGPL-2.1-or-later
"""rtmpclientsink and rtmpclientsrc with nginx-rtmp, as users run them."""

from rtmptest import case
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


if __name__ == '__main__':
    case.main()
