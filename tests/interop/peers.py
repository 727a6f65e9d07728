# SPDX-License-Identifier: LGPL-2.1-or-later
"""The harness against programs that are known to work: what fails here is no fault of ours."""

from rtmptest import case, stub


class PeersAmongThemselves(case.Case):

    def test_ffmpeg_publishes_to_nginx_and_ffmpeg_plays_the_same(self):
        nginx = self.nginx()
        sample = self.sample()
        player = self.player(nginx.url()).wait_for_play()
        self.publisher(sample, nginx.url()).succeed()
        self.assert_same(self.contents(sample), player.contents(), nginx.log)

    def test_rtmp2sink_publishes_to_nginx_and_rtmp2src_plays(self):
        self.need_elements('rtmp2sink', 'rtmp2src', 'x264enc')
        nginx = self.nginx()
        playing = self.pipeline(f'rtmp2src location={nginx.url()} ! flvdemux ! fakesink name=end')
        frames = playing.count('end')
        playing.play()
        nginx.wait_for_player()
        sending = self.pipeline(
            'videotestsrc num-buffers=100 ! video/x-raw,width=160,height=120,framerate=50/1 !'
            ' x264enc tune=zerolatency ! flvmux streamable=true !'
            f' rtmp2sink location={nginx.url()}')
        sending.play()
        sending.wait_eos()
        playing.wait_eos()
        self.assertGreaterEqual(frames.buffers, 95)

    def test_rtmp2sink_says_that_a_silent_server_timed_out(self):
        self.need_elements('rtmp2sink')
        server = self.server(stub.Connection.stay_silent)
        sending = self.pipeline(
            'videotestsrc ! x264enc ! flvmux streamable=true !'
            f' rtmp2sink timeout=1 location={server.url()}')
        error = sending.play().wait_error()
        self.assertIn('timed out', error.text)

    def test_a_scripted_server_reads_what_rtmp2sink_sends(self):
        self.need_elements('rtmp2sink')

        def script(peer):
            peer.become_publisher_peer()
            peer.read_to_end()

        server = self.server(script)
        sending = self.pipeline(
            'videotestsrc num-buffers=50 ! x264enc tune=zerolatency ! flvmux streamable=true !'
            f' rtmp2sink location={server.url()}')
        sending.play().wait_eos()
        sending.stop()
        self.assertGreater(len(server.connection().media(stub.VIDEO)), 40)
        self.assertIn('publish', server.connection().command_names())
        self.assertEqual([], server.failures)


if __name__ == '__main__':
    case.main()
