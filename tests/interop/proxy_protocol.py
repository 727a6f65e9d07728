# SPDX-License-Identifier: LGPL-2.1-or-later
"""haproxy in front of a server: the server sees whose connections they are."""

from rtmptest import case, raw, wait

CONFIGURATION = '''
defaults
  mode tcp
  timeout connect 5s
  timeout client 60s
  timeout server 60s
frontend front
  bind 127.0.0.1:{port}
  default_backend back
backend back
  server rtmp {server} {options}
'''

# Clients of the proxy come from here, the proxy itself from 127.0.0.1.
SOURCE = '127.0.0.9'


class Proxied(case.Case):

    def setUp(self):
        super().setUp()
        self.need_program('haproxy')

    def serve(self, properties='proxy-protocol-from=127.0.0.1', place='port=0'):
        serving = self.pipeline(f'rtmpserver name=server {place} {properties}')
        self.server = serving['server']
        self.seen = []
        self.server.connect('client-added', lambda _, number, address: self.seen.append(address))
        serving.play()
        return self.server.get_property('current-port')

    def proxy(self, server, options):
        """The address of streams behind a haproxy."""
        port = wait.free_port()
        configuration = self.path('haproxy.cfg')
        with open(configuration, 'w', encoding='ascii') as out:
            out.write(CONFIGURATION.format(port=port, server=server, options=options))
        program = self.run_program(['haproxy', '-db', '-f', configuration])
        program.wait_for_port(port)
        return case.Relay(port, program)

    def behind(self, options, **served):
        return self.proxy(f'127.0.0.1:{self.serve(**served)}', options)

    def stats(self, name):
        return self.server.get_property('stats').get_value(name)

    def limit(self, name):
        """How often it was gone over."""
        stats = self.server.get_property('stats')  # which holds what is in it
        return stats.get_value('limits').get_value(name)

    def assert_is_seen(self, client):
        host, port = client.sock.getsockname()
        wait.until(lambda: f'{host}:{port}' in self.seen, f'{host}:{port} to be seen')


class Versions(Proxied):

    def test_a_client_is_seen_through_version_1(self):
        relay = self.behind('send-proxy')
        client = self.owned(raw.Client(relay.port, source=SOURCE)).play('cam')
        self.assert_is_seen(client)

    def test_a_client_is_seen_through_version_2(self):
        relay = self.behind('send-proxy-v2')
        client = self.owned(raw.Client(relay.port, source=SOURCE)).play('cam')
        self.assert_is_seen(client)

    def test_more_than_addresses_may_be_in_version_2(self):
        relay = self.behind('send-proxy-v2 proxy-v2-options crc32c,unique-id')
        client = self.owned(raw.Client(relay.port, source=SOURCE)).play('cam')
        self.assert_is_seen(client)

    def test_what_ffmpeg_publishes_through_it_is_what_ffmpeg_plays_through_it(self):
        relay = self.behind('send-proxy-v2')
        player = self.player(relay.url()).wait_for_play()
        sample = self.sample()
        self.publisher(sample, relay.url()).succeed()
        self.assert_same(self.contents(sample), player.contents())

    def test_it_stands_in_front_of_tls(self):
        file, key = self.certificate()
        relay = self.behind(
            'send-proxy-v2', properties='proxy-protocol-from=local tls-mode=strict'
            f' tls-certificate-file={file} tls-key-file={key}')
        player = self.player(relay.url(scheme='rtmps')).wait_for_play()
        sample = self.sample()
        self.publisher(sample, relay.url(scheme='rtmps')).succeed()
        self.assert_same(self.contents(sample), player.contents())

    def test_it_stands_in_front_of_a_unix_socket(self):
        path = self.path('rtmp')
        self.serve('proxy-protocol-from=local', f'address=unix:{path}')
        relay = self.proxy(path, 'send-proxy')
        client = self.owned(raw.Client(relay.port, source=SOURCE)).play('cam')
        self.assert_is_seen(client)


class WhoCounts(Proxied):

    def refusal(self, client):
        stream = client.begin()
        client.command('play', 3, None, 'cam', stream=stream)
        return next(values[3] for values in client.commands() if values[0] == 'onStatus')

    def test_rules_are_about_the_client(self):
        relay = self.behind('send-proxy', properties='proxy-protocol-from=127.0.0.1 '
                            f'access-rules="deny all from {SOURCE}"')
        with raw.Client(relay.port, source=SOURCE) as client:
            self.assertEqual('Not allowed from here.', self.refusal(client)['description'])
        self.owned(raw.Client(relay.port, source='127.0.0.10')).play('cam')

    def test_each_client_is_a_host_of_its_own(self):
        relay = self.behind('send-proxy', properties='proxy-protocol-from=127.0.0.1 '
                            'max-connections-per-host=1')
        self.owned(raw.Client(relay.port, source=SOURCE)).play('cam')
        self.owned(raw.Client(relay.port, source='127.0.0.10')).play('cam')
        self.owned(raw.Client(relay.port, source=SOURCE)).wait_closed()

    def test_the_log_names_the_client(self):
        log = self.path('log')
        relay = self.behind('send-proxy', properties='proxy-protocol-from=127.0.0.1 '
                            f'access-log={log} access-log-format=$remote_addr')
        raw.Client(relay.port, source=SOURCE).play('cam').stop()

        def line():
            with open(log, encoding='ascii') as lines:
                return lines.read()
        self.assertEqual(SOURCE + '\n', wait.until(line, 'a line'))


class Trust(Proxied):

    def test_a_proxy_that_says_nothing_is_refused(self):
        relay = self.behind('')
        self.owned(raw.Client(relay.port)).wait_closed()
        wait.until(lambda: self.limit('proxy-header') == 1, 'the refusal')

    def test_a_header_from_elsewhere_is_refused(self):
        relay = self.behind('send-proxy', properties='proxy-protocol-from=10.0.0.0/8')
        client = self.owned(raw.Client(relay.port))
        client.write(b'\3')
        client.wait_closed()
        wait.until(lambda: self.limit('http-request') == 1, 'the refusal')

    def test_the_health_checks_of_a_proxy_are_no_clients(self):
        port = self.serve()
        relay = self.proxy(f'127.0.0.1:{port}', 'send-proxy-v2 check inter 20ms')
        wait.until(lambda: self.stats('connections-accepted') >= 2, 'health checks')
        client = self.owned(raw.Client(relay.port, source=SOURCE)).play('cam')
        self.assert_is_seen(client)
        self.assertEqual(0, self.limit('proxy-header'))

    def test_networks_that_cannot_be_read_stop_the_start(self):
        serving = self.pipeline('rtmpserver port=0 proxy-protocol-from=everywhere')
        serving.play()
        self.assert_error(serving.wait_error(), 'proxy-protocol-from=everywhere cannot be read')


if __name__ == '__main__':
    case.main()
