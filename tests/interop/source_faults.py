# SPDX-License-Identifier: LGPL-2.1-or-later
"""rtmpclientsrc against servers that refuse, stay silent, stall, die or say goodbye oddly."""

import os
import shutil
import threading

from rtmptest import case, flv, gst, stub, wait
from rtmptest.gst import NOT_AUTHORIZED, NOT_FOUND, OPEN_READ, OPEN_WRITE, READ, Gst

OPENING = (OPEN_READ, OPEN_WRITE)

FINAL = 'auto-reconnect=false'

FRAME_COUNT = 20


def send_frames(peer, first=0, count=FRAME_COUNT, stream=1):
    """A sequence header and numbered frames, 40 ms apart."""
    tags = [(stub.VIDEO, first * 40, flv.AVC_SEQUENCE_HEADER)] if first == 0 else []
    for number in range(first, first + count):
        tags.append((stub.VIDEO, number * 40, flv.video_payload(number % 10 == 0, 500, number)))
    peer.send_flv(tags, stream)


class SourceCase(case.Case):

    def source(self, location, properties='', rest='fakesink name=end sync=false'):
        return self.pipeline(
            f'rtmpclientsrc name=src location="{location}" {properties} ! {rest}')

    def playing(self, script, properties='', **options):
        """A pipeline, playing from a scripted server, and the count of what comes."""
        self.stub = self.server(script, **options)
        pipeline = self.source(self.stub.url(), properties)
        tags = pipeline.count('end')
        pipeline.play()
        return pipeline, tags

    def error_of(self, location, properties=''):
        pipeline = self.source(location, properties).play()
        error = pipeline.wait_error()
        self.assertLess(pipeline.stop(), 1.0)
        return error


class WhenConnecting(SourceCase):

    def test_a_refused_connection_is_said_at_once(self):
        error = self.error_of(f'rtmp://127.0.0.1:{wait.free_port()}/live/cam')
        self.assert_error(error, 'refused', [OPEN_READ], within=2)

    def test_an_unknown_host_is_named(self):
        error = self.error_of('rtmp://nosuch.invalid/live/cam')
        self.assert_error(error, r'nosuch\.invalid', (NOT_FOUND, OPEN_READ))

    def test_a_server_that_never_answers_the_handshake_is_an_error(self):
        server = self.server(stub.Connection.stay_silent)
        error = self.error_of(server.url(), 'timeout=1')
        self.assert_error(error, 'handshake', OPENING, within=8)

    def test_a_server_that_never_answers_connect_is_an_error(self):
        def script(peer):
            peer.handshake()
            peer.read_to_end()

        error = self.error_of(self.server(script).url(), 'timeout=1')
        self.assert_error(error, r'\bconnect\b|command', within=15)

    def test_a_server_that_never_answers_create_stream_is_an_error(self):
        def script(peer):
            peer.handshake()
            peer.accept_connect()
            peer.read_to_end()

        error = self.error_of(self.server(script).url(), 'timeout=1')
        self.assert_error(error, 'createstream|command', within=15)

    def test_a_stream_that_is_not_there_is_not_found(self):
        error = self.error_of(self.nginx().url(application='strict'))
        self.assert_error(error, 'streamnotfound|not found', [NOT_FOUND], within=5)

    def test_a_stream_that_is_not_there_yet_is_waited_for(self):
        nginx = self.nginx()
        pipeline = self.source(nginx.url()).play()
        nginx.wait_for_player()
        pipeline.quiet(2)
        self.assertLess(pipeline.stop(), 1.0)

    def test_the_idle_timeout_ends_the_wait_for_a_stream(self):
        nginx = self.nginx()
        pipeline = self.source(nginx.url(), f'idle-timeout=1 {FINAL}').play()
        error = pipeline.wait_end(10)
        if error:
            self.assert_error(error, 'idle')

    def test_an_unknown_application_is_an_error(self):
        error = self.error_of(self.nginx().url(application='nosuch'))
        self.assert_error(error, 'connect', within=5)

    def test_setting_playing_returns_at_once_on_a_silent_server(self):
        pipeline = self.source(self.server(stub.Connection.stay_silent).url())
        self.assertLess(wait.bounded(pipeline.play, 'play'), 1.0)
        self.assertLess(pipeline.stop(), 1.0)

    def test_a_self_signed_certificate_is_refused_by_name(self):
        server = self.server(stub.Connection.become_player_peer, certificate=self.certificate())
        error = self.error_of(server.url(scheme='rtmps'))
        self.assert_error(error, 'certificate', (NOT_AUTHORIZED, *OPENING), within=5)


