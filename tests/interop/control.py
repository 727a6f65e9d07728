# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an operator changes while a server runs: who goes where, rules, certificates, limits."""

import ssl
import subprocess

from rtmptest import case, raw, wait
from rtmptest.gst import Gst


class Running(case.Case):

    def serve(self, properties=''):
        """A running server in this process."""
        serving = self.pipeline(f'rtmpserver name=server port=0 {properties}')
        serving.server = serving['server']
        serving.clients = []
        serving.server.connect(
            'client-added', lambda _, number, address: serving.clients.append(number))
        serving.play()
        serving.relay = case.Relay(serving.server.get_property('current-port'), None)
        return serving

    def count(self, serving, name):
        return serving.server.get_property('stats').get_value(name)

    def warning(self, serving):
        message = serving.message(
            lambda m: m.type == Gst.MessageType.WARNING, 'a warning')
        return message.parse_warning().gerror.message

    def client(self, serving):
        return self.owned(raw.Client(serving.relay.port))


class Redirect(Running):

    def setUp(self):
        super().setUp()
        self.old, self.new = self.serve(), self.serve()
        self.target = f'rtmp://127.0.0.1:{self.new.relay.port}/live'

    def play(self, stream='cam'):
        pipeline = self.pipeline(
            f'rtmpclientsrc location={self.old.relay.url(stream)} ! fakesink').play()
        wait.until(lambda: self.count(self.old, 'players') > 0, 'the player')
        return pipeline

    def test_a_client_goes_on_at_the_other_server(self):
        self.play()
        client = wait.until(lambda: self.old.clients, 'the client')[0]
        self.assertTrue(self.old.server.emit('redirect', client, self.target))
        wait.until(lambda: self.count(self.new, 'players') == 1, 'the player at the other server')

    def test_a_stream_moves_with_its_publisher_and_its_players(self):
        publishing = self.pipeline(
            'audiotestsrc is-live=true ! avenc_aac ! aacparse ! rtmpmux !'
            f' rtmpclientsink location={self.old.relay.url()}').play()
        wait.until(lambda: self.count(self.old, 'publishers') == 1, 'the publisher')
        self.play()
        self.assertEqual(
            2, self.old.server.emit('redirect-stream', 'live/cam', self.target))
        wait.until(lambda: self.count(self.new, 'players') == 1
                   and self.count(self.new, 'publishers') == 1, 'both at the other server')
        publishing.stop()

    def test_other_streams_stay(self):
        self.play('other')
        self.assertEqual(
            0, self.old.server.emit('redirect-stream', 'live/cam', self.target))
        self.assertEqual(1, self.count(self.old, 'players'))

    def test_a_client_that_does_not_understand_it_stays_where_it_is(self):
        legacy = self.client(self.old).play('cam')
        client = wait.until(lambda: self.old.clients, 'the client')[0]
        self.assertFalse(self.old.server.emit('redirect', client, self.target))
        self.assertEqual(
            0, self.old.server.emit('redirect-stream', 'live/cam', self.target))
        self.assertTrue(legacy.is_served())

    def test_nobody_is_redirected_who_is_not_there(self):
        self.assertFalse(self.old.server.emit('redirect', 4711, self.target))


class Rules(Running):

    def setUp(self):
        super().setUp()
        self.file = self.path('rules')
        self.write('allow all')
        self.serving = self.serve(f'access-rules-file={self.file}')

    def write(self, rules):
        with open(self.file, 'w', encoding='ascii') as file:
            file.write(rules + '\n')

    def may_publish(self):
        with raw.Client(self.serving.relay.port) as client:
            stream = client.begin()
            client.command('publish', 3, None, 'cam', 'live', stream=stream)
            return next(values for values in client.commands()
                        if values[0] == 'onStatus')[3]['level'] == 'status'

    def test_a_reloaded_file_counts_from_then_on(self):
        self.assertTrue(self.may_publish())
        self.write('deny publish')
        self.assertTrue(self.may_publish(), 'nobody has asked for it')
        self.assertTrue(self.serving.server.emit('reload'))
        self.assertFalse(self.may_publish())

    def test_a_fault_leaves_the_old_rules_and_is_told(self):
        self.write('deny publish')
        self.assertTrue(self.serving.server.emit('reload'))
        self.write('permit publish')
        self.assertFalse(self.serving.server.emit('reload'))
        self.assertIn("'permit publish' cannot be used", self.warning(self.serving))
        self.assertFalse(self.may_publish())

    def test_rules_may_be_set(self):
        self.serving.server.set_property('access-rules', 'deny publish')
        self.assertTrue(self.may_publish(), "the file's rules come first")
        self.serving.server.set_property('access-rules-file', None)
        self.assertFalse(self.may_publish())

    def test_rules_that_cannot_be_read_leave_the_old_ones(self):
        self.write('deny publish')
        self.serving.server.set_property('access-rules', 'permit play')
        self.assertIn("'permit play' cannot be used", self.warning(self.serving))
        self.assertTrue(self.may_publish())


