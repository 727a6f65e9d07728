# SPDX-License-Identifier: LGPL-2.1-or-later
"""rtmpserver with the publishers and players that GStreamer and librtmp bring."""

from rtmptest import case, wait

# One group of pictures, so that a player that comes during the first second misses nothing.
ONE_GOP = {'seconds': 5, 'gop': 1000}

ENCODE = (
    'videotestsrc num-buffers=150 ! video/x-raw,width=320,height=240,framerate=50/1 !'
    ' x264enc speed-preset=ultrafast key-int-max=25 ! h264parse ! queue ! mux.'
    ' audiotestsrc num-buffers=130 samplesperbuffer=1024 ! audio/x-raw,rate=44100,channels=2 !'
    ' avenc_aac ! aacparse ! queue ! mux.'
    ' flvmux name=mux streamable=true ! tee name=sent ! queue !'
    ' filesink location={record} async=false sent. ! queue ! {sink}')


class Publishers(case.Case):

    def setUp(self):
        super().setUp()
        self.need_elements('x264enc', 'avenc_aac')

    def publish_through(self, sink):
        relay = self.rtmpserver()
        player = self.player(relay.url()).wait_for_play()
        record = self.path('sent.flv')
        sending = self.pipeline(ENCODE.format(record=record, sink=sink.format(url=relay.url())))
        sending.play().wait_eos()
        sending.stop()
        self.assert_same(self.contents(record), player.contents(), relay.program)

    def test_rtmp2sink_publishes(self):
        self.need_elements('rtmp2sink')
        self.publish_through('rtmp2sink location={url}')

    def test_rtmpsink_publishes(self):
        self.need_elements('rtmpsink')
        self.publish_through('rtmpsink location="{url} live=1"')

    def test_rtmpclientsink_publishes(self):
        self.publish_through('rtmpclientsink location={url}')


class Players(case.Case):

    def setUp(self):
        super().setUp()
        self.relay = self.rtmpserver()
        self.source = self.sample(**ONE_GOP)
        self.record = self.path('played.flv')

    def publish_when_connected(self):
        self.relay.wait_for_clients()
        self.publisher(self.source, self.relay.url()).succeed()

    def play_with(self, element, ends=True, last_may_miss=False):
        playing = self.pipeline(
            f'{element} ! filesink name=end buffer-mode=unbuffered location={self.record}')
        blocks = playing.count('end')
        playing.play()
        self.publish_when_connected()
        if ends:
            playing.wait_eos()
        else:
            wait.settled(lambda: blocks.bytes)
            self.relay.program.interrupt()
        playing.stop()
        expected, played = self.contents(self.source), self.contents(self.record)
        if last_may_miss:
            expected.forget_last(played)
        self.assert_same(expected, played, self.relay.program)

    def test_rtmp2src_plays(self):
        self.need_elements('rtmp2src')
        # At the end of the stream it sometimes throws away the message it holds.
        self.play_with(f'rtmp2src location={self.relay.url()}', last_may_miss=True)

    def test_rtmpsrc_plays(self):
        self.need_elements('rtmpsrc')
        # At the end of the stream it connects again and waits for the next publisher; while it
        # does, nothing but the end of the server stops it.
        self.play_with(f'rtmpsrc location="{self.relay.url()} live=1"', ends=False)

    def test_rtmpclientsrc_plays(self):
        self.play_with(f'rtmpclientsrc location={self.relay.url()}')

    def test_rtmpdump_plays(self):
        self.need_program('rtmpdump')
        playing = self.run_program(
            ['rtmpdump', '--live', '-r', self.relay.url(), '-o', self.record])
        self.publish_when_connected()
        playing.wait_end()
        self.assert_same(self.contents(self.source), self.contents(self.record), playing)


if __name__ == '__main__':
    case.main()
