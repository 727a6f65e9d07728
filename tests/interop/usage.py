# SPDX-License-Identifier: LGPL-2.1-or-later
"""The access log of a server, and the report that is made of it."""

import json
import os
import subprocess
import sys

from rtmptest import case, raw, wait
from rtmptest.gst import Gst

SCRIPT = os.path.join(os.environ.get('RTMP_TEST_DATA', 'tests'), '..', 'scripts', 'usage.py')


class Logged(case.Case):

    def setUp(self):
        super().setUp()
        self.log = self.path('access.log')

    def serve(self, properties='', authorize=None):
        self.serving = self.pipeline(
            f'rtmpserver name=server port=0 access-log={self.log} {properties}')
        self.server = self.serving['server']
        if authorize:
            self.server.connect('authorize', lambda _, request: authorize(request))
        self.serving.play()
        self.port = self.server.get_property('current-port')

    def client(self):
        return self.owned(raw.Client(self.port))

    def lines(self, count=1, path=None):
        """As soon as there are so many."""
        def read():
            try:
                with open(path or self.log, encoding='utf-8') as log:
                    lines = log.read().split('\n')[:-1]
            except FileNotFoundError:
                return None
            return lines if len(lines) >= count else None
        return wait.until(read, f'{count} lines')


class Lines(Logged):

    def test_each_session_has_one(self):
        self.serve()
        player = self.client().play('cam')
        publisher = self.client().publish('cam')
        publisher.send(8, b'\x2f' + bytes(1000))
        player.media(1)
        publisher.stop()
        published, = map(json.loads, self.lines(1))
        player.stop()
        played = json.loads(self.lines(2)[1])
        self.assertEqual(('PUBLISH', 'PLAY'), (published['command'], played['command']))
        for line in published, played:
            self.assertEqual(('live/cam', 'live', 'cam'),
                             (line['stream'], line['app'], line['name']))
            self.assertRegex(line['address'], r'^127\.0\.0\.1:[0-9]+$')
            self.assertRegex(line['time'], r'^20..-..-..T..:..:..\....Z$')
            self.assertGreaterEqual(line['seconds'], 0)
            self.assertRegex(line['reason'], 'peer')
        self.assertGreater(published['bytes_in'], 1000)
        self.assertGreater(played['bytes_out'], 1000)

    def test_who_is_kicked_has_one_that_says_so(self):
        self.serve()
        self.client().play('cam')
        self.server.emit('kick', 1)
        self.assertEqual('closed by ourselves', json.loads(self.lines()[0])['reason'])

    def test_who_asks_for_nothing_has_none(self):
        self.serve()
        probe = self.client()
        probe.write(b'GET / HTTP/1.0\r\n\r\n')
        probe.wait_closed()
        self.client().play('cam').stop()
        self.assertEqual('PLAY', json.loads(self.lines()[0])['command'])

    def test_sessions_that_end_with_the_server_have_one(self):
        self.serve()
        for _ in range(3):
            self.client().play('cam')
        self.serving.stop()
        self.assertEqual(3, len(self.lines(3)))

    def test_values_of_queries_are_masked(self):
        self.serve()
        self.client().publish('cam?token=secret&expires=123').stop()
        line, = self.lines()
        self.assertNotIn('secret', line)
        self.assertEqual('token=****&expires=****', json.loads(line)['args'])

    def test_a_key_that_is_not_the_name_is_masked(self):
        def rename(request):
            answer = Gst.Structure.new_empty('answer')
            answer.set_value('allow', True)
            answer.set_value('stream', 'live/public')
            return answer
        self.serve(authorize=rename)
        self.client().publish('secretkey').stop()
        line, = self.lines()
        self.assertNotIn('secretkey', line)
        self.assertEqual('live/public', json.loads(line)['stream'])

    def test_urls_of_clients_are_masked(self):
        self.serve()
        client = self.client().handshake()
        client.connect(tcUrl='rtmp://user:secret@h/live?key=secret', pageUrl='http://p/?s=secret')
        client.stop()
        line, = self.lines()
        self.assertNotIn('secret', line)
        self.assertEqual('rtmp://****@h/live?****', json.loads(line)['tc_url'])

    def test_a_client_cannot_write_lines_of_its_own(self):
        self.serve()
        client = self.client().handshake()
        said = 'x\n{"id":1}\r"\\\x1b[2J\x00\u2603'
        client.connect(flashVer=said)
        client.stop()
        line, = self.lines()
        self.assertEqual(said, json.loads(line)['flash_version'])
        self.assertTrue(line.isprintable())


