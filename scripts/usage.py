#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""What an access log of rtmpserver in JSON says of each stream, as a table and as a picture.

    scripts/usage.py access.log [--plot usage.png]
"""

import argparse
import json
import sys
from collections import defaultdict, namedtuple
from datetime import datetime, timedelta, timezone

# `start` and `end` are seconds since 1970.
Session = namedtuple('Session', 'stream command start end bytes_in bytes_out dropped')
Row = namedtuple('Row', 'stream viewers hours peak bytes_out publishers published_hours bytes_in')

HEAD = Row('stream', 'viewers', 'viewer-hours', 'peak', 'MB out', 'publishers', 'publisher-hours',
           'MB in')


def read_session(line):
    """The session that a line tells of."""
    fields = json.loads(line)
    end = datetime.fromisoformat(fields['time'].replace('Z', '+00:00')).timestamp()
    return Session(fields['stream'], fields['command'], end - fields['seconds'], end,
                   fields['bytes_in'], fields['bytes_out'], fields['frames_dropped'])


def read_log(lines):
    """The sessions that had a stream, and how many lines could not be read."""
    sessions, broken = [], 0
    for line in lines:
        try:
            sessions.append(read_session(line))
        except (ValueError, KeyError, TypeError):
            broken += 1
    return [session for session in sessions if session.stream], broken


def viewing(sessions):
    return [session for session in sessions if 'PLAY' in session.command]


def publishing(sessions):
    return [session for session in sessions if 'PUBLISH' in session.command]


def steps(sessions, height):
    """(time, value) wherever the sum over the sessions of that time changes."""
    changes = defaultdict(float)
    for session in sessions:
        changes[session.start] += height(session)
        changes[session.end] -= height(session)
    value, found = 0, []
    for time in sorted(changes):
        value += changes[time]
        found.append((time, value))
    return found


def peak(sessions):
    return max((round(value) for _, value in steps(sessions, lambda _: 1)), default=0)


def hours(sessions):
    return sum(session.end - session.start for session in sessions) / 3600


def table(sessions):
    """A row for each stream, those with the most viewing first."""
    streams = defaultdict(list)
    for session in sessions:
        streams[session.stream].append(session)
    rows = []
    for stream, own in streams.items():
        viewers, publishers = viewing(own), publishing(own)
        rows.append(Row(stream, len(viewers), hours(viewers), peak(viewers),
                        sum(one.bytes_out for one in own), len(publishers), hours(publishers),
                        sum(one.bytes_in for one in own)))
    return sorted(rows, key=lambda row: (-row.hours, row.stream))


def write_table(rows, out):
    texts = [HEAD] + [
        Row(row.stream, str(row.viewers), f'{row.hours:.2f}', str(row.peak),
            f'{row.bytes_out / 1e6:.1f}', str(row.publishers), f'{row.published_hours:.2f}',
            f'{row.bytes_in / 1e6:.1f}') for row in rows]
    widths = [max(len(text) for text in column) for column in zip(*texts)]
    for text in texts:
        numbers = (word.rjust(width) for word, width in zip(text[1:], widths[1:]))
        print(text.stream.ljust(widths[0]), *numbers, sep='  ', file=out)


def rate(session):
    """Mbit/s out, the same over the session: a log knows no better."""
    return session.bytes_out * 8e-6 / max(session.end - session.start, 0.001)


def plot(sessions, rows, path, streams=8):
    """Viewers by stream over bandwidth of all, in UTC."""
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import dates, pyplot

    figure, (above, below) = pyplot.subplots(
        2, 1, sharex=True, figsize=(10, 6), constrained_layout=True)
    viewers = viewing(sessions)
    for row in rows[:streams]:
        own = [session for session in viewers if session.stream == row.stream]
        if own:
            _draw(above, steps(own, lambda _: 1), label=row.stream)
    _draw(above, steps(viewers, lambda _: 1), label='all', color='black', linewidth=0.8)
    _draw(below, steps(sessions, rate), color='tab:blue', fill=True)
    above.set_ylabel('viewers')
    above.yaxis.get_major_locator().set_params(integer=True)
    above.set_ylim(bottom=0)
    above.legend(loc='upper left', fontsize='small')
    below.set_ylabel('Mbit/s out')
    below.set_ylim(bottom=0)
    locator = dates.AutoDateLocator(tz=timezone.utc)
    below.xaxis.set_major_locator(locator)
    below.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=timezone.utc))
    below.set_xlabel('UTC')
    for axes in above, below:
        axes.grid(alpha=0.3)
        axes.spines[['top', 'right']].set_visible(False)
    figure.savefig(path, dpi=120)


def _draw(axes, points, fill=False, **options):
    epoch = datetime(1970, 1, 1, tzinfo=timezone.utc)
    times = [epoch + timedelta(seconds=time) for time, _ in points]
    values = [value for _, value in points]
    axes.step(times, values, where='post', **options)
    if fill:
        axes.fill_between(times, values, step='post', alpha=0.3, **options)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('log', help='an access log in JSON, or - for standard input')
    parser.add_argument('--plot', metavar='PICTURE',
                        help='draws viewers and bandwidth over time, as PNG, SVG or PDF')
    arguments = parser.parse_args()
    with (sys.stdin if arguments.log == '-' else open(arguments.log, encoding='utf-8')) as log:
        sessions, broken = read_log(log)
    if broken:
        print(f'{broken} lines are not of access-log-format=json', file=sys.stderr)
    if not sessions:
        sys.exit('no session had a stream')
    rows = table(sessions)
    write_table(rows, sys.stdout)
    if arguments.plot:
        plot(sessions, rows, arguments.plot)


if __name__ == '__main__':
    main()
