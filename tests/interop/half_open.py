# SPDX-License-Identifier: LGPL-2.1-or-later
"""Peers that vanish without a word: the server finds out, whatever their kernels do not say.

They are at the end of a cable that is unplugged.
"""

from rtmptest import case, netns, wait

ENCODE = ('videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=25/1 ! x264enc'
          ' tune=zerolatency key-int-max=10 ! h264parse ! rtmpmux')


class HalfOpen(case.Case):

    def setUp(self):
        super().setUp()
        self.host = self.far_host()
        self.port = wait.free_port()
        self.url = f'rtmp://{netns.HERE}:{self.port}/live/cam'

    def serve(self, properties):
        self.serving = self.pipeline(
            f'rtmpserver name=s address={netns.HERE} port={self.port} {properties}').play()

    def stats(self):
        return self.serving['s'].get_property('stats')

    def count(self, name):
        return self.stats().get_value(name)

    def limit(self, name):
        stats = self.stats()
        limits = stats.get_value('limits')
        return limits.get_value(name)

    def there(self, line):
        """A pipeline at the other end of the cable."""
        return self.run_program(self.host.command('gst-launch-1.0', *line.split()))

    def player_there(self):
        self.there(f'rtmpclientsrc location={self.url} ! fakesink')
        wait.until(lambda: self.count('players') == 1, 'the player')

    def publish_here(self):
        self.pipeline(f'{ENCODE} ! rtmpclientsink location={self.url}').play()
        wait.until(lambda: self.count('publishers') == 1, 'the publisher')

    def test_a_player_is_asked_and_does_not_answer(self):
        self.serve('ping-interval=1000000000')
        self.player_there()
        self.host.unplug()
        wait.until(lambda: self.count('players') == 0, 'the end of the player')
        self.assertEqual(1, self.limit('ping-timeout'))

    def test_a_player_does_not_acknowledge_its_stream(self):
        self.need_elements('x264enc')
        self.serve('ping-interval=0 max-queue-time=0 max-queue-bytes=0')
        self.publish_here()
        self.player_there()
        wait.until(lambda: self.count('bytes-out') > 20000, 'the stream')
        self.host.unplug()
        wait.until(lambda: self.count('players') == 0, 'the end of the player', timeout=90)
        self.assertEqual(1, self.limit('network-timeout'))
        self.assertEqual(1, self.count('publishers'))

    def test_a_publisher_gives_its_name_back(self):
        self.need_elements('x264enc')
        self.serve('idle-timeout=2000000000')
        self.there(f'{ENCODE} ! rtmpclientsink location={self.url}')
        wait.until(lambda: self.count('publishers') == 1, 'the publisher')
        self.host.unplug()
        wait.until(lambda: self.count('publishers') == 0, 'the end of the publisher')
        self.assertEqual(1, self.limit('publisher-timeout'))
        self.publish_here()


if __name__ == '__main__':
    case.main()