class Formats(Logged):

    def line_of(self, form):
        self.serve(f'access-log-format="{form}"')
        client = self.client().handshake()
        client.connect(flashVer='a "b"\n')
        client.stop()
        return self.lines()[0]

    def test_text_may_have_nginx_rtmps_variables(self):
        self.assertEqual('127.0.0.1 live NONE 0s a \\x22b\\x22\\x0A',
                         self.line_of('$remote_addr $app $command $session_readable_time $flashver'))

    def test_nginx_rtmps_own_form_has_a_name(self):
        self.assertRegex(
            self.line_of('combined'),
            r'^127\.0\.0\.1 \[\d\d/\w{3}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] NONE "live" "" "" - '
            r'\d+ \d+ "" "a \\x22b\\x22\\x0A" \(0s\)$')

    def test_a_variable_that_nobody_knows_stops_the_start(self):
        self.serve('access-log-format="$remote_addr $colour"')
        self.assert_error(self.serving.wait_error(), r'unknown variable, \$colour')

    def test_a_file_that_cannot_be_written_stops_the_start(self):
        self.log = '/nowhere/access.log'
        self.serve()
        self.assert_error(self.serving.wait_error(), '/nowhere/access.log')


class Rotation(Logged):

    def setUp(self):
        super().setUp()
        self.serve()

    def play_once(self):
        """Until the server has seen the end as well."""
        self.client().play('cam').stop()
        wait.until(lambda: self.server.get_property('stats').get_value('clients') == 0,
                   'no client')

    def test_a_renamed_file_is_left_at_the_next_line(self):
        self.play_once()
        self.lines()
        os.rename(self.log, self.log + '.1')
        self.play_once()
        self.lines()
        self.assertEqual(1, len(self.lines(path=self.log + '.1')))

    def test_a_removed_file_comes_back(self):
        self.play_once()
        self.lines()
        os.remove(self.log)
        self.play_once()
        self.lines()

    def test_it_is_opened_again_at_once_where_that_is_asked_for(self):
        os.rename(self.log, self.log + '.1')
        self.server.emit('reopen-log')
        wait.until(lambda: os.path.exists(self.log), 'a new file')

    def test_a_log_may_begin_and_end_while_the_server_runs(self):
        other = self.path('other.log')
        self.server.set_property('access-log', other)
        self.play_once()
        self.lines(path=other)
        self.server.set_property('access-log', None)
        self.play_once()
        self.server.set_property('access-log', self.log)
        self.play_once()
        self.assertEqual(1, len(self.lines()))
        self.assertEqual(1, len(self.lines(path=other)))


class Report(Logged):

    def usage(self, *arguments):
        return subprocess.run(
            [sys.executable, SCRIPT, *arguments], capture_output=True, text=True,
            timeout=wait.PATIENCE)

    def record(self):
        """Two viewers of cam at a time and one more later, one of other, and a publisher."""
        self.serve()
        publisher = self.client().publish('cam')
        first, second = self.client().play('cam'), self.client().play('cam')
        publisher.send(8, b'\x2f' + bytes(100_000))
        for viewer in first, second:
            viewer.media(1)
            viewer.stop()
        self.lines(2)
        self.client().play('cam').stop()
        self.client().play('other').stop()
        publisher.stop()
        self.lines(5)

    def rows(self, text):
        return {row[0]: row[1:] for row in map(str.split, text.splitlines()[1:])}

    def test_it_has_a_row_for_each_stream(self):
        self.record()
        report = self.usage(self.log)
        self.assertEqual((0, ''), (report.returncode, report.stderr))
        rows = self.rows(report.stdout)
        self.assertEqual({'live/cam', 'live/other'}, set(rows))
        viewers, _, peak, out, publishers, _, _ = rows['live/cam']
        self.assertEqual(('3', '2', '1'), (viewers, peak, publishers))
        self.assertGreaterEqual(float(out), 0.2)
        self.assertEqual('1', rows['live/other'][0])

    def test_it_can_be_a_picture(self):
        self.record()
        picture = self.path('usage.png')
        report = self.usage(self.log, '--plot', picture)
        if 'matplotlib' in report.stderr:
            self.skipTest('python3-matplotlib is not installed')
        self.assertEqual((0, ''), (report.returncode, report.stderr))
        with open(picture, 'rb') as image:
            self.assertEqual(b'\x89PNG', image.read(4))
        self.assertGreater(os.path.getsize(picture), 10_000)

    def test_lines_of_another_form_are_told_and_skipped(self):
        self.record()
        with open(self.log, 'a', encoding='utf-8') as log:
            log.write('127.0.0.1 - - and so on\n')
        report = self.usage(self.log)
        self.assertEqual(0, report.returncode)
        self.assertIn('1 lines are not', report.stderr)
        self.assertEqual(2, len(self.rows(report.stdout)))


if __name__ == '__main__':
    case.main()
