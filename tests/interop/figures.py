# SPDX-License-Identifier: LGPL-2.1-or-later
"""What a server shows of itself, and the orders it takes, as the tools read it that people have."""

import http.client
import json
import os
import re
import subprocess
import unittest
import urllib.parse
import xml.etree.ElementTree

from rtmptest import case, gst, raw, wait

try:
    from prometheus_client import parser as prometheus
except ImportError:
    prometheus = None

STEREO = '-ac', '2', '-ar', '48000'
SECONDS = 12  # longer than a test looks


class Serving(case.Case):
    """A server of this process that answers HTTP."""

    properties = ''

    def setUp(self):
        super().setUp()
        self.serving = self.pipeline(f'rtmpserver name=server port=0 http-port=0 {self.properties}')
        self.serving.play()
        self.element = self.serving['server']
        self.relay = case.Relay(self.element.get_property('current-port'), None)
        self.http_port = self.element.get_property('current-http-port')

    def ask(self, path, method='GET', headers=None):
        """The status and the body."""
        connection = http.client.HTTPConnection('localhost', self.http_port, timeout=wait.PATIENCE)
        self.addCleanup(connection.close)
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return answer.status, answer.read().decode()

    def get(self, path):
        status, body = self.ask(path)
        self.assertEqual(200, status, body)
        return body

    def json(self, path):
        answer = json.loads(self.get(path))
        self.assertEqual(0, answer['code'])
        return answer

    def xml(self):
        return xml.etree.ElementTree.fromstring(self.get('/stat'))

    def publish(self, url=None, **options):
        """A file at its own speed, whose figures are known."""
        self.file = self.sample(seconds=SECONDS, size='640x360', options=STEREO, **options)
        return self.publisher(self.file, url or self.relay.url(), speed=1)

    def stats(self):
        return self.element.get_property('stats')

    def stream(self):
        stream, = gst.items(self.stats(), 'streams')
        return stream

    def wait_for_media(self, frames=30):
        wait.until(lambda: any(stream.get_value('video-frames') >= frames
                               for stream in gst.items(self.stats(), 'streams')), 'pictures')


class Stats(Serving):
    """The property `stats`."""

    def test_a_stream_is_described(self):
        self.publish()
        self.wait_for_media()
        stream = self.stream()
        found = {name: stream.get_value(name) for name in
                 ('name', 'published', 'video-codec', 'video-profile', 'width', 'height',
                  'frame-rate', 'audio-codec', 'audio-profile', 'audio-rate', 'audio-channels')}
        self.assertEqual({'name': 'live/cam', 'published': True, 'video-codec': 'H.264',
                          'video-profile': 'High', 'width': 640, 'height': 360,
                          'frame-rate': 25.0, 'audio-codec': 'AAC', 'audio-profile': 'LC',
                          'audio-rate': 48000, 'audio-channels': 2}, found)

    def test_bit_rates_are_those_of_the_file(self):
        player = self.player(self.relay.url()).wait_for_play()
        self.publish()
        self.wait_for_media(75)
        stream = self.stream()
        expected = os.path.getsize(self.file) * 8 / SECONDS
        for name in 'bit-rate-in', 'bit-rate-out':
            self.assertGreater(stream.get_value(name), expected * 0.5, name)
            self.assertLess(stream.get_value(name), expected * 2, name)
        self.assertGreater(stream.get_value('video-bit-rate'), stream.get_value('audio-bit-rate'))
        self.assertGreater(stream.get_value('audio-bit-rate'), 10000)
        player.stop()

    def test_clients_are_described(self):
        player = self.player(self.relay.url()).wait_for_play()
        self.publish()
        self.wait_for_media()
        stats = self.stats()
        clients = {one.get_value('state'): one for one in gst.items(stats, 'client-list')}
        publisher, playing = clients['publishing'], clients['playing']
        self.assertRegex(publisher.get_value('flash-version'), 'Lavf')
        self.assertEqual(self.relay.url().rsplit('/', 1)[0], playing.get_value('tc-url'))
        self.assertGreater(publisher.get_value('round-trip'), 0)
        self.assertGreater(publisher.get_value('bit-rate-in'), 50000)
        self.assertGreater(playing.get_value('bit-rate-out'), 50000)
        delays = stats.get_value('delays')
        self.assertGreater(sum(delays.get_value(delays.nth_field_name(i))
                               for i in range(delays.n_fields() - 1)), 0)
        player.stop()


