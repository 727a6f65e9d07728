# SPDX-License-Identifier: LGPL-2.1-or-later
"""rtmpserversrc and rtmpserversink: a pipeline that listens."""

from rtmptest import case, gst, wait
from programs import ENCODE


class ServerSource(case.Case):

    def setUp(self):
        super().setUp()
        self.port = wait.free_port()
        self.url = f'rtmp://127.0.0.1:{self.port}/live/cam'
        self.record = self.path('received.flv')

    def wait_listening(self):
        wait.until(lambda: wait.port_listens(self.port), 'the element to listen')

    def test_what_ffmpeg_publishes_reaches_a_file(self):
        receiving = self.pipeline(
            f'rtmpserversrc port={self.port} stream=live/cam on-unpublish=eos !'
            f' filesink location={self.record}').play()
        self.wait_listening()
        sample = self.sample()
        self.publisher(sample, self.url).succeed()
        receiving.wait_eos()
        receiving.stop()
        self.assert_same(self.contents(sample), self.contents(self.record), receiving)

    def test_without_a_name_the_first_stream_is_taken(self):
        receiving = self.pipeline(
            f'rtmpserversrc port={self.port} on-unpublish=eos !'
            f' filesink location={self.record}').play()
        self.wait_listening()
        sample = self.sample()
        self.publisher(sample, self.url).succeed()
        receiving.wait_eos()
        receiving.stop()
        self.assert_same(self.contents(sample), self.contents(self.record), receiving)

    def test_flvdemux_and_a_decoder_get_every_frame(self):
        receiving = self.pipeline(
            f'rtmpserversrc port={self.port} stream=live/cam on-unpublish=eos ! flvdemux name=d'
            ' d.video ! queue ! h264parse ! avdec_h264 ! fakesink name=video sync=false'
            ' d.audio ! queue ! fakesink name=audio sync=false')
        frames = receiving.count('video')
        receiving.play()
        self.wait_listening()
        sample = self.sample()
        self.publisher(sample, self.url).succeed()
        receiving.wait_eos()
        self.assertEqual(len(self.contents(sample).decoded('video')), frames.buffers, receiving)

    def test_it_waits_for_the_next_publisher_on_one_rising_timeline(self):
        receiving = self.pipeline(
            f'rtmpserversrc port={self.port} stream=live/cam ! fakesink name=end sync=false')
        tags = receiving.count('end')
        receiving.play()
        self.wait_listening()
        sample = self.sample(seconds=2)
        self.publisher(sample, self.url).succeed()
        first = wait.settled(lambda: tags.buffers, 0.5)
        self.assertGreater(first, 50)
        self.publisher(sample, self.url).succeed()
        wait.until(lambda: tags.buffers >= 2 * first - 4, 'the second publisher\'s frames')
        self.assertEqual([], receiving.poll())
        self.assertGreaterEqual(tags.discontinuities, 1)
        times = [time for time in tags.times if time != gst.Gst.CLOCK_TIME_NONE]
        falls = [(a, b) for a, b in zip(times, times[1:]) if b + gst.Gst.SECOND < a]
        self.assertEqual([], falls)

    def test_a_busy_port_is_an_error_that_names_it(self):
        self.pipeline(f'rtmpserversrc port={self.port} ! fakesink').play()
        self.wait_listening()
        second = self.launch(f'rtmpserversrc port={self.port} ! fakesink')
        self.assertNotEqual(0, second.wait_end())
        self.assertIn(str(self.port), second.output)

    def test_it_stops_within_a_second_while_nobody_publishes(self):
        receiving = self.pipeline(f'rtmpserversrc port={self.port} ! fakesink').play()
        self.wait_listening()
        self.assertLess(receiving.stop(), 1.0)


class ServerSink(case.Case):

    def setUp(self):
        super().setUp()
        self.need_elements('x264enc', 'avenc_aac')
        self.port = wait.free_port()

    def test_a_player_gets_what_the_pad_got(self):
        record = self.path('sent.flv')
        serving = self.pipeline(ENCODE.format(
            record=record,
            sink=f'rtmpserversink name=server port={self.port} stream=live/cam'
                 ' wait-for-connection=true'))
        serving.play()
        wait.until(lambda: wait.port_listens(self.port), 'the element to listen')
        player = self.player(f'rtmp://127.0.0.1:{self.port}/live/cam').wait_for_play()
        serving.wait_eos()
        serving.stop()
        self.assert_same(self.contents(record), player.contents(), serving)

    def test_a_player_that_never_reads_holds_up_nobody(self):
        serving = self.pipeline(
            'videotestsrc num-buffers=200 ! video/x-raw,framerate=100/1 !'
            ' x264enc speed-preset=ultrafast bitrate=20000 ! flvmux streamable=true !'
            f' rtmpserversink port={self.port} stream=live/cam').play()
        wait.until(lambda: wait.port_listens(self.port), 'the element to listen')
        lazy = self.player(f'rtmp://127.0.0.1:{self.port}/live/cam').wait_for_play()
        lazy.program.suspend()
        self.assertLess(serving.wait_eos(), 15)

    def test_it_counts_its_clients(self):
        serving = self.pipeline(
            'videotestsrc is-live=true ! video/x-raw,framerate=25/1 !'
            ' x264enc tune=zerolatency ! flvmux streamable=true !'
            f' rtmpserversink name=server port={self.port} stream=live/cam').play()
        wait.until(lambda: wait.port_listens(self.port), 'the element to listen')
        server = serving['server']
        self.assertEqual(0, server.get_property('clients'))
        player = self.player(f'rtmp://127.0.0.1:{self.port}/live/cam')
        wait.until(lambda: server.get_property('clients') == 1, 'one client')
        player.program.kill()
        wait.until(lambda: server.get_property('clients') == 0, 'no client')


class OneProcess(case.Case):

    def test_three_pipelines_on_one_port_take_in_transcode_and_serve(self):
        self.need_elements('x264enc')
        port = wait.free_port()
        transcoder = self.launch(
            f'rtmpserversrc port={port} stream=live/in on-unpublish=eos ! flvdemux ! queue !'
            ' h264parse ! avdec_h264 ! videoscale ! video/x-raw,width=160,height=120 !'
            ' x264enc speed-preset=ultrafast tune=zerolatency ! h264parse !'
            f' flvmux streamable=true ! rtmpserversink port={port} stream=live/out'
            f' rtmpserversrc port={port} stream=live/in on-unpublish=eos !'
            f' filesink location={self.path("in.flv")}')
        transcoder.wait_for_port(port)
        base = f'rtmp://127.0.0.1:{port}/live'
        player = self.player(f'{base}/out').wait_for_play()
        sample = self.sample(seconds=4, audio=None)
        self.publisher(sample, f'{base}/in', speed=1).succeed()
        transcoder.succeed()
        expected = self.contents(sample)
        self.assertEqual(len(expected.decoded('video')), len(player.contents().decoded('video')))
        self.assert_same(expected, self.contents(self.path('in.flv')), transcoder)


if __name__ == '__main__':
    case.main()
