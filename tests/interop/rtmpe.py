# SPDX-License-Identifier: LGPL-2.1-or-later
"""RTMPE and SWF verification: librtmp, ffmpeg and our own elements as clients of rtmpserver."""

import contextlib
import functools
import hashlib
import hmac
import http.server
import struct
import threading
import zlib

from rtmptest import case, proxy, wait

QUICK = 'retry-backoff-min=20000000 retry-backoff-max=200000000'


class Encrypted(case.Case):

    def relay(self, properties='protocols=rtmp+rtmpe'):
        return self.rtmpserver(properties)

    def play_line(self, url, record, properties=''):
        return f'rtmpclientsrc location="{url}" {properties} ! filesink location={record}'

    def publish_line(self, sample, url, sink='rtmpclientsink', properties=''):
        return (f'filesrc location={sample} ! flvdemux name=d ! h264parse ! rtmpmux name=m !'
                f' {sink} location="{url}" {properties}'
                ' d.audio ! queue ! aacparse ! m.')

    def publish(self, sample, url, **options):
        sending = self.pipeline(self.publish_line(sample, url, **options))
        sending.play()
        sending.wait_eos()
        sending.stop()


class Clients(Encrypted):

    def test_our_elements_publish_and_play(self):
        relay = self.relay('protocols=rtmpe')
        url, sample, record = relay.url(scheme='rtmpe'), self.sample(), self.path('played.flv')
        playing = self.pipeline(self.play_line(url, record)).play()
        playing.wait_element('rtmp-connected')
        self.publish(sample, url)
        playing.wait_eos()
        playing.stop()
        self.assert_same(self.contents(sample), self.contents(record))

    def test_rtmpdump_plays_beside_a_player_without_encryption(self):
        self.need_program('rtmpdump')
        relay = self.relay()
        record = self.path('dump.flv')
        player = self.player(relay.url()).wait_for_play()
        dump = self.run_program(
            ['rtmpdump', '--live', '--rtmp', relay.url(scheme='rtmpe'), '--flv', record])
        dump.wait_for_log('Starting Live Stream')
        sample = self.sample()
        self.publisher(sample, relay.url()).succeed()
        dump.wait_end()
        self.assert_same(self.contents(sample), self.contents(record), dump)
        self.assert_same(self.contents(sample), player.contents())

    def test_librtmp_publishes(self):
        self.need_elements('rtmpsink')
        relay = self.relay()
        player = self.player(relay.url()).wait_for_play()
        sample = self.sample()
        self.publish(sample, relay.url(scheme='rtmpe') + ' live=1', sink='rtmpsink')
        self.assert_same(self.contents(sample), player.contents())

    def test_a_cut_heals(self):
        relay = self.relay('protocols=rtmpe publisher-grace=20000000000')
        way = self.owned(proxy.Proxy(relay.port))
        url = way.url().replace('rtmp:', 'rtmpe:')
        publisher = self.pipeline(
            'videotestsrc is-live=true ! video/x-raw,width=160,height=120,framerate=25/1 !'
            ' x264enc tune=zerolatency key-int-max=250 ! flvmux streamable=true !'
            f' rtmpclientsink location={url} {QUICK}').play()
        publisher.wait_element('rtmp-connected')
        player = self.pipeline(
            f'rtmpclientsrc location={url} {QUICK} ! flvdemux ! fakesink name=end sync=false')
        frames = player.count('end')
        player.play()
        wait.until(lambda: frames.buffers > 10, 'frames before the cut')
        way.cut()
        player.wait_element('rtmp-reconnecting')
        before = frames.buffers
        wait.until(lambda: frames.buffers > before + 25, 'frames after the cut')
        self.assertEqual([], publisher.poll() + player.poll())


class Refusals(Encrypted):

    def error_of(self, line):
        pipeline = self.pipeline(line)
        pipeline.play()
        return pipeline.wait_error()

    def test_it_is_off_by_default_and_the_client_says_so(self):
        relay = self.rtmpserver()
        url = relay.url(scheme='rtmpe')
        self.assert_error(self.error_of(f'rtmpclientsrc location={url} ! fakesink'),
                          'does it speak rtmpe')

    def test_whoever_does_not_encrypt_is_refused_where_it_must_be(self):
        relay = self.relay('protocols=rtmpe')
        self.assert_error(self.error_of(f'rtmpclientsrc location={relay.url()} ! fakesink'),
                          'closed the connection during the rtmp handshake')

    def test_no_protocol_at_all_is_an_error(self):
        self.assert_error(self.error_of('rtmpserver port=0 protocols=0'), 'at least one')

    def test_tls_alone_wants_a_certificate(self):
        self.assert_error(self.error_of('rtmpserver port=0 protocols=rtmps'),
                          'set tls-certificate-file')

    def test_without_its_ciphers_it_names_what_is_missing(self):
        environment = {'OPENSSL_MODULES': self.folder}
        for line in ('rtmpserver port=0 protocols=rtmpe',
                     'rtmpclientsrc location=rtmpe://127.0.0.1/live/cam ! fakesink'):
            with self.subTest(line):
                program = self.launch(line, env=environment)
                program.wait_end()
                self.assertIn('legacy provider', program.output)


