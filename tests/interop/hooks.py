# SPDX-License-Identifier: LGPL-2.1-or-later
"""A web service decides what rtmpserver's clients may do, and is told what they have done."""

import threading

from rtmptest import case, raw, wait, web

SECOND = 1_000_000_000


class Hooks(case.Case):

    def service(self, answer=lambda said: 200, **options):
        return self.owned(web.Service(answer, **options))

    def serve(self, answer=lambda said: 200, properties='', event='hook-url', **options):
        """The service, and a relay that asks it."""
        service = self.service(answer, **options)
        return service, self.relay(f'{event}={service.url} {properties}')

    def relay(self, properties):
        serving = self.pipeline(f'rtmpserver name=server port=0 {properties}')
        serving.play()
        self.element = serving['server']
        self.serving = serving
        return case.Relay(self.element.get_property('current-port'), None)

    def count(self, name):
        return self.element.get_property('stats').get_value(name)

    def client(self, relay):
        client = raw.Client(relay.port)
        self.addCleanup(client.stop)
        return client

    def publish(self, relay, name='cam', app='live'):
        """The status that a publisher gets."""
        client = self.client(relay)
        stream = client.begin(app)
        client.command('publish', 3, None, name, 'live', stream=stream)
        return self.first_status(client)

    def play(self, relay, name='cam', app='live'):
        client = self.client(relay)
        stream = client.begin(app)
        client.command('play', 3, None, name, stream=stream)
        return self.first_status(client)

    @staticmethod
    def first_status(client):
        return next(values for values in client.commands() if values[0] == 'onStatus')[3]['code']


def no_to(**fields):
    """Says no to that alone."""
    return lambda said: 403 if all(said.get(k) == v for k, v in fields.items()) else 200


STARTED, DENIED = 'NetStream.Publish.Start', 'NetStream.Publish.Denied'
FAILED = 'NetStream.Play.Failed'


class Answers(Hooks):

    def test_what_is_allowed_arrives(self):
        service, relay = self.serve()
        player = self.player(relay.url()).wait_for_play()
        sample = self.sample()
        self.publisher(sample, relay.url()).succeed()
        self.assert_same(self.contents(sample), player.contents())
        service.wait_said(call='publish_done')

    def test_each_status_means_what_it_does_for_nginx(self):
        verdicts = {200: STARTED, 201: STARTED, 204: STARTED, 400: DENIED, 401: DENIED,
                    403: DENIED, 404: DENIED, 500: DENIED, 503: DENIED,
                    web.CLOSE: DENIED, web.BROKEN: DENIED}
        answer = None
        _, relay = self.serve(lambda said: answer, event='on-publish')
        for answer, verdict in verdicts.items():
            with self.subTest(answer):
                self.assertEqual(verdict, self.publish(relay, f'to {answer}'))

    def test_players_and_connections_may_be_refused_too(self):
        _, relay = self.serve(no_to(call='play'))
        self.assertEqual(STARTED, self.publish(relay))
        self.assertEqual(FAILED, self.play(relay))
        _, relay = self.serve(no_to(call='connect'))
        answer = self.client(relay).handshake().connect()
        self.assertEqual('NetConnection.Connect.Rejected', answer[3]['code'])

    def test_our_player_is_told_that_it_is_refused(self):
        _, relay = self.serve(no_to(call='play'))
        playing = self.pipeline(f'rtmpclientsrc location={relay.url()} ! fakesink').play()
        self.assertIn('Not allowed.', str(playing.wait_error()))

    def test_a_location_renames_what_is_published_and_played(self):
        def answer(said):
            if said['call'] in ('publish', 'play') and said['name'] in ('key', 'front'):
                return 302, {'Location': 'cam'}, ''
            return 200
        service, relay = self.serve(answer)
        player = self.player(relay.url('front')).wait_for_play()
        sample = self.sample()
        self.publisher(sample, relay.url('key')).succeed()
        self.assert_same(self.contents(sample), player.contents())
        service.wait_said(call='publish_done', name='cam')

    def test_a_location_renames_the_app_of_a_connection(self):
        def answer(said):
            return (302, {'Location': 'live'}, '') if said['call'] == 'connect' else 200
        service, relay = self.serve(answer)
        self.assertEqual(STARTED, self.publish(relay, app='secret'))
        service.wait_said(call='publish', app='live', name='cam')

    def test_a_location_elsewhere_is_not_followed(self):
        service = self.service()
        for location in (service.url, 'rtmp:///live/cam', '', '/'):
            with self.subTest(location):
                service.answer = lambda said: (302, {'Location': location}, '')
                relay = self.relay(f'on-publish={service.url}')
                before = len(service.calls)
                self.assertEqual(DENIED, self.publish(relay))
                self.assertEqual(before + 1, len(service.calls))

    def test_a_location_at_another_server_sends_a_stream_there(self):
        there = self.rtmpserver()
        player = self.player(there.url('copy')).wait_for_play()
        _, relay = self.serve(lambda said: (302, {'Location': there.url('copy')}, ''),
                              event='on-publish')
        sample = self.sample()
        self.publisher(sample, relay.url()).succeed()
        self.assert_same(self.contents(sample), player.contents())

    def test_a_location_at_another_server_is_where_a_player_gets_it_from(self):
        there = self.rtmpserver()
        _, relay = self.serve(lambda said: (302, {'Location': there.url('origin')}, ''),
                              event='on-play')
        player = self.player(relay.url()).wait_for_play()
        there.wait_for_clients()
        sample = self.sample()
        self.publisher(sample, there.url('origin')).succeed()
        self.assert_same(self.contents(sample), player.contents())

    def test_no_answer_in_time_is_a_refusal(self):
        _, relay = self.serve(lambda said: web.HANG, 'hook-timeout=200000000', 'on-publish')
        self.assertEqual(DENIED, self.publish(relay))

    def test_a_service_that_is_not_there_refuses(self):
        relay = self.relay(f'on-publish=http://127.0.0.1:{wait.free_port()}/')
        self.assertEqual(DENIED, self.publish(relay))

    def test_a_service_that_hangs_delays_nobody_else(self):
        service, relay = self.serve(
            lambda said: web.HANG if said.get('name') == 'slow' else 200)
        slow = []
        for _ in range(20):
            client = self.client(relay)
            stream = client.begin()
            client.command('publish', 3, None, 'slow', 'live', stream=stream)
            slow.append(client)
        service.wait_said(20, call='publish', name='slow')
        player = self.player(relay.url()).wait_for_play()
        sample = self.sample()
        self.publisher(sample, relay.url()).succeed()
        self.assert_same(self.contents(sample), player.contents())

    def test_a_thousand_refusals_leave_nothing_behind(self):
        service, relay = self.serve(no_to(call='publish'))
        client = self.client(relay)
        stream = client.begin()
        for number in range(1000):
            client.command('publish', 3, None, 'cam', 'live', stream=stream)
            self.assertEqual(DENIED, self.first_status(client), number)
            if number % 50 == 49:  # as many commands a second are too many
                client.stop()
                client = self.client(relay)
                stream = client.begin()
        client.stop()
        wait.until(lambda: self.count('clients') == 0, 'no client')
        self.assertEqual(1000, len(service.said(call='publish')))
        self.assertEqual([], service.said(call='publish_done'))
        service.wait_said(21, call='disconnect')
        self.assertEqual(0, self.count('publishers'))


