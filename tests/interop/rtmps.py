# SPDX-License-Identifier: LGPL-2.1-or-later
"""rtmpserver in TLS: ffmpeg, rtmpdump, OpenSSL and our own elements as its clients."""

import os
import shutil
import subprocess

from rtmptest import case, gst, process, wait


class Secure(case.Case):

    def setUp(self):
        super().setUp()
        self.file, self.key = self.certificate()

    def relay(self, properties='', certificate=None):
        return self.rtmpserver(
            f'tls-certificate-file={certificate or self.file} tls-key-file={self.key}'
            f' {properties}')

    def shown_certificate(self, relay, name='localhost'):
        """What OpenSSL's client is shown, as PEM; empty if it gets none."""
        shown = subprocess.run(
            ['openssl', 's_client', '-connect', f'127.0.0.1:{relay.port}', '-servername', name],
            input=b'', capture_output=True, timeout=wait.PATIENCE).stdout.decode()
        begin, end = '-----BEGIN CERTIFICATE-----', '-----END CERTIFICATE-----'
        return begin + shown.split(begin)[1].split(end)[0] + end if begin in shown else ''


class Clients(Secure):

    def test_what_ffmpeg_publishes_in_tls_is_what_ffmpeg_plays_in_tls(self):
        relay = self.relay()
        player = self.player(relay.url(scheme='rtmps')).wait_for_play()
        sample = self.sample()
        self.publisher(sample, relay.url(scheme='rtmps')).succeed()
        self.assert_same(self.contents(sample), player.contents())

    def test_clients_with_and_without_tls_share_a_port(self):
        relay = self.relay()
        secure = self.player(relay.url(scheme='rtmps')).wait_for_play()
        plain = self.player(relay.url()).wait_for_play()
        sample = self.sample()
        self.publisher(sample, relay.url(scheme='rtmps')).succeed()
        for player in secure, plain:
            self.assert_same(self.contents(sample), player.contents())

    def test_rtmpdump_plays_in_tls(self):
        self.need_program('rtmpdump')
        relay = self.relay()
        record = self.path('dump.flv')
        dump = self.run_program(
            ['rtmpdump', '--live', '--rtmp', relay.url(scheme='rtmps'), '--flv', record])
        relay.wait_for_clients()
        sample = self.sample()
        self.publisher(sample, relay.url()).succeed()
        dump.wait_end()
        self.assert_same(self.contents(sample), self.contents(record))

    def test_our_elements_trust_what_they_are_told_to_trust(self):
        relay = self.relay('tls-mode=strict')
        url = relay.url(scheme='rtmps')
        sample, record = self.sample(), self.path('played.flv')
        playing = self.pipeline(
            f'rtmpclientsrc location={url} tls-ca-file={self.file} ! filesink location={record}')
        playing.play()
        relay.wait_for_clients()
        sending = self.pipeline(
            f'filesrc location={sample} ! flvdemux name=d ! h264parse ! rtmpmux name=m !'
            f' rtmpclientsink location={url} tls-ca-file={self.file}'
            ' d.audio ! queue ! aacparse ! m.')
        sending.play()
        sending.wait_eos()
        sending.stop()
        playing.wait_eos()
        playing.stop()
        self.assert_same(self.contents(sample), self.contents(record))

    def test_whoever_does_not_speak_it_is_refused_where_it_is_strict(self):
        relay = self.relay('tls-mode=strict')
        playing = self.pipeline(f'rtmpclientsrc location={relay.url()} ! fakesink')
        playing.play()
        playing.wait_error()
        secure = self.pipeline(
            f'rtmpclientsrc location={relay.url(scheme="rtmps")} tls-validation-flags=0 ! fakesink')
        secure.play()
        relay.wait_for_clients()

    def test_clients_without_a_certificate_are_refused_where_they_need_one(self):
        relay = self.relay(f'tls-ca-file={self.file}')
        line = f'rtmpclientsrc location={relay.url(scheme="rtmps")} tls-validation-flags=0'
        playing = self.pipeline(f'{line} ! fakesink')
        playing.play()
        playing.wait_error()
        playing = self.pipeline(
            f'{line} tls-certificate-file={self.file} tls-key-file={self.key} ! fakesink').play()
        relay.wait_for_clients()