class WhilePlaying(SourceCase):

    def test_a_killed_server_is_eos_without_reconnect_as_in_rtmp2src(self):
        nginx = self.nginx()
        pipeline = self.source(nginx.url(), FINAL).play()
        nginx.wait_for_player()
        nginx.program.kill()
        pipeline.wait_eos(5)

    def test_a_killed_server_is_an_error_if_no_eof_is_error(self):
        nginx = self.nginx()
        pipeline = self.source(nginx.url(), f'{FINAL} no-eof-is-error=true').play()
        nginx.wait_for_player()
        nginx.program.kill()
        self.assert_error(pipeline.wait_error(5), 'clos|reset', [READ])

    def test_a_restarted_server_is_played_again_on_one_rising_timeline(self):
        nginx = self.nginx()
        sample = self.sample(seconds=60)
        pipeline = self.source(nginx.url())
        tags = pipeline.count('end')
        pipeline.play()
        nginx.wait_for_player()
        self.publisher(sample, nginx.url())
        wait.until(lambda: tags.buffers > 20, 'frames before the restart')
        nginx.program.kill()
        pipeline.wait_element('rtmp-reconnecting')
        first = wait.settled(lambda: tags.buffers, 0.3)
        before = nginx.log.count("play: name='cam'")
        nginx.start()
        wait.until(lambda: nginx.log.count("play: name='cam'") > before, 'a second play')
        discontinuities = tags.discontinuities
        self.publisher(sample, nginx.url())
        wait.until(lambda: tags.buffers > first + 20, 'frames after the restart')
        self.assertGreater(tags.discontinuities, discontinuities)
        times = [time for time in tags.times if time != Gst.CLOCK_TIME_NONE]
        self.assertGreaterEqual(times[first + 10], times[first - 1])
        self.assertEqual([], pipeline.poll())

    def test_a_silent_server_is_waited_for(self):
        pipeline, tags = self.playing(self.fall_silent)
        wait.until(lambda: tags.buffers >= FRAME_COUNT, 'the frames')
        pipeline.quiet(2)
        self.assertLess(pipeline.stop(), 1.0)

    def test_the_idle_timeout_ends_a_silent_stream(self):
        pipeline, tags = self.playing(self.fall_silent, f'idle-timeout=1 {FINAL}')
        error = pipeline.wait_end(10)
        if error:
            self.assert_error(error, 'idle')
        self.assertGreaterEqual(tags.buffers, FRAME_COUNT)

    @staticmethod
    def fall_silent(peer):
        peer.become_player_peer()
        send_frames(peer)
        peer.read_to_end()

    def test_the_end_of_the_publisher_is_eos(self):
        nginx = self.nginx()
        pipeline = self.source(nginx.url()).play()
        nginx.wait_for_player()
        self.publisher(self.sample(seconds=2), nginx.url()).succeed()
        pipeline.wait_eos(5)

    def test_stream_eof_of_the_real_stream_is_eos_after_the_last_frame(self):
        def script(peer):
            peer.become_player_peer(identifier=7)
            send_frames(peer, stream=7)
            peer.send_user_control(stub.STREAM_EOF, 7)
            peer.read_to_end()

        pipeline, tags = self.playing(script)
        pipeline.wait_eos(5)
        self.assertGreaterEqual(tags.buffers, FRAME_COUNT + 1)

    def test_a_goodbye_in_every_form_is_eos(self):
        def script(peer):
            peer.become_player_peer(identifier=7)
            send_frames(peer, stream=7)
            for code in ('UnpublishNotify', 'Stop', 'Complete'):
                peer.send_status('NetStream.Play.' + code, stream=7)
            peer.send_user_control(stub.STREAM_EOF, 7)
            peer.read_to_end()

        pipeline, _ = self.playing(script)
        pipeline.wait_eos(5)

    def test_a_reconnect_request_is_followed(self):
        def second_script(peer):
            peer.become_player_peer()
            send_frames(peer)
            peer.read_to_end()

        second = self.server(second_script)

        def script(peer):
            peer.become_player_peer()
            send_frames(peer)
            peer.send_command('onStatus', 0, None, {
                'level': 'status', 'code': 'NetConnection.Connect.ReconnectRequest',
                'description': 'going down', 'tcUrl': f'rtmp://127.0.0.1:{second.port}/live'})
            peer.read_to_end()

        pipeline, tags = self.playing(script)
        second.connection()
        wait.until(lambda: tags.buffers >= 2 * FRAME_COUNT, 'frames of both servers')
        self.assertEqual([], pipeline.poll())

    def test_pings_are_answered_while_the_pipeline_is_blocked(self):
        answered = threading.Event()

        def script(peer):
            peer.become_player_peer()
            send_frames(peer)
            peer.send_user_control(stub.PING_REQUEST, 4711)
            while True:
                message = peer.next_message()
                if message.type == stub.USER_CONTROL and message.payload[:2] == b'\0\7':
                    answered.set()

        server = self.server(script)
        pipeline = self.source(server.url())
        pipeline['end'].get_static_pad('sink').add_probe(
            Gst.PadProbeType.BLOCK | Gst.PadProbeType.BUFFER,
            lambda *_: Gst.PadProbeReturn.OK)
        pipeline.play()
        wait.until(answered.is_set, 'a pong')
        self.assertLess(pipeline.stop(), 1.0)