class Forms(Hooks):

    def test_they_have_the_fields_of_nginx(self):
        service, relay = self.serve()
        client = self.client(relay).handshake()
        client.connect('live', tcUrl=relay.url('')[:-1], pageUrl='http://page/', swfUrl='x.swf')
        stream = client.create_stream()
        client.command('play', 3, None, 'cam', -1000, 7000, True, stream=stream)
        client.status('NetStream.Play.Reset')
        common = {'app': 'live', 'flashver': 'test', 'swfurl': 'x.swf',
                  'tcurl': relay.url('')[:-1], 'pageurl': 'http://page/', 'addr': '127.0.0.1',
                  'clientid': service.calls[0]['clientid']}
        connect, play = service.calls
        self.assertRegex(connect.pop('epoch'), '^[0-9]+$')
        self.assertEqual({'call': 'connect', **common}, connect)
        self.assertEqual({'call': 'play', 'name': 'cam', 'start': '-1000', 'duration': '7000',
                          'reset': '1', **common}, play)

    def test_a_publish_has_its_type_and_the_clients_arguments(self):
        service, relay = self.serve()
        self.publish(relay, 'cam?key=a%20b&sum=x+y==&plain', app='live?psk=1')
        publish, = service.said(call='publish')
        self.assertEqual(
            ('live', 'cam', 'live', 'a b', 'x+y==', '', '1'),
            tuple(publish[name] for name in ('app', 'name', 'type', 'key', 'sum', 'plain', 'psk')))

    def test_arguments_cannot_take_the_place_of_ours(self):
        service, relay = self.serve()
        self.publish(relay, 'cam?name=other&call=x&n%61me=other&NAME=other&name[]=other'
                            '&remote_user=root&addr=10.0.0.1&key=good')
        publish, = service.said(call='publish')
        self.assertEqual(('cam', '127.0.0.1', 'good'),
                         (publish['name'], publish['addr'], publish['key']))
        self.assertFalse({'NAME', 'name[]', 'remote_user'} & set(publish))

    def test_the_keys_of_encoders_arrive(self):
        service, relay = self.serve()
        sample = self.sample(seconds=1)
        self.publisher(sample, relay.url('cam?key=obs')).succeed()
        self.publisher(sample, relay.url('cam', application='live?key=app')).succeed()
        self.assertEqual(['obs', 'app'], [said['key'] for said in service.said(call='publish')])


    def test_the_keys_of_players_arrive(self):
        self.need_program('rtmpdump')
        service, relay = self.serve()
        self.run_program(['rtmpdump', '--live', '--rtmp', relay.url('cam?key=dump'),
                          '--flv', self.path('dump.flv')])
        service.wait_said(call='play', name='cam', key='dump')
        self.pipeline(f'rtmpclientsrc location={relay.url("cam?key=ours")} ! fakesink').play()
        service.wait_said(call='play', name='cam', key='ours')
        self.player(relay.url('cam', application='live?key=app'))
        service.wait_said(call='play', name='cam', key='app')


