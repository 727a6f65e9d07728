# SPDX-License-Identifier: LGPL-2.1-or-later
"""FLV over HTTP and WebSockets: curl, ffmpeg and a browser at the port of RTMP."""

import http.client
import os

from rtmptest import browser, case, gst, process, wait


class Flv(case.Case):

    def url(self, relay, scheme='http', stream='cam'):
        return relay.url(f'{stream}.flv', scheme=scheme)

    def curl(self, url, record, *options):
        """A curl that has been told that the stream follows."""
        self.need_program('curl')
        program = self.run_program(
            ['curl', '--silent', '--show-error', '--verbose', '--fail', '--no-buffer',
             '--max-time', '120', *options, '--output', record, url])
        program.wait_for_log('HTTP/1.1 200')
        return program

    def ask(self, relay, method, path='/live/cam.flv', body=None, headers=None):
        connection = http.client.HTTPConnection('127.0.0.1', relay.port, timeout=wait.PATIENCE)
        self.addCleanup(connection.close)
        connection.request(method, path, body, headers or {})
        return connection.getresponse()


class Play(Flv):

    def assert_played(self, relay, scheme='http', *options):
        record, sample = self.path('played.flv'), self.sample()
        curl = self.curl(self.url(relay, scheme), record, *options)
        self.publisher(sample, relay.url()).succeed()
        curl.succeed()
        self.assert_same(self.contents(sample), self.contents(record), curl)

    def test_curl_saves_a_stream_to_its_end(self):
        self.assert_played(self.rtmpserver())

    def test_curl_saves_a_stream_in_tls(self):
        file, key = self.certificate()
        relay = self.rtmpserver(f'tls-certificate-file={file} tls-key-file={key}')
        self.assert_played(relay, 'https', '--cacert', file)

    def test_ffmpeg_plays(self):
        relay, sample = self.rtmpserver(), self.sample()
        player = self.player(self.url(relay), options=('-loglevel', 'trace'))
        player.program.wait_for_log('HTTP/1.1 200')
        self.publisher(sample, relay.url()).succeed()
        self.assert_same(self.contents(sample), player.contents(), player.program)

    def test_late_players_begin_with_headers_and_a_key_frame(self):
        relay, record = self.rtmpserver(), self.path('late.flv')
        publisher = self.publisher(self.sample(), relay.url(), speed=1)
        first = self.curl(self.url(relay), self.path('first.flv'))
        wait.until(lambda: os.path.exists(self.path('first.flv')) and
                   os.path.getsize(self.path('first.flv')) > 100_000, 'a second of video')
        late = self.curl(self.url(relay), record)
        publisher.succeed()
        late.succeed()
        first.succeed()
        whole, rest = self.contents(self.path('first.flv')), self.contents(record)
        self.assertTrue(rest.decoded('video'))
        self.assertEqual(whole.decoded('video')[-len(rest.decoded('video')):],
                         rest.decoded('video'))

    def test_a_player_that_stops_reading_holds_up_nobody(self):
        relay = self.rtmpserver()
        stalled = self.curl(self.url(relay), self.path('stalled.flv'))
        stalled.suspend()
        self.assert_played(relay)
        stalled.resume()

    def test_the_query_chooses_tracks_and_reaches_the_application(self):
        relay, record, sample = self.rtmpserver(), self.path('sound.flv'), self.sample()
        curl = self.curl(self.url(relay) + '?video=none', record)
        self.publisher(sample, relay.url()).succeed()
        curl.succeed()
        self.assertEqual(self.contents(sample).payloads('audio'),
                         self.contents(record).payloads('audio'))
        self.assertEqual([], self.contents(record).payloads('video'))


class Publish(Flv):

    def assert_published(self, *argv):
        relay, sample = self.rtmpserver(), self.sample()
        record = self.path('played.flv')
        player = self.curl(self.url(relay), record)
        words = {'SAMPLE': sample, 'URL': self.url(relay)}
        publisher = self.run_program([words.get(word, word) for word in argv])
        publisher.succeed()
        player.succeed()
        self.assert_same(self.contents(sample), self.contents(record), publisher)

    def test_ffmpeg_posts(self):
        self.assert_published('ffmpeg', '-nostdin', '-readrate', '4', '-copyts', '-i', 'SAMPLE',
                              '-c', 'copy', '-f', 'flv', 'URL')

    def test_curl_puts_a_file(self):
        self.need_program('curl')
        self.assert_published('curl', '--silent', '--show-error', '--fail', '--upload-file',
                              'SAMPLE', '--limit-rate', '1M', 'URL')

    def test_curl_posts_and_asks_before(self):
        self.need_program('curl')
        self.assert_published('curl', '--silent', '--show-error', '--fail', '--data-binary',
                              f'@{self.sample()}', '--header',
                              'Expect: 100-continue', '--limit-rate', '1M', 'URL')

    def test_what_is_no_flv_is_a_bad_request(self):
        relay = self.rtmpserver()
        self.assertEqual(400, self.ask(relay, 'POST', body=b'This is no FLV. ' * 100_000).status)


