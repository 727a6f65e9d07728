# SPDX-License-Identifier: LGPL-2.1-or-later
"""A running server against peers that break every rule, while others play in peace.

A publisher and fifty players are connected from the first test to the last. After each test the
server has let go of the peer, and no player has lost a frame.
"""

import os
import shutil
import struct
import tempfile
import unittest

from rtmptest import (amf, case, chunks, crowd, ffmpeg, gst, process, raw, recorder, stub,
                      wait, watch)
from rtmptest.stub import (AUDIO, COMMAND, DATA, PEER_BANDWIDTH, SET_CHUNK_SIZE, USER_CONTROL,
                           VIDEO, WINDOW_ACK_SIZE)

PLAYERS = 50
HANDSHAKE_TIMEOUT = 2  # seconds
PING_INTERVAL = 3
CONNECT_TIMEOUT, REQUEST_TIMEOUT = 10, 15

ABORT, ACKNOWLEDGEMENT = 2, 3
HANDSHAKE = 1 + 2 * stub.HANDSHAKE_SIZE

# H.264 and AAC as players see them: what is in them does not matter to a relay.
VIDEO_HEADER = b'\x17\0\0\0\0' + bytes.fromhex('0142c00dffe10004674200000100046800000000')
KEY_FRAME, INTER_FRAME = b'\x17\1\0\0\0', b'\x27\1\0\0\0'
AUDIO_HEADER, SOUND = b'\xaf\0\x12\x10', b'\xaf\1'

# What the process may keep when everybody has gone: pools and caches of the C library.
KEPT_BYTES = 48 << 20


class Server:
    """An rtmpserver with a publisher of ffmpeg's and the crowd that plays it."""

    def __init__(self, folder):
        self.port = wait.free_port()
        self.program = gst.launch(
            f'rtmpserver port={self.port} handshake-timeout={HANDSHAKE_TIMEOUT * 10 ** 9}'
            f' ping-interval={PING_INTERVAL * 10 ** 9} max-queue-bytes=1000000', folder=folder)
        self.program.wait_for_port(self.port)
        self.recorder = recorder.Recorder(self.port)
        self.crowd = crowd.Crowd(self.port, 'healthy', PLAYERS)
        sample = ffmpeg.make_sample(os.path.join(folder, 'healthy.flv'), seconds=10)
        self.publisher = process.Program(
            [*ffmpeg.QUIET, '-re', '-stream_loop', '-1', '-i', sample, '-c', 'copy', '-f', 'flv',
             f'rtmp://127.0.0.1:{self.recorder.port}/live/healthy'], folder=folder)
        self.crowd.wait_for(50)
        self.descriptors = self.count_descriptors()
        self.memory = self.resident()

    def count_descriptors(self):
        return watch.descriptors(self.program.pid)

    def resident(self):
        return watch.resident(self.program.pid)

    def stop(self):
        self.publisher.stop()
        self.crowd.stop()
        self.recorder.stop()
        self.program.stop()


server = None


def setUpModule():
    global server
    folder = tempfile.mkdtemp(prefix='rtmp-hostile-')
    unittest.addModuleCleanup(shutil.rmtree, folder)
    server = Server(folder)
    unittest.addModuleCleanup(server.stop)


class Hostile(case.Case):

    def setUp(self):
        super().setUp()
        self.port = server.port
        self.name = self.id().rsplit('.', 1)[1]
        self.clients = []

    def tearDown(self):
        """Nobody noticed, and nothing of the peer is left."""
        for client in self.clients:
            client.stop()
        self.assertTrue(server.program.running(), server.program)
        wait.until(lambda: server.count_descriptors() <= server.descriptors,
                   'the server to close what the test opened', 60)
        state = server.crowd.wait_for(server.crowd.ask()['least'] + 10)
        self.assertEqual((0, 0), (state['closed'], state['different']), server.program)
        super().tearDown()

    def client(self, **options):
        self.clients.append(raw.Client(self.port, **options))
        return self.clients[-1]

    def publisher(self, variant=''):
        return self.client().publish(f'{self.name}{variant}')

    def pair(self, variant=''):
        """A publisher and a player of its stream."""
        player = self.client().play(f'{self.name}{variant}')
        return self.publisher(variant), player

    def assert_session_stays(self, client):
        self.assertTrue(client.is_served(), 'the server closed the connection')

    def assert_closes(self, client, within=wait.PATIENCE):
        client.wait_closed(within)

    def wait_for_frame(self, player, payload):
        """Others may come before."""
        next(message for message in player.incoming() if message.payload == payload)

    def assert_passes_on(self, publisher, player, messages):
        """`messages`: (type, payload, form...) of what the player gets, whatever the form."""
        for kind, payload, form in messages:
            publisher.send(kind, payload, **form)
        self.assertEqual([(kind, payload) for kind, payload, _ in messages],
                         [(message.type, message.payload)
                          for message in player.media(len(messages))])