class Certificates(Secure):

    def other(self, name, host):
        file = self.path(name + '.pem')
        subprocess.run(
            ['openssl', 'req', '-x509', '-new', '-key', self.key, '-days', '2',
             '-subj', f'/CN={host}', '-addext', f'subjectAltName=DNS:{host}', '-out', file],
            check=True, capture_output=True)
        return file

    @staticmethod
    def pem(file):
        with open(file, encoding='ascii') as text:
            return text.read().strip()

    def test_each_name_gets_its_own(self):
        first, second = self.other('first', 'first.example'), self.other('second', 'second.example')
        relay = self.rtmpserver(f'tls-certificate-file={first},{second}'
                                f' tls-key-file={self.key},{self.key}')
        self.assertEqual(self.pem(first), self.shown_certificate(relay, 'first.example'))
        self.assertEqual(self.pem(second), self.shown_certificate(relay, 'second.example'))
        self.assertEqual(self.pem(first), self.shown_certificate(relay, 'elsewhere.example'))

    def test_a_new_one_is_shown_without_a_restart_and_disturbs_nobody(self):
        used = self.path('used.pem')
        shutil.copy(self.file, used)
        relay = self.relay(certificate=used)
        player = self.player(relay.url(scheme='rtmps')).wait_for_play()
        self.assertEqual(self.pem(self.file), self.shown_certificate(relay))
        renewed = self.other('renewed', 'localhost')
        os.replace(renewed, used)
        wait.until(lambda: self.shown_certificate(relay) == self.pem(used), 'the new certificate')
        sample = self.sample()
        self.publisher(sample, relay.url(scheme='rtmps')).succeed()
        self.assert_same(self.contents(sample), player.contents())

    def test_old_versions_of_tls_are_refused(self):
        relay = self.relay()
        for version in 'tls1', 'tls1_1':
            with self.subTest(version):
                shown = subprocess.run(
                    ['openssl', 's_client', '-connect', f'127.0.0.1:{relay.port}', f'-{version}',
                     '-cipher', 'ALL:@SECLEVEL=0'],
                    input=b'', capture_output=True, timeout=wait.PATIENCE)
                self.assertNotIn(b'BEGIN CERTIFICATE', shown.stdout)
        self.assertIn('BEGIN CERTIFICATE', self.shown_certificate(relay))


class Mistakes(Secure):

    def error_of(self, properties):
        pipeline = self.pipeline(f'rtmpserver port=0 {properties}')
        pipeline.play()
        return pipeline.wait_error()

    def test_a_missing_certificate_stops_the_start_and_is_named(self):
        self.assert_error(self.error_of('tls-certificate-file=/nowhere/cert.pem'),
                          r'certificate file /nowhere/cert.pem cannot be used: no such file')

    def test_a_key_of_another_certificate_stops_the_start_and_is_named(self):
        other = self.path('other.pem')
        process.run(['openssl', 'genrsa', '-out', other, '2048'])
        self.assert_error(
            self.error_of(f'tls-certificate-file={self.file} tls-key-file={other}'),
            f'key file {other} cannot be used: key values mismatch')

    def test_strict_without_a_certificate_says_what_is_missing(self):
        self.assert_error(self.error_of('tls-mode=strict'), 'set tls-certificate-file')

    def test_as_many_keys_as_certificates_are_asked_for(self):
        self.assert_error(
            self.error_of(f'tls-certificate-file={self.file},{self.file} tls-key-file={self.key}'),
            'as many files')


if __name__ == '__main__':
    case.main()
