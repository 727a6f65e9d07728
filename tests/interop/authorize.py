# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an application decides and does through the signals of a server element."""

import base64
import hashlib
import threading
import time

from rtmptest import case, wait
from rtmptest.gst import Gst


def answer(**fields):
    structure = Gst.Structure.new_empty('answer')
    for name, value in fields.items():
        structure.set_value(name, value)
    return structure


class Server(case.Case):

    properties = ''

    def setUp(self):
        super().setUp()
        self.serving = self.pipeline(f'rtmpserver name=server port=0 {self.properties}')
        self.server = self.serving['server']
        self.heard = []
        for name in 'client-added', 'client-removed', 'stream-added', 'stream-removed':
            self.server.connect(
                name, lambda _, *told, name=name: self.heard.append((name, *told)))

    def start(self, authorize=None):
        """The address of a stream."""
        if authorize:
            self.server.connect('authorize', lambda _, request: authorize(request))
        self.serving.play()
        self.relay = case.Relay(self.server.get_property('current-port'), None)
        return self.relay.url()

    def told(self, name):
        return [rest for told, *rest in self.heard if told == name]

    def count(self, name):
        return self.server.get_property('stats').get_value(name)

    def playing(self, url):
        return self.pipeline(f'rtmpclientsrc location={url} ! fakesink').play()


class Authorize(Server):

    def test_what_is_allowed_arrives(self):
        url = self.start(lambda request: True)
        player = self.player(url).wait_for_play()
        sample = self.sample()
        self.publisher(sample, url).succeed()
        self.assert_same(self.contents(sample), player.contents())

    def test_it_is_asked_with_what_the_client_said(self):
        asked = []

        def authorize(request):
            asked.append(request.copy())
            return True
        url = self.start(authorize)
        self.publisher(self.sample(seconds=1), url + '?token=secret').succeed()
        self.assertEqual(['connect', 'publish'], [one.get_string('action') for one in asked])
        connect, publish = asked
        self.assertEqual('live', connect.get_string('app'))
        self.assertEqual(url.rsplit('/', 1)[0], connect.get_string('tc-url'))
        self.assertRegex(connect.get_string('address'), r'^127\.0\.0\.1:[0-9]+$')
        self.assertEqual('cam', publish.get_string('stream'))
        self.assertEqual('token=secret', publish.get_string('query'))
        self.assertEqual(connect.get_value('id'), publish.get_value('id'))

    def refusing(self, action, reason):
        return self.start(lambda request: request.get_string('action') != action or
                          answer(allow=False, reason=reason))

    def test_a_refused_publisher_is_told_why_and_there_is_no_stream(self):
        url = self.refusing('publish', 'Ask the operator.')
        publisher = self.publisher(self.sample(seconds=1), url)
        self.assertNotEqual(0, publisher.wait_end())
        self.assertIn('Ask the operator.', publisher.output)
        self.assertEqual([], self.told('stream-added'))

    def test_a_refused_player_is_told_why(self):
        url = self.refusing('play', 'Members only.')
        self.assertIn('Members only.', str(self.playing(url).wait_error()))

    def test_a_refused_connection_is_told_why(self):
        url = self.refusing('connect', 'Closed today.')
        self.assertIn('Closed today.', str(self.playing(url).wait_error()))

    def test_a_key_may_differ_from_the_name_that_is_played(self):
        def authorize(request):
            if request.get_string('action') == 'publish':
                return answer(allow=request.get_string('stream') == 'key', stream='live/name')
            return True
        self.start(authorize)
        player = self.player(self.relay.url('name')).wait_for_play()
        sample = self.sample()
        self.publisher(sample, self.relay.url('key')).succeed()
        self.assert_same(self.contents(sample), player.contents())
        self.assertEqual([['live/name']], self.told('stream-added'))

    def test_an_answer_that_does_not_allow_refuses(self):
        url = self.start(lambda request: answer(reason='Forgot to say.'))
        self.assertIn('Forgot to say.', str(self.playing(url).wait_error()))

    def test_of_several_handlers_one_refusal_is_enough(self):
        for verdict in True, False, True:
            self.server.connect('authorize', lambda _, request, verdict=verdict: verdict)
        self.playing(self.start()).wait_error()

    def test_the_handlers_of_all_elements_of_a_server_are_asked(self):
        url = self.start(lambda request: True)
        second = self.pipeline(
            f'rtmpserversrc name=source port={self.relay.port} stream=live/other ! fakesink')
        second['source'].connect(
            'authorize', lambda _, request: answer(allow=False, reason='Says the other.'))
        second.play()
        self.assertIn('Says the other.', str(self.playing(url).wait_error()))

    def test_who_waits_for_an_answer_holds_up_nobody_else(self):
        go_on = threading.Event()
        self.addCleanup(go_on.set)

        def authorize(request):
            if request.get_string('stream') == 'slow':
                go_on.wait(wait.PATIENCE)
            return True
        url = self.start(authorize)
        slow = self.publisher(self.sample(), self.relay.url('slow'))
        wait.until(lambda: self.count('clients') == 1, 'the slow one')
        player = self.player(url).wait_for_play()
        sample = self.sample()
        self.publisher(sample, url).succeed()
        self.assert_same(self.contents(sample), player.contents())
        self.assertEqual([['live/cam']], self.told('stream-added'))
        go_on.set()
        slow.succeed()

    def test_a_thousand_refusals_leave_nothing_behind(self):
        refused = []

        def authorize(request):
            if request.get_string('action') == 'publish':
                refused.append(request)
            return request.get_string('action') != 'publish'
        url = self.start(authorize)
        head = self.path('head.flv')
        with open(head, 'wb') as file:
            file.write(b'FLV\1\1\0\0\0\t\0\0\0\0\x08\0\0\1\0\0\0\0\0\0\0\x20\0\0\0\x0c')
        sending = self.pipeline(f'filesrc location={head} ! rtmpclientsink location={url}')
        while len(refused) < 1000:
            sending.play()
            sending.wait_error()
            sending.stop()
        wait.until(lambda: self.count('clients') == 0, 'no client')
        self.assertEqual(0, self.count('publishers'))
        self.assertEqual([], self.told('stream-added'))