def recording(name):
    """The bytes of a recorded client; None where there are no recordings."""
    path = os.path.join(os.environ.get('RTMP_SHARED', ''), 'wire', name)
    if not os.path.exists(path):
        return None
    with open(path, 'rb') as file:
        return file.read()


def sources(count):
    """Loopback addresses, so that the limit of one host does not hide the others."""
    return [f'127.1.{number // 250}.{number % 250 + 1}' for number in range(count)]


class Truncated(Hostile):
    """A recorded conversation, cut or split at every byte."""

    def conversation(self, name):
        content = recording(name)
        if content is None:
            self.skipTest('no folder of recordings (RTMP_SHARED)')
        return content

    def cut(self, content, places):
        for number, place in enumerate(places):
            client = raw.Client(self.port, source=sources(200)[number % 200])
            client.write(content[:place])
            client.reset() if number % 2 else client.stop()

    def test_a_handshake_ends_anywhere(self):
        content = self.conversation('ffmpeg51-publish.c2s')
        near = [place + by for place in (0, 1, 1537, HANDSHAKE) for by in range(-9, 10)]
        self.cut(content, sorted({*near, *range(0, HANDSHAKE, 64)} - set(range(-9, 0))))

    def test_a_publisher_ends_at_every_byte_of_its_commands_and_first_frames(self):
        content = self.conversation('ffmpeg51-publish.c2s')
        self.cut(content, range(HANDSHAKE, HANDSHAKE + 1500))

    def test_a_publisher_ends_anywhere_in_its_media(self):
        content = self.conversation('obs-publish.c2s')
        self.cut(content, range(HANDSHAKE + 1500, len(content), 997))

    def test_a_player_ends_at_every_byte(self):
        for name in ('ffmpeg51-play.c2s', 'rtmpdump-play.c2s'):
            content = self.conversation(name)
            self.cut(content, range(HANDSHAKE, len(content) + 1))

    def test_a_message_split_at_any_byte_is_the_same_message(self):
        publisher, player = self.pair()
        whole = chunks.write(VIDEO, KEY_FRAME + bytes(range(200)), 1, time=0x1000000, number=300)
        for place in range(1, len(whole)):
            publisher.write(whole[:place])
            publisher.write(whole[place:])
        expected = [KEY_FRAME + bytes(range(200))] * (len(whole) - 1)
        self.assertEqual(expected, [found.payload for found in player.media(len(expected))])

    def test_a_conversation_byte_by_byte(self):
        client = self.client()
        client.handshake()
        connect = chunks.write(COMMAND, amf.encode_all('connect', 1, {'app': 'live'}))
        for value in connect:
            client.write(bytes([value]))
        self.assertEqual('_result', client.answer(1)[0])


