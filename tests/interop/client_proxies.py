# SPDX-License-Identifier: LGPL-2.1-or-later
"""rtmpclientsink and rtmpclientsrc through microsocks (SOCKS 5) and tinyproxy (HTTP)."""

import os
import socket

from rtmptest import case, gst, wait

TINYPROXY = '''
Port {port}
Listen 127.0.0.1
Allow 127.0.0.1
Timeout 600
LogLevel Connect
MaxClients 100
{more}
'''

# What somebody has set in GNOME.
DESKTOP = '''
[system/proxy]
mode='manual'
[system/proxy/socks]
host='127.0.0.1'
port={port}
'''

USER, PASSWORD = 'gate-user', 'gate-secret'
SCHEMES = 'rtmp', 'rtmps', 'rtmpt', 'rtmpts'


class Proxy:
    """A running one."""

    def __init__(self, scheme, port, program):
        self.place = f'127.0.0.1:{port}'
        self.uri = f'{scheme}://{self.place}'
        self.port = port
        self.program = program

    def uri_of(self, user, password):
        return self.uri.replace('://', f'://{user}:{password}@')


class Proxied(case.Case):

    def socks(self, login=False):
        self.need_program('microsocks')
        port = wait.free_port()
        words = ['-u', USER, '-P', PASSWORD] if login else []
        return self.started('socks5', ['microsocks', '-i', '127.0.0.1', '-p', port, *words], port)

    def http(self, login=False, more=''):
        self.need_program('tinyproxy')
        port = wait.free_port()
        if login:
            more += f'\nBasicAuth {USER} {PASSWORD}'
        file = self.path(f'tinyproxy-{port}.conf')
        with open(file, 'w', encoding='ascii') as out:
            out.write(TINYPROXY.format(port=port, more=more))
        return self.started('http', ['tinyproxy', '-d', '-c', file], port)

    def started(self, scheme, argv, port):
        program = self.run_program(argv)
        program.wait_for_port(port)
        return Proxy(scheme, port, program)

    def assert_every_scheme_goes_by(self, proxy):
        file, key = self.certificate()
        relay = self.rtmpserver(f'tls-certificate-file={file} tls-key-file={key}')
        for scheme in SCHEMES:
            with self.subTest(scheme):
                self.through(proxy, relay.url(scheme=scheme), f'tls-ca-file={file}')

    def sample(self, **options):
        return super().sample(seconds=1, size='160x120', **options)

    def sent(self):
        """What the sample holds, looked at once."""
        if 'sent' not in self.samples:
            self.samples['sent'] = self.contents(self.sample())
        return self.samples['sent']

    def publish(self, url, properties):
        sending = self.pipeline(
            f'filesrc location={self.sample()} ! flvdemux name=d ! h264parse ! rtmpmux name=m !'
            f' rtmpclientsink location="{url}" {properties}'
            ' d.audio ! queue ! aacparse ! m.')
        sending.play()
        sending.wait_eos()
        sending.stop()
        return sending

    def play(self, url, record, properties):
        return self.pipeline(
            f'rtmpclientsrc name=src location="{url}" {properties}'
            f' ! filesink location={record}').play()

    def through(self, proxy, url, properties=''):
        """Publishes and plays a sample, both by way of the proxy."""
        words = f'proxy={proxy.uri} {properties}'
        record = self.path('played.flv')
        playing = self.play(url, record, words)
        connected = playing.wait_element('rtmp-connected')
        self.assertEqual(proxy.place, connected.get_string('peer'))
        self.publish(url, words)
        playing.wait_eos(60)
        playing.stop()
        self.assert_same(self.sent(), self.contents(record), proxy.program)

    def error_of(self, url, properties):
        playing = self.pipeline(f'rtmpclientsrc location="{url}" {properties} ! fakesink').play()
        error = playing.wait_error()
        for secret in (PASSWORD, 'wrong-secret'):
            self.assertNotIn(secret, f'{error} {playing}'.replace(playing.description, ''))
        return error


class Ways(Proxied):

    def test_every_scheme_goes_by_socks(self):
        self.assert_every_scheme_goes_by(self.socks())

    def test_every_scheme_goes_by_http(self):
        self.assert_every_scheme_goes_by(self.http())

    def test_a_tunnel_in_the_clear_needs_no_connect(self):
        relay, proxy = self.rtmpserver(), self.http(more='ConnectPort 1')
        playing = self.play(relay.url(scheme='rtmpt'), '/dev/null', f'proxy={proxy.uri}')
        playing.wait_element('rtmp-connected')
        self.assertNotIn(': CONNECT ', proxy.program.output)

    def test_nginx_is_reached_by_both(self):
        nginx = self.nginx()
        for proxy in (self.socks(), self.http()):
            with self.subTest(proxy.uri):
                self.through(proxy, nginx.url())

    def test_a_lost_connection_is_made_again_by_the_same_way(self):
        relay, proxy = self.rtmpserver(), self.socks()
        playing = self.pipeline(
            f'rtmpclientsrc location={relay.url()} proxy={proxy.uri}'
            ' retry-backoff-min=20000000 retry-backoff-max=200000000 ! fakesink').play()
        playing.wait_element('rtmp-connected')
        relay.program.kill()
        playing.wait_element('rtmp-reconnecting')
        playing.seen.clear()
        relay.program = self.launch(f'rtmpserver port={relay.port}')
        self.assertEqual(proxy.place, playing.wait_element('rtmp-connected').get_string('peer'))


