# SPDX-License-Identifier: LGPL-2.1-or-later
"""rtmpserver between ffmpeg and ffmpeg: what one publishes the other gets, byte for byte."""

import os

from rtmptest import case, media


class FilesThroughTheRelay(case.Case):
    """One test for each real file with legacy codecs, added below."""

    def relay_file(self, path, **options):
        relay = self.rtmpserver()
        player = self.player(relay.url()).wait_for_play()
        self.publisher(path, relay.url()).succeed()
        self.assert_same(self.contents(path), player.contents(), relay.program, **options)

    def test_a_made_file_arrives_whole(self):
        self.relay_file(self.sample())

    def test_the_real_files_are_here(self):
        if not media.legacy_files():
            self.skipTest('no folder of real files (RTMP_SHARED)')

    def test_three_players_get_the_same(self):
        relay = self.rtmpserver()
        sample = self.sample()
        players = [self.player(relay.url()).wait_for_play() for _ in range(3)]
        self.publisher(sample, relay.url()).succeed()
        expected = self.contents(sample)
        for player in players:
            self.assert_same(expected, player.contents(), relay.program)

    def test_a_late_player_begins_at_a_key_frame(self):
        relay = self.rtmpserver()
        sample = self.sample(gop=10)
        first = self.player(relay.url()).wait_for_play()
        publisher = self.publisher(sample, relay.url(), speed=1)
        publisher.wait_for_log(r'frame=\s*[3-9]\d')
        late = self.player(relay.url())
        publisher.succeed()
        whole, part = first.contents(), late.contents()
        self.assert_same(self.contents(sample), whole, relay.program)
        count = len(part.payloads('video'))
        self.assertGreater(count, 0)
        self.assertLess(count, len(whole.payloads('video')))
        self.assertEqual(whole.payloads('video')[-count:], part.payloads('video'))
        self.assertEqual(whole.decoded('video')[-count:], part.decoded('video'))

    def test_streams_do_not_mix(self):
        relay = self.rtmpserver()
        samples = [self.sample(), self.sample(size='160x120', seconds=3)]
        players = [self.player(relay.url(f'cam{n}')).wait_for_play() for n in range(2)]
        publishers = [self.publisher(sample, relay.url(f'cam{n}'))
                      for n, sample in enumerate(samples)]
        for publisher in publishers:
            publisher.succeed()
        for sample, player in zip(samples, players):
            self.assert_same(self.contents(sample), player.contents(), relay.program)

    def test_gst_launch_ends_well_on_interrupt(self):
        relay = self.rtmpserver()
        player = self.player(relay.url()).wait_for_play()
        self.assertEqual(0, relay.program.interrupt(timeout=5), relay.program)
        player.program.wait_end(10)


def add_file_test(path):
    def test(self):
        self.relay_file(path, times=media.keeps_times(path))

    name = os.path.basename(path).split('.')[0]
    setattr(FilesThroughTheRelay, f'test_{name}_arrives_whole', test)


for found in media.legacy_files():
    add_file_test(found)

if __name__ == '__main__':
    case.main()