class ChunkStreams(Hostile):

    def test_a_type_3_chunk_first_is_an_error(self):
        publisher = self.publisher()
        publisher.send(VIDEO, KEY_FRAME, number=20, form=3)
        self.assert_closes(publisher)

    def test_a_type_1_or_2_chunk_first_is_taken_with_zeros(self):
        for form in (1, 2):
            with self.subTest(form=form):
                publisher = self.publisher(form)
                publisher.send(VIDEO, KEY_FRAME if form == 1 else b'', number=20, form=form)
                self.assert_session_stays(publisher)

    def test_a_size_changed_inside_a_message_is_an_error(self):
        publisher = self.publisher()
        publisher.send(VIDEO, bytes(128), number=6, length=300)
        publisher.send(VIDEO, bytes(128), number=6, length=400)
        self.assert_closes(publisher)

    def test_an_abort_of_an_unknown_chunk_stream_aborts_nothing(self):
        publisher, player = self.pair()
        for number in (0, 1, 2, 77, 65599, 65600, 0xffffffff):
            publisher.send(ABORT, struct.pack('>I', number), 0, number=2)
        self.assert_passes_on(publisher, player, [(VIDEO, KEY_FRAME, {})])

    def test_an_abort_drops_the_begun_message_alone(self):
        publisher, player = self.pair()
        publisher.send(VIDEO, bytes(128), number=6, length=500)
        publisher.send(ABORT, struct.pack('>I', 6), 0, number=2)
        self.assert_passes_on(publisher, player, [(VIDEO, KEY_FRAME, {'number': 6})])

    def test_chunk_stream_ids_in_each_form_up_to_the_last(self):
        publisher, player = self.pair()
        forms = [(3, 1), (63, 1), (64, 2), (64, 3), (65, 2), (319, 2), (319, 3), (320, 3),
                 (32768, 3), (65598, 3), (65599, 3)]
        self.assert_passes_on(publisher, player, [
            (VIDEO, KEY_FRAME + bytes([i]) * 300, {'number': number, 'header_size': size})
            for i, (number, size) in enumerate(forms)])

    def test_more_chunk_streams_than_the_limit_are_an_error(self):
        publisher = self.publisher()
        try:
            for number in range(100, 200):
                publisher.send(AUDIO, SOUND, number=number)
        except raw.Closed:
            pass
        self.assert_closes(publisher)

    def test_chunks_of_one_byte(self):
        publisher, player = self.pair()
        publisher.set_chunk_size(1)
        self.assert_passes_on(publisher, player, [(VIDEO, KEY_FRAME + bytes(2000), {})] * 10)

    def test_a_large_message_in_chunks_of_one_byte_is_an_error(self):
        publisher = self.publisher()
        publisher.set_chunk_size(1)
        try:
            publisher.send(VIDEO, KEY_FRAME + bytes(1 << 20))
        except raw.Closed:
            pass
        self.assert_closes(publisher)

    def test_chunk_sizes_at_their_limits(self):
        for size, good in ((0, False), (1, True), (0x7fffffff, True), (0x80000000, False)):
            with self.subTest(size=size):
                publisher = self.publisher(size)
                publisher.set_chunk_size(size)
                publisher.chunk_size = max(1, min(size, 1 << 20))
                self.assertEqual(good, publisher.is_served())

    def test_a_declared_size_is_not_allocated(self):
        before = server.resident()
        publisher = self.publisher()
        for number in range(3, 60):
            publisher.send(VIDEO, bytes(128), number=number, length=8 << 20)
        self.assert_session_stays(publisher)
        self.assertLess(server.resident() - before, 16 << 20)

    def test_a_message_above_the_limit_is_an_error(self):
        publisher = self.publisher()
        publisher.send(VIDEO, bytes(128), length=9 << 20)
        self.assert_closes(publisher)

    def test_a_large_message_before_publish_is_an_error(self):
        client = self.client()
        client.handshake()
        client.send(COMMAND, bytes(128), length=100_000)
        self.assert_closes(client)

    def test_unfinished_messages_have_a_budget(self):
        publisher = self.publisher()
        publisher.set_chunk_size(7 << 20)
        try:
            for number in range(3, 8):
                publisher.send(VIDEO, bytes(7 << 20), number=number, length=8 << 20)
        except raw.Closed:
            pass
        self.assert_closes(publisher)

    def test_nonsense_messages_are_passed_over(self):
        publisher, player = self.pair()
        for kind in (0, 7, 10, 11, 12, 13, 14, 16, 19, 21, 23, 24, 99, 255):
            publisher.send(kind, b'', number=9)
            publisher.send(kind, bytes(64), number=9)
        self.assert_passes_on(publisher, player, [(VIDEO, KEY_FRAME, {})])


