"""Generators that `tf.data` runs in its own threads, ended before Python itself ends.

At exit Python waits for nobody: a thread of TensorFlow that still wants to run a generator is
stopped where it is, and the process then hangs, waiting for that thread. It happens where a
training was interrupted.
"""

import atexit
import gc
import sys
import threading
import time
from collections.abc import Iterator
from typing import Final, TypeVar

Item = TypeVar("Item")

_PATIENCE: Final = 10.0
_CLOSING: Final = threading.Event()
_LOCK: Final = threading.Lock()
_busy = 0


def until_exit(items: Iterator[Item]) -> Iterator[Item]:
    """The same items, but none any more once Python exits."""
    while not _CLOSING.is_set():
        _count(1)
        try:
            item = next(items)
        except StopIteration:
            return
        except RuntimeError as error:
            # Pools of threads close before anybody else is told.
            if "interpreter shutdown" not in str(error):
                raise
            return
        finally:
            _count(-1)
        yield item


def _count(change: int) -> None:
    global _busy
    with _LOCK:
        _busy += change


@atexit.register
def _close() -> None:
    _CLOSING.set()
    # An interrupted training is held by its traceback, which is held by itself or, where nobody
    # caught it, by `sys`, for a debugger that will not come any more.
    for name in ("last_traceback", "last_value", "last_exc"):
        if hasattr(sys, name):
            setattr(sys, name, None)
    gc.collect()
    deadline = time.monotonic() + _PATIENCE
    while _busy and time.monotonic() < deadline:
        time.sleep(0.01)
