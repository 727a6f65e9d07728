# SPDX-License-Identifier: LGPL-2.1-or-later
"""rtmpserver and other servers: what goes on to them, and what is fetched from them."""

import readme
from rtmptest import case, gst, wait


class Routes(case.Case):

    def route_server(self, properties):
        """A relay in this process, whose messages can be read."""
        port = wait.free_port()
        pipeline = self.pipeline(f'rtmpserver name=server port={port} {properties}').play()
        wait.until(lambda: wait.port_listens(port), 'the relay')
        relay = case.Relay(port, pipeline)
        relay.element = pipeline['server']
        return relay

    @staticmethod
    def wait_route(relay, state, kind='rtmp-forward'):
        """What is told when a route gets into that state."""
        def accept(message):
            structure = message.get_structure()
            return (message.type == gst.Gst.MessageType.ELEMENT and structure.get_name() == kind
                    and structure.get_string('state') == state)
        return relay.program.message(accept, f'a route that is {state}').get_structure()

    @staticmethod
    def stats(relay):
        return relay.element.get_property('stats').to_string()


class Forward(Routes):

    def test_nginx_gets_what_ffmpeg_publishes(self):
        nginx = self.nginx()
        relay = self.route_server(f'forward="live/* rtmp://127.0.0.1:{nginx.port}/"')
        player = self.player(nginx.url()).wait_for_play()
        nginx.wait_for_player()
        sample = self.sample()
        self.publisher(sample, relay.url()).succeed()
        self.assert_same(self.contents(sample), player.contents(), nginx.log)

    def test_nginx_sees_a_clean_end(self):
        nginx = self.nginx()
        relay = self.route_server(f'forward="live/* rtmp://127.0.0.1:{nginx.port}/"')
        self.publisher(self.sample(), relay.url()).succeed()
        self.wait_route(relay, 'ended')
        nginx.wait_for_log('deleteStream')

    def test_another_of_ours_gets_it_over_rtmps_and_nginx_as_well(self):
        nginx = self.nginx()
        file, key = self.certificate()
        target = self.rtmpserver(f'tls-certificate-file={file} tls-key-file={key}')
        relay = self.route_server(
            f'route-tls-ca-file={file} forward="* rtmps://127.0.0.1:{target.port}/copy/{{stream}};'
            f' * rtmp://127.0.0.1:{nginx.port}/"')
        players = [self.player(target.url(application='copy')).wait_for_play(),
                   self.player(nginx.url()).wait_for_play()]
        nginx.wait_for_player()
        sample = self.sample()
        self.publisher(sample, relay.url()).succeed()
        for player in players:
            self.assert_same(self.contents(sample), player.contents())

    def test_a_certificate_that_is_not_trusted_is_told(self):
        file, key = self.certificate()
        target = self.rtmpserver(f'tls-certificate-file={file} tls-key-file={key}')
        relay = self.route_server(f'forward="* rtmps://127.0.0.1:{target.port}/"')
        self.publisher(self.sample(), relay.url())
        self.assertIn('certificate', self.wait_route(relay, 'failed').get_string('reason'))

    def test_a_target_that_is_killed_and_comes_back_gets_the_rest(self):
        nginx = self.nginx()
        relay = self.route_server(f'forward="* rtmp://127.0.0.1:{nginx.port}/"')
        sample = self.sample(seconds=30)
        local = self.player(relay.url()).wait_for_play()
        publisher = self.publisher(sample, relay.url(), speed=4)
        self.wait_route(relay, 'streaming')
        nginx.wait_for_publisher()
        nginx.program.kill()
        self.wait_route(relay, 'reconnecting')
        nginx.start()
        player = self.player(nginx.url()).wait_for_play()
        publisher.succeed()
        self.wait_route(relay, 'ended')
        whole, part = local.contents(), player.contents()
        self.assert_same(self.contents(sample), whole)
        count = len(part.payloads('video'))
        self.assertGreater(count, 0)
        self.assertEqual(whole.payloads('video')[-count:], part.payloads('video'))

    def test_a_target_that_never_reads_holds_up_nobody(self):
        silent = self.server(lambda connection: connection.stay_silent())
        nginx = self.nginx()
        relay = self.route_server(f'forward="* rtmp://127.0.0.1:{silent.port}/;'
                                  f' * rtmp://127.0.0.1:{nginx.port}/"')
        players = [self.player(relay.url()).wait_for_play(),
                   self.player(nginx.url()).wait_for_play()]
        nginx.wait_for_player()
        sample = self.sample()
        self.publisher(sample, relay.url()).succeed()
        for player in players:
            self.assert_same(self.contents(sample), player.contents())

    def test_a_refusal_is_told_with_the_key_masked(self):
        nginx = self.nginx()
        relay = self.route_server(
            f'forward="* rtmp://127.0.0.1:{nginx.port}/nowhere/geheimnis?token=abc"')
        self.publisher(self.sample(), relay.url())
        told = wait.until(lambda: self.wait_failure(relay), 'the end of the route')
        self.assertNotIn('geheimnis', told.to_string())
        self.assertNotIn('abc', told.get_string('url'))

    def wait_failure(self, relay):
        relay.program.poll()
        for message in relay.program.seen:
            structure = message.get_structure()
            if structure and structure.get_name() == 'rtmp-forward':
                if structure.get_string('state') in ('refused', 'failed', 'reconnecting'):
                    return structure
        return None

    def test_an_application_begins_and_ends_it(self):
        nginx = self.nginx()
        relay = self.route_server('')
        publisher = self.publisher(self.sample(seconds=30), relay.url(), speed=1)
        publisher.wait_for_log('frame=')
        number = relay.element.emit('forward', 'live/*', f'rtmp://127.0.0.1:{nginx.port}/')
        self.assertEqual(number, self.wait_route(relay, 'streaming').get_value('id'))
        nginx.wait_for_publisher()
        self.assertIn('rtmp-route-stats', self.stats(relay))
        self.assertTrue(relay.element.emit('stop-forward', number))
        self.wait_route(relay, 'ended')
        self.assertNotIn('rtmp-route-stats', self.stats(relay))
        self.assertTrue(publisher.running())

    def test_a_circle_of_servers_ends_where_it_began(self):
        first = self.route_server('')
        second = self.route_server(f'forward="* rtmp://127.0.0.1:{first.port}/back/"')
        first.element.emit('forward', '*', f'rtmp://127.0.0.1:{second.port}/')
        self.publisher(self.sample(), first.url(), speed=1)
        self.assertIn('circle', self.wait_route(second, 'refused').get_string('reason'))
        self.assertIn('live/cam', self.stats(first))
        self.assertNotIn('back/live/cam', self.stats(first))

    def test_rules_that_cannot_be_read_stop_the_start(self):
        pipeline = self.pipeline('rtmpserver port=0 forward="live/*"').play()
        self.assert_error(pipeline.wait_error(), 'takes a pattern and one url')


