# SPDX-License-Identifier: LGPL-2.1-or-later
"""rtmpclientsink against servers that refuse, stay silent, stall or die.

Each situation is one in which rtmp2sink hangs, loses frames or says little.
"""

import os
import resource

from rtmptest import case, flv, stub, wait
from rtmptest.gst import BUSY, NOT_AUTHORIZED, NOT_FOUND, OPEN_READ, OPEN_WRITE, WRITE, Gst

ENCODER = ('videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=25/1 !'
           ' x264enc tune=zerolatency key-int-max=25 ! flvmux streamable=true !')
FRAMES = flv.Source.LINE + ' !'

OPENING = (OPEN_READ, OPEN_WRITE)

FINAL = 'auto-reconnect=false'


class SinkCase(case.Case):

    def sink(self, location, properties='', source=ENCODER):
        return self.pipeline(
            f'{source} rtmpclientsink name=sink location="{location}" {properties}')

    def frames(self, location, properties='', **options):
        """A pipeline that sends exactly the frames that the returned source pushes."""
        pipeline = self.sink(location, 'sync=false ' + properties, source=FRAMES)
        return pipeline, flv.Source(pipeline, **options)

    def error_of(self, location, properties=''):
        pipeline = self.sink(location, properties).play()
        error = pipeline.wait_error()
        self.assertLess(pipeline.stop(), 1.0)
        return error


class WhenConnecting(SinkCase):

    def test_a_refused_connection_is_said_at_once(self):
        error = self.error_of(f'rtmp://127.0.0.1:{wait.free_port()}/live/cam')
        self.assert_error(error, 'refused', OPENING, within=2)

    def test_an_unknown_host_is_named(self):
        error = self.error_of('rtmp://nosuch.invalid/live/cam')
        self.assert_error(error, r'nosuch\.invalid', (NOT_FOUND, *OPENING))

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

    def test_a_server_that_never_answers_publish_is_an_error(self):
        def script(peer):
            peer.handshake()
            peer.accept_connect()
            peer.accept_create_stream()
            peer.read_to_end()

        error = self.error_of(self.server(script).url(), 'timeout=1')
        self.assert_error(error, 'publish|command', within=15)

    def test_a_refused_create_stream_is_an_error(self):
        def script(peer):
            peer.handshake()
            peer.accept_connect()
            values = peer.expect('createStream')
            peer.send_command('_error', values[1], None, {
                'level': 'error', 'code': 'NetConnection.Call.Failed', 'description': 'no more'})
            peer.read_to_end()

        error = self.error_of(self.server(script).url())
        self.assert_error(error, 'createstream|netconnection.call.failed', within=3)

    def test_a_refused_connect_is_an_error_with_the_servers_reason(self):
        def script(peer):
            peer.handshake()
            values = peer.expect('connect')
            peer.send_command('_error', values[1], None, {
                'level': 'error', 'code': 'NetConnection.Connect.Rejected',
                'description': 'no such tenant'})
            peer.read_to_end()

        error = self.error_of(self.server(script).url())
        self.assert_error(error, 'no such tenant', within=3)

    def test_a_name_in_use_is_busy_and_the_first_publisher_goes_on(self):
        nginx = self.nginx()
        first = self.sink(nginx.url()).play()
        nginx.wait_for_publisher()
        error = self.error_of(nginx.url())
        self.assert_error(error, 'badname|already|in use', [BUSY], within=5)
        self.assertEqual([], first.poll())

    def test_a_denied_publish_is_an_error(self):
        nginx = self.nginx()
        error = self.error_of(nginx.url(application='closed'))
        self.assert_error(error, 'closed the connection (right after|during) .?publish', (NOT_AUTHORIZED, WRITE, *OPENING), within=5)

    def test_an_unknown_application_is_an_error(self):
        error = self.error_of(self.nginx().url(application='nosuch'))
        self.assert_error(error, 'connect', within=5)

    def test_a_location_that_cannot_be_parsed_is_refused(self):
        sink = Gst.ElementFactory.make('rtmpclientsink')
        with self.assertRaisesRegex(Exception, '.'):
            sink.set_uri('rtmp://[::1/live/cam')

    def test_setting_playing_returns_at_once_on_a_silent_server(self):
        pipeline = self.sink(self.server(stub.Connection.stay_silent).url())
        self.assertLess(pipeline.play().stop(), 1.0)


