# SPDX-License-Identifier: LGPL-2.1-or-later
"""rtmpclientsink and rtmpclientsrc over servers that go and come back, and networks that cut."""

from rtmptest import case, flv, proxy, stub, wait
from rtmptest.gst import Gst

QUICK = 'retry-backoff-min=20000000 retry-backoff-max=200000000'
ENCODER = ('videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=25/1 !'
           ' x264enc tune=zerolatency key-int-max=250 ! flvmux streamable=true !')


class ReconnectCase(case.Case):

    def publisher_pipeline(self, url, properties=QUICK):
        return self.pipeline(f'{ENCODER} rtmpclientsink name=sink location={url} {properties}')

    def player_pipeline(self, url, rest, properties=QUICK):
        return self.pipeline(f'rtmpclientsrc name=src location={url} {properties} ! {rest}')

    def stat(self, pipeline, name, field):
        return pipeline[name].get_property('stats').get_value(field)

    def assert_rising(self, tags, first=0):
        times = [time for time in tags.times[first:] if time != Gst.CLOCK_TIME_NONE]
        self.assertEqual(sorted(times), times)


class OverARestart(ReconnectCase):
    """A publisher and a player, both in this process, and a relay in one of its own."""

    def test_publisher_and_player_go_on_through_our_own_server(self):
        relay = self.rtmpserver()
        publisher = self.publisher_pipeline(relay.url()).play()
        publisher.wait_element('rtmp-connected')
        player = self.player_pipeline(relay.url(), 'flvdemux ! fakesink name=end sync=false')
        tags = player.count('end')
        player.play()
        wait.until(lambda: tags.buffers > 10, 'frames before the restart')
        relay.program.kill()
        publisher.wait_element('rtmp-reconnecting')
        player.wait_element('rtmp-reconnecting')
        before = wait.settled(lambda: tags.buffers, 0.3)
        self.restart(relay)
        wait.until(lambda: tags.buffers > before + 25, 'frames after the restart')
        self.assert_rising(tags)
        self.assertEqual([], publisher.poll())
        self.assertEqual([], player.poll())
        self.assertGreaterEqual(self.stat(publisher, 'sink', 'reconnects'), 1)

    def restart(self, relay):
        relay.program = self.launch(f'rtmpserver port={relay.port}')
        relay.program.wait_for_port(relay.port)

    def test_what_nginx_has_recorded_is_played_from_where_it_was(self):
        nginx = self.nginx()
        film = self.sample(seconds=20, gop=25, options=('-flvflags', 'add_keyframe_index'))
        with open(film, 'rb') as file, open(f'{nginx.folder}/vod/film.flv', 'wb') as copy:
            copy.write(file.read())
        record = self.path('played.flv')
        player = self.player_pipeline(
            nginx.url('film.flv', 'vod'), f'tee name=end ! queue ! filesink location={record}')
        tags = player.count('end')
        player.play()
        wait.until(lambda: tags.buffers > 100, 'frames before the restart')
        nginx.program.kill()
        player.wait_element('rtmp-reconnecting')
        nginx.start()
        player.wait_eos(60)
        player.stop()
        self.assertGreater(tags.discontinuities, 1)
        self.assert_same(self.contents(film), self.contents(record))


class OverACut(ReconnectCase):

    def test_every_cut_heals(self):
        relay = self.rtmpserver('publisher-grace=20000000000')
        way = self.owned(proxy.Proxy(relay.port))
        publisher = self.publisher_pipeline(way.url()).play()
        player = self.player_pipeline(relay.url(), 'fakesink name=end sync=false')
        tags = player.count('end')
        player.play()
        for cut in (way.cut, way.reset, way.cut):
            before = tags.buffers
            wait.until(lambda: tags.buffers > before + 10, 'frames')
            cut()
        before = tags.buffers
        wait.until(lambda: tags.buffers > before + 10, 'frames after the last cut')
        self.assertEqual([], publisher.poll())
        self.assertEqual(3, self.stat(publisher, 'sink', 'reconnects'))


def publish_peer(peer):
    peer.become_publisher_peer()
    peer.read_to_end()


class AtAScriptedServer(ReconnectCase):

    def test_a_server_that_always_leaves_is_asked_again_until_the_retries_are_over(self):
        server = self.server(lambda peer: peer.become_publisher_peer())
        pipeline = self.publisher_pipeline(server.url(), QUICK + ' max-retries=3').play()
        error = pipeline.wait_error()
        self.assert_error(error, r'right after .publish')
        self.assertIn(len(server.connections), (3, 4))

    def test_every_frame_that_waits_arrives_after_the_headers(self):
        def script(peer):
            peer.become_publisher_peer()
            if peer.number == 0:
                while len(peer.media(stub.VIDEO)) < 3:
                    peer.next_message()
            else:
                peer.read_to_end()

        server = self.server(script)
        pipeline = self.pipeline(
            f'{flv.Source.LINE} ! rtmpclientsink name=sink sync=false location={server.url()}'
            ' retry-backoff-min=300000000 retry-backoff-max=300000000')
        source = flv.Source(pipeline, gop=10)
        source.push(2)
        pipeline.play()
        pipeline.wait_element('rtmp-reconnecting')
        source.count = 10
        source.push(20)
        source.end()
        pipeline.wait_eos()
        peer = server.connection(1)
        self.assertEqual(list(range(10, 30)), flv.frame_numbers(peer.media(stub.VIDEO)))
        self.assertEqual(0, peer.media(stub.VIDEO)[0].payload[1])
        self.assertEqual({200}, {message.time for message in peer.media(stub.VIDEO)[:2]})


if __name__ == '__main__':
    case.main()