class Passwords(Running):

    def refusal(self, serving):
        """Of an encoder that has not logged in, if it is refused."""
        with raw.Client(serving.relay.port) as client:
            answer = client.handshake().connect(flashVer='FMLE/3.0')
            return answer[3]['description'] if answer[0] == '_error' else None

    def test_clients_may_have_to_log_in_from_now_on(self):
        serving = self.serve()
        self.assertIsNone(self.refusal(serving))
        serving.server.set_property('authmod', 'adobe')
        self.assertIn('authmod=adobe', self.refusal(serving))

    def test_a_file_that_cannot_be_read_is_told(self):
        serving = self.serve('authmod=adobe')
        serving.server.set_property('password-file', '/nowhere/passwords')
        self.assertIn('/nowhere/passwords', self.warning(serving))
        self.assertIn('authmod=adobe', self.refusal(serving))


class Certificates(Running):

    def shown(self, serving):
        return ssl.get_server_certificate(('127.0.0.1', serving.relay.port))

    def test_others_may_be_set(self):
        first, key = self.certificate()
        serving = self.serve(f'tls-certificate-file={first} tls-key-file={key}')
        before = self.shown(serving)
        second = self.path('second.pem')
        subprocess.run(['openssl', 'req', '-x509', '-new', '-key', key, '-days', '2', '-subj',
                        '/CN=second', '-out', second], check=True, capture_output=True)
        serving.server.set_property('tls-certificate-file', second)
        self.assertNotEqual(before, self.shown(serving))

    def test_a_broken_file_leaves_the_old_one_in_use(self):
        file, key = self.certificate()
        serving = self.serve(f'tls-certificate-file={file} tls-key-file={key}')
        before = self.shown(serving)
        with open(file, 'w', encoding='ascii') as broken:
            broken.write('nothing')
        self.assertFalse(serving.server.emit('reload'))
        self.assertIn(file, self.warning(serving))
        self.assertEqual(before, self.shown(serving))


class Limits(Running):

    def test_the_number_of_connections(self):
        serving = self.serve()
        first = self.client(serving).play('cam')
        serving.server.set_property('max-connections', 1)
        self.client(serving).wait_closed()
        serving.server.set_property('max-connections', 2)
        self.client(serving).play('cam')
        self.assertTrue(first.is_served())

    def test_the_number_of_players(self):
        serving = self.serve('max-players-per-stream=1')
        self.client(serving).play('cam')
        serving.server.set_property('max-players-per-stream', 0)
        self.client(serving).play('cam')

    def test_the_time_that_players_wait_for_a_publisher(self):
        serving = self.serve()
        player = self.client(serving).play('cam')
        publisher = self.client(serving).publish('cam')
        serving.server.set_property('publisher-grace', 1)
        publisher.stop()
        player.status('NetStream.Play.UnpublishNotify')
        serving.server.set_property('publisher-grace', int(3600 * Gst.SECOND))
        publisher = self.client(serving).publish('cam')
        publisher.stop()
        wait.until(lambda: self.count(serving, 'publishers') == 0, 'no publisher')
        self.client(serving).publish('cam').send(8, b'\x2f\0')
        self.assertEqual(8, player.media(1)[0].type, 'there was no end in between')

    def test_how_long_a_publisher_that_is_there_may_be_silent(self):
        serving = self.serve()
        publisher = self.client(serving).publish('cam')
        serving.server.set_property('idle-timeout', 1)
        publisher.wait_closed()

    def test_what_may_wait_for_a_player_that_is_there(self):
        serving = self.serve()
        slow = self.owned(raw.Client(serving.relay.port, receive_buffer=4096)).play('cam')
        serving.server.set_property('max-queue-bytes', 100_000)
        publisher = self.client(serving).publish('cam')
        publisher.set_chunk_size(1_000_000)

        def is_gone():
            publisher.send(8, b'\x2f' + bytes(200_000))
            return self.count(serving, 'players') == 0
        wait.until(is_gone, 'the end of the slow player')
        slow.stop()

    def test_what_cannot_change_is_told_and_counts_from_the_next_start(self):
        serving = self.serve()
        serving.server.set_property('threads', 3)
        self.assertRegex(self.warning(serving), 'threads=.*3.*next start')
        serving.stop()
        serving.play()
        self.assertEqual(3, serving.server.get_property('threads'))

    def test_the_last_word_counts_for_all_elements_of_a_server(self):
        serving = self.serve('max-connections=1')
        other = self.pipeline(
            f'rtmpserversrc name=source port={serving.relay.port} max-connections=1 ! fakesink')
        other.play()
        other['source'].set_property('max-connections', 2)
        self.assertEqual(2, serving.server.get_property('max-connections'))
        self.client(serving).play('cam')
        self.client(serving).play('cam')


if __name__ == '__main__':
    case.main()
