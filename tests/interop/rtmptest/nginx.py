# SPDX-License-Identifier: LGPL-2.1-or-later
"""nginx-rtmp on a port of its own, in a folder of its own."""

import os

from . import process, wait

MODULE_FOLDERS = ('/usr/lib/nginx/modules', '/usr/share/nginx/modules')

CONFIGURATION = '''
load_module {module};
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/error.log info;
events {{ worker_connections 256; }}
rtmp {{
  access_log off;
  server {{
    listen 127.0.0.1:{port};
    chunk_size 4096;
    max_message 16M;
    publish_notify on;
    application live {{ live on; wait_key off; wait_video off; }}
    application strict {{ live on; idle_streams off; }}
    application closed {{ live on; deny publish all; }}
    application vod {{ play {folder}/vod; }}
    application rec {{ live on; record all; record_path {folder}/rec; record_suffix .flv; }}
    {extra}
  }}
}}
{http}
'''

REVERSE_PROXY = '''
http {{
  access_log off;
  client_body_temp_path {folder}/body;
  proxy_temp_path {folder}/proxy;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
  server {{
    listen 127.0.0.1:{port};
    client_max_body_size 0;
    location / {{
      proxy_pass http://127.0.0.1:{server};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Upgrade $http_upgrade;
      proxy_set_header Connection $connection_upgrade;
      proxy_buffering off;
      proxy_request_buffering off;
    }}
  }}
}}
'''


def module_path():
    for folder in MODULE_FOLDERS:
        path = os.path.join(folder, 'ngx_rtmp_module.so')
        if os.path.exists(path):
            return path
    return None


def program_path():
    return next((path for path in ('/usr/sbin/nginx', '/usr/bin/nginx', '/usr/local/sbin/nginx')
                 if os.path.exists(path)), None)


def available():
    return bool(module_path() and program_path())


class Nginx:
    """A server with the applications of CONFIGURATION, and a reverse proxy of HTTP before another
    if that one's port is given."""

    def __init__(self, folder, extra='', server=None):
        self.folder = folder
        self.port = wait.free_port()
        self.error_log = os.path.join(folder, 'error.log')
        for name in ('vod', 'rec'):
            os.makedirs(os.path.join(folder, name), exist_ok=True)
        self.configuration = os.path.join(folder, 'nginx.conf')
        self.http_port = wait.free_port() if server else None
        http = REVERSE_PROXY.format(folder=folder, port=self.http_port, server=server)
        with open(self.configuration, 'w', encoding='ascii') as out:
            out.write(CONFIGURATION.format(
                module=module_path(), folder=folder, port=self.port, extra=extra,
                http=http if server else ''))
        self.start()

    def start(self):
        self.program = process.Program(
            [program_path(), '-p', self.folder, '-c', self.configuration, '-e', self.error_log],
            folder=self.folder)
        self.program.wait_for_port(self.port)

    def url(self, stream='cam', application='live'):
        return f'rtmp://127.0.0.1:{self.port}/{application}/{stream}'

    @property
    def log(self):
        with open(self.error_log, encoding='utf-8', errors='replace') as lines:
            return lines.read()

    def wait_for_log(self, text, timeout=wait.PATIENCE):
        try:
            wait.until(lambda: text in self.log, f'nginx to log {text!r}', timeout)
        except wait.Timeout as error:
            raise wait.Timeout(f'{error}\n{self.log[-4000:]}') from None

    def wait_for_player(self, stream='cam'):
        self.wait_for_log(f"play: name='{stream}'")

    def wait_for_publisher(self, stream='cam'):
        self.wait_for_log(f"publish: name='{stream}'")

    def stop(self):
        self.program.stop()
