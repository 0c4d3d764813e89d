"""Logs sent to a server, and what is not here."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs

import numpy as np
import pytest

from fastkeras.callbacks import OrbaxCheckpoint, RemoteMonitor


@pytest.fixture
def server():
    seen = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            seen.append((self.path, dict(self.headers), self.rfile.read(int(self.headers['Content-Length'])).decode()))
            self.send_response(500 if 'broken' in self.path else 200)
            self.end_headers()

        def log_message(self, *args):
            pass

    http = HTTPServer(('127.0.0.1', 0), Handler)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    yield f'http://127.0.0.1:{http.server_port}', seen
    http.shutdown()
    thread.join()
    http.server_close()


def test_forms_and_json(server):
    root, seen = server
    logs = {'loss': 0.5, 'per_class': np.array([1.0, 2.0]), 'acc': np.float32(0.25)}
    RemoteMonitor(root).on_epoch_end(3, logs)
    RemoteMonitor(root, '/here', headers={'Token': 'abc'}, send_as_json=True).on_epoch_end(4, logs)
    (path, headers, body), (other, more, text) = seen
    expected = {'epoch': 3, 'loss': 0.5, 'per_class': [1.0, 2.0], 'acc': 0.25}
    assert path == '/publish/epoch/end/' and json.loads(parse_qs(body)['data'][0]) == expected
    assert headers['Content-Type'] == 'application/x-www-form-urlencoded'
    assert other == '/here' and json.loads(text) == {**expected, 'epoch': 4}
    assert more['Token'] == 'abc' and more['Content-Type'] == 'application/json'


def test_a_server_that_does_not_answer(server):
    root, _ = server
    for monitor in (RemoteMonitor('http://127.0.0.1:9'), RemoteMonitor(root, '/broken')):
        with pytest.warns(UserWarning, match='could not be reached'):
            monitor.on_epoch_end(0, {'loss': 1.0})
    with pytest.raises(ValueError, match='http://'):
        RemoteMonitor('file:///etc')


def test_orbax_is_not_here():
    with pytest.raises(ImportError, match='ModelCheckpoint'):
        OrbaxCheckpoint('a')