class Refusals(Flv):

    def test_the_rules_of_the_server_hold(self):
        relay = self.rtmpserver('access-rules="deny play live/cam; deny publish live/*"')
        self.assertEqual(403, self.ask(relay, 'GET').status)
        self.assertEqual(403, self.ask(relay, 'POST', body=b'FLV').status)
        self.assertEqual(403, self.ask(relay, 'PUT', body=b'FLV').status)
        self.assertEqual(403, self.upgrade(relay).status)

    def test_the_limits_of_the_server_hold(self):
        relay = self.rtmpserver('max-players-per-stream=1')
        self.curl(self.url(relay), self.path('one.flv'))
        self.assertEqual(403, self.ask(relay, 'GET').status)

    def test_what_is_off_is_not_found(self):
        relay = self.rtmpserver('protocols=rtmp+rtmpt')
        self.assertEqual(404, self.ask(relay, 'GET').status)
        self.assertEqual(404, self.upgrade(relay).status)
        relay = self.rtmpserver('protocols=rtmp+http-flv')
        self.assertEqual(404, self.upgrade(relay).status)
        self.assertEqual(404, self.ask(relay, 'POST', '/open/1', b'\0').status)

    def test_other_methods_and_paths_are_told_so(self):
        relay = self.rtmpserver()
        self.assertEqual(405, self.ask(relay, 'DELETE').status)
        for path in ('/', '/live/cam', '/cam.flv', '/live/.flv', '/live/cam%3Fx.flv', '/%ff%00.flv'):
            with self.subTest(path):
                self.assertEqual(404, self.ask(relay, 'GET', path).status)

    def upgrade(self, relay, **headers):
        return self.ask(relay, 'GET', headers={
            'Connection': 'Upgrade', 'Upgrade': 'websocket', 'Sec-WebSocket-Version': '13',
            'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==', **headers})

    def test_pages_of_other_places_are_kept_out(self):
        page = {'Origin': 'http://page.example'}
        relay = self.rtmpserver()
        self.assertEqual(403, self.ask(relay, 'GET', headers=page).status)
        self.assertEqual(403, self.ask(relay, 'POST', body=b'', headers=page).status)
        self.assertEqual(403, self.upgrade(relay, **page).status)
        own = {'Origin': f'http://127.0.0.1:{relay.port}'}
        self.assertEqual(200, self.ask(relay, 'GET', headers=own).status)

    def test_pages_that_the_operator_names_may_play(self):
        relay = self.rtmpserver(
            'cors-origin="http://other.example, http://page.example"')
        page = {'Origin': 'http://page.example'}
        self.assertEqual(403, self.ask(relay, 'GET',
                                       headers={'Origin': 'http://page.example.org'}).status)
        for method, status in (('GET', 200), ('OPTIONS', 204)):
            answer = self.ask(relay, method, headers=page)
            self.assertEqual(status, answer.status)
            self.assertEqual('http://page.example',
                             answer.getheader('Access-Control-Allow-Origin'))
        self.assertEqual(101, self.upgrade(relay, **page).status)


class Figures(Flv):

    def test_such_a_player_is_a_client_as_others_are(self):
        port = wait.free_port()
        server = self.pipeline(f'rtmpserver name=server port={port}').play()
        relay = case.Relay(port, server)
        curl = self.curl(self.url(relay), self.path('played.flv'), '--user-agent', 'Some Player')
        client, = gst.items(server['server'].get_property('stats'), 'client-list')
        fields = ('protocol', 'state', 'app', 'stream', 'flash-version')
        self.assertEqual(['http-flv', 'playing', 'live', 'live/cam', 'Some Player'],
                         [client.get_value(field) for field in fields])
        self.assertTrue(server['server'].emit('kick', client.get_value('id')))
        curl.wait_end()


class Browser(Flv):

    def play(self, scheme):
        page = browser.Page(self)
        relay = self.rtmpserver(f'cors-origin={page.origin}')
        sample = self.sample(seconds=60, gop=10)
        publisher = self.publisher(sample, relay.url(), speed=1)
        page.play(self.url(relay, scheme))
        seen = page.wait_for_picture(seconds=2)
        self.assertGreater(seen.colours, 100, seen.path)
        publisher.stop()

    def test_it_plays_a_websocket(self):
        self.play('ws')

    def test_it_plays_an_http_answer(self):
        self.play('http')


if __name__ == '__main__':
    case.main()
