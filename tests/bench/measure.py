# SPDX-License-Identifier: LGPL-2.1-or-later
"""What the benchmarks measure with: the load program, CPU time, memory, servers on a core."""

import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from collections import namedtuple

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'interop'))
from rtmptest import nginx, process, wait  # noqa: E402 (the path comes first)

SKIPPED = 77  # to Meson

NGINX = '''
load_module {module};
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log error;
worker_rlimit_nofile 20000;
events {{ worker_connections 15000; }}
rtmp {{
  access_log off;
  server {{
    listen 127.0.0.1:{port};
    chunk_size {chunk_size};
    max_message 8M;
    application live {{ live on; }}
  }}
}}
'''

# One run of the load: its own figures, the server's CPU seconds by thread while it measured, and
# the server's memory in KiB before and at the end.
Run = namedtuple('Run', 'figures threads seconds memory_before memory')


def skip(why):
    print('skipped:', why)
    sys.exit(SKIPPED)


def cores():
    """The core of the server and that of the load; the same where there is one only."""
    available = sorted(os.sched_getaffinity(0))
    return available[0], available[-1]


def on_core(core, argv):
    return ['taskset', '-c', str(core), *argv]


def cpu_by_thread(pid):
    """Nanoseconds that each thread of a process has run. A thread that ends meanwhile is left out."""
    used = {}
    for thread in os.listdir(f'/proc/{pid}/task'):
        try:
            with open(f'/proc/{pid}/task/{thread}/schedstat', encoding='ascii') as line:
                used[thread] = int(line.read().split()[0])
        except FileNotFoundError:
            pass
    return used


def cpu_between(before, after):
    """Seconds of each thread."""
    return {thread: (ran - before.get(thread, 0)) / 1e9 for thread, ran in after.items()}


def memory(pid):
    """Proportional set size in KiB."""
    with open(f'/proc/{pid}/smaps_rollup', encoding='ascii') as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith('Pss:'))


def received(port):
    """Bytes that all clients of a local server have got from it."""
    sockets = subprocess.run(['ss', '-tinH', 'dport', '=', f':{port}'], check=True, text=True,
                             capture_output=True).stdout
    return sum(int(count) for count in re.findall(r'bytes_received:(\d+)', sockets))


def median(values):
    return statistics.median(values)


def spread(values):
    """The least and the most, as parts of the median."""
    middle = median(values) or 1
    return f'{min(values) / middle:.2f}..{max(values) / middle:.2f}'


class Instrument:
    """The load program, which lies beside the checkout and is compiled when it is there."""

    def __init__(self, folder):
        shared = os.environ.get('RTMP_SHARED', '../shared')
        source = os.path.join(shared, 'bench', 'rtmp_load.cpp')
        if not os.path.exists(source):
            skip(f'no load program: {source}')
        if not shutil.which('g++'):
            skip('g++ is missing')
        self.program = os.path.join(folder, 'rtmp_load')
        subprocess.run(['g++', '-std=c++20', '-O2', '-o', self.program, source], check=True)

    def start_floor(self, port, duration, words=()):
        """A server of the same messages that does nothing else."""
        core, _ = cores()
        floor = process.Program(on_core(core, [
            self.program, 'blast', '--port', port, '--duration', duration, *words]))
        floor.wait_for_port(port)
        return floor

    def measure(self, server, mode, words=()):
        """Puts load on a server and measures both while the load says so."""
        before = memory(server.pid)
        load = self.start(mode, server.port, words)
        marks = {}
        for line in load.stderr:
            marks[line.strip()] = cpu_by_thread(server.pid)
            if line.startswith('@end'):
                after = memory(server.pid)
        output = load.stdout.read()
        load.wait()
        if '@end' not in marks:
            raise RuntimeError(f'the load failed: {output}')
        threads = cpu_between(marks['@start'], marks['@end'])
        return Run(json.loads(output), threads, sum(threads.values()), before, after)

    def start(self, mode, port, words=()):
        _, core = cores()
        load = subprocess.Popen(
            on_core(core, [self.program, mode, '--port', str(port), *map(str, words)]),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        killer = threading.Timer(180, load.kill)
        killer.daemon = True
        killer.start()
        return load


class Server:
    """A server on a core of its own (`core` may name several), on a free port."""

    def __init__(self, folder):
        self.folder = folder
        self.port = wait.free_port()

    def start(self, argv, core=None):
        self.program = process.Program(
            on_core(cores()[0] if core is None else core, argv), folder=self.folder)
        self.program.wait_for_port(self.port)
        return self

    @property
    def pid(self):
        return self.program.pid

    def stop(self):
        self.program.stop()


def rtmpserver(folder, properties='', core=None):
    server = Server(folder)
    argv = ['gst-launch-1.0', '-q', 'rtmpserver', 'address=127.0.0.1', f'port={server.port}']
    return server.start(argv + properties.split(), core)


def nginx_rtmp(folder, chunk_size=4096):
    server = Server(folder)
    configuration = os.path.join(folder, f'nginx-{server.port}.conf')
    with open(configuration, 'w', encoding='ascii') as out:
        out.write(NGINX.format(module=nginx.module_path(), folder=folder, port=server.port,
                               chunk_size=chunk_size))
    return server.start([nginx.program_path(), '-p', folder, '-c', configuration,
                         '-e', os.path.join(folder, 'error.log')])


def floor(instrument, folder, words=()):
    server = Server(folder)
    server.program = instrument.start_floor(server.port, 170, words)
    return server


def has_nginx():
    return nginx.available()


def use_build(build):
    """Programs that are started find the elements of that build folder first."""
    os.environ['GST_PLUGIN_PATH'] = os.path.join(os.path.abspath(build), 'gst', 'elements')
    os.environ['GST_REGISTRY'] = os.path.join(os.path.abspath(build), 'tests', 'bench.registry')


def temporary_folder():
    return tempfile.TemporaryDirectory(prefix='rtmp-bench-')


def table(title, head, rows):
    """Columns of text; numbers with three digits that say something."""
    lines = [head, *[[_text(cell) for cell in row] for row in rows]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(head))]
    print(f'\n{title}')
    for line in lines:
        print('  '.join(cell.ljust(width) if i == 0 else cell.rjust(width)
                        for i, (cell, width) in enumerate(zip(line, widths))))
    sys.stdout.flush()


def _text(cell):
    if isinstance(cell, float):
        return f'{cell:.0f}' if abs(cell) >= 1000 else f'{cell:.3g}'
    return str(cell)
