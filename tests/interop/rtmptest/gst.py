# SPDX-License-Identifier: LGPL-2.1-or-later
"""Pipelines in this process and in gst-launch-1.0, with everything that waits bounded."""

import time
from collections import namedtuple

import gi

gi.require_version('Gst', '1.0')
from gi.repository import GLib, Gst  # noqa: E402 (the version has to be asked for first)

from . import process, wait  # noqa: E402

Gst.init(None)

# What an application sees of an error message, and when it came after set_state().
Error = namedtuple('Error', 'domain code text debug source seconds')

RESOURCE = 'gst-resource-error-quark'

# The codes of GST_RESOURCE_ERROR that tests compare with.
NOT_FOUND, BUSY, OPEN_READ, OPEN_WRITE, READ, WRITE, NOT_AUTHORIZED = 3, 4, 5, 6, 9, 10, 15


def has_element(*names):
    return all(Gst.ElementFactory.find(name) for name in names)


def has_property(element, name):
    return Gst.ElementFactory.make(element).find_property(name) is not None


class Counter:
    """Counts what passes a pad, and remembers what the tests ask about."""

    def __init__(self, pad):
        self.buffers = 0
        self.bytes = 0
        self.key_frames = 0
        self.discontinuities = 0
        self.times = []
        pad.add_probe(Gst.PadProbeType.BUFFER | Gst.PadProbeType.BUFFER_LIST, self._count)

    def _count(self, _pad, info):
        buffers = [info.get_buffer()]
        if info.type & Gst.PadProbeType.BUFFER_LIST:
            many = info.get_buffer_list()
            buffers = [many.get(i) for i in range(many.length())]
        for buffer in buffers:
            self.buffers += 1
            self.bytes += buffer.get_size()
            self.times.append(buffer.dts if buffer.dts != Gst.CLOCK_TIME_NONE else buffer.pts)
            self.key_frames += not buffer.has_flags(Gst.BufferFlags.DELTA_UNIT)
            self.discontinuities += buffer.has_flags(Gst.BufferFlags.DISCONT)
        return Gst.PadProbeReturn.OK


class Pipeline:
    """A pipeline from a gst-launch line."""

    def __init__(self, description):
        self.description = description
        self.pipeline = Gst.parse_launch(description)
        if not isinstance(self.pipeline, Gst.Pipeline):
            element, self.pipeline = self.pipeline, Gst.Pipeline()
            self.pipeline.add(element)
        self.bus = self.pipeline.get_bus()
        self.seen = []
        self.started = None

    def __getitem__(self, name):
        element = self.pipeline.get_by_name(name)
        assert element, f'no element {name} in {self.description}'
        return element

    def count(self, name, pad='sink'):
        return Counter(self[name].get_static_pad(pad))

    def set_state(self, state, timeout=wait.PATIENCE):
        """Returns how many seconds the call took."""
        return wait.bounded(lambda: self.pipeline.set_state(state),
                            f'set_state({state.value_nick})', timeout)

    def play(self, timeout=5):
        self.started = time.monotonic()
        self.set_state(Gst.State.PLAYING, timeout)
        return self

    def stop(self, timeout=5):
        return self.set_state(Gst.State.NULL, timeout)

    def send_eos(self, timeout=5):
        return wait.bounded(lambda: self.pipeline.send_event(Gst.Event.new_eos()),
                            'send_event(EOS)', timeout)

    def message(self, accept, what, timeout=wait.PATIENCE, fatal=Gst.MessageType.ERROR):
        """The first message, already read or to come, that accept() takes; others are kept.

        An error (or whatever is in `fatal`) that is not accepted ends the wait.
        """
        for message in self.seen:
            if accept(message):
                return message
        deadline = time.monotonic() + timeout
        while True:
            message = self.bus.timed_pop(20 * Gst.MSECOND)
            if message:
                self.seen.append(message)
                if accept(message):
                    return message
                if message.type & fatal:
                    raise AssertionError(f'while waiting for {what}: {describe(message)}\n{self}')
            elif time.monotonic() > deadline:
                raise wait.Timeout(f'after {timeout:g} s still waiting for {what}\n{self}')

    def wait_eos(self, timeout=wait.PATIENCE):
        self.message(lambda m: m.type == Gst.MessageType.EOS, 'EOS', timeout)
        return time.monotonic() - self.started

    def wait_error(self, timeout=wait.PATIENCE):
        message = self.message(
            lambda m: m.type == Gst.MessageType.ERROR, 'an error', timeout, Gst.MessageType.EOS)
        return self._error(message)

    def wait_end(self, timeout=wait.PATIENCE):
        """An Error, or None for an EOS."""
        ends = Gst.MessageType.ERROR | Gst.MessageType.EOS
        message = self.message(lambda m: m.type & ends, 'the end', timeout)
        return self._error(message) if message.type == Gst.MessageType.ERROR else None

    def wait_element(self, name, timeout=wait.PATIENCE):
        """The structure of the first element message of that name."""
        def accept(message):
            return (message.type == Gst.MessageType.ELEMENT
                    and message.get_structure().get_name() == name)
        return self.message(accept, f'the element message {name}', timeout).get_structure()

    def quiet(self, seconds):
        """Nothing that ends the pipeline comes within some seconds."""
        wait.stays(lambda: not self.poll(), f'silence on the bus\n{self}', seconds)

    def poll(self):
        """Reads what is on the bus and returns the errors and EOS so far."""
        while True:
            message = self.bus.pop()
            if not message:
                break
            self.seen.append(message)
        ends = Gst.MessageType.ERROR | Gst.MessageType.EOS
        return [message for message in self.seen if message.type & ends]

    def _error(self, message):
        error, debug = message.parse_error()
        return Error(error.domain, error.code, error.message, debug or '',
                     message.src.get_name(), time.monotonic() - self.started)

    def __str__(self):
        interesting = [describe(m) for m in self.seen
                       if m.type & (Gst.MessageType.ERROR | Gst.MessageType.WARNING
                                    | Gst.MessageType.EOS | Gst.MessageType.ELEMENT)]
        return '\n'.join([f'--- pipeline: {self.description}', *interesting, '---'])


def describe(message):
    kind = Gst.MessageType.get_name(message.type)
    source = message.src.get_name() if message.src else '?'
    if message.type == Gst.MessageType.ERROR:
        error, debug = message.parse_error()
        return f'{kind} from {source}: {error.domain} {error.code}: {error.message} [{debug}]'
    if message.type == Gst.MessageType.WARNING:
        warning, debug = message.parse_warning()
        return f'{kind} from {source}: {warning.message} [{debug}]'
    structure = message.get_structure()
    return f'{kind} from {source}: {structure.to_string() if structure else ""}'


def items(structure, name):
    """What an array of a structure holds."""
    found, array = structure.get_array(name)
    return [array.get_nth(i).copy() for i in range(array.n_values)] if found else []


def launch(description, env=None, folder=None, options=('-e',)):
    """gst-launch-1.0 with the words of a shell line."""
    return process.Program(['gst-launch-1.0', *options, *description.split()], env=env,
                           name='gst-launch', folder=folder)


def collect_criticals():
    """From now on GLib's criticals and warnings go to the returned list. Works once a process."""
    found = []

    def writer(level, fields, _count, _data):
        if level & (GLib.LogLevelFlags.LEVEL_CRITICAL | GLib.LogLevelFlags.LEVEL_WARNING):
            found.append(GLib.log_writer_format_fields(level, fields, False))
        return GLib.LogWriterOutput.HANDLED

    GLib.log_set_writer_func(writer, None)
    return found