class Ends(Hooks):

    def test_they_are_told_once_and_in_order(self):
        done = self.service()
        service, relay = self.serve(properties=f'on-done={done.url}')
        self.publisher(self.sample(seconds=1), relay.url()).succeed()
        service.wait_said(call='disconnect')
        self.assertEqual(['connect', 'publish', 'publish_done', 'disconnect'],
                         [said['call'] for said in service.calls])
        self.assertEqual(1, len({said['clientid'] for said in service.calls}))
        done.wait_said(call='done', name='cam')

    def test_each_waits_for_the_answer_to_the_one_before(self):
        go_on = threading.Event()

        def answer(said):
            if said['call'] == 'publish_done':
                go_on.wait(wait.PATIENCE)
            return 200
        service, relay = self.serve(answer, f'hook-timeout={60 * SECOND}')
        self.client(relay).publish('cam').stop()
        service.wait_said(call='publish_done')
        wait.until(lambda: self.count('clients') == 0, 'no client')
        self.publish(relay, 'other')  # what is asked later has been asked
        self.assertEqual([], service.said(call='disconnect'))
        go_on.set()
        service.wait_said(call='disconnect')

    def test_who_vanishes_is_told_of(self):
        service, relay = self.serve()
        self.client(relay).play('cam').reset()
        service.wait_said(call='play_done', name='cam')
        service.wait_said(call='disconnect')

    def test_who_was_refused_has_no_end(self):
        service, relay = self.serve(no_to(call='publish'))
        self.publish(relay)
        self.serving.stop()
        service.wait_said(call='disconnect')
        self.assertEqual([], service.said(call='publish_done'))

    def test_a_second_publisher_has_no_end_either(self):
        service, relay = self.serve(properties='duplicate-publish=reject')
        first = self.client(relay).publish('cam')
        self.assertEqual('NetStream.Publish.BadName', self.publish(relay))
        first.stop()
        service.wait_said(call='publish_done')
        self.serving.stop()
        service.wait_said(2, call='disconnect')
        self.assertEqual(1, len(service.said(call='publish_done')))

    def test_a_stop_tells_them_all(self):
        service, relay = self.serve()
        self.client(relay).play('cam')
        self.client(relay).play('cam')
        self.serving.stop()
        self.assertEqual(2, len(service.said(call='play_done')))
        self.assertEqual(2, len(service.said(call='disconnect')))

    def test_a_service_that_hangs_does_not_hold_up_a_stop_for_ever(self):
        _, relay = self.serve(lambda said: web.HANG, f'hook-timeout={60 * SECOND}',
                              'on-play-done')
        self.client(relay).play('cam')
        self.serving.stop(timeout=10)


    def test_a_stop_does_not_wait_for_answers(self):
        service, relay = self.serve(lambda said: web.HANG, f'hook-timeout={60 * SECOND}',
                                    'on-publish')
        client = self.client(relay)
        stream = client.begin()
        client.command('publish', 3, None, 'cam', 'live', stream=stream)
        service.wait_said(call='publish')
        self.serving.stop(timeout=10)
        client.wait_closed()


class Updates(Hooks):

    def test_they_come_as_long_as_it_goes_on(self):
        service, relay = self.serve(properties='hook-update-interval=100000000')
        client = self.client(relay).publish('cam')
        client.send(8, b'\xaf\1\0', time=1234)
        wait.until(lambda: service.said(call='update_publish', timestamp='1234'), 'the time')
        self.client(relay).play('cam')
        played = service.wait_said(2, call='update_play')
        self.assertEqual('cam', played[0]['name'])
        self.assertRegex(played[0]['time'], '^[0-9]+$')

    def test_a_no_ends_the_client(self):
        _, relay = self.serve(no_to(call='update_play'), 'hook-update-interval=100000000')
        self.client(relay).play('cam').wait_closed()

    def test_no_answer_does_not(self):
        service, relay = self.serve(
            lambda said: web.CLOSE if said['call'] == 'update_play' else 200,
            'hook-update-interval=50000000')
        client = self.client(relay).play('cam')
        service.wait_said(3, call='update_play')
        self.assertTrue(client.is_served())


