"""What fuzzing starts from: the tests' vectors, and pieces of recordings and real files where a
checkout has them. seeds(target) gives the inputs of one target."""
# SPDX-License-Identifier: LGPL-2.1-or-later

import os
import pathlib
import re
import struct

TESTS = pathlib.Path(os.environ.get("RTMP_TEST_DATA", pathlib.Path(__file__).parents[1]))
SHARED = pathlib.Path(os.environ.get("RTMP_SHARED", TESTS.parents[1] / "shared"))

AUDIO, VIDEO, DATA, COMMAND = 8, 9, 18, 20
HANDSHAKE = 1 + 2 * 1536
FILE_BYTES = 24 * 1024  # of a file or a recording
TAG_BYTES = 512


def lines(name):
    """The vectors' lines without comments."""
    path = TESTS / "vectors" / name
    return [line for line in path.read_text().splitlines() if line and not line.startswith("#")]


def hex_words(line):
    """The bytes that a line begins with."""
    digits = re.match(r"[0-9a-fA-F ]*", line).group().replace(" ", "")
    return bytes.fromhex(digits[: len(digits) // 2 * 2])


def files(pattern):
    return sorted(SHARED.glob(pattern))


def head(path):
    with path.open("rb") as file:
        return file.read(FILE_BYTES)


def tags(path):
    """(type, payload) of the first tags of an FLV file."""
    content, at = head(path), 13
    while at + 11 <= len(content):
        size = int.from_bytes(content[at + 1 : at + 4], "big")
        yield content[at], content[at + 11 : at + 11 + size][:TAG_BYTES]
        at += 11 + size + 4


def media_tags(*types):
    for path in files("media/*.flv"):
        for number, (kind, payload) in enumerate(tags(path)):
            if kind in types and number < 12:
                yield bytes([kind]) + payload


def conversation(direction):
    """Recorded bytes behind the handshake, in pieces of 256 as drive() in sessions.h takes them."""
    for path in files(f"wire/*.{direction}"):
        content = head(path)[HANDSHAKE:]
        pieces = (content[at : at + 256] for at in range(0, len(content), 256))
        yield b"\0" + b"".join(bytes([len(piece) - 1]) + piece for piece in pieces)


def amf0():
    for name in ("amf0.txt", "amf0_bad.txt"):
        yield from map(hex_words, lines("amf/" + name))
    for value in amf3():
        yield b"\x11" + value


def amf3():
    for name in ("amf3.txt", "amf3_bad.txt"):
        yield from map(hex_words, lines("amf/" + name))


def command():
    for value in (*amf0(), *amf3()):
        yield bytes([COMMAND]) + b"\x02\x00\x01a\x00" + bytes(8) + value
        yield bytes([DATA]) + b"\x02\x00\x0aonMetaData" + value
    yield from media_tags(DATA)


def chunk():
    for direction in ("c2s", "s2c"):
        for path in files(f"wire/*.{direction}"):
            yield b"\x1f" + head(path)[HANDSHAKE:]
    yield bytes.fromhex("00 02000000000004010000000000001000".replace(" ", ""))


def control():
    for kind in range(1, 7):
        yield bytes([kind]) + struct.pack(">IIB", kind, 4096, 2)
    yield bytes.fromhex("04000300000001000003e8")
    yield bytes.fromhex("0400060000ffff")


def flv():
    for path in files("media/*.flv"):
        yield b"\x40" + head(path)
    yield b"\x00FLV\x01\x05" + struct.pack(">II", 9, 0)


def flv_client():
    for path in files("media/*.flv"):
        content = head(path)[:4096]
        pieces = (content[at : at + 256] for at in range(0, len(content), 256))
        yield b"\1" + b"".join(bytes([len(piece) - 1]) + piece for piece in pieces)
    yield b"\0" + b"\1\5\x28\x17\1\0\0\0" * 3
    yield b"\3" + b"\0F"


def tunnel():
    yield from (b"/fcs/ident2", b"/open/1", b"/send/abc/0", b"/idle/A-b_c/17", b"/close/x/1",
                b"abcdefgh\n", bytes(range(12)), bytes([1, 3, 2, 2, 3, 4]))


def handshake():
    for path in files("wire/*.c2s"):
        yield b"\0" + head(path)[:HANDSHAKE]
    for path in files("wire/*.s2c"):
        yield b"\1" + head(path)[:HANDSHAKE]
    yield b"\0\3" + bytes(2 * 1536)


def http_target():
    yield from (b"/", b"/a%2Fb?x=1&y=a+b%26&z&&=e", b"http://host:80/a?b=c", b"/%00", b"/%zz?%=")


def rtmpe():
    for record in (TESTS / "vectors" / "handshake" / "rtmpe.txt").read_text().split("\n\n"):
        fields = dict(line.split(": ") for line in record.splitlines() if not line.startswith("#"))
        for steering, first, second in ((5, "c1", "c2"), (4, "s1", "s2"), (9, "c1", "c2"), (8, "s1", "s2")):
            blocks = bytes.fromhex(fields[first] + fields[second + "_body"])
            for version in (6, 8, 9):
                signature = bytes.fromhex(fields[f"{second}_signature_{version}"])
                yield bytes([steering, version]) + blocks + signature


def media():
    for name, kind in (("audio.txt", AUDIO), ("video.txt", VIDEO)):
        for line in lines("media/" + name):
            yield bytes([kind]) + hex_words(line.partition(": ")[2])
    yield from media_tags(AUDIO, VIDEO)


def media_format():
    numbers = {"h264": 6, "h265": 9, "av1": 11, "vp8": 12, "aac": 23, "opus": 25, "flac": 28}
    codec = None
    for key, _, value in (line.partition(": ") for line in lines("media/configurations.txt")):
        if key == "codec":
            codec = numbers[value]
        if key == "configuration":
            yield bytes([codec]) + hex_words(value)


def passwords():
    yield b"# encoders\n\nalice:s3cr3t\r\nbob:a:b c"
    yield b"alice:1\nalice:2\nbob\n:x\n"


def token():
    for line in lines("token/tokens.txt"):
        if line.startswith("token: "):
            yield line.partition(": ")[2].encode()
    for name in ("rsa.pem", "ec.pem"):
        yield (TESTS / "vectors" / "token" / name).read_bytes()
    yield b'{"exp":1,"sub":"a","aud":["b"],"publish":["live/*"],"play":"*","nbf":0,"iat":0}'
    yield b'{"exp":1e3,"mediamtx_permissions":[{"action":"read","path":"live/cam"}]}'


def url():
    for name in ("locations.txt", "faults.txt", "conn.txt"):
        for line in lines("url/" + name):
            yield line.partition(": ")[2].encode()
    yield b"rtmp://user:pass@[::1]:1936/app/instance/stream?video=1&audio=0,2 live=1"


def proxy_header():
    for line in lines("proxy/headers.txt"):
        key, _, value = line.partition(": ")
        if key == "line":
            yield value.encode() + b"\r\n"
        if key == "bytes":
            yield hex_words(value)


def server_session():
    yield from conversation("c2s")
    yield b"\0" + b"\x0b" + bytes.fromhex("030000000000011400000000")


def client_session():
    yield from conversation("s2c")
    yield b"\0" + b"\x0b" + bytes.fromhex("030000000000011400000000")


def demux():
    for number, path in enumerate(files("media/*.flv")):
        for pulled in (0, 1):
            yield bytes([number % 4 * 2 + pulled, 0x40]) + head(path)
    yield b"\0\0FLV\x01\x05" + struct.pack(">II", 9, 0)


def seeds(target):
    return set(globals()[target]())
