# SPDX-License-Identifier: LGPL-2.1-or-later
"""What speaks HTTP reaches rtmpserver through nginx as a reverse proxy."""

import http.client

from rtmptest import case, wait


class ReverseProxy(case.Case):

    def setUp(self):
        super().setUp()
        self.relay = self.rtmpserver()
        self.front = case.Relay(self.nginx(server=self.relay.port).http_port, None)

    def test_rtmpt_goes_through(self):
        player = self.player(self.front.url(scheme='rtmpt')).wait_for_play()
        sample = self.sample()
        self.publisher(sample, self.relay.url()).succeed()
        self.assert_same(self.contents(sample), player.contents())

    def test_flv_goes_through_both_ways(self):
        self.need_program('curl')
        sample, record, url = self.sample(), self.path('played.flv'), self.front.url('cam.flv',
                                                                                     scheme='http')
        player = self.run_program(['curl', '--silent', '--verbose', '--no-buffer', '--fail',
                                   '--output', record, url])
        player.wait_for_log('HTTP/1.1 200')
        self.run_program(['curl', '--silent', '--show-error', '--fail', '--upload-file', sample,
                          url]).succeed()
        player.succeed()
        self.assert_same(self.contents(sample), self.contents(record))

    def test_a_websocket_goes_through(self):
        connection = http.client.HTTPConnection('127.0.0.1', self.front.port, timeout=wait.PATIENCE)
        self.addCleanup(connection.close)
        connection.request('GET', '/live/cam.flv', headers={
            'Connection': 'Upgrade', 'Upgrade': 'websocket', 'Sec-WebSocket-Version': '13',
            'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ=='})
        answer = connection.getresponse()
        self.assertEqual(101, answer.status)
        self.assertEqual('s3pPLMBiTxaQ9kYGzzhZRbK+xOo=', answer.getheader('Sec-WebSocket-Accept'))


if __name__ == '__main__':
    case.main()