class Logins(Proxied):

    LOGIN = f'proxy-id={USER} proxy-pw={PASSWORD}'

    def test_a_user_and_a_password_open_socks(self):
        relay, proxy = self.rtmpserver(), self.socks(login=True)
        self.through(proxy, relay.url(), self.LOGIN)

    def test_a_user_and_a_password_open_http_with_and_without_connect(self):
        relay, proxy = self.rtmpserver(), self.http(login=True)
        for scheme in ('rtmp', 'rtmpt'):
            with self.subTest(scheme):
                self.through(proxy, relay.url(scheme=scheme), self.LOGIN)

    def test_they_may_stand_in_the_address(self):
        relay, proxy = self.rtmpserver(), self.socks(login=True)
        playing = self.play(relay.url(), '/dev/null', f'proxy={proxy.uri_of(USER, PASSWORD)}')
        playing.wait_element('rtmp-connected')
        self.assertEqual(proxy.uri, playing['src'].get_property('proxy'))

    def test_none_and_wrong_ones_are_told_apart(self):
        relay = self.rtmpserver()
        for proxy in (self.socks(login=True), self.http(login=True)):
            with self.subTest(proxy.uri):
                error = self.error_of(relay.url(), f'proxy={proxy.uri}')
                self.assert_error(error, f'proxy {proxy.place} wants a user name and a password',
                                  [gst.NOT_AUTHORIZED])
                error = self.error_of(
                    relay.url(), f'proxy={proxy.uri} proxy-id=me proxy-pw=wrong-secret')
                self.assert_error(error, f'proxy {proxy.place} does not accept the user name',
                                  [gst.NOT_AUTHORIZED])

    def test_a_tunnel_in_the_clear_tells_them_apart_too(self):
        relay, proxy = self.rtmpserver(), self.http(login=True)
        url = relay.url(scheme='rtmpt')
        self.assert_error(self.error_of(url, f'proxy={proxy.uri}'), 'the proxy wants a user name')
        words = f'proxy={proxy.uri} proxy-id=me proxy-pw=wrong-secret'
        self.assert_error(self.error_of(url, words), 'the proxy does not accept the user name')


class Refusals(Proxied):

    def test_a_server_that_is_not_there_is_named(self):
        server = f'127.0.0.1:{wait.free_port()}'
        for proxy in (self.socks(), self.http()):
            with self.subTest(proxy.uri):
                self.assert_error(
                    self.error_of(f'rtmp://{server}/live/cam', f'proxy={proxy.uri}'),
                    f'proxy {proxy.place} does not connect to {server}: ')

    def test_a_port_that_connect_may_not_have_is_named(self):
        relay, proxy = self.rtmpserver(), self.http(more='ConnectPort 443')
        self.assert_error(self.error_of(relay.url(), f'proxy={proxy.uri}'), ': 403 ',
                          [gst.NOT_AUTHORIZED])

    def test_a_proxy_that_is_not_there_is_named(self):
        proxy = f'127.0.0.1:{wait.free_port()}'
        self.assert_error(
            self.error_of('rtmp://media.example/live/cam', f'proxy=socks5://{proxy}'),
            f'could not connect to the socks5 proxy {proxy}: connection refused')

    def test_an_address_that_is_none_is_not_shown(self):
        self.assert_error(
            self.error_of('rtmp://media.example/live/cam',
                          f'proxy=socks4://{USER}:{PASSWORD}@gate'),
            'the proxy cannot be used: write it as')


class Environments(Proxied):
    """Of programs on their own, for a server that is known by this machine's name."""

    def setUp(self):
        super().setUp()
        self.name = socket.gethostname()
        try:
            socket.gethostbyname(self.name)
        except OSError:
            self.skipTest(f'nobody knows the host {self.name}')

    def player(self, scheme, port, **variables):
        names = ('http_proxy', 'https_proxy', 'all_proxy', 'no_proxy')
        nothing = dict.fromkeys([*names, *map(str.upper, names)], '')
        environment = {**nothing, **variables}
        return self.launch(
            f'rtmpclientsrc location={scheme}://{self.name}:{port}/live/cam ! fakesink',
            env=environment, options=('-m',))

    def assert_goes_by(self, proxy, scheme, relay, **variables):
        player = self.player(scheme, relay.port, **variables)
        connected = player.wait_for_log(r'rtmp-connected, peer=\(string\)"?([^",]*)"?,')
        self.assertEqual(proxy.place, connected[1])

    def test_all_proxy_is_for_every_scheme(self):
        relay, proxy = self.rtmpserver(), self.socks()
        self.assert_goes_by(proxy, 'rtmp', relay, all_proxy=proxy.uri)

    def test_http_proxy_is_for_tunnels(self):
        relay, proxy = self.rtmpserver(), self.http()
        player = self.player('rtmpt', relay.port, http_proxy=proxy.uri)
        player.wait_for_log('rtmp-connected')
        proxy.program.wait_for_log(f'POST http://{self.name}:{relay.port}/open/1')

    def test_http_proxy_is_not_for_other_schemes_and_no_proxy_excepts(self):
        relay = self.rtmpserver()
        nowhere = f'http://127.0.0.1:{wait.free_port()}'
        self.player('rtmp', relay.port, http_proxy=nowhere).wait_for_log('rtmp-connected')
        self.player('rtmpt', relay.port, http_proxy=nowhere,
                    no_proxy=f'media.example, {self.name}').wait_for_log('rtmp-connected')

    def test_the_desktop_is_asked_where_no_variable_is_set(self):
        relay, proxy = self.rtmpserver(), self.socks()
        settings = self.path('glib-2.0/settings')
        os.makedirs(settings)
        with open(f'{settings}/keyfile', 'w', encoding='ascii') as out:
            out.write(DESKTOP.format(port=proxy.port))
        self.assert_goes_by(proxy, 'rtmp', relay, XDG_CURRENT_DESKTOP='GNOME',
                            XDG_CONFIG_HOME=self.folder, GSETTINGS_BACKEND='keyfile')


if __name__ == '__main__':
    case.main()