class Control(Hostile):

    def test_a_flood_of_pings_is_answered(self):
        client = self.client()
        client.begin()
        ping = chunks.write(USER_CONTROL, struct.pack('>HI', 6, 1), 0, number=2)
        for _ in range(200):
            client.write(ping * 50)
            self.assert_session_stays(client)

    def test_a_flood_of_pings_whose_answers_nobody_reads_costs_no_memory(self):
        before = server.resident()
        client = self.client(timeout=5, receive_buffer=4096)
        client.begin()
        ping = chunks.write(USER_CONTROL, struct.pack('>HI', 6, 1), 0, number=2)
        try:
            for _ in range(400):
                client.write(ping * 5000)
        except (raw.Closed, TimeoutError):
            pass  # ended, or not read any more: both bound it
        self.assertLess(server.resident() - before, 24 << 20)

    def test_windows_and_bandwidths_of_nothing_stop_nothing(self):
        publisher = self.publisher()
        player = self.client().play(self.name)
        for size in (0, 1, 0xffffffff, 0x80000000, 0):
            player.send(WINDOW_ACK_SIZE, struct.pack('>I', size), 0, number=2)
            player.send(PEER_BANDWIDTH, struct.pack('>IB', size, 2), 0, number=2)
        self.assert_passes_on(publisher, player, [(VIDEO, KEY_FRAME + bytes(9000), {})] * 9)

    def test_control_messages_too_short_or_too_long(self):
        for kind in (SET_CHUNK_SIZE, ABORT, ACKNOWLEDGEMENT, USER_CONTROL, WINDOW_ACK_SIZE,
                     PEER_BANDWIDTH):
            for size in (0, 1, 3, 5, 500):
                with raw.Client(self.port) as client:
                    client.begin()
                    client.send(kind, bytes(size), 0, number=2)
                    client.is_served()  # or not: it may be an error

    def test_a_player_that_never_acknowledges_gets_everything(self):
        player = self.client().play(self.name)
        publisher = self.publisher()
        frames = [(VIDEO, KEY_FRAME + bytes(100_000), {})] * 10
        for _ in range(10):  # 10 MB: four windows
            self.assert_passes_on(publisher, player, frames)

    def test_a_player_that_never_reads_is_dropped(self):
        player = self.client(receive_buffer=4096).play(self.name)
        publisher = self.publisher()
        publisher.set_chunk_size(1 << 20)
        descriptors = server.count_descriptors()
        before = server.resident()

        def dropped():
            publisher.send(VIDEO, KEY_FRAME + bytes(300_000))
            return server.count_descriptors() < descriptors
        wait.until(dropped, 'the server to drop the player', 60)
        self.assertLess(server.resident() - before, 48 << 20)
        self.assertTrue(publisher.is_served())
        player.stop()

    def test_a_peer_that_answers_no_ping_is_dropped(self):
        client = self.client()
        client._on_control = lambda payload: None
        client.play(self.name)
        self.assert_closes(client, within=30)


class Waiting(Hostile):

    def test_a_handshake_of_a_byte_a_second_ends_in_time(self):
        client = self.client(timeout=1)
        sent = 0

        def closed():
            nonlocal sent
            client.write(b'\3' if sent == 0 else b'\0')
            sent += 1
            try:
                return client.sock.recv(1) == b''
            except TimeoutError:
                return False
        try:
            wait.until(closed, 'the end of a slow handshake')
        except (raw.Closed, ConnectionError):
            pass
        self.assertLess(sent, 20)

    def test_sockets_that_stop_in_each_state_are_closed_and_others_get_in(self):
        states = [self.nothing, self.first_byte, self.half_c1, self.only_c1, self.half_c2,
                  self.no_connect, self.half_connect, self.no_stream, self.no_publish]
        for number, source in enumerate(sources(540)):
            states[number % len(states)](self.client(source=source))
        with raw.Client(self.port) as other:
            self.assertEqual('_result', other.handshake().connect()[0])
        for client in self.clients:
            self.assert_closes(client, within=2 * REQUEST_TIMEOUT)

    def test_a_host_with_too_many_in_a_handshake_gets_them_served_later(self):
        waiting = [self.client(source='127.2.0.1') for _ in range(100)]
        for client in waiting:
            client.stop()
        with raw.Client(self.port, source='127.2.0.1') as other:
            self.assertEqual('_result', other.handshake().connect()[0])

    def nothing(self, client):
        pass

    def first_byte(self, client):
        client.write(b'\3')

    def half_c1(self, client):
        client.write(b'\3' + bytes(700))

    def only_c1(self, client):
        client.write(b'\3' + bytes(stub.HANDSHAKE_SIZE))

    def half_c2(self, client):
        client.write(b'\3' + bytes(stub.HANDSHAKE_SIZE + 700))

    def no_connect(self, client):
        client.handshake()

    def half_connect(self, client):
        client.handshake()
        client.write(chunks.write(COMMAND, amf.encode_all('connect', 1, {'app': 'live'}))[:30])

    def no_stream(self, client):
        client.handshake()
        client.connect()

    def no_publish(self, client):
        client.begin()


