# SPDX-License-Identifier: LGPL-2.1-or-later
"""Bad networks between the elements and programs: what loses nothing changes nothing, and what
ends a connection is noticed, said and survived."""

from rtmptest import case, netns, process, proxy, wait
from rtmptest.proxy import Fault
from programs import ENCODE

LOSSLESS = {
    'delayed': Fault(delay=0.02),
    'split': Fault(piece=1),
    'dribbled': Fault(piece=1400, pause=0.002),
}

LIVE = ('videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=25/1 !'
        ' x264enc tune=zerolatency key-int-max=25 ! flvmux streamable=true !'
        ' rtmpclientsink name=client location={url} {properties}')
RECEIVE = 'rtmpclientsrc name=client location={url} {properties} ! {rest}'

FINAL_SINK = 'auto-reconnect=false'
FINAL_SOURCE = 'auto-reconnect=false'


class FaultCase(case.Case):

    def proxy(self, port, fault=None):
        return self.owned(proxy.Proxy(port, fault))

    def small(self):
        return self.sample(seconds=3, size='160x120')


class Lossless(FaultCase):
    """One test for each kind of delay, added below."""

    def publish_through(self, fault):
        relay = self.rtmpserver()
        way = self.proxy(relay.port, fault)
        player = self.player(relay.url()).wait_for_play()
        sample = self.small()
        self.publisher(sample, way.url()).succeed()
        self.assert_same(self.contents(sample), player.contents(), relay.program)

    def play_through(self, fault):
        relay = self.rtmpserver()
        way = self.proxy(relay.port, fault)
        player = self.player(way.url()).wait_for_play()
        wait.settled(way.passed)  # the answer
        sample = self.small()
        self.publisher(sample, relay.url(), speed=1).succeed()
        self.assert_same(self.contents(sample), player.contents(), relay.program)

    def send_with_element_through(self, fault):
        relay = self.rtmpserver()
        way = self.proxy(relay.port, fault)
        player = self.player(relay.url()).wait_for_play()
        record = self.path('sent.flv')
        sending = self.pipeline(
            ENCODE.format(record=record, sink=f'rtmpclientsink location={way.url()}'))
        sending.play().wait_eos()
        sending.stop()
        self.assert_same(self.contents(record), player.contents(), sending)

    def receive_with_element_through(self, fault):
        relay = self.rtmpserver()
        way = self.proxy(relay.port, fault)
        record = self.path('received.flv')
        receiving = self.pipeline(RECEIVE.format(
            url=way.url(), properties='', rest=f'filesink location={record}'))
        receiving.play()
        receiving.wait_element('rtmp-connected')
        sample = self.small()
        self.publisher(sample, relay.url(), speed=1).succeed()
        receiving.wait_eos()
        receiving.stop()
        self.assert_same(self.contents(sample), self.contents(record), receiving)

    def test_a_stall_of_the_publisher_changes_nothing(self):
        relay = self.rtmpserver()
        way = self.proxy(relay.port)
        player = self.player(relay.url()).wait_for_play()
        sample = self.small()
        publisher = self.publisher(sample, way.url())
        way.wait_passed(20_000)
        way.stall()
        wait.settled(way.passed)
        way.resume()
        publisher.succeed()
        self.assert_same(self.contents(sample), player.contents(), relay.program)

    def test_a_stall_of_a_player_below_its_queue_changes_nothing(self):
        relay = self.rtmpserver('max-queue-time=60000000000')
        way = self.proxy(relay.port)
        player = self.player(way.url()).wait_for_play()
        other = self.player(relay.url()).wait_for_play()
        sample = self.small()
        publisher = self.publisher(sample, relay.url(), speed=1)
        way.wait_passed(20_000)
        way.stall()
        publisher.succeed()
        self.assert_same(self.contents(sample), other.contents(), relay.program)
        way.resume()
        self.assert_same(self.contents(sample), player.contents(), relay.program)


def add_lossless_test(name, fault):
    for way in ('publish', 'play', 'send_with_element', 'receive_with_element'):
        def test(self, method=f'{way}_through'):
            getattr(self, method)(fault)
        setattr(Lossless, f'test_{way}_{name}', test)


for fault_name, kind in LOSSLESS.items():
    add_lossless_test(fault_name, kind)