def player_file(size=3000):
    """A .swf as compilers write it, compressed."""
    content = bytes(number * number % 251 for number in range(size - 8))
    header = b'WS\x0a' + struct.pack('<I', size)
    return b'C' + header + zlib.compress(content), b'F' + header + content


class SwfVerification(Encrypted):

    def setUp(self):
        super().setUp()
        compressed, plain = player_file()
        self.file = self.path('player.swf')
        with open(self.file, 'wb') as file:
            file.write(compressed)
        self.hash = hmac.new(b'Genuine Adobe Flash Player 001', plain, hashlib.sha256).hexdigest()
        self.size = len(plain)
        self.verifying = self.relay(
            f'protocols=rtmp+rtmpe swf-verify=true swf-file={self.file}')

    def dump(self, *options, scheme='rtmp'):
        """rtmpdump, once it plays or has ended."""
        self.need_program('rtmpdump')
        return self.run_program(
            ['rtmpdump', '--live', '--rtmp', self.verifying.url(scheme=scheme),
             '--flv', self.path('dump.flv'), *options])

    def assert_plays(self, dump):
        dump.wait_for_log('Starting Live Stream')
        proven = f'swf-hash={self.hash} swf-size={self.size}'
        self.publish(self.sample(), self.verifying.url(), properties=proven)
        dump.wait_end()
        self.assert_same(self.contents(self.sample()), self.contents(self.path('dump.flv')), dump)

    def test_rtmpdump_proves_with_hash_and_size(self):
        for scheme in 'rtmp', 'rtmpe':
            with self.subTest(scheme):
                self.assert_plays(self.dump('--swfhash', self.hash, '--swfsize', str(self.size),
                                            scheme=scheme))

    def test_rtmpdump_proves_with_a_file_that_it_fetches(self):
        with self.served_folder() as address:
            self.assert_plays(self.dump('--swfVfy', address + '/player.swf'))

    @contextlib.contextmanager
    def served_folder(self):
        handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=self.folder)
        server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f'http://127.0.0.1:{server.server_port}'
        finally:
            server.shutdown()

    def test_ffmpeg_proves_with_hash_and_size(self):
        options = ('-rtmp_swfhash', self.hash, '-rtmp_swfsize', str(self.size))
        player = self.player(self.verifying.url(), options=options).wait_for_play()
        self.publish(self.sample(), self.verifying.url(), properties=f'swf-file={self.file}')
        self.assert_same(self.contents(self.sample()), player.contents())

    def test_our_elements_prove_with_librtmps_words(self):
        word = f'swfUrl=file://{self.file} swfVfy=1'
        for scheme in 'rtmp', 'rtmpe':
            with self.subTest(scheme):
                playing = self.pipeline(
                    f'rtmpclientsrc location="{self.verifying.url(scheme=scheme)} {word}"'
                    ' ! fakesink').play()
                playing.wait_element('rtmp-connected')
                playing.stop()

    def test_another_player_is_refused_with_a_reason(self):
        wrong = self.hash.replace(self.hash[0], 'f' if self.hash[0] != 'f' else 'e')
        playing = self.pipeline(
            f'rtmpclientsrc location={self.verifying.url()} swf-hash={wrong} swf-size={self.size}'
            ' ! fakesink').play()
        self.assert_error(playing.wait_error(), 'swf verification failed')

    def test_mistakes_are_named(self):
        broken = self.path('broken.swf')
        with open(broken, 'wb') as file:
            file.write(b'CWS\x0a' + struct.pack('<I', 5000) + b'nothing of zlib')
        url = self.verifying.url()
        for properties, says in (
                (f'location={url} swf-file=/nowhere.swf', 'swf-file cannot be read'),
                (f'location={url} swf-file={broken}', 'broken'),
                (f'location={url} swf-hash=12 swf-size=5', '64 hexadecimal digits'),
                (f'location={url} swf-size=5', 'belong together'),
                (f'location="{url} swfUrl=http://host/p.swf swfVfy=1"', 'set swf-file')):
            with self.subTest(properties):
                playing = self.pipeline(f'rtmpclientsrc {properties} ! fakesink').play()
                self.assertIn(says, playing.wait_error().text)
        with self.subTest('server'):
            serving = self.pipeline('rtmpserver port=0 swf-verify=true').play()
            self.assert_error(serving.wait_error(), 'swf-verify needs swf-file')


if __name__ == '__main__':
    case.main()