class FirstBytes(Hostile):

    def test_other_protocols_and_noise_are_turned_away(self):
        for start in (b'GET / HTTP/1.1\r\nHost: x\r\n\r\n', b'POST /open/1 HTTP/1.1\r\n\r\n',
                      b'\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03', b'SSH-2.0-x\r\n', bytes(4096),
                      b'\xff' * 4096, b'\x06' + bytes(1536), b'\x04' + bytes(1536)):
            with self.subTest(start=start[:10]), raw.Client(self.port) as client:
                try:
                    client.write(start)
                    client.sock.shutdown(1)
                except (raw.Closed, OSError):
                    pass
                client.sock.settimeout(wait.PATIENCE)
                try:
                    while client.sock.recv(65536):
                        pass
                except ConnectionError:
                    pass


class Media(Hostile):

    def test_a_stream_without_headers_is_passed_on(self):
        publisher, player = self.pair()
        self.assert_passes_on(publisher, player, [
            (VIDEO, KEY_FRAME + b'a', {}), (AUDIO, SOUND + b'b', {}), (VIDEO, INTER_FRAME, {})])

    def test_frames_of_no_and_few_bytes_harm_nobody(self):
        publisher, player = self.pair()
        for kind in (AUDIO, VIDEO, DATA):
            for size in range(6):
                for first in (0, 0x17, 0x27, 0x2f, 0x90, 0x97, 0xaf, 0xff):
                    publisher.send(kind, (bytes([first]) + bytes(5))[:size])
        publisher.send(VIDEO, KEY_FRAME + b'the last')
        self.wait_for_frame(player, KEY_FRAME + b'the last')

    def test_an_hour_of_sound_alone(self):
        publisher, player = self.pair()
        self.send_hour(publisher, AUDIO, SOUND + bytes(30), 40)
        self.assert_late_player_joins(publisher, AUDIO, SOUND + b'late', 3_600_000)

    def test_an_hour_without_a_key_frame(self):
        before = server.resident()
        publisher = self.publisher()
        publisher.send(VIDEO, VIDEO_HEADER)
        publisher.send(VIDEO, KEY_FRAME + bytes(500))
        self.send_hour(publisher, VIDEO, INTER_FRAME + bytes(500), 40)
        self.assert_late_player_joins(publisher, VIDEO, KEY_FRAME + b'late', 3_600_000)
        self.assertLess(server.resident() - before, 40 << 20)

    def send_hour(self, publisher, kind, payload, step):
        publisher.set_chunk_size(4096)
        for begin in range(0, 3_600_000, 4000):
            publisher.write(b''.join(
                chunks.write(kind, payload, 1, time=time, chunk_size=4096)
                for time in range(begin, begin + 4000, step)))

    def assert_late_player_joins(self, publisher, kind, payload, time):
        late = self.client().play(self.name)
        publisher.send(kind, payload, time=time)
        self.wait_for_frame(late, payload)

    def test_time_stamps_that_jump_by_half_their_range(self):
        publisher, player = self.pair()
        times = [0, 0x80000000, 0, 0x7fffffff, 0xffffffff, 0, 0x80000001, 5, 0xfffffff0, 40]
        self.assert_passes_on(publisher, player, [
            (VIDEO, KEY_FRAME + bytes([i]), {'time': time}) for i, time in enumerate(times)])
        self.assert_late_player_joins(publisher, VIDEO, KEY_FRAME + b'late', 80)

    def test_extended_time_stamps_with_and_without_repetition(self):
        for repeat in (True, False):
            with self.subTest(repeat=repeat):
                publisher, player = self.pair(repeat)
                self.assert_passes_on(publisher, player, [
                    (VIDEO, KEY_FRAME + bytes([i]) * 500,
                     {'time': 0xfffff0 + i * 10, 'repeat': repeat, 'number': 6})
                    for i in range(10)])

    def test_time_stamps_that_wrap(self):
        publisher, player = self.pair()
        times = [(0xffffff00 + i * 40) & 0xffffffff for i in range(20)]
        for number, time in enumerate(times):
            publisher.send(VIDEO, KEY_FRAME + bytes([number]), time=time)
        received = [message.time for message in player.media(len(times))]
        self.assertEqual([40] * 19, [(b - a) & 0xffffffff for a, b in zip(received, received[1:])])

    def test_a_second_publisher_of_a_live_name_is_refused(self):
        client = self.client()
        stream = client.begin()
        client.command('publish', 3, None, 'healthy', 'live', stream=stream)
        self.assertEqual('error', client.status('NetStream.Publish.BadName')['level'])

    def test_media_of_nobody_goes_nowhere(self):
        client = self.client()
        client.begin()
        for stream in (0, 1, 2, 77, 0xffffffff):
            client.send(VIDEO, KEY_FRAME, stream)
            client.send(DATA, amf.encode_all('onMetaData', {}), stream)
        self.assert_session_stays(client)


