# SPDX-License-Identifier: LGPL-2.1-or-later
"""The lines of docs/codecs.md as a user types them: what is published comes out of the players.

Publisher, server and players are processes of their own. Instead of a screen and a loudspeaker there
are files that say what is in them, of which the colour bars and the tones are looked at.
"""

import array
import os
import re
import struct

from rtmptest import case, wait
from readme import read, shell_blocks

PAGE = 'docs/codecs.md'

# Y, U and V of videotestsrc's seven bars.
BARS = [(235, 128, 128), (210, 16, 146), (170, 166, 16), (145, 54, 34), (106, 202, 222),
        (81, 90, 240), (41, 240, 110)]

# What the encoders of the page do to a colour at most.
COLOUR_TOLERANCE = 12

PICTURES, SECONDS = 10, 0.7


def sections():
    """The page's parts that have a line to publish and one to play, by their titles."""
    parts = re.findall(r'^## (.*?)\n(.*?)(?=^## |\Z)', read(PAGE), re.MULTILINE | re.DOTALL)
    return {title: shell_blocks(text) for title, text in parts
            if 'rtmpclientsink' in text and 'rtmpclientsrc' in text}


class Screen:
    """A file in YUV4MPEG2, in place of a window.

    In a format that no decoder of the page gives: y4menc writes their padding into the file.
    """

    def __init__(self, path):
        self.path = path
        self.sink = ('videoconvert ! video/x-raw,format=Y444 ! y4menc ! filesink sync=true '
                     f'buffer-mode=unbuffered location={path}')

    def has_enough(self):
        return len(self.frames()) >= PICTURES

    def size(self):
        return self._parse()[0]

    def frames(self):
        return self._parse()[1]

    def bars(self):
        """The colours in the middle of each of the seven bars of the last picture."""
        (width, height), frames = self._parse()

        def colour(bar):
            at = height // 3 * width + (2 * bar + 1) * width // 14
            return tuple(frames[-1][plane * width * height + at] for plane in range(3))
        return [colour(bar) for bar in range(7)]

    def _parse(self):
        data = contents(self.path)
        head, _, body = data.partition(b'\n')
        found = re.search(rb'W(\d+) H(\d+)', head)
        if not found:
            return (0, 0), []
        size = int(found[1]), int(found[2])
        mark = len(b'FRAME\n')
        step = mark + size[0] * size[1] * 3
        whole = len(body) // step * step
        return size, [body[at + mark:at + step] for at in range(0, whole, step)]


