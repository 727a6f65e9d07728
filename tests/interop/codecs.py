# SPDX-License-Identifier: LGPL-2.1-or-later
"""rtmpdemux before Debian's decoders: pictures and sound of every codec of FLV and Enhanced RTMP.

Pictures are compared by the hashes of the manifest, sound with what FFmpeg's libraries decode.
"""

import array
import hashlib
import os
from collections import namedtuple

from rtmptest import case, media, process
from rtmptest.gst import Gst

QUEUE = 'queue max-size-buffers=0 max-size-bytes=0 max-size-time=0'

# What decodes a track here, and how ffmpeg calls the same decoder where the manifest's hashes are
# of another one: those of floating point differ from version to version.
Decoder = namedtuple('Decoder', 'chain name', defaults=[None])

VIDEO = {
    'video/x-h264': 'avdec_h264',
    'video/x-h265': 'avdec_h265',
    'video/x-av1': 'av1dec',
    'video/x-vp8': 'vp8dec',
    'video/x-vp9': 'vp9dec',
    'video/x-flash-video': 'avdec_flv',
    'video/x-flash-screen': 'avdec_flashsv',
    'video/x-flash-screen2': 'avdec_flashsv2',
}

AUDIO = {
    'audio/mpeg 4': Decoder('avdec_aac', 'aac'),
    'audio/mpeg 1': Decoder('avdec_mp3', 'mp3'),
    'audio/x-ac3': Decoder('avdec_ac3', 'ac3'),
    'audio/x-eac3': Decoder('avdec_eac3', 'eac3'),
    'audio/x-opus': Decoder('opusdec', 'libopus'),
    'audio/x-speex': Decoder('speexdec', 'libspeex'),
    'audio/x-nellymoser': Decoder('avdec_nellymoser', 'nellymoser'),
    'audio/x-flac': Decoder('flacdec'),
    'audio/x-alaw': Decoder('alawdec'),
    'audio/x-mulaw': Decoder('mulawdec'),
    'audio/x-adpcm': Decoder('avdec_adpcm_swf'),
    # The manifest's hashes are of 16 bits a sample.
    'audio/x-raw': Decoder('audioconvert dithering=none ! audio/x-raw,format=S16LE'),
}

# Debian's libav plugin does not tell this decoder which packets are key frames: it shows no others.
KEY_FRAMES_ALONE = {'video/x-flash-screen2'}

# GStreamer's flvmux wrote the two headers of Speex as sound, which decoders make noise of.
NOISE_FIRST = {'h264_speex_gst.flv'}

# No FFmpeg reads VP8 in FLV; the same packets in WebM tell what is in them.
PICTURES_OF = {'vp8_opus.flv': 'src_vp8_opus.webm', 'vp8_opus_zlm.flv': 'src_vp8_opus.webm'}

SAMPLES = {'S16LE': 'h', 'F32LE': 'f'}


class Track:
    """What a decoder made of one pad of rtmpdemux."""

    def __init__(self, pad):
        caps = pad.get_current_caps().get_structure(0)
        self.codec = caps.get_name()
        if self.codec == 'audio/mpeg':
            self.codec += f' {caps.get_int("mpegversion")[1]}'
        self.kind = self.codec.split('/')[0]
        self.frames, self.keys = [], []
        self.bytes = bytearray()
        self.format = None
        pad.add_probe(Gst.PadProbeType.BUFFER, self._note_key)

    def description(self):
        if self.kind == 'video':
            return f'{VIDEO[self.codec]} ! fakesink name=end sync=false async=false'
        return (f'{AUDIO[self.codec].chain} ! audioconvert ! audio/x-raw,layout=interleaved '
                '! fakesink name=end sync=false async=false')

    def watch(self, pad):
        pad.add_probe(Gst.PadProbeType.BUFFER, self._keep)

    def hash(self):
        return hash_of(self.frames)

    def samples(self):
        return array.array(SAMPLES[self.format], bytes(self.bytes))

    def _note_key(self, _pad, info):
        self.keys.append(not info.get_buffer().has_flags(Gst.BufferFlags.DELTA_UNIT))
        return Gst.PadProbeReturn.OK

    def _keep(self, pad, info):
        buffer = info.get_buffer()
        data = buffer.extract_dup(0, buffer.get_size())
        self.frames.append(hashlib.md5(data).hexdigest())
        if self.kind == 'audio':
            self.bytes += data
            self.format = pad.get_current_caps().get_structure(0).get_string('format')
        return Gst.PadProbeReturn.OK