def nested(depth):
    """Objects in one another."""
    return b'\3\0\1a' * depth + b'\5' + b'\0\0\x09' * depth


class Names(Hostile):

    BAD = ['../../etc/passwd', '..', '%2e%2e/%2e%2e/x', 'a\0b', '\n', '\x1b[2J', 'x' * 600,
           'x' * 60_000, '/', '//', '\\..\\..', '.hidden', '', 'a' * 513, '?', '?a=b', ' ']

    def test_names_of_streams(self):
        for name in self.BAD:
            for command in ('publish', 'play'):
                with self.subTest(name=name[:20], command=command):
                    with raw.Client(self.port) as client:
                        stream = client.begin()
                        client.command(command, 3, None, name, 'live', stream=stream)
                        self.assertIn(client.status()['level'], ('status', 'error'))
                        self.assert_session_stays(client)

    def test_names_of_applications(self):
        for name in self.BAD:
            with self.subTest(name=name[:20]), raw.Client(self.port) as client:
                client.handshake()
                try:
                    client.command('connect', 1, {'app': name})
                    self.assertIn(client.answer(1)[0], ('_result', '_error'))
                except raw.Closed:
                    self.assertGreater(len(name), 500)

    def test_too_long_or_unprintable_names_are_refused(self):
        for name in ('x' * 513, 'a\0b', 'a\nb', 'a\x7fb'):
            with self.subTest(name=name[:9]), raw.Client(self.port) as client:
                stream = client.begin()
                client.command('publish', 3, None, name, 'live', stream=stream)
                self.assertEqual('error', client.status()['level'])

    def test_a_name_of_64_kilobytes_is_an_error(self):
        with raw.Client(self.port) as client:
            stream = client.begin()
            client.send(COMMAND, amf.encode_all('publish', 3, None) + b'\x0c\0\1\0\0'
                        + b'x' * 65536, stream)
            self.assert_closes(client)

    def test_a_name_that_is_no_text_is_refused(self):
        with raw.Client(self.port) as client:
            stream = client.begin()
            client.send(COMMAND, amf.encode_all('publish', 3, None) + b'\2\0\3\xff\xfe\xc0'
                        + amf.encode('live'), stream)
            self.assertEqual('error', client.status()['level'])