class Rules(case.Case):

    def test_who_is_denied_is_told_so_and_others_go_on(self):
        serving = self.pipeline('rtmpserver name=server port=0 access-rules='
                                '"deny publish live/closed; deny play from 10.0.0.0/8"')
        serving.play()
        relay = case.Relay(serving['server'].get_property('current-port'), None)
        denied = self.publisher(self.sample(seconds=1), relay.url('closed'))
        self.assertNotEqual(0, denied.wait_end())
        self.assertIn('Not allowed from here.', denied.output)
        player = self.player(relay.url()).wait_for_play()
        sample = self.sample()
        self.publisher(sample, relay.url()).succeed()
        self.assert_same(self.contents(sample), player.contents())

    def test_rules_may_come_from_a_file(self):
        file = self.path('rules')
        with open(file, 'w', encoding='ascii') as rules:
            rules.write('# encoders\nallow publish live/cam from local\ndeny publish\n')
        relay = self.rtmpserver(f'access-rules-file={file}')
        self.publisher(self.sample(seconds=1), relay.url()).succeed()
        self.assertNotEqual(
            0, self.publisher(self.sample(seconds=1), relay.url('other')).wait_end())

    def test_a_rule_that_cannot_be_read_stops_the_start_and_is_shown(self):
        serving = self.pipeline('rtmpserver port=0 access-rules="deny publish; permit play"')
        serving.play()
        self.assert_error(serving.wait_error(), "' permit play' cannot be used")

    def test_a_missing_file_stops_the_start_and_is_named(self):
        serving = self.pipeline('rtmpserver port=0 access-rules-file=/nowhere/rules')
        serving.play()
        self.assert_error(serving.wait_error(), '/nowhere/rules')


