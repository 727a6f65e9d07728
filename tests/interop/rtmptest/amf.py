# SPDX-License-Identifier: LGPL-2.1-or-later
"""As much AMF0 as scripted peers need, written without the project's own code in mind."""

import struct


class Undefined:
    def __repr__(self):
        return 'undefined'


UNDEFINED = Undefined()


def encode(value):
    if isinstance(value, bool):
        return bytes([1, value])
    if isinstance(value, (int, float)):
        return b'\0' + struct.pack('>d', value)
    if isinstance(value, str):
        return b'\2' + _text(value)
    if isinstance(value, dict):
        pairs = b''.join(_text(key) + encode(item) for key, item in value.items())
        return b'\3' + pairs + b'\0\0\x09'
    if value is None:
        return b'\5'
    if isinstance(value, list):
        return b'\x0a' + struct.pack('>I', len(value)) + b''.join(map(encode, value))
    raise TypeError(value)


def encode_all(*values):
    return b''.join(map(encode, values))


def decode_all(data):
    values, position = [], 0
    while position < len(data):
        value, position = _decode(data, position)
        values.append(value)
    return values


def _text(text):
    raw = text.encode()
    return struct.pack('>H', len(raw)) + raw


def _read_text(data, position):
    size, = struct.unpack_from('>H', data, position)
    end = position + 2 + size
    return data[position + 2:end].decode('utf-8', 'replace'), end


def _decode(data, position):
    marker = data[position]
    position += 1
    if marker == 0:
        return struct.unpack_from('>d', data, position)[0], position + 8
    if marker == 1:
        return bool(data[position]), position + 1
    if marker == 2:
        return _read_text(data, position)
    if marker == 3:
        return _decode_pairs(data, position)
    if marker == 5:
        return None, position
    if marker == 6:
        return UNDEFINED, position
    if marker == 8:
        return _decode_pairs(data, position + 4)
    if marker == 10:
        count, = struct.unpack_from('>I', data, position)
        position += 4
        items = []
        for _ in range(count):
            item, position = _decode(data, position)
            items.append(item)
        return items, position
    if marker == 12:
        size, = struct.unpack_from('>I', data, position)
        end = position + 4 + size
        return data[position + 4:end].decode('utf-8', 'replace'), end
    raise ValueError(f'AMF0 marker {marker}')


def _decode_pairs(data, position):
    pairs = {}
    while data[position:position + 3] != b'\0\0\x09':
        key, position = _read_text(data, position)
        pairs[key], position = _decode(data, position)
    return pairs, position + 3