class Amf(Hostile):

    def test_commands_nested_deeply_are_an_error(self):
        for depth in (17, 1000, 9000):
            with self.subTest(depth=depth), raw.Client(self.port) as client:
                client.handshake()
                client.send(COMMAND, amf.encode_all('connect', 1) + nested(depth), 0)
                self.assertEqual(False, client.is_served())

    def test_metadata_nested_100_000_deep_is_left_out_and_the_session_stays(self):
        publisher, player = self.pair()
        for name in ('onMetaData', '@setDataFrame', 'onTextData'):
            publisher.send(DATA, amf.encode(name) + nested(100_000))
        self.assert_passes_on(publisher, player, [(VIDEO, KEY_FRAME, {})])

    def test_data_with_unknown_markers_is_left_out_and_the_session_stays(self):
        publisher, player = self.pair()
        for marker in range(256):
            publisher.send(DATA, amf.encode('onMetaData') + bytes([marker]))
        publisher.send(VIDEO, KEY_FRAME + b'behind')
        self.wait_for_frame(player, KEY_FRAME + b'behind')

    def test_counts_and_sizes_that_lie(self):
        publisher, player = self.pair()
        for value in (b'\x0a\xff\xff\xff\xff', b'\x08\xff\xff\xff\xff', b'\x0c\xff\xff\xff\xff',
                      b'\2\xff\xff', b'\7\xff\xff', b'\x11\x09\xff\xff\xff\xff', b'\x11\x0c\xff'):
            publisher.send(DATA, amf.encode('onMetaData') + value)
        publisher.send(VIDEO, KEY_FRAME + b'behind')
        self.wait_for_frame(player, KEY_FRAME + b'behind')

    def test_every_field_of_connect_missing_or_of_a_wrong_type(self):
        fields = {'app': 'live', 'flashVer': 'x', 'swfUrl': '', 'tcUrl': 'rtmp://127.0.0.1/live',
                  'fpad': False, 'capabilities': 15.0, 'audioCodecs': 4071.0,
                  'videoCodecs': 252.0, 'videoFunction': 1.0, 'pageUrl': '',
                  'objectEncoding': 0.0, 'fourCcList': ['av01'], 'capsEx': 3.0,
                  'videoFourCcInfoMap': {'*': 7.0}, 'audioFourCcInfoMap': {'*': 7.0}}
        wrong = [None, True, float('nan'), float('inf'), -1, 'text', {}, {'a': {'b': []}}, [],
                 [None, 1, 'x'], 'x' * 5000]
        cases = [{k: v for k, v in fields.items() if k != left_out} for left_out in fields]
        cases += [{**fields, name: value} for name in fields for value in wrong]
        for changed in [{}, *cases]:
            with raw.Client(self.port) as client:
                client.handshake()
                client.command('connect', 1, changed)
                self.assertIn(client.answer(1)[0], ('_result', '_error'), changed)

    def test_a_connect_without_an_object_or_transaction(self):
        connect = amf.encode('connect')
        for rest in (b'', b'\0', amf.encode(1), amf.encode_all(1, None), amf.encode_all('1', {}),
                     amf.encode_all(float('nan'), 'live'), amf.encode_all(1, [])):
            with raw.Client(self.port) as client:
                client.handshake()
                client.send(COMMAND, connect + rest, 0)
                client.is_served()  # or not: it may be an error

    def test_commands_in_a_wrong_order(self):
        for words in (('publish', 1, None, 'a', 'live'), ('play', 1, None, 'a'),
                      ('createStream', 1, None), ('', 0, None), ('_result', 1, None)):
            with self.subTest(words=words), raw.Client(self.port) as client:
                client.handshake()
                client.command(*words)
                self.assertEqual(False, client.is_served())

    def test_a_17th_stream_is_an_error(self):
        client = self.client()
        client.handshake()
        client.connect()
        for number in range(16):
            client.command('createStream', 10 + number, None)
            self.assertEqual('_result', client.answer(10 + number)[0])
        client.command('createStream', 26, None)
        self.assert_closes(client)

    def test_a_flood_of_commands_is_an_error(self):
        client = self.client()
        client.begin()
        try:
            for _ in range(1000):
                client.write(chunks.write(COMMAND, amf.encode_all('nonsense', 0, None)) * 200)
        except raw.Closed:
            pass
        self.assert_closes(client)


class Aftermath(Hostile):
    """Runs behind all others."""

    def test_every_player_got_every_frame_and_nothing_is_kept(self):
        server.publisher.interrupt()
        server.recorder.wait_end()
        sent = chunks.Reader().feed(bytes(server.recorder.sent[HANDSHAKE:]))
        frames = crowd.digests(sent)
        state = server.crowd.wait_for(len(frames))
        self.assertEqual((0, 0), (state['closed'], state['different']))
        self.assertEqual(frames, state['digests'])
        self.assertLess(server.resident() - server.memory, KEPT_BYTES)

    def tearDown(self):
        case.Case.tearDown(self)  # nobody publishes any more


def load_tests(_loader, tests, _pattern):
    """The aftermath last."""
    last = [found for found in tests if 'Aftermath' in str(found)]
    return unittest.TestSuite([*(found for found in tests if found not in last), *last])


if __name__ == '__main__':
    case.main()