class OverTls(SinkCase):

    def test_a_self_signed_certificate_is_refused_by_name(self):
        server = self.server(stub.Connection.become_publisher_peer,
                             certificate=self.certificate())
        error = self.error_of(server.url(scheme='rtmps'))
        self.assert_error(error, 'certificate', (NOT_AUTHORIZED, *OPENING), within=5)

    def test_no_validation_accepts_it(self):
        server = self.server(publish_peer, certificate=self.certificate())
        pipeline, source = self.frames(server.url(scheme='rtmps'), 'tls-validation-flags=0')
        source.push(10)
        source.end()
        pipeline.play().wait_eos()
        self.assertEqual(10, frames_of(server))

    def test_its_own_authority_accepts_it(self):
        certificate = self.certificate()
        server = self.server(publish_peer, certificate=certificate)
        pipeline, source = self.frames(
            server.url(scheme='rtmps'), f'tls-ca-file={certificate[0]}')
        source.push(10)
        source.end()
        pipeline.play().wait_eos()
        self.assertEqual(10, frames_of(server))

    def test_a_server_without_tls_is_an_error_that_says_tls(self):
        def script(peer):
            peer.handshake()

        error = self.error_of(self.server(script).url(scheme='rtmps'), 'timeout=1')
        self.assert_error(error, 'tls', within=8)


def publish_peer(peer):
    peer.become_publisher_peer()
    peer.read_to_end()


def frames_of(server, connection=0):
    """How many frames came, once the connection has been quiet for a while."""
    peer = server.connection(connection)
    return wait.settled(lambda: len(flv.frame_numbers(peer.media(stub.VIDEO))), 0.3)


class WhilePublishing(SinkCase):

    def test_a_killed_server_is_an_error_without_reconnect(self):
        nginx = self.nginx()
        pipeline = self.sink(nginx.url(), FINAL).play()
        nginx.wait_for_publisher()
        nginx.program.kill()
        self.assert_error(pipeline.wait_error(5), 'clos|reset|broken', [WRITE])
        self.assertLess(pipeline.stop(), 1.0)

    def test_a_restarted_server_gets_the_stream_again(self):
        nginx = self.nginx()
        pipeline = self.sink(nginx.url()).play()
        nginx.wait_for_publisher()
        nginx.program.kill()
        pipeline.wait_element('rtmp-reconnecting')
        before = nginx.log.count("publish: name='cam'")
        nginx.start()
        wait.until(lambda: nginx.log.count("publish: name='cam'") > before, 'a second publish')
        player = self.player(nginx.url())
        player.program.wait_for_log(r'Stream #0:\d.*Video: h264')
        self.assertEqual([], pipeline.poll())
        self.assertLess(pipeline.stop(), 1.0)

    def test_a_stalled_server_is_an_error_that_says_so(self):
        server = self.server(stalling_peer)
        pipeline, source = self.frames(
            server.url(), f'timeout=2 {FINAL}', frame_size=120000)
        source.push(300)
        error = pipeline.play().wait_error()
        self.assert_error(error, 'takes no data|nothing was written', [WRITE], within=20)
        self.assertLess(pipeline.stop(), 1.0)

    def test_eos_on_a_stalled_server_returns_to_the_application(self):
        pipeline = self.stalled(queue='queue max-size-bytes=0 max-size-buffers=0 max-size-time=0 !')
        self.assertLess(pipeline.send_eos(), 1.0)
        self.assertLess(pipeline.stop(), 1.0)

    def test_eos_behind_a_blocked_write_returns_within_the_timeout(self):
        pipeline = self.stalled(properties=f'timeout=2 {FINAL}')
        pipeline.send_eos(timeout=10)
        self.assertLess(pipeline.stop(), 1.0)

    def stalled(self, queue='', properties=''):
        """A pipeline whose server has stopped reading and whose buffers are full."""
        server = self.server(stalling_peer)
        pipeline = self.sink(server.url(), 'sync=false ' + properties, FRAMES + queue)
        sent = pipeline.count('sink')
        source = flv.Source(pipeline, frame_size=120000)
        source.push(300)
        pipeline.play()
        wait.until(lambda: sent.buffers > 1, 'the first frames')
        wait.settled(lambda: sent.buffers, 0.7)
        return pipeline

    def test_null_on_a_stalled_server_takes_less_than_a_second(self):
        self.assertLess(self.stalled().stop(), 1.0)

    def test_after_a_pause_of_the_server_every_frame_arrives(self):
        nginx = self.nginx()
        pipeline, source = self.frames(nginx.url(application='rec'), frame_size=119000)
        sent = pipeline.count('sink')
        source.push(10)
        pipeline.play()
        nginx.wait_for_publisher()
        nginx.program.suspend()
        source.push(90)
        wait.settled(lambda: sent.buffers)
        nginx.program.resume()
        source.end()
        pipeline.wait_eos()
        nginx.wait_for_log('deleteStream')
        self.assertEqual(list(range(100)), recorded_frames(nginx))

    def test_a_name_taken_away_later_is_an_error(self):
        def script(peer):
            peer.become_publisher_peer()
            while not peer.media(stub.VIDEO):
                peer.next_message()
            peer.send_status('NetStream.Publish.BadName', 'error', 'Someone else publishes')
            peer.read_to_end()

        error = self.error_of(self.server(script).url())
        self.assert_error(error, 'badname|someone else', [BUSY], within=5)

    def test_a_reconnect_request_is_followed(self):
        second = self.server(publish_peer)

        def script(peer):
            peer.become_publisher_peer()
            while not peer.media(stub.VIDEO):
                peer.next_message()
            peer.send_command('onStatus', 0, None, {
                'level': 'status', 'code': 'NetConnection.Connect.ReconnectRequest',
                'description': 'going down', 'tcUrl': f'rtmp://127.0.0.1:{second.port}/live'})
            peer.read_to_end()

        first = self.server(script)
        pipeline = self.sink(first.url()).play()
        peer = second.connection()
        wait.until(lambda: len(peer.media(stub.VIDEO)) > 2, 'frames at the second server')
        self.assertIn('publish', peer.command_names())
        self.assertEqual(0x17, peer.media(stub.VIDEO)[0].payload[0])
        self.assertEqual([], pipeline.poll())

    def test_pings_are_answered(self):
        pongs = []

        def script(peer):
            peer.become_publisher_peer()
            peer.send_user_control(stub.PING_REQUEST, 4711)
            while not pongs:
                message = peer.next_message()
                if message.type == stub.USER_CONTROL:
                    pongs.append(message.payload)

        self.sink(self.server(script).url()).play()
        wait.until(lambda: pongs, 'a pong')
        self.assertEqual(b'\0\7' + (4711).to_bytes(4, 'big'), pongs[0])