class Prometheus(Serving):

    def test_promtool_has_nothing_to_say(self):
        self.need_program('promtool')
        self.publish()
        self.wait_for_media(1)
        checked = subprocess.run(['promtool', 'check', 'metrics'], input=self.get('/metrics'),
                                 capture_output=True, text=True, check=False, timeout=wait.PATIENCE)
        self.assertEqual((0, '', ''), (checked.returncode, checked.stdout, checked.stderr))

    @unittest.skipUnless(prometheus, 'python3-prometheus-client is not installed')
    def test_the_parser_of_its_python_client_reads_it(self):
        self.publish()
        self.wait_for_media(1)
        samples = [sample for family in
                   prometheus.text_string_to_metric_families(self.get('/metrics'))
                   for sample in family.samples]
        of_stream = {sample.name: sample.value for sample in samples
                     if sample.labels.get('stream') == 'live/cam'}
        self.assertEqual(640, of_stream['rtmp_stream_width_pixels'])
        self.assertEqual(1, of_stream['rtmp_stream_published'])
        self.assertGreater(of_stream['rtmp_stream_received_bytes_total'], 0)

    def test_prometheus_itself_scrapes_it(self):
        self.need_program('prometheus')
        port = wait.free_port()
        with open(self.path('prometheus.yml'), 'w', encoding='utf-8') as file:
            json.dump({'global': {'scrape_interval': '1s'},
                       'scrape_configs': [{'job_name': 'rtmp', 'static_configs': [
                           {'targets': [f'localhost:{self.http_port}']}]}]}, file)
        program = self.run_program(['prometheus', f'--config.file={self.path("prometheus.yml")}',
                                    f'--storage.tsdb.path={self.path("data")}',
                                    f'--web.listen-address=localhost:{port}'])
        program.wait_for_port(port)
        query = urllib.parse.quote('rtmp_connections_accepted_total')

        def scraped():
            connection = http.client.HTTPConnection('localhost', port, timeout=wait.PATIENCE)
            connection.request('GET', f'/api/v1/query?query={query}')
            answer = json.loads(connection.getresponse().read())
            connection.close()
            return answer['data']['result']
        wait.until(scraped, 'a scrape')


class NginxStat(Serving):
    """As NOALBS and the exporters for nginx-rtmp find their figures."""

    def test_a_stream_is_where_tools_look_for_it(self):
        player = self.player(self.relay.url()).wait_for_play()
        self.publish()
        self.wait_for_media(40)
        root = self.xml()
        application = next(one for one in root.findall('./server/application')
                           if one.findtext('name') == 'live')
        stream = next(one for one in application.findall('./live/stream')
                      if one.findtext('name') == 'cam')
        self.assertGreater(int(stream.findtext('bw_video')), 50000)
        self.assertGreater(int(stream.findtext('bw_audio')), 10000)
        self.assertGreater(int(stream.findtext('bw_in')), int(stream.findtext('bw_video')))
        self.assertGreater(int(stream.findtext('time')), 0)
        self.assertEqual('2', stream.findtext('nclients'))
        self.assertIsNotNone(stream.find('publishing'))
        self.assertIsNotNone(stream.find('active'))
        player.stop()

    def test_its_media_and_clients_are_described(self):
        player = self.player(self.relay.url()).wait_for_play()
        self.publish()
        self.wait_for_media(40)
        stream = self.xml().find('./server/application/live/stream')
        video = {one.tag: one.text for one in stream.find('meta/video')}
        self.assertEqual({'width': '640', 'height': '360', 'frame_rate': '25.000', 'codec': 'H264',
                          'profile': 'High', 'compat': '0', 'level': '3.0'}, video)
        audio = {one.tag: one.text for one in stream.find('meta/audio')}
        self.assertEqual({'codec': 'AAC', 'profile': 'LC', 'channels': '2',
                          'sample_rate': '48000'}, audio)
        clients = stream.findall('client')
        self.assertEqual(['127.0.0.1'] * 2, [one.findtext('address') for one in clients])
        publisher, = [one for one in clients if one.find('publishing') is not None]
        self.assertIn('Lavf', publisher.findtext('flashver'))
        player.stop()

    def test_a_server_without_streams_is_whole(self):
        root = self.xml()
        self.assertEqual('rtmp', root.tag)
        for name in 'uptime', 'naccepted', 'bw_in', 'bytes_in', 'bw_out', 'bytes_out', 'pid':
            self.assertGreaterEqual(int(root.findtext(name)), 0, name)

    def test_control_drops_a_publisher(self):
        publisher = self.publish()
        self.wait_for_media(1)
        path = '/control/drop/publisher?app=live&name='
        self.assertEqual((204, ''), self.ask(path + 'other'))
        self.assertEqual((200, '1'), self.ask(path + 'cam'))
        publisher.wait_end()