class Loudspeaker:
    """A WAV file, whose header is right but for the length while it grows."""

    HEADER = 44

    def __init__(self, path):
        self.path = path
        self.sink = ('audioconvert ! audio/x-raw,format=S16LE ! wavenc ! filesink sync=true '
                     f'buffer-mode=unbuffered location={path}')

    def has_enough(self):
        data = contents(self.path)
        return len(data) > self.HEADER and \
            (len(data) - self.HEADER) / (2 * self.channels()) >= SECONDS * self.rate()

    def channels(self):
        return struct.unpack_from('<H', contents(self.path), 22)[0]

    def rate(self):
        return struct.unpack_from('<I', contents(self.path), 24)[0]

    def frequency(self):
        """Of the tone in the first channel, by its changes of sign.

        Decoders need some time to begin and end it.
        """
        data = contents(self.path)[self.HEADER:]
        samples = array.array('h', data[:len(data) // 2 * 2])[::self.channels()]
        samples = samples[self.rate() * 3 // 10:self.rate() * 6 // 10]
        changes = sum((a < 0) != (b < 0) for a, b in zip(samples, samples[1:]))
        return changes / 2 / (len(samples) / self.rate())


def contents(path):
    if not os.path.exists(path):
        return b''
    with open(path, 'rb') as file:
        return file.read()


class Player:
    """A running program with the screens and loudspeakers that it was given."""

    def __init__(self, program, screens, speakers):
        self.program, self.screens, self.speakers = program, screens, speakers

    def wait(self):
        try:
            wait.until(self._has_enough, 'pictures and sound')
        except wait.Timeout as error:
            sizes = [len(contents(sink.path)) for sink in self.screens + self.speakers]
            raise wait.Timeout(f'{error}\nbytes in each: {sizes}\n{self.program}') from None

    def _has_enough(self):
        assert self.program.running(), f'it ended\n{self.program}'
        return all(sink.has_enough() for sink in self.screens + self.speakers)


class Lines(case.Case):
    """One test for each part of the page, added below."""

    def setUp(self):
        super().setUp()
        self.relay = self.rtmpserver()
        self.count = 0

    def new_path(self, suffix):
        self.count += 1
        return self.path(f'{self.count}.{suffix}')

    def shell(self, line):
        line = line.replace('localhost/', f'localhost:{self.relay.port}/')
        return self.run_program(['sh', '-c', 'exec ' + line])

    def play_line(self, line):
        screens, speakers = [], []

        def screen(_):
            screens.append(Screen(self.new_path('y4m')))
            return screens[-1].sink

        def speaker(_):
            speakers.append(Loudspeaker(self.new_path('wav')))
            return speakers[-1].sink
        line = re.sub('autovideosink', screen, line)
        line = re.sub('autoaudiosink', speaker, line)
        return Player(self.shell(line), screens, speakers)

    def gst_play(self, line, like):
        """gst-play-1.0 with one sink for each kind that the other player has."""
        screens = [Screen(self.new_path('y4m'))] if like.screens else []
        speakers = [Loudspeaker(self.new_path('wav'))] if like.speakers else []
        options = [f'--videosink "{sink.sink}"' for sink in screens]
        options += [f'--audiosink "{sink.sink}"' for sink in speakers]
        line = ' '.join([line.strip(), '--no-interactive --quiet', *options])
        return Player(self.shell(line), screens, speakers)

    def check(self, publish, play):
        self.need_elements(*re.findall(r'\b\w+(?:enc|dec|parse)\b', publish + play))
        self.need_program('gst-play-1.0')
        publisher = self.shell(publish)
        player = self.play_line(play)
        players = [player, self.gst_play(GST_PLAY, player)]
        for each in players:
            each.wait()
        self.assertEqual(0, publisher.interrupt(), publisher)
        for each in players:
            each.program.succeed()
            self.assert_pictures(each, publish)
            self.assert_sound(each, publish)

    def assert_pictures(self, player, publish):
        sizes = re.findall(r'width=(\d+),height=(\d+)', publish)
        for screen, size in zip(player.screens, sizes):
            self.assertEqual(tuple(map(int, size)), screen.size(), player.program)
            for expected, found in zip(BARS, screen.bars()):
                for a, b in zip(expected, found):
                    self.assertAlmostEqual(a, b, delta=COLOUR_TOLERANCE,
                                           msg=f'{screen.bars()}\n{player.program}')

    def assert_sound(self, player, publish):
        tracks = re.findall(r'audiotestsrc(.*?)(?=\\\n    \w|\Z)', publish, re.DOTALL)
        for speaker, track in zip(player.speakers, tracks):
            frequency = int((re.search(r'freq=(\d+)', track) or [0, 440])[1])
            self.assertAlmostEqual(frequency, speaker.frequency(), delta=frequency * 0.02)
            rate = re.search(r'rate=(\d+)', track)
            if rate:
                self.assertEqual(int(rate[1]), speaker.rate())
            elif 'opusenc' in track:
                self.assertEqual(48000, speaker.rate())
            else:
                self.assertEqual(44100, speaker.rate())

    def test_a_late_encoder_behind_a_pad_without_a_name_is_waited_for(self):
        publish, play = sections()['AV1 and Opus']
        self.check(re.sub(r'mux\.(video|audio)\b', 'mux.', publish), play)


GST_PLAY = next(block for block in shell_blocks(read(PAGE)) if block.startswith('gst-play-1.0'))


def add_test(title, publish, play):
    name = re.sub(r'\W+', '_', title.lower()).strip('_')
    setattr(Lines, f'test_{name}', lambda self: self.check(publish, play))


for title, blocks in sections().items():
    add_test(title, *blocks)

if __name__ == '__main__':
    case.main()