def stalling_peer(peer):
    """Accepts the publish and from then on takes nothing."""
    peer.sock.setsockopt(stub.socket.SOL_SOCKET, stub.socket.SO_RCVBUF, 65536)
    peer.become_publisher_peer()
    peer.stay_silent()


def recorded_frames(nginx):
    """The numbers of the frames in nginx's recording."""
    folder = os.path.join(nginx.folder, 'rec')
    path = os.path.join(folder, os.listdir(folder)[0])
    payloads = [payload for kind, _, payload in stub.read_flv_tags(path) if kind == stub.VIDEO]
    return [number for number in map(flv.frame_number, payloads) if number is not None]


class AtTheEnd(SinkCase):

    def test_every_frame_arrives_although_the_network_is_slow(self):
        nginx = self.nginx()
        pipeline, source = self.frames(
            nginx.url(application='rec'), 'peak-kbps=20000', frame_size=119000)
        source.push(100)
        source.end()
        pipeline.play().wait_eos()
        self.assertLess(pipeline.stop(), 1.0)
        nginx.wait_for_log('deleteStream')
        self.assertEqual(list(range(100)), recorded_frames(nginx))
        self.assertNotIn('Connection reset', nginx.log)

    def test_every_frame_arrives_at_a_server_that_never_acknowledges(self):
        server = self.server(publish_peer)
        pipeline, source = self.frames(server.url(), frame_size=119000)
        source.push(100)
        source.end()
        pipeline.play().wait_eos()
        self.assertLess(pipeline.stop(), 1.0)
        self.assertEqual(100, frames_of(server))
        names = server.connection().command_names()
        self.assertIn('FCUnpublish', names)
        self.assertIn('deleteStream', names)

    def test_delete_stream_names_the_stream_by_its_number(self):
        def script(peer):
            peer.become_publisher_peer(identifier=7)
            peer.read_to_end()

        server = self.server(script)
        pipeline, source = self.frames(server.url())
        source.push(5)
        source.end()
        pipeline.play().wait_eos()
        pipeline.stop()
        peer = server.connection()
        wait.until(lambda: 'deleteStream' in peer.command_names(), 'deleteStream')
        delete = next(values for values in peer.commands() if values[0] == 'deleteStream')
        self.assertEqual(7, delete[3])
        self.assertEqual({7}, {message.stream for message in peer.media(stub.VIDEO)})

    def test_eos_comes_within_a_second_and_null_too(self):
        nginx = self.nginx()
        pipeline = self.sink(nginx.url()).play()
        nginx.wait_for_publisher()
        pipeline.send_eos()
        pipeline.started = wait.time.monotonic()
        self.assertLess(pipeline.wait_eos(), 1.0)
        self.assertLess(pipeline.stop(), 1.0)

    def test_large_frames_cost_less_than_in_chunks_of_128_bytes(self):
        nginx = self.nginx()
        ours = self.cost(nginx, 'rtmpclientsink', 'a')
        self.need_elements('rtmp2sink')
        theirs = self.cost(nginx, 'rtmp2sink chunk-size=128', 'b')
        self.assertLess(ours, theirs / 2)

    def cost(self, nginx, element, name):
        """Processor seconds of this process for 72 MB."""
        pipeline = self.pipeline(
            f'{FRAMES} {element} name=sink sync=false location={nginx.url(name)}')
        source = flv.Source(pipeline, frame_size=1440000)
        source.push(50)
        source.end()
        before = resource.getrusage(resource.RUSAGE_SELF)
        pipeline.play().wait_eos()
        pipeline.stop()
        after = resource.getrusage(resource.RUSAGE_SELF)
        return after.ru_utime - before.ru_utime


if __name__ == '__main__':
    case.main()