class Recorded(SourceCase):

    def setUp(self):
        super().setUp()
        self.web = self.nginx()
        # nginx finds its way in a file by the index alone.
        self.path_of_file = self.sample(
            seconds=20, gop=25, options=('-flvflags', 'add_keyframe_index'))
        shutil.copy(self.path_of_file, os.path.join(self.web.folder, 'vod', 'film.flv'))
        self.location = self.web.url('film.flv', 'vod')

    def need_seeking(self, pipeline):
        query = Gst.Query.new_seeking(Gst.Format.TIME)
        if not (pipeline.pipeline.query(query) and query.parse_seeking().seekable):
            self.skipTest('rtmpclientsrc does not seek')

    def test_every_packet_of_a_file_arrives(self):
        record = self.path('played.flv')
        pipeline = self.source(self.location, rest=f'filesink location={record}').play()
        pipeline.wait_eos(60)
        pipeline.stop()
        self.assert_same(self.contents(self.path_of_file), self.contents(record))

    def test_a_seek_goes_to_the_place_without_criticals(self):
        criticals = gst.collect_criticals()
        pipeline = self.source(self.location)
        tags = pipeline.count('end')
        pipeline.play()
        wait.until(lambda: tags.buffers > 10, 'the first frames')
        self.need_seeking(pipeline)
        count = tags.buffers
        done = pipeline.pipeline.seek_simple(
            Gst.Format.TIME, Gst.SeekFlags.FLUSH | Gst.SeekFlags.KEY_UNIT, 10 * Gst.SECOND)
        self.assertTrue(done, 'the seek was refused')
        wait.until(lambda: tags.buffers > count + 50, 'frames after the seek')
        times = [time for time in tags.times[count + 20:] if time != Gst.CLOCK_TIME_NONE]
        self.assertGreater(times[0], 8 * Gst.SECOND)
        self.assertEqual([], criticals)

    def test_the_duration_is_known(self):
        pipeline = self.source(self.location)
        tags = pipeline.count('end')
        pipeline.play()
        wait.until(lambda: tags.buffers > 10, 'the first frames')
        self.need_seeking(pipeline)
        known, duration = pipeline.pipeline.query_duration(Gst.Format.TIME)
        self.assertTrue(known)
        self.assertAlmostEqual(20, duration / Gst.SECOND, delta=0.5)


if __name__ == '__main__':
    case.main()
