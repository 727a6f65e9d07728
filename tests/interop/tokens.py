# SPDX-License-Identifier: LGPL-2.1-or-later
"""Tokens (JWT) that let rtmpserver's clients publish and play, and access rules about their users."""

import base64
import hashlib
import hmac
import json
import subprocess
import time

from rtmptest import case, process, raw, web

SECRET = 'a secret of at least thirty-two bytes'


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip('=')


def hs256(signed):
    return hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()


def token(algorithm='HS256', sign=hs256, seconds=60, **claims):
    claims = {'exp': int(time.time()) + seconds, **claims}
    parts = [base64url(json.dumps(part).encode())
             for part in ({'alg': algorithm, 'typ': 'JWT'}, claims)]
    return '.'.join([*parts, base64url(sign('.'.join(parts).encode()))])


def from_der(signature):
    """r and s of an ECDSA signature, 32 bytes each."""
    numbers, at = b'', 2
    for _ in range(2):
        size = signature[at + 1]
        number = signature[at + 2:at + 2 + size]
        numbers += number.lstrip(b'\0').rjust(32, b'\0')
        at += 2 + size
    return numbers


class Tokens(case.Case):

    def relay(self, properties=f'jwt-secret="{SECRET}"', authorize=None):
        self.serving = self.pipeline(f'rtmpserver name=server port=0 {properties}')
        if authorize:
            self.serving['server'].connect('authorize', lambda _, request: authorize(request))
        self.serving.play()
        return case.Relay(self.serving['server'].get_property('current-port'), None)

    def ask(self, relay, command, name, app):
        client = raw.Client(relay.port)
        self.addCleanup(client.stop)
        stream = client.begin(app)
        client.command(command, 3, None, name, *['live'] * (command == 'publish'), stream=stream)
        status = next(values for values in client.commands() if values[0] == 'onStatus')[3]
        return status['description'] if status['level'] == 'error' else ''

    def publish(self, relay, name='cam', app='live'):
        """Why it is refused, or nothing."""
        return self.ask(relay, 'publish', name, app)

    def play(self, relay, name='cam', app='live'):
        return self.ask(relay, 'play', name, app)


class Shown(Tokens):

    def test_what_they_allow_arrives(self):
        relay = self.relay()
        ours = token(publish='live/cam', play=['live/*'])
        player = self.player(relay.url(f'cam?token={ours}')).wait_for_play()
        sample = self.sample()
        self.publisher(sample, relay.url(f'cam?token={ours}')).succeed()
        self.assert_same(self.contents(sample), player.contents())

    def test_they_may_stand_where_clients_can_put_them(self):
        relay = self.relay()
        ours = token(publish='live/*')
        self.assertEqual('', self.publish(relay, f'a?jwt={ours}'))
        self.assertEqual('', self.publish(relay, f'b?user=x&pass={ours}'))
        self.assertEqual('', self.publish(relay, 'c', f'live?token={ours}'))

    def test_each_refusal_is_told(self):
        relay = self.relay()
        good = token(publish='live/cam')
        for query, why in (('', 'A token is needed.'),
                           ('?token=' + good[:-2], 'The token is not valid.'),
                           ('?token=' + token(seconds=-1, publish='*'), 'The token has expired.'),
                           ('?token=' + token(play='*'), 'The token is not for this.'),
                           ('2?token=' + good, 'The token is not for this.')):
            with self.subTest(why):
                self.assertEqual(why, self.publish(relay, 'cam' + query))
        self.assertEqual('The token is not for this.', self.play(relay, 'cam?token=' + good))

    def test_ffmpeg_is_told_too(self):
        publisher = self.publisher(self.sample(seconds=1), self.relay().url())
        self.assertNotEqual(0, publisher.wait_end())
        self.assertIn('A token is needed.', publisher.output)

    def test_players_need_none_where_publishers_do(self):
        relay = self.relay(f'jwt-secret="{SECRET}" jwt-for=publish')
        self.assertEqual('', self.play(relay))
        self.assertEqual('A token is needed.', self.publish(relay))

    def test_they_must_be_for_us(self):
        relay = self.relay(f'jwt-secret="{SECRET}" jwt-issuer=portal jwt-audience=rtmp')
        both = {'iss': 'portal', 'aud': ['web', 'rtmp']}
        self.assertEqual('', self.publish(relay, 'cam?token=' + token(publish='*', **both)))
        for claim in both:
            other = token(publish='*', **{**both, claim: 'other'})
            self.assertEqual('The token is not valid.', self.publish(relay, 'cam?token=' + other))