class Connections(Hooks):

    def test_they_are_used_again(self):
        service, relay = self.serve()
        for _ in range(5):
            self.publish(relay)
        self.assertEqual(1, service.connections)

    def test_one_that_was_closed_meanwhile_costs_nobody_anything(self):
        service, relay = self.serve(lambda said: (200, {'Connection': 'close'}, ''))
        for name in 'abc':
            self.assertEqual(STARTED, self.publish(relay, name))
        self.assertEqual(6, service.connections)

    def test_https_is_checked_against_the_given_authorities(self):
        certificate = self.certificate()
        service, relay = self.serve(properties=f'hook-ca-file={certificate[0]}',
                                    certificate=certificate)
        self.assertEqual(STARTED, self.publish(relay))
        relay = self.relay(f'on-publish={service.url}')
        self.assertEqual(DENIED, self.publish(relay))

    def test_mistakes_stop_the_start_and_are_named(self):
        for properties, text in (('on-play=ftp://x/', 'on-play cannot be used: it is no http'),
                                 ('hook-url=http://x:y/', 'hook-url cannot be used: its host'),
                                 ('hook-url=https://x/ hook-ca-file=/nowhere/ca.pem',
                                  '/nowhere/ca.pem')):
            with self.subTest(properties):
                serving = self.pipeline(f'rtmpserver port=0 {properties}')
                serving.play()
                self.assert_error(serving.wait_error(), text)


class Srs(Hooks):

    def serve(self, answer=lambda said: (200, {}, '{"code": 0}'), properties='', **options):
        return super().serve(answer, 'hook-style=srs ' + properties, **options)

    def test_its_fields_are_sent(self):
        service, relay = self.serve()
        client = self.client(relay).handshake()
        client.connect('live', tcUrl='rtmp://host/live', pageUrl='http://page/')
        stream = client.create_stream()
        client.command('publish', 3, None, 'cam?key=1', 'live', stream=stream)
        client.status(STARTED)
        client.stop()
        service.wait_said(action='on_close')
        self.assertEqual(['on_connect', 'on_publish', 'on_unpublish', 'on_close'],
                         [said['action'] for said in service.calls])
        for said in service.calls:
            self.assertLessEqual({'server_id', 'service_id', 'client_id', 'ip', 'vhost', 'app',
                                  'tcUrl', 'param'}, set(said))
        connect, publish, _, close = service.calls
        self.assertEqual('http://page/', connect['pageUrl'])
        self.assertEqual(('live', 'cam', '?key=1', '/live/cam', '127.0.0.1'), tuple(
            publish[name] for name in ('app', 'stream', 'param', 'stream_url', 'ip')))
        self.assertGreater(close['recv_bytes'], 3000)

    def test_its_answers_are_understood(self):
        verdicts = {(200, '0'): STARTED, (201, '{"code":0}'): STARTED, (200, ''): STARTED,
                    (204, ''): STARTED, (200, '{"code":1}'): DENIED, (200, '1'): DENIED,
                    (200, '<html>'): DENIED, (200, '{}'): DENIED, (500, '0'): DENIED,
                    (302, ''): DENIED}
        _, relay = self.serve(lambda said: (answer[0], {}, answer[1]), event='on-publish')
        for answer, verdict in verdicts.items():
            with self.subTest(answer):
                self.assertEqual(verdict, self.publish(relay, f'to {answer}'))


class MediaMtx(Hooks):

    def test_its_questions_are_asked(self):
        service, relay = self.serve(properties='hook-style=mediamtx')
        self.publish(relay, 'cam?user=alice&pass=s3cr3t&token=t')
        self.play(relay)
        publish, play = service.calls
        self.assertEqual(
            {'user': 'alice', 'password': 's3cr3t', 'token': 't', 'ip': '127.0.0.1',
             'action': 'publish', 'path': 'live/cam', 'protocol': 'rtmp', 'id': publish['id'],
             'query': 'user=alice&pass=s3cr3t&token=t', 'userAgent': 'test'}, publish)
        self.assertEqual(('read', ''), (play['action'], play['user']))

    def test_its_answers_are_understood(self):
        _, relay = self.serve(lambda said: answer, 'hook-style=mediamtx')
        for answer, verdict in ((200, STARTED), (204, STARTED), (401, DENIED), (500, DENIED),
                                ((302, {'Location': 'cam'}, ''), DENIED)):
            with self.subTest(answer):
                self.assertEqual(verdict, self.publish(relay, f'to {answer}'))


if __name__ == '__main__':
    case.main()