class Ended(FaultCase):
    """A connection ends in the middle."""

    def sending(self, way, properties):
        pipeline = self.pipeline(LIVE.format(url=way.url(), properties=properties)).play()
        way.wait_passed(30_000)
        return pipeline

    def receiving(self, properties):
        """A pipeline that plays through a proxy what ffmpeg publishes for ever."""
        relay = self.rtmpserver()
        way = self.proxy(relay.port)
        pipeline = self.pipeline(RECEIVE.format(
            url=way.url(), properties=properties, rest='fakesink name=end sync=false'))
        tags = pipeline.count('end')
        pipeline.play()
        self.endless_publisher(relay)
        wait.until(lambda: tags.buffers > 30, 'frames')
        return way, pipeline, tags

    def endless_publisher(self, relay):
        return self.run_program(
            ['ffmpeg', '-nostdin', '-re', '-stream_loop', '-1', '-i', self.small(), '-c', 'copy',
             '-f', 'flv', relay.url()])

    def test_a_sink_without_reconnect_says_that_it_was_cut_off(self):
        for end in (proxy.Proxy.cut, proxy.Proxy.reset):
            with self.subTest(end=end.__name__):
                way = self.proxy(self.rtmpserver().port)
                pipeline = self.sending(way, FINAL_SINK)
                end(way)
                self.assert_error(pipeline.wait_error(), 'closed|reset|lost|broken|ended')
                self.assertLess(pipeline.stop(), 2)

    def test_a_source_without_reconnect_ends_or_says_that_it_was_cut_off(self):
        for end in (proxy.Proxy.cut, proxy.Proxy.reset):
            with self.subTest(end=end.__name__):
                way, pipeline, _ = self.receiving(FINAL_SOURCE)
                end(way)
                pipeline.wait_end()
                self.assertLess(pipeline.stop(), 2)

    def test_a_sink_heals(self):
        way = self.proxy(self.rtmpserver().port)
        pipeline = self.sending(way, 'retry-backoff-min=100000000')
        for end in (proxy.Proxy.cut, proxy.Proxy.reset):
            before = way.accepted
            end(way)
            wait.until(lambda: way.accepted > before, 'a new connection')
            way.wait_passed(20_000)
            self.assertEqual([], pipeline.poll())

    def test_a_source_heals(self):
        way, pipeline, tags = self.receiving('retry-backoff-min=100000000')
        for end in (proxy.Proxy.cut, proxy.Proxy.reset):
            end(way)
            before = tags.buffers
            wait.until(lambda: tags.buffers > before + 30, 'frames of a new connection')
            self.assertEqual([], pipeline.poll())

    def test_a_stalled_sink_stops_at_once(self):
        way = self.proxy(self.rtmpserver().port)
        pipeline = self.sending(way, '')
        way.stall()
        self.assertLess(pipeline.stop(), 5)

    def test_a_stalled_source_stops_at_once(self):
        way, pipeline, _ = self.receiving('')
        way.stall()
        self.assertLess(pipeline.stop(), 5)

    def test_a_publisher_that_was_reset_can_come_again(self):
        relay = self.rtmpserver()
        way = self.proxy(relay.port)
        publisher = self.publisher(self.small(), way.url(), speed=1)
        way.wait_passed(20_000)
        way.reset()
        publisher.wait_end()
        player = self.player(relay.url()).wait_for_play()
        sample = self.sample(seconds=2)
        self.publisher(sample, relay.url()).succeed()
        self.assertGreater(len(player.contents().payloads('video')), 0)


class OverACable(FaultCase):
    """Between two hosts, with packets that are late or lost."""

    def setUp(self):
        super().setUp()
        self.host = self.far_host()
        self.port = wait.free_port()
        self.server = self.run_program(
            self.host.command('gst-launch-1.0', 'rtmpserver', 'address=::', f'port={self.port}',
                              'ping-interval=2000000000', 'max-queue-time=60000000000'))
        self.server.wait_for_log('PLAYING')
        self.url = f'rtmp://{netns.THERE}:{self.port}/live/cam'

    def need_netem(self):
        try:
            self.host.netem('delay 20ms 5ms loss 2%')
        except netns.Unavailable as why:
            self.skipTest(str(why))

    def connections(self):
        """How many the server has."""
        table = process.run(self.host.command('ss', '-Htn', 'state', 'established'))
        return len(table.splitlines())

    def test_ffmpeg_publishes_and_plays_over_lossy_links(self):
        self.need_netem()
        player = self.player(self.url).wait_for_play()
        sample = self.small()
        self.publisher(sample, self.url).succeed()
        self.assert_same(self.contents(sample), player.contents(), self.server)

    def test_elements_publish_and_play_over_lossy_links(self):
        self.need_netem()
        record = self.path('received.flv')
        receiving = self.pipeline(RECEIVE.format(
            url=self.url, properties='', rest=f'filesink location={record}'))
        receiving.play()
        receiving.wait_element('rtmp-connected')
        sent = self.path('sent.flv')
        sending = self.pipeline(
            ENCODE.format(record=sent, sink=f'rtmpclientsink location={self.url}'))
        sending.play().wait_eos()
        sending.stop()
        receiving.wait_eos()
        receiving.stop()
        self.assert_same(self.contents(sent), self.contents(record), receiving)

    def test_a_peer_that_vanished_is_let_go(self):
        player = self.player(self.url).wait_for_play()
        publisher = self.publisher(self.small(), self.url, speed=1)
        wait.until(lambda: self.connections() == 2, 'both to be connected')
        self.host.unplug()
        publisher.kill()
        player.program.kill()
        wait.until(lambda: self.connections() == 0, 'the server to let go', 60)
        self.assertTrue(self.server.running(), self.server)


if __name__ == '__main__':
    case.main()
