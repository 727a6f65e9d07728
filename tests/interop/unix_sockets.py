# SPDX-License-Identifier: LGPL-2.1-or-later
"""Servers on unix sockets, and on sockets that systemd has opened for them."""

import os
import re
import socket
import subprocess

from rtmptest import case, raw, wait

PAGE = os.path.join(os.environ.get('RTMP_TEST_DATA', '.'), '..', 'docs', 'operating.md')


class UnixSocket(case.Case):

    def serve(self, address, properties=''):
        self.serving = self.pipeline(
            f'rtmpserver name=server address={address} {properties}').play()
        self.server = self.serving['server']

    def test_a_client_publishes_what_another_plays(self):
        path = self.path('rtmp')
        self.serve(f'unix:{path}')
        player = self.owned(raw.Client(path)).play('cam')
        self.owned(raw.Client(path)).publish('cam').send(8, b'\x2f\1')
        self.assertEqual(b'\x2f\1', player.media(1)[0].payload)

    def test_ffmpeg_comes_through_socat(self):
        self.need_program('socat')
        path, port = self.path('rtmp'), wait.free_port()
        self.serve(f'unix:{path}')
        program = self.run_program(
            ['socat', f'TCP-LISTEN:{port},bind=127.0.0.1,fork,reuseaddr', f'UNIX-CONNECT:{path}'])
        program.wait_for_port(port)
        relay = case.Relay(port, program)
        player = self.player(relay.url()).wait_for_play()
        sample = self.sample()
        self.publisher(sample, relay.url()).succeed()
        self.assert_same(self.contents(sample), player.contents())

    def test_the_file_has_its_mode_and_is_gone_with_the_server(self):
        path = self.path('rtmp')
        self.serve(f'unix:{path}', 'unix-mode=600')
        self.assertEqual(0o600, os.stat(path).st_mode & 0o777)
        self.serving.stop()
        self.assertFalse(os.path.exists(path))

    def test_a_file_that_a_killed_server_has_left_is_no_obstacle(self):
        path = self.path('rtmp')
        killed = self.launch(f'rtmpserver address=unix:{path}')
        wait.until(lambda: os.path.exists(path), 'the socket')
        killed.kill()
        self.assertTrue(os.path.exists(path))
        self.serve(f'unix:{path}')
        self.owned(raw.Client(path)).play('cam')

    def test_a_name_without_a_file_serves_as_well(self):
        name = f'@rtmp-test-{os.getpid()}'
        self.serve(f'unix:{name}')
        self.owned(raw.Client(name)).play('cam')

    def test_elements_of_the_same_socket_are_one_server(self):
        path = self.path('rtmp')
        self.serve(f'unix:{path}')
        source = self.pipeline(
            f'rtmpserversrc address=unix:{path} stream=live/cam ! fakesink name=sink')
        count = source.count('sink')
        source.play()
        self.owned(raw.Client(path)).publish('cam').send(8, b'\x2f\1')
        wait.until(lambda: count.buffers, 'what was published')

    def test_it_has_no_port(self):
        self.serve(f'unix:{self.path("rtmp")}')
        self.assertEqual(0, self.server.get_property('current-port'))

    def test_a_path_where_nothing_can_be_made_is_named(self):
        self.serve('unix:/nowhere/rtmp')
        self.assert_error(self.serving.wait_error(), 'unix:/nowhere/rtmp')

    def test_a_mode_that_is_none_stops_the_start(self):
        self.serve(f'unix:{self.path("rtmp")}', 'unix-mode=rw')
        self.assert_error(self.serving.wait_error(), 'unix-mode=rw')


