#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Draws where the time went as an SVG, from the output of `perf script`:

    perf record -g -p PID -- sleep 10
    perf script | tests/bench/flame_graph.py --title 'what it shows' > profile.svg

Each box is a function, above the one that called it; its width is its share of the samples.
"""

import argparse
import re
import sys
from html import escape

WIDTH, ROW, CHARACTER = 1200, 17, 6.7
FONT = 11


class Box:
    def __init__(self):
        self.samples = 0
        self.callees = {}

    def add(self, stack):
        self.samples += 1
        box = self
        for name in stack:
            box = box.callees.setdefault(name, Box())
            box.samples += 1

    def depth(self, least):
        """Rows above this one that are worth drawing."""
        tall = [box.depth(least) for box in self.callees.values() if box.samples >= least]
        return 1 + max(tall, default=0)


def read_stacks(lines):
    """Stacks of names, the thread and the outermost caller first. perf prints a block a sample."""
    stack, thread = [], None
    for line in lines:
        frame = re.match(r'\s+[0-9a-f]+ (.*) \((.*)\)$', line)
        begin = re.match(r'(\S.*?)\s+\d+ ', line)
        if begin:
            thread = begin[1]
        elif frame:
            stack.append(shorten(*frame.groups()))
        elif thread:
            yield [thread, *filter(None, reversed(stack))]
            stack, thread = [], None
    if thread:
        yield [thread, *filter(None, reversed(stack))]


def shorten(symbol, library):
    """A name that fits a box: no offset, no arguments, no template arguments. Nothing for an
    address that is none, which is what a function without a frame pointer leaves."""
    if library == '[unknown]':
        return None
    symbol = re.sub(r'\+0x[0-9a-f]+$', '', symbol)
    if symbol == '[unknown]':
        return f'[{library.rsplit("/", 1)[-1].strip("[]")}]'
    symbol = without_brackets(symbol, '<', '>')
    symbol = without_brackets(symbol, '(', ')')
    symbol = symbol.replace('::::', '::')  # what is left of an anonymous namespace
    symbol = re.sub(r'\s*(const|\[clone .*\])$', '', symbol)
    name = symbol.split(' ')[-1] or symbol
    return name + ' (kernel)' if library.startswith('[kernel') else name


def without_brackets(text, opening, closing):
    kept, depth = [], 0
    for character in text:
        depth += character == opening
        if depth == 0:
            kept.append(character)
        depth -= character == closing and depth > 0
    return ''.join(kept)


def color(name):
    """Kernel blue, Asio and the standard library grey, ours orange, other libraries yellow."""
    if name.endswith('(kernel)'):
        hue, saturation = 210, 55
    elif name.startswith(('boost::', 'std::', '__gnu', 'operator')):
        hue, saturation = 220, 8
    elif '::' in name:
        hue, saturation = 24, 80
    else:
        hue, saturation = 50, 60
    lightness = 68 + sum(name.encode()) % 12  # so that neighbours differ
    return f'hsl({hue},{saturation}%,{lightness}%)'


def boxes(root, least):
    """(x and width in samples, row, name, samples), callers before callees."""
    todo = [(root, 'all', 0, 0)]
    while todo:
        box, name, start, row = todo.pop()
        yield start, box.samples, row, name
        for callee in sorted(box.callees):
            inner = box.callees[callee]
            if inner.samples >= least:
                todo.append((inner, callee, start, row + 1))
            start += inner.samples


def draw(root, title, out, smallest=0.15):
    """Boxes below `smallest` percent are left out: nobody could see them."""
    least = max(1, root.samples * smallest / 100)
    height = (root.depth(least) + 2) * ROW
    scale = (WIDTH - 20) / root.samples
    out.write(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
              f'font-family="monospace" font-size="{FONT}">\n'
              f'<rect width="{WIDTH}" height="{height}" fill="white"/>\n'
              f'<text x="10" y="{ROW - 4}" font-size="13">{escape(title)}</text>\n')
    for start, samples, row, name in boxes(root, least):
        draw_box(10 + start * scale, samples * scale, height - (row + 1.5) * ROW, name,
                 f'{name}: {100 * samples / root.samples:.1f} %', out)
    out.write('</svg>\n')


def draw_box(x, width, y, name, hint, out):
    out.write(f'<g><title>{escape(hint)}</title><rect x="{x:.1f}" y="{y:.1f}" '
              f'width="{max(0.3, width - 0.3):.1f}" height="{ROW - 1}" fill="{color(name)}"/>')
    room = int((width - 4) / CHARACTER)
    if room >= 4:
        label = name if len(name) <= room else name[:room - 1] + '…'
        out.write(f'<text x="{x + 2:.1f}" y="{y + ROW - 5:.1f}">{escape(label)}</text>')
    out.write('</g>\n')


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--title', default='CPU time')
    options = parser.parse_args()
    root = Box()
    for stack in read_stacks(sys.stdin):
        root.add(stack)
    if root.samples == 0:
        sys.exit('no samples: this reads what `perf script` prints')
    draw(root, options.title, sys.stdout)


if __name__ == '__main__':
    main()