def hash_of(frames):
    """As the manifest makes one of many."""
    return hashlib.md5(''.join(frame + '\n' for frame in frames).encode()).hexdigest()


def manifest_hashes(track):
    return {track.get(f'decoded_frames_md5_{version}') for version in ('modern', 'debian51')}


class Decoding(case.Case):
    """One test for each real file and kind of track, added below."""

    def decoded(self, path):
        """The tracks by the names of their pads."""
        self.need_elements('rtmpdemux')
        pipeline = self.pipeline(f'filesrc location={path} ! rtmpdemux name=d')
        tracks = {}

        def expose(_demuxer, pad):
            if pad.get_name().startswith('data'):
                return
            track = tracks[pad.get_name()] = Track(pad)
            chain = Gst.parse_bin_from_description(track.description(), True)
            track.watch(chain.get_by_name('end').get_static_pad('sink'))
            pipeline.pipeline.add(chain)
            chain.sync_state_with_parent()
            pad.link(chain.get_static_pad('sink'))
        pipeline['d'].connect('pad-added', expose)
        pipeline.play().wait_eos()
        pipeline.stop()
        return tracks

    def in_matroska(self, path, tracks):
        """The tracks of sound in a container that every FFmpeg reads."""
        copy = self.path('sound.mka')
        line = ' '.join(f'd.{name} ! {QUEUE} ! mux.audio_{i}' for i, name in enumerate(tracks))
        self.pipeline(f'filesrc location={path} ! rtmpdemux name=d {line} matroskamux name=mux '
                      f'! filesink location={copy}').play().wait_eos()
        return copy

    def reference(self, source, index, track):
        """The samples that ffmpeg makes of a track of sound."""
        raw = self.path('reference.raw')
        process.run(['ffmpeg', '-v', 'error', '-nostdin', '-y', '-c:a', AUDIO[track.codec].name,
                     '-i', source, '-map', f'0:a:{index}', '-f', track.format.lower(), raw])
        with open(raw, 'rb') as file:
            return array.array(SAMPLES[track.format], file.read())

    def compare_pictures(self, entry, tracks):
        known_in = PICTURES_OF.get(entry['file'])
        expected = media.tracks_of_kind(media.entry(known_in) if known_in else entry, 'video')
        found = [tracks[name] for name in sorted(tracks) if name.startswith('video')]
        self.assertEqual(len(expected), len(found))
        for track, known in zip(found, expected):
            if track.codec in KEY_FRAMES_ALONE:
                self.assertEqual(sum(track.keys), len(track.frames))
            else:
                self.assertEqual(known['decoded_frames_modern'], len(track.frames))
                self.assertIn(track.hash(), manifest_hashes(known), track.codec)

    def compare_sound(self, path, entry, tracks):
        expected = media.tracks_of_kind(entry, 'audio')
        names = sorted(name for name in tracks if name.startswith('audio'))
        self.assertEqual(len(expected), len(names))
        source = path
        if not entry['debian51_can_read'] and any(AUDIO[tracks[n].codec].name for n in names):
            source = self.in_matroska(path, names)
        for index, (name, known) in enumerate(zip(names, expected)):
            track = tracks[name]
            if AUDIO[track.codec].name:
                self.assert_sounds_like(self.reference(source, index, track), track)
            else:
                self.assertIn(track.hash(), manifest_hashes(known), track.codec)

    def assert_sounds_like(self, expected, track):
        found = track.samples()
        # Whoever counts the beginning that Opus has decoders throw away may keep it.
        if track.codec == 'audio/x-opus':
            del found[:max(0, len(found) - len(expected))]
        self.assertGreater(len(expected), 0)
        self.assertEqual(len(expected), len(found))
        if expected != found:
            # ffmpeg asks libopus for floating point and rounds itself.
            self.assertLessEqual(max(abs(a - b) for a, b in zip(expected, found)), 2, track.codec)

    def check(self, path):
        entry = media.entry(path)
        tracks = self.decoded(path)
        self.compare_pictures(entry, tracks)
        if entry['file'] not in NOISE_FIRST:
            self.compare_sound(path, entry, tracks)

    def test_the_real_files_are_here(self):
        if not media.flv_files():
            self.skipTest('no folder of real files (RTMP_SHARED)')


def add_file_test(path):
    name = os.path.basename(path).split('.')[0]
    setattr(Decoding, f'test_{name}_decodes_to_what_was_encoded', lambda self: self.check(path))


for found in media.flv_files():
    add_file_test(found)

if __name__ == '__main__':
    case.main()
