# SPDX-License-Identifier: LGPL-2.1-or-later
"""rtmpserver with VLC and mpv as players: what ffmpeg publishes is what they get and show."""

import os
import shutil

from rtmptest import case, ffmpeg

# One group of pictures, so that a player that comes late misses nothing.
ONE_GOP = {'seconds': 5, 'gop': 1000}

NOBODY = 'nobody', 'nogroup'


class Player(case.Case):
    program = None

    def setUp(self):
        super().setUp()
        self.need_program(self.program)
        self.relay = self.rtmpserver()
        self.source = self.sample(**ONE_GOP)

    def play_to_end(self, program):
        """Publishes to a player that ends with the stream."""
        self.relay.wait_for_clients()
        self.publisher(self.source, self.relay.url()).succeed()
        program.succeed()

    def assert_got_file(self, path, program):
        self.assert_same(self.contents(self.source), self.contents(path), program)

    def assert_same_pictures(self, actual, program):
        expected = self.contents(self.source).decoded('video')
        found = ffmpeg.difference(expected, actual, 'video', 'decoded frames')
        self.assertIsNone(found, program)


class Mpv(Player):
    program = 'mpv'

    def play(self, *options):
        program = self.run_program(
            ['mpv', '--no-config', '--no-terminal', '--msg-level=all=v',
             '--log-file=' + self.path('mpv.log'), *options, self.relay.url()])
        self.play_to_end(program)
        return program

    def test_mpv_gets_every_tag(self):
        path = self.path('dump.flv')
        self.assert_got_file(path, self.play('--stream-dump=' + path))

    def test_mpv_decodes_every_picture(self):
        path = self.path('pictures.md5')
        program = self.play('--o=' + path, '--of=framemd5', '--ovc=rawvideo', '--oac=pcm_s16le')
        pictures = ffmpeg.read_framemd5(path)['video']
        self.assert_same_pictures([picture.md5 for picture in pictures], program)


class Vlc(Player):
    program = 'vlc'

    def setUp(self):
        super().setUp()
        self.home = self.path('home')
        os.mkdir(self.home)
        self.as_user = []
        if os.geteuid() == 0:
            self.become_nobody()

    def become_nobody(self):
        """VLC refuses to run as root."""
        self.need_program('setpriv')
        for folder in (self.class_folder, self.folder):
            os.chmod(folder, 0o711)
        shutil.chown(self.home, *NOBODY)
        # The death of the parent has to be asked for again after the change of user.
        self.as_user = ['setpriv', f'--reuid={NOBODY[0]}', f'--regid={NOBODY[1]}',
                        '--clear-groups', 'setpriv', '--pdeathsig', 'KILL']

    def play(self, *options):
        program = self.run_program(
            [*self.as_user, 'vlc', '--intf=dummy', '--no-one-instance', '--play-and-exit',
             '--verbose=1', *options, self.relay.url()],
            env={'HOME': self.home, 'XDG_RUNTIME_DIR': self.home}, name='vlc')
        self.play_to_end(program)
        return program

    def test_vlc_gets_every_tag(self):
        path = os.path.join(self.home, 'dump.flv')
        self.assert_got_file(path, self.play('--demux=dump', '--demuxdump-file=' + path))

    def test_vlc_demuxes_every_picture(self):
        path = os.path.join(self.home, 'out.flv')
        program = self.play(f'--sout=#std{{access=file,mux=ffmpeg{{mux=flv}},dst={path}}}')
        self.assert_same_pictures(self.contents(path).decoded('video'), program)


if __name__ == '__main__':
    case.main()