class SrsApi(Serving):

    FIELDS = {'id', 'name', 'vhost', 'app', 'tcUrl', 'url', 'live_ms', 'clients', 'frames',
              'send_bytes', 'recv_bytes', 'kbps', 'publish', 'video', 'audio'}

    def test_a_stream_has_the_fields_of_srs(self):
        self.publish()
        self.wait_for_media(40)
        stream, = self.json('/api/v1/streams')['streams']
        self.assertEqual(self.FIELDS, set(stream))
        self.assertEqual({'codec': 'H264', 'profile': 'High', 'level': '3', 'width': 640,
                          'height': 360}, stream['video'])
        self.assertEqual({'codec': 'AAC', 'sample_rate': 48000, 'channel': 2, 'profile': 'LC'},
                         stream['audio'])
        self.assertGreater(stream['kbps']['recv_30s'], 50)
        self.assertEqual(stream, self.json('/api/v1/streams/' + stream['id'])['stream'] |
                         {name: stream[name] for name in
                          ('live_ms', 'frames', 'recv_bytes', 'kbps')})

    def test_a_client_is_kicked(self):
        with raw.Client(self.relay.port) as player:
            player.play('cam')
            client, = self.json('/api/v1/clients')['clients']
            self.assertEqual(('rtmp-play', 'cam', False),
                             (client['type'], client['name'], client['publish']))
            self.assertEqual(200, self.ask('/api/v1/clients/' + client['id'], 'DELETE')[0])
            player.wait_closed()
        wait.until(lambda: not self.json('/api/v1/clients')['clients'], 'nobody')
        self.assertEqual(404, self.ask('/api/v1/clients/' + client['id'], 'DELETE')[0])

    def test_a_stream_is_dropped(self):
        publisher = self.publish()
        self.wait_for_media(1)
        stream, = self.json('/api/v1/streams')['streams']
        self.assertEqual(200, self.ask('/api/v1/streams/' + stream['id'], 'DELETE')[0])
        publisher.wait_end()

    def test_a_drained_server_says_so(self):
        self.assertEqual((200, 'ok\n'), self.ask('/health'))
        self.assertEqual(202, self.ask('/api/v1/drain?timeout=1', 'POST')[0])
        self.assertEqual((503, 'stopping\n'), self.ask('/health'))
        self.assertFalse(wait.port_listens(self.relay.port))


class Token(Serving):

    properties = 'http-token=secret'

    def test_it_opens(self):
        self.assertEqual(401, self.ask('/metrics')[0])
        self.assertEqual(200, self.ask('/metrics?token=secret')[0])
        self.assertEqual(200, self.ask('/stat', headers={'Authorization': 'Bearer secret'})[0])
        self.assertEqual(200, self.ask('/health')[0])


class Elements(case.Case):

    def test_it_is_off_unless_it_is_wanted(self):
        serving = self.pipeline('rtmpserver name=server port=0').play()
        self.assertEqual(0, serving['server'].get_property('current-http-port'))

    def test_a_busy_port_is_an_error_that_names_it(self):
        first = self.pipeline('rtmpserver name=server port=0 http-port=0').play()
        port = first['server'].get_property('current-http-port')
        second = self.pipeline(f'rtmpserver port=0 http-port={port}')
        error = second.play().wait_error()
        self.assert_error(error, f'port {port} .*http.* in use.*http-port=')

    def test_elements_of_one_server_share_it(self):
        port = wait.free_port()
        first = self.pipeline(f'rtmpserver name=server port={port} http-port=0').play()
        second = self.pipeline(
            f'rtmpserversrc name=server port={port} stream=live/a ! fakesink')
        second.play()
        self.assertEqual(first['server'].get_property('current-http-port'),
                         second['server'].get_property('current-http-port'))

    def test_the_lines_of_the_page_work(self):
        self.need_program('curl')
        root = os.path.abspath(os.path.join(os.path.dirname(__file__), '..', '..'))
        with open(os.path.join(root, 'docs', 'figures.md'), encoding='utf-8') as file:
            lines = re.findall(r'^```sh\n(.*?)^```', file.read(), re.MULTILINE | re.DOTALL)
        self.assertEqual(4, len(lines))
        for serve, ask in (lines[:2], lines[2:]):
            serve = serve.replace('http-address=::', 'http-address=localhost')
            ports = {'1935': wait.free_port(), '8080': wait.free_port()}
            for old, new in ports.items():
                serve, ask = serve.replace(old, str(new)), ask.replace(old, str(new))
            self.run_program(['sh', '-c', 'exec ' + serve]).wait_for_port(ports['8080'])
            self.run_program(['sh', '-c', 'exec ' + ask]).succeed()


if __name__ == '__main__':
    case.main()