class PublicKeys(Tokens):

    def key(self, *argv):
        """A private key, and the file with its public one."""
        self.need_program('openssl')
        private, public = self.path(argv[0] + '.pem'), self.path(argv[0] + '.pub')
        process.run(['openssl', *argv, '-out', private])
        process.run(['openssl', 'pkey', '-in', private, '-pubout', '-out', public])
        return private, public

    def sign(self, private):
        def sign(signed):
            return subprocess.run(['openssl', 'dgst', '-sha256', '-sign', private], input=signed,
                                  check=True, capture_output=True).stdout
        return sign

    def test_of_both_kinds_may_be_in_one_file(self):
        rsa, rsa_public = self.key('genpkey', '-algorithm', 'RSA')
        ec, ec_public = self.key(
            'ecparam', '-name', 'prime256v1', '-genkey', '-noout')
        both = self.path('both.pub')
        with open(both, 'w', encoding='ascii') as file:
            for public in rsa_public, ec_public:
                with open(public, encoding='ascii') as text:
                    file.write(text.read())
        relay = self.relay(f'jwt-key-file={both}')
        good = [token('RS256', self.sign(rsa), publish='*'),
                token('ES256', lambda signed: from_der(self.sign(ec)(signed)), publish='*')]
        for name, one in zip('ab', good):
            self.assertEqual('', self.publish(relay, f'{name}?token={one}'))

        def with_public_key(signed):
            with open(both, 'rb') as secret:
                return hmac.new(secret.read(), signed, hashlib.sha256).digest()
        for bad in (token('ES256', self.sign(rsa), publish='*'),
                    token('HS256', with_public_key, publish='*'),
                    token('none', lambda _: b'', publish='*')):
            self.assertEqual('The token is not valid.', self.publish(relay, 'c?token=' + bad))

    def test_mistakes_stop_the_start_and_are_named(self):
        for properties, text in (('jwt-secret=short', 'at least 32 bytes'),
                                 ('jwt-key-file=/nowhere/keys.pem', '/nowhere/keys.pem'),
                                 (f'jwt-key-file={__file__}', 'public keys in pem')):
            with self.subTest(properties):
                serving = self.pipeline(f'rtmpserver port=0 {properties}')
                serving.play()
                self.assert_error(serving.wait_error(), text)


class Users(Tokens):

    def test_the_application_and_a_web_service_hear_who_it_is(self):
        users = []

        def authorize(request):
            users.append(request.get_string('user'))
            return True
        service = self.owned(web.Service())
        relay = self.relay(f'jwt-secret="{SECRET}" on-publish={service.url}', authorize)
        ours = token(sub='alice', publish='*')
        self.assertEqual('', self.publish(relay, 'cam?token=' + ours))
        self.assertEqual(['', 'alice'], users)
        self.assertEqual('alice', service.calls[0]['remote_user'])

    def test_rules_may_be_about_them(self):
        relay = self.relay(f'jwt-secret="{SECRET}" access-rules='
                           '"allow publish live/alice-* user alice; deny publish"')
        for user, why in ('alice', ''), ('bob', 'Not allowed from here.'):
            ours = token(sub=user, publish='*')
            self.assertEqual(why, self.publish(relay, 'alice-1?token=' + ours))

    def test_a_token_is_no_password(self):
        relay = self.relay(f'jwt-secret="{SECRET}" authmod=adobe')
        ours = token(sub='alice', publish='*')
        self.assertEqual('Only for those who log in.',
                         self.publish(relay, 'cam', app='live?token=' + ours))


class Renames(Tokens):

    def test_a_key_is_played_under_another_name(self):
        relay = self.relay('access-rules="rename publish live/key to live/cam; deny publish"')
        player = self.player(relay.url()).wait_for_play()
        sample = self.sample()
        self.publisher(sample, relay.url('key')).succeed()
        self.assert_same(self.contents(sample), player.contents())
        self.assertEqual('Not allowed from here.', self.publish(relay, 'cam'))


if __name__ == '__main__':
    case.main()
