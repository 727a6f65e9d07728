# SPDX-License-Identifier: LGPL-2.1-or-later
"""Which files the tests publish: real ones where they are, made ones everywhere."""

import json
import os

# What FFmpeg 5.1 can publish: one codec id per track, no FourCC.
LEGACY_CODECS = {
    'h264', 'flv1', 'flashsv', 'flashsv2', 'aac', 'mp3', 'speex', 'nellymoser', 'pcm_alaw',
    'pcm_mulaw', 'pcm_u8', 'pcm_s16le', 'pcm_s16be', 'adpcm_swf',
}

# Their packets arrive, but FFmpeg 5.1 publishes 31 bits of the time.
TIMES_NOT_KEPT = {'h264_aac_ts_cross_2p31.flv'}


def shared_folder():
    return os.path.join(os.environ.get('RTMP_SHARED', ''), 'media')


def legacy_files():
    """Paths of the shared files with legacy codecs; empty where the folder is absent."""
    return [_path(entry) for entry in _entries() if _is_legacy(entry)]


def flv_files():
    """Paths of all shared FLV files."""
    return [_path(entry) for entry in _entries() if entry['file'].endswith('.flv')]


def entry(path):
    """What the manifest says of a file."""
    return next(found for found in _entries() if found['file'] == os.path.basename(path))


def tracks_of_kind(entry, kind):
    """A file's tracks of video or audio, in their order."""
    return [track for track in entry['tracks'] if track['codec_type'] == kind]


def keeps_times(path):
    return os.path.basename(path) not in TIMES_NOT_KEPT


def _entries():
    try:
        with open(os.path.join(shared_folder(), 'manifest.json'), encoding='utf-8') as manifest:
            return json.load(manifest)['files']
    except OSError:
        return []


def _path(entry):
    return os.path.join(shared_folder(), entry['file'])


def _is_legacy(entry):
    tracks = entry.get('tracks', [])
    codecs = {track.get('codec_name') for track in tracks
              if track['codec_type'] in ('video', 'audio')}
    kinds = [track['codec_type'] for track in tracks]
    return (entry['file'].endswith('.flv') and codecs <= LEGACY_CODECS
            and kinds.count('video') <= 1 and kinds.count('audio') <= 1)
