# SPDX-License-Identifier: LGPL-2.1-or-later
"""Clients that log in at rtmpserver with a name and a password (authmod=adobe and llnw)."""

import os

from rtmptest import case, raw, wait
from rtmptest.gst import NOT_AUTHORIZED


class Logins(case.Case):

    def setUp(self):
        super().setUp()
        self.file = self.path('passwords')
        self.write('# encoders\nalice:s3cr3t\n')

    def write(self, text):
        renewed = self.file + '.new'
        with open(renewed, 'w', encoding='ascii') as file:
            file.write(text)
        os.replace(renewed, self.file)

    def relay(self, mode='adobe', properties=''):
        return self.rtmpserver(f'authmod={mode} password-file={self.file} {properties}')

    @staticmethod
    def url(relay, user='alice:s3cr3t'):
        return relay.url().replace('://', f'://{user}@')

    def sink(self, location, properties=''):
        return self.pipeline(
            f'filesrc location={self.sample(seconds=1)} ! flvdemux name=d ! h264parse !'
            f' rtmpmux name=m ! rtmpclientsink location={location} {properties}'
            ' d.audio ! queue ! aacparse ! m.').play()


class Publishers(Logins):

    def test_ffmpeg_logs_in_and_its_stream_arrives(self):
        for mode in 'adobe', 'llnw':
            with self.subTest(mode):
                relay = self.relay(mode)
                player = self.player(relay.url()).wait_for_play()
                sample = self.sample()
                self.publisher(sample, self.url(relay)).succeed()
                self.assert_same(self.contents(sample), player.contents())

    def test_our_own_sink_logs_in(self):
        for mode in 'adobe', 'llnw':
            with self.subTest(mode):
                self.sink(self.url(self.relay(mode))).wait_eos()

    def test_gstreamers_own_sink_logs_in(self):
        self.need_elements('rtmp2sink', 'x264enc')
        relay = self.relay()
        sending = self.pipeline(
            'videotestsrc num-buffers=30 ! x264enc tune=zerolatency ! flvmux streamable=true !'
            f' rtmp2sink location={relay.url()} authmod=adobe username=alice password=s3cr3t').play()
        sending.wait_eos()

    def test_a_wrong_password_and_an_unknown_user_are_told_the_same(self):
        relay = self.relay()
        texts = set()
        for user in 'alice:guess', 'mallory:s3cr3t':
            error = self.sink(self.url(relay, user)).wait_error()
            self.assertEqual(NOT_AUTHORIZED, error.code, error)
            texts.add(error.text.replace(user.split(':')[0], 'USER'))
            self.assertNotEqual(
                0, self.publisher(self.sample(seconds=1), self.url(relay, user)).wait_end())
        self.assertEqual(1, len(texts), texts)

    def test_ffmpeg_says_what_is_wrong(self):
        publisher = self.publisher(self.sample(seconds=1), self.url(self.relay(), 'alice:guess'))
        self.assertNotEqual(0, publisher.wait_end())
        self.assertIn('Incorrect username/password', publisher.output)

    def test_who_gives_no_name_is_refused(self):
        relay = self.relay()
        publisher = self.publisher(self.sample(seconds=1), relay.url())
        self.assertNotEqual(0, publisher.wait_end())

    def test_who_looks_like_a_player_cannot_publish_without_logging_in(self):
        relay = self.relay()
        with raw.Client(relay.port) as client:
            stream = client.begin()
            client.command('publish', 3, None, 'cam', 'live', stream=stream)
            status = client.status('NetStream.Publish.Denied')
            self.assertEqual('Only for those who log in.', status['description'])


class Players(Logins):

    def test_they_log_in_where_they_must(self):
        relay = self.relay(properties='authmod-for=all')
        player = self.player(self.url(relay)).wait_for_play()
        sample = self.sample()
        self.publisher(sample, self.url(relay)).succeed()
        self.assert_same(self.contents(sample), player.contents())
        error = self.pipeline(f'rtmpclientsrc location={relay.url()} ! fakesink').play()
        self.assertEqual(NOT_AUTHORIZED, error.wait_error().code)


class Passwords(Logins):

    def test_a_changed_file_counts_from_then_on(self):
        relay = self.relay()
        self.publisher(self.sample(seconds=1), self.url(relay)).succeed()
        self.write('bob:other\n')
        wait.until(lambda: self.publisher(
            self.sample(seconds=1), self.url(relay, 'bob:other')).wait_end() == 0, 'the new one')
        self.assertNotEqual(0, self.publisher(self.sample(seconds=1), self.url(relay)).wait_end())

    def test_the_application_may_know_them_and_is_told_who_publishes(self):
        serving = self.pipeline('rtmpserver name=server port=0 authmod=adobe')
        asked, users = [], []

        def look_up(_, user):
            asked.append(user)
            return 'hers' if user == 'carol' else None

        def authorize(_, request):
            users.append((request.get_string('action'), request.get_string('user')))
            return True
        serving['server'].connect('lookup-password', look_up)
        serving['server'].connect('authorize', authorize)
        serving.play()
        relay = case.Relay(serving['server'].get_property('current-port'), None)
        self.publisher(self.sample(seconds=1), self.url(relay, 'carol:hers')).succeed()
        self.sink(self.url(relay, 'dave:hers')).wait_error()
        self.assertEqual(['carol', 'dave'], asked)
        self.assertEqual([('connect', 'carol'), ('publish', 'carol')], users)

    def test_a_file_that_cannot_be_read_stops_the_start_and_is_named(self):
        for content, fault in ('alice\n', 'line 1 is not user:password'), (None, 'cannot be read'):
            with self.subTest(fault):
                file = self.file if content else '/nowhere/passwords'
                self.write(content or '')
                serving = self.pipeline(f'rtmpserver port=0 authmod=adobe password-file={file}')
                serving.play()
                self.assert_error(serving.wait_error(), f'{file} cannot be used: .*{fault}')


if __name__ == '__main__':
    case.main()