class SocketActivation(case.Case):

    def listening(self):
        listening = socket.create_server(('127.0.0.1', 0))
        self.addCleanup(listening.close)
        return listening

    def activate(self, sockets, address):
        """A server in a process of its own, with sockets by name, as systemd starts it."""
        script = self.path('activate.sh')
        moves = ' '.join(f'{number}<&{one.fileno()}'
                         for number, one in enumerate(sockets.values(), 3))
        names = ':'.join(sockets)
        with open(script, 'w', encoding='ascii') as out:
            out.write(f'export LISTEN_PID=$$ LISTEN_FDS={len(sockets)} LISTEN_FDNAMES={names}\n'
                      f'exec gst-launch-1.0 rtmpserver "address={address}" {moves}\n')
        log = open(self.path('activate.log'), 'wb')
        self.addCleanup(log.close)
        program = subprocess.Popen(
            ['timeout', '60', 'bash', script], stdin=subprocess.DEVNULL, stdout=log,
            stderr=subprocess.STDOUT, pass_fds=[one.fileno() for one in sockets.values()])
        self.addCleanup(program.wait)
        self.addCleanup(program.terminate)
        return program

    def test_a_client_that_came_before_the_server_is_served(self):
        listening = self.listening()
        client = self.owned(raw.Client(listening.getsockname()[1]))
        self.activate({'rtmp': listening}, 'systemd')
        client.play('cam')

    def test_a_socket_is_chosen_by_its_name(self):
        first, second = self.listening(), self.listening()
        self.activate({'other': first, 'rtmp': second}, 'systemd:rtmp')
        self.owned(raw.Client(second.getsockname()[1])).play('cam')
        silent = self.owned(raw.Client(first.getsockname()[1], timeout=0.2))
        self.assertRaises(TimeoutError, silent.handshake)

    def test_all_of_them_serve_where_none_is_named(self):
        first, second = self.listening(), self.listening()
        self.activate({'one': first, 'two': second}, 'systemd')
        for listening in first, second:
            self.owned(raw.Client(listening.getsockname()[1])).play('cam')

    def test_a_unix_socket_may_be_one_of_them(self):
        listening = socket.socket(socket.AF_UNIX)
        self.addCleanup(listening.close)
        listening.bind(self.path('rtmp'))
        listening.listen()
        self.activate({'rtmp': listening}, 'systemd:rtmp')
        self.owned(raw.Client(self.path('rtmp'))).play('cam')

    def test_what_is_meant_for_another_process_is_left_alone(self):
        serving = self.launch('rtmpserver address=systemd',
                              env={'LISTEN_PID': '1', 'LISTEN_FDS': '1'})
        self.assertNotEqual(0, serving.wait_end())
        self.assertIn('no listening stream socket from systemd', serving.output)

    def test_a_name_that_there_is_not_stops_the_start(self):
        program = self.activate({'rtmp': self.listening()}, 'systemd:other')
        self.assertNotEqual(0, program.wait(wait.PATIENCE))
        with open(self.path('activate.log'), encoding='utf-8') as log:
            self.assertIn('systemd:other', log.read())

    def test_systemds_own_tool_starts_it_with_the_first_client(self):
        self.need_program('systemd-socket-activate')
        port = wait.free_port()
        program = self.run_program(
            ['systemd-socket-activate', '-l', f'127.0.0.1:{port}', '--fdname=rtmp',
             *(f'-E{name}' for name in os.environ if name.startswith(('GST_', 'PATH', 'LD_'))),
             'gst-launch-1.0', 'rtmpserver', 'address=systemd:rtmp'])
        program.wait_for_port(port)
        self.owned(raw.Client(port)).play('cam')


class Units(case.Case):

    def test_the_units_in_the_documentation_are_good_ones(self):
        self.need_program('systemd-analyze')
        with open(PAGE, encoding='utf-8') as page:
            units = re.findall(r'```ini\n# (rtmp\.\w+)\n(.*?)```', page.read(), re.DOTALL)
        self.assertEqual({'rtmp.socket', 'rtmp.service'}, {name for name, _ in units})
        for name, text in units:
            with open(self.path(name), 'w', encoding='utf-8') as unit:
                unit.write(text)
        verified = subprocess.run(
            ['systemd-analyze', 'verify', '--man=no', *(self.path(name) for name, _ in units)],
            capture_output=True, text=True, timeout=wait.PATIENCE)
        self.assertEqual((0, ''), (verified.returncode, verified.stderr))


if __name__ == '__main__':
    case.main()
