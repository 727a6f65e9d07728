#!/usr/bin/python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""One publisher, many players: what rtmpserver costs beside the floor, and beside nginx-rtmp.

    RTMP_SHARED=../shared tests/bench/fan_out.py build [--players 500] [--rounds 5]

docs/performance.md says what the figures mean and what came out.
"""

import argparse
import functools
import sys
from collections import defaultdict

import measure

# What must be zero in every run.
FAULTS = ('lost', 'duplicated', 'out_of_order', 'corrupt', 'crossed', 'malformed', 'ts_backward')


class Bench:
    def __init__(self, options, folder):
        self.options = options
        self.folder = folder
        self.instrument = measure.Instrument(folder)
        self.faults = []

    # --- servers

    def ours(self, properties='threads=1', core=None):
        return measure.rtmpserver(self.folder, properties, core)

    def floor(self, *words):
        """The same messages with the same chunks as rtmpserver's, by a program that does no RTMP."""
        return measure.floor(self.instrument, self.folder, ['--chunk', 60000, *words])

    def servers(self):
        found = {'floor': self.floor,
                 'floor, 20 ms': functools.partial(self.floor, '--batch-ms', 20),
                 'rtmpserver': self.ours,
                 'rtmpserver, 0 ms': functools.partial(self.ours, 'threads=1 latency=0')}
        if measure.has_nginx():
            found['nginx-rtmp'] = functools.partial(measure.nginx_rtmp, self.folder)
        else:
            print('nginx-rtmp is missing: measured without it')
        return found

    # --- runs

    def run(self, name, start, mode, words):
        server = start()
        try:
            if name.startswith('floor'):
                mode, words = 'play', ['--raw', '--chunk', 60000, *words]
            run = self.instrument.measure(server, mode, words)
        finally:
            server.stop()
        self.check(name, run)
        return run

    def check(self, name, run):
        fast = run.figures.get('fast', {})
        wrong = {fault: fast[fault] for fault in FAULTS if fast.get(fault)}
        if run.figures['players']['failed'] or run.figures['players']['closed']:
            wrong['players'] = run.figures['players']
        if mode_has_media(run) and fast.get('video_min', 0) == 0:
            wrong['video_min'] = 0
        if wrong and name.startswith(('rtmpserver', 'threads')):
            self.faults.append(f'{name}: {wrong}')
        elif wrong:
            print(f'{name}: {wrong}')

    def rounds(self, servers, mode, words):
        """Each server once a round, each round beginning with another one."""
        runs = defaultdict(list)
        names = list(servers)
        for number in range(self.options.rounds):
            first = number % len(names)
            for name in names[first:] + names[:first]:
                runs[name].append(self.run(name, servers[name], mode, words))
        return {name: runs[name] for name in names}

    def words(self, players, *more):
        options = self.options
        return ['--players', players, '--ramp', max(0.2, players / 500),
                '--warmup', options.warmup, '--duration', options.duration, *more]

    # --- what is printed

    def fan_out(self):
        players = self.options.players
        runs = self.rounds(self.servers(), 'relay', self.words(players))
        costs = {name: [gigabit_cost(run) for run in those] for name, those in runs.items()}
        rows = []
        for name, those in runs.items():
            cost = measure.median(costs[name])
            rows.append([
                name, cost, measure.median([per_player(run) for run in those]),
                cost / measure.median(costs['floor']), cost / measure.median(costs['floor, 20 ms']),
                measure.spread(costs[name]),
                measure.median([run.figures['fast']['mbit_s'] for run in those])])
        measure.table(
            f'1 publisher, {players} players, 2.5 Mbit/s',
            ['', 'CPU s/Gbit', 'CPU ms/player s', 'x floor', 'x floor 20 ms', 'spread', 'Mbit/s'],
            rows)
        self.latency(f'Latency to {players} players, us', runs)

    def few_players(self):
        """The load spins, so that its own waking is not in the figures."""
        runs = self.rounds(self.servers(), 'relay', self.words(10, '--spin'))
        self.latency('Latency to 10 players, us', runs)

    def latency(self, title, runs):
        quantiles = ('p50', 'p90', 'p99', 'max')
        rows = [[name, *[measure.median([run.figures['fast']['video_latency_us'][q]
                                         for run in those]) for q in quantiles]]
                for name, those in runs.items()]
        measure.table(title, ['', *quantiles], rows)

    def peers(self):
        return {name: start for name, start in self.servers().items()
                if not name.startswith('floor')}

    def idle(self):
        players = self.options.idle
        runs = self.rounds(self.peers(), 'idle', self.words(players, '--stream', 'nobody'))
        cost = {name: [(run.memory - run.memory_before) / players for run in those]
                for name, those in runs.items()}
        measure.table(f'{players} players on a stream that nobody publishes',
                      ['', 'KiB/player', 'spread'],
                      [[name, measure.median(those), measure.spread(those)]
                       for name, those in cost.items()])

    def connections(self):
        words = ['--concurrency', self.options.concurrency, '--sources', 32, '--warmup', 0.5,
                 '--duration', self.options.duration]
        runs = self.rounds(self.peers(), 'connect', words)
        rows = []
        for name, those in runs.items():
            rate = [run.figures['churn']['per_s'] for run in those]
            cost = [run.seconds * 1e6 / max(1, run.figures['churn']['connections'])
                    for run in those]
            rows.append([name, measure.median(rate), measure.spread(rate), measure.median(cost)])
            if name == 'rtmpserver' and min(rate) <= 0:
                self.faults.append('rtmpserver: no connections')
        measure.table(f'Handshake, connect, close; {self.options.concurrency} at a time',
                      ['', 'connections/s', 'spread', 'CPU us each'], rows)

    def scaling(self):
        """The workers may use all cores. How much they could carry is bounded by the busiest."""
        both = ','.join(map(str, sorted(set(measure.cores()))))
        servers = {f'threads={count}': functools.partial(self.ours, f'threads={count}', both)
                   for count in (1, 2)}
        runs = self.rounds(servers, 'relay', self.words(self.options.players))
        rows, busiest = [], {}
        for name, those in runs.items():
            busiest[name] = measure.median([gigabit_cost(run, max(run.threads.values()))
                                            for run in those])
            rows.append([name, measure.median([gigabit_cost(run) for run in those]),
                         busiest[name], busiest['threads=1'] / busiest[name]])
        measure.table('Workers', ['', 'CPU s/Gbit', 'of the busiest thread', 'scaling'], rows)


