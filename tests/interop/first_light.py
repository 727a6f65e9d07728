# SPDX-License-Identifier: LGPL-2.1-or-later
"""What scripts/run.sh runs once it has built: the first thing that a new user sees."""

import os
import sys

from rtmptest import case, process, wait

SCRIPT = os.path.join(os.path.dirname(__file__), '..', '..', 'scripts', 'firstlight.py')


class FirstLight(case.Case):

    def light(self, port, *words):
        return self.owned(process.Program(
            [sys.executable, '-u', SCRIPT, '--build', os.environ['RTMP_BUILD'],
             '--port', port, *words], name='firstlight', folder=self.folder))

    def test_every_frame_comes_back_within_the_seconds_asked_for(self):
        program = self.light(wait.free_port(), '--seconds', '2').succeed()
        self.assertRegex(program.output, r'Every frame came back: \d\d+ video')

    def test_interrupting_it_ends_everything_well(self):
        port = wait.free_port()
        program = self.light(port)
        program.wait_for_log(r'received [1-9]\d* video')
        self.assertEqual(0, program.interrupt(), program)
        self.assertFalse(wait.port_listens(port))

    def test_a_busy_port_is_said_in_a_sentence(self):
        server = self.server(lambda peer: None)
        program = self.light(server.port)
        self.assertEqual(1, program.wait_end())
        self.assertIn(f'Port {server.port} is used by another program', program.output)
        self.assertNotIn('Traceback', program.output)


if __name__ == '__main__':
    case.main()