class Pull(Routes):

    def test_what_is_published_at_nginx_is_played_here(self):
        nginx = self.nginx()
        relay = self.route_server(f'pull="live/* rtmp://127.0.0.1:{nginx.port}/"')
        player = self.player(relay.url()).wait_for_play()
        nginx.wait_for_player()
        sample = self.sample()
        self.publisher(sample, nginx.url()).succeed()
        self.assert_same(self.contents(sample), player.contents(), nginx.log)

    def test_another_of_ours_is_asked_over_rtmps(self):
        file, key = self.certificate()
        origin = self.rtmpserver(f'tls-certificate-file={file} tls-key-file={key}')
        relay = self.route_server(
            f'route-tls-ca-file={file} pull="* rtmps://127.0.0.1:{origin.port}/"')
        players = [self.player(relay.url()).wait_for_play() for _ in range(2)]
        sample = self.sample()
        self.publisher(sample, origin.url()).succeed()
        for player in players:
            self.assert_same(self.contents(sample), player.contents())

    def test_it_ends_some_time_after_the_last_player_as_nginx_sees(self):
        nginx = self.nginx()
        relay = self.route_server(
            f'pull-linger=200000000 pull="live/* rtmp://127.0.0.1:{nginx.port}/"')
        publisher = self.publisher(self.sample(seconds=30), nginx.url(), speed=1)
        nginx.wait_for_publisher()
        player = self.player(relay.url()).wait_for_play()
        self.wait_route(relay, 'streaming', 'rtmp-pull')
        player.program.wait_for_log('Stream #0')
        self.assertEqual(2, wait.connections(nginx.port))
        player.program.stop()
        ended = self.wait_route(relay, 'ended', 'rtmp-pull')
        self.assertEqual('Nobody watches any more.', ended.get_string('reason'))
        wait.until(lambda: wait.connections(nginx.port) == 1, 'the end of the connection')
        self.assertTrue(publisher.running())

    def test_a_source_in_this_process_is_a_player(self):
        nginx = self.nginx()
        relay = self.route_server(f'pull="live/* rtmp://127.0.0.1:{nginx.port}/"')
        record = self.path('source.flv')
        source = self.pipeline(f'rtmpserversrc port={relay.port} stream=live/cam'
                               f' on-unpublish=eos ! filesink location={record}').play()
        nginx.wait_for_player()
        sample = self.sample()
        self.publisher(sample, nginx.url()).succeed()
        source.wait_eos()
        source.stop()
        self.assert_same(self.contents(sample), self.contents(record))

    def test_a_stream_that_is_not_there_is_not_found(self):
        nginx = self.nginx()
        relay = self.route_server(f'pull="* rtmp://127.0.0.1:{nginx.port}/nowhere/{{stream}}"')
        playing = self.pipeline(f'rtmpclientsrc location={relay.url()} ! fakesink').play()
        self.assert_error(playing.wait_error(), 'stream')
        self.assertNotIn('rtmp-route-stats', self.stats(relay))

    def test_a_circle_of_servers_ends_with_not_found(self):
        first_port, second_port = wait.free_port(), wait.free_port()
        for port, other in (first_port, second_port), (second_port, first_port):
            pipeline = self.pipeline(
                f'rtmpserver port={port} pull="* rtmp://127.0.0.1:{other}/"').play()
            self.addCleanup(pipeline.stop)
            wait.until(lambda port=port: wait.port_listens(port), 'the relay')
        url = f'rtmp://127.0.0.1:{first_port}/live/cam'
        playing = self.pipeline(f'rtmpclientsrc location={url} ! fakesink').play()
        self.assert_error(playing.wait_error(), 'stream')


class Page(Routes):

    def test_the_line_of_the_page_runs(self):
        page = readme.read('docs/elements/rtmpserver.md')
        line, = readme.shell_blocks(readme.section(page, 'To and from other servers'))
        port = wait.free_port()
        program = self.run_program(
            ['sh', '-c', 'exec ' + line.replace('port=1935', f'port={port}')])
        program.wait_for_port(port)
        self.assertEqual(0, program.interrupt(timeout=5), program)


if __name__ == '__main__':
    case.main()
