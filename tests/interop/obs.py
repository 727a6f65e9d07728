# SPDX-License-Identifier: LGPL-2.1-or-later
"""rtmpserver with OBS Studio as the encoder: a scene of two colours and a tone."""

import array
import configparser
import json
import os

from rtmptest import case, process, recorder

WIDTH, HEIGHT, RATE = 320, 240, 20
RED, BLUE = 0xff0000ff, 0xffff0000  # as OBS writes them: ABGR

# Long enough for several groups of pictures.
SECONDS = 5


class Obs:
    """OBS on an X server of its own, with a profile and a scene that no user has to click."""

    def __init__(self, test, url, key, tone):
        self.test = test
        self.config = test.path('config')
        self._write_globals()
        self._write_profile(url, key)
        self._write_scenes(tone)
        self.display = self._start_display()

    def stream(self):
        """Starts to stream at once and stops by itself."""
        return self.test.run_program(
            ['obs', '--startstreaming', '--profile', 'test', '--collection', 'test', '--multi',
             '--minimize-to-tray', '--disable-updater'], env=self._environment())

    def _start_display(self):
        screen = self.test.run_program(
            ['Xvfb', '-displayfd', '1', '-screen', '0', '640x480x24', '-nolisten', 'tcp'])
        return ':' + screen.wait_for_log(r'(?m)^(\d+)$')[1]

    def _environment(self):
        nowhere = 'unix:path=' + self.test.path('nowhere')
        return {
            'HOME': self.test.folder, 'XDG_CONFIG_HOME': self.config,
            'XDG_RUNTIME_DIR': self.test.folder, 'DISPLAY': self.display,
            'LIBGL_ALWAYS_SOFTWARE': '1', 'QT_QPA_PLATFORM': 'xcb',
            'DBUS_SESSION_BUS_ADDRESS': nowhere, 'PULSE_SERVER': self.test.path('nowhere'),
            # It asks the web for a newer list of services; nobody listens on this port.
            'https_proxy': 'http://127.0.0.1:9',
        }

    def _write_globals(self):
        self._write_ini('global.ini', {
            'General': {'FirstRun': 'true', 'EnableAutoUpdates': 'false'},
            'Basic': {'Profile': 'test', 'ProfileDir': 'test',
                      'SceneCollection': 'test', 'SceneCollectionFile': 'test'}})

    def _write_profile(self, url, key):
        self._write_ini('basic/profiles/test/basic.ini', {
            'General': {'Name': 'test'},
            'Output': {'Mode': 'Simple', 'Reconnect': 'false'},
            'SimpleOutput': {'StreamEncoder': 'x264', 'UseAdvanced': 'true', 'Preset': 'ultrafast',
                             'x264Settings': f'keyint={RATE}', 'VBitrate': 400, 'ABitrate': 64},
            'Video': {'BaseCX': WIDTH, 'BaseCY': HEIGHT, 'OutputCX': WIDTH, 'OutputCY': HEIGHT,
                      'FPSType': 1, 'FPSInt': RATE},
            'Audio': {'SampleRate': 44100, 'ChannelSetup': 'Stereo'}})
        self._write_json('basic/profiles/test/service.json', {
            'type': 'rtmp_custom', 'settings': {'server': url, 'key': key, 'use_auth': False}})

    def _write_scenes(self, tone):
        half = {'width': WIDTH // 2, 'height': HEIGHT}
        self._write_json('basic/scenes/test.json', {
            'name': 'test', 'current_scene': 'scene', 'current_program_scene': 'scene',
            'scene_order': [{'name': 'scene'}],
            'sources': [
                source('left', 'color_source_v3', {'color': RED, **half}),
                source('right', 'color_source_v3', {'color': BLUE, **half}),
                source('tone', 'ffmpeg_source',
                       {'is_local_file': True, 'local_file': tone, 'looping': True}),
                source('scene', 'scene', {'items': [
                    item(1, 'left', 0), item(2, 'right', WIDTH // 2), item(3, 'tone', 0)]})],
            'modules': {'output-timer': {
                'streamTimerHours': 0, 'streamTimerMinutes': 0, 'streamTimerSeconds': SECONDS,
                'autoStartStreamTimer': True}}})

    def _write_ini(self, name, sections):
        ini = configparser.ConfigParser()
        ini.optionxform = str
        ini.read_dict(sections)
        with self._create(name) as file:
            ini.write(file, space_around_delimiters=False)

    def _write_json(self, name, value):
        with self._create(name) as file:
            json.dump(value, file)

    def _create(self, name):
        path = os.path.join(self.config, 'obs-studio', name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        return open(path, 'w', encoding='utf-8')


def source(name, kind, settings):
    return {'name': name, 'id': kind, 'versioned_id': kind, 'settings': settings}


def item(number, name, left):
    """A source's place in the scene; it is aligned by its upper left corner."""
    return {'id': number, 'name': name, 'visible': True, 'align': 5, 'pos': {'x': left, 'y': 0},
            'scale': {'x': 1, 'y': 1}}


class Encoder(case.Case):

    def setUp(self):
        super().setUp()
        self.need_program('obs')
        self.need_program('Xvfb')

    def stream(self):
        """One whole stream of OBS: what it published and what a player got, both as files."""
        relay = self.rtmpserver()
        tone = self.ffmpeg_file('tone.wav', '-f', 'lavfi', '-t', 2, '-i', 'sine=frequency=440')
        wire = self.owned(recorder.Recorder(relay.port))
        sent, played = self.path('sent.flv'), self.path('played.flv')
        player = self.pipeline(f'rtmpclientsrc location={relay.url()} ! filesink location={played}')
        player.play()
        relay.wait_for_clients()
        program = Obs(self, f'rtmp://127.0.0.1:{wire.port}/live', 'cam', tone).stream()
        program.wait_for_log('Streaming Stop')
        player.wait_eos()
        player.stop()
        wire.wait_end()
        wire.write_flv(sent)
        return sent, played, program

    def ffmpeg_file(self, name, *words):
        path = self.path(name)
        process.run(['ffmpeg', '-nostdin', '-loglevel', 'error', *words, path])
        return path

    def raw(self, source_path, name, *words):
        path = self.ffmpeg_file(name, '-i', source_path, *words)
        with open(path, 'rb') as file:
            return file.read()

    def test_what_it_streams_arrives_whole(self):
        sent, played, program = self.stream()
        contents = self.contents(played)
        self.assertGreater(len(contents.payloads('video')), RATE, program)
        self.assert_same(self.contents(sent), contents, program)
        self.assert_scene(played)
        self.assert_tone(played)

    def assert_scene(self, path):
        pictures = self.raw(path, 'pictures.rgb', '-pix_fmt', 'rgb24', '-f', 'rawvideo')
        last = pictures[-WIDTH * HEIGHT * 3:]
        self.assert_colour((255, 0, 0), last, WIDTH // 4)
        self.assert_colour((0, 0, 255), last, WIDTH * 3 // 4)

    def assert_colour(self, expected, picture, x):
        place = (HEIGHT // 2 * WIDTH + x) * 3
        for wanted, actual in zip(expected, picture[place:place + 3]):
            self.assertAlmostEqual(wanted, actual, delta=16)

    def assert_tone(self, path):
        sound = array.array('h', self.raw(path, 'sound.raw', '-ac', 1, '-f', 's16le'))
        self.assertGreater(max(sound), 1000)


if __name__ == '__main__':
    case.main()
