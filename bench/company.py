"""Programs that keep processors busy beside what is measured."""
import contextlib
import subprocess
import sys
import time

SPIN = 'while True: pass'


@contextlib.contextmanager
def beside(number):
    """`number` processes that do nothing but count, while the block lasts."""
    children = [subprocess.Popen([sys.executable, '-c', SPIN]) for _ in range(number)]
    try:
        time.sleep(0.2 if number else 0)
        yield
    finally:
        for child in children:
            child.kill()
            child.wait()
