# SPDX-License-Identifier: LGPL-2.1-or-later
"""RTMPT and its relatives: RTMP in HTTP requests."""

import http.client

from rtmptest import case, gst, wait


class Tunnelled(case.Case):

    def play_line(self, url, record, properties=''):
        return f'rtmpclientsrc location="{url}" {properties} ! filesink location={record}'

    def publish(self, sample, url, properties=''):
        sending = self.pipeline(
            f'filesrc location={sample} ! flvdemux name=d ! h264parse ! rtmpmux name=m !'
            f' rtmpclientsink location="{url}" {properties} d.audio ! queue ! aacparse ! m.')
        sending.play()
        sending.wait_eos()
        sending.stop()


class Clients(Tunnelled):

    def test_what_ffmpeg_publishes_is_what_ffmpeg_plays(self):
        """But for what FFmpeg has not sent yet when it ends: it never does."""
        relay = self.rtmpserver()
        player = self.player(relay.url(scheme='rtmpt')).wait_for_play()
        sample = self.sample()
        self.publisher(sample, relay.url(scheme='rtmpt')).succeed()
        sent, got = self.contents(sample), player.contents()
        for kind in ('video', 'audio'):
            arrived = got.payloads(kind)
            self.assertGreater(len(arrived), len(sent.payloads(kind)) - 10)
            self.assertEqual(sent.payloads(kind)[:len(arrived)], arrived)

    def test_players_with_and_without_a_tunnel_share_a_port(self):
        relay = self.rtmpserver()
        players = [self.player(relay.url(scheme=scheme)).wait_for_play()
                   for scheme in ('rtmp', 'rtmpt')]
        sample = self.sample()
        self.publisher(sample, relay.url()).succeed()
        for player in players:
            self.assert_same(self.contents(sample), player.contents())

    def dump(self, relay, scheme):
        self.need_program('rtmpdump')
        record = self.path('dump.flv')
        dump = self.run_program(
            ['rtmpdump', '--live', '--rtmp', relay.url(scheme=scheme), '--flv', record])
        dump.wait_for_log('Starting Live Stream')
        sample = self.sample()
        self.publisher(sample, relay.url()).succeed()
        dump.wait_end()
        self.assert_same(self.contents(sample), self.contents(record), dump)

    def test_rtmpdump_plays(self):
        self.dump(self.rtmpserver(), 'rtmpt')

    def test_rtmpdump_plays_with_encryption(self):
        self.dump(self.rtmpserver('protocols=rtmp+rtmpte'), 'rtmpte')

    def through(self, scheme, relay, properties=''):
        url, sample, record = relay.url(scheme=scheme), self.sample(), self.path('played.flv')
        playing = self.pipeline(self.play_line(url, record, properties)).play()
        playing.wait_element('rtmp-connected')
        self.publish(sample, url, properties)
        playing.wait_eos()
        playing.stop()
        self.assert_same(self.contents(sample), self.contents(record))

    def test_our_elements_publish_and_play(self):
        self.through('rtmpt', self.rtmpserver())

    def test_our_elements_publish_and_play_with_encryption(self):
        self.through('rtmpte', self.rtmpserver('protocols=rtmpte'))

    def test_our_elements_publish_and_play_in_tls(self):
        file, key = self.certificate()
        relay = self.rtmpserver(f'tls-certificate-file={file} tls-key-file={key}')
        self.through('rtmpts', relay, f'tls-ca-file={file}')


class Requests(Tunnelled):

    def ask(self, relay, method, path, body=None):
        connection = http.client.HTTPConnection('127.0.0.1', relay.port, timeout=wait.PATIENCE)
        self.addCleanup(connection.close)
        connection.request(method, path, body)
        return connection.getresponse()

    def test_a_session_begins_with_an_id(self):
        relay = self.rtmpserver()
        answer = self.ask(relay, 'POST', '/open/1', b'\0')
        self.assertEqual(200, answer.status)
        self.assertEqual('application/x-fcs', answer.getheader('Content-Type'))
        self.assertRegex(answer.read().decode(), r'^[A-Za-z0-9_-]{20}\n$')

    def test_what_is_no_tunnel_is_not_found(self):
        relay = self.rtmpserver()
        for method, path in (('GET', '/'), ('POST', '/fcs/ident2'), ('POST', '/idle/nobody/0'),
                             ('POST', '/send/../../etc/1')):
            with self.subTest(path):
                self.assertEqual(404, self.ask(relay, method, path, b'').status)
        self.assertEqual(405, self.ask(relay, 'GET', '/open/1').status)

    def test_a_request_that_is_too_large_is_told_so(self):
        relay = self.rtmpserver()
        connection = http.client.HTTPConnection('127.0.0.1', relay.port, timeout=wait.PATIENCE)
        self.addCleanup(connection.close)
        connection.request('POST', '/open/1', b'\0', {'X-Much': 'x' * 20000})
        self.assertEqual(431, connection.getresponse().status)


class Refusals(Tunnelled):

    def error_of(self, line):
        return self.pipeline(line).play().wait_error()

    def test_it_can_be_off_and_the_client_says_what_is_there(self):
        relay = self.rtmpserver('protocols=rtmp')
        url = relay.url(scheme='rtmpt')
        self.assert_error(self.error_of(f'rtmpclientsrc location={url} ! fakesink'),
                          'no rtmpt session with')

    def test_a_web_server_is_no_tunnel(self):
        server = self.owned(web_server())
        error = self.error_of(f'rtmpclientsrc location=rtmpt://127.0.0.1:{server.port}/live/cam'
                              ' ! fakesink')
        self.assert_error(error, '501')


class web_server:
    """Knows nothing but GET."""

    def __init__(self):
        import http.server
        import threading
        self.server = http.server.ThreadingHTTPServer(
            ('127.0.0.1', 0), http.server.SimpleHTTPRequestHandler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()


if __name__ == '__main__':
    case.main()