def mode_has_media(run):
    return run.figures['mode'] in ('relay', 'play')


def gigabits(run):
    return run.figures['fast']['mbit_s'] * run.figures['duration_s'] / 1000


def gigabit_cost(run, seconds=None):
    """CPU seconds per Gbit that players got."""
    return (run.seconds if seconds is None else seconds) / gigabits(run)


def per_player(run):
    """CPU ms per player and second."""
    return run.seconds * 1000 / run.figures['players']['asked'] / run.figures['duration_s']


def read_options():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('build')
    parser.add_argument('--players', type=int, default=500)
    parser.add_argument('--idle', type=int, default=2000)
    parser.add_argument('--concurrency', type=int, default=32)
    parser.add_argument('--rounds', type=int, default=5)
    parser.add_argument('--duration', type=float, default=6)
    parser.add_argument('--warmup', type=float, default=2.5)
    parser.add_argument('--only', default='fan_out,few_players,idle,connections,scaling')
    parser.add_argument('--smoke', action='store_true',
                        help='a short run, for what it says of the programs, not of their speed')
    options = parser.parse_args()
    if options.smoke:
        options.players, options.idle, options.concurrency = 5, 20, 4
        options.rounds, options.duration, options.warmup = 1, 2, 2
        options.only = 'fan_out,idle,connections,scaling'
    return options


def main():
    options = read_options()
    measure.use_build(options.build)
    with measure.temporary_folder() as folder:
        bench = Bench(options, folder)
        for name in options.only.split(','):
            getattr(bench, name)()
    for fault in bench.faults:
        print('fault:', fault, file=sys.stderr)
    return 1 if bench.faults else 0


if __name__ == '__main__':
    sys.exit(main())