class SignedAddresses(case.Case):

    def setUp(self):
        super().setUp()
        self.relay = self.rtmpserver('url-secret=secret signed-urls=publish')

    def signed(self, seconds, stream='cam'):
        """An address that is good for so long, as nginx's secure_link makes it."""
        expires = int(time.time()) + seconds
        digest = hashlib.md5(f'{expires}/live/{stream} secret'.encode()).digest()
        md5 = base64.urlsafe_b64encode(digest).decode().rstrip('=')
        return f'{self.relay.url(stream)}?expires={expires}&md5={md5}'

    def refusal(self, url):
        publisher = self.publisher(self.sample(seconds=1), url)
        self.assertNotEqual(0, publisher.wait_end())
        return publisher.output

    def test_the_right_one_publishes_what_others_play(self):
        player = self.player(self.relay.url()).wait_for_play()
        sample = self.sample()
        self.publisher(sample, self.signed(3600)).succeed()
        self.assert_same(self.contents(sample), player.contents())

    def test_others_are_told_what_is_wrong(self):
        self.assertIn('must be signed', self.refusal(self.relay.url()))
        self.assertIn('has expired', self.refusal(self.signed(-60)))
        other = self.signed(3600, 'other').replace('/other', '/cam')
        self.assertIn('signature of the address is wrong', self.refusal(other))


class Slow(Server):

    properties = 'authorize-timeout=200000000'

    def test_no_answer_in_time_is_a_refusal(self):
        go_on = threading.Event()
        self.addCleanup(go_on.set)
        url = self.start(lambda request: go_on.wait(wait.PATIENCE))
        self.assertIn('takes too long', str(self.playing(url).wait_error()))


class Control(Server):

    def publish_and_play(self):
        url = self.start()
        self.publishing = self.publisher(self.sample(seconds=60), url, speed=1)
        wait.until(lambda: self.told('stream-added'), 'the publisher')
        self.player_pipeline = self.playing(url)
        wait.until(lambda: self.count('players') == 1, 'the player')

    def test_comings_and_goings_are_told_in_order(self):
        url = self.start()
        self.publisher(self.sample(seconds=1), url).succeed()
        wait.until(lambda: self.told('client-removed'), 'the end')
        self.assertEqual(['client-added', 'stream-added', 'stream-removed', 'client-removed'],
                         [name for name, *_ in self.heard])
        self.assertEqual(self.told('client-added')[0][0], self.told('client-removed')[0][0])

    def test_a_kicked_publisher_is_gone(self):
        self.publish_and_play()
        publisher = self.told('client-added')[0][0]
        self.assertTrue(self.server.emit('kick', publisher))
        wait.until(lambda: self.told('stream-removed'), 'the end of the stream')
        self.publishing.wait_end()

    def test_nobody_is_kicked_who_is_not_there(self):
        self.start()
        self.assertFalse(self.server.emit('kick', 4711))

    def test_a_dropped_stream_loses_its_publisher_and_its_players(self):
        self.publish_and_play()
        self.assertEqual(2, self.server.emit('drop-stream', 'live/cam'))
        wait.until(lambda: len(self.told('client-removed')) >= 2, 'the end of both')
        self.publishing.wait_end()

    def test_a_drained_server_frees_its_port_at_once_and_ends_the_rest_in_time(self):
        self.publish_and_play()
        self.server.emit('drain', 1)
        self.assertFalse(wait.port_listens(self.relay.port))
        self.assertEqual(0, self.server.get_property('current-port'))
        wait.until(lambda: self.count('clients') == 0, 'no client')

    def test_a_drained_server_asks_its_clients_to_connect_again(self):
        self.publish_and_play()
        self.server.emit('drain', int(wait.PATIENCE * Gst.SECOND))
        self.player_pipeline.message(
            lambda m: m.has_name('rtmp-reconnecting'), 'the client to connect again')


if __name__ == '__main__':
    case.main()
