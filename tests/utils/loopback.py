"""A web server on this machine that does what a test wants: ranges or none, other files meanwhile, broken connections."""

import re
import threading
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Site:
    """files: path → bytes. etag: value of the header, or None. ranges: whether range requests are honoured. break_after:
    bytes after which the next answers (a list, one each) end. log: (path, Range, If-Range) of the requests so far."""

    def __init__(self, files):
        self.files, self.etag, self.date, self.ranges, self.length = dict(files), '"1"', None, True, True
        self.break_after, self.log, self.hold = [], [], None
        self.address = None

    def answer(self, request):
        wanted, condition = request.headers.get('Range'), request.headers.get('If-Range')
        self.log.append((request.path, wanted, condition))
        if self.hold is not None:
            self.hold.wait(10)
        body = self.files.get(request.path)
        if body is None:
            request.send_error(404)
            return
        start, status = 0, 200
        if wanted and self.ranges and condition in (self.etag, self.date):
            start, status = int(re.fullmatch(r'bytes=(\d+)-', wanted)[1]), 206
            if start >= len(body):
                request.send_error(416)
                return
        request.send_response(status)
        if status == 206:
            request.send_header('Content-Range', self.content_range(start, len(body)))
        if self.length:
            request.send_header('Content-Length', str(len(body) - start))
        for name, value in (('ETag', self.etag), ('Last-Modified', self.date)):
            if value:
                request.send_header(name, value)
        request.end_headers()
        end = start + self.break_after.pop(0) if self.break_after else None
        with suppress(ConnectionError):             # of a client that went away
            request.wfile.write(body[start:end])

    def content_range(self, start, size):
        return f'bytes {start}-{size - 1}/{size}'


@contextmanager
def serve(files):
    """A Site, at http://127.0.0.1:…, as long as the context lasts."""
    site = Site(files)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            site.answer(self)

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(('127.0.0.1', 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={'poll_interval': 0.01})
    thread.start()
    site.address = f'http://127.0.0.1:{server.server_port}'
    try:
        yield site
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
