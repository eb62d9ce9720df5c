"""A program in a pseudo-terminal, and the screen as a person would see it."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time

import pyte

from sidecar import binary, environment


class Terminal:
    """`driftgauge` with a keyboard and a screen of its own."""

    def __init__(self, *arguments, columns=120, rows=30, env=None):
        self.master, self.slave = pty.openpty()
        self.screen = pyte.Screen(columns, rows)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""
        self._set_size(columns, rows)
        self.modes = termios.tcgetattr(self.slave)
        colours = {"TERM": "xterm-256color", "NO_COLOR": "", **(env or {})}
        self.process = subprocess.Popen(
            [binary(), *map(str, arguments)],
            stdin=self.slave,
            stdout=self.slave,
            stderr=self.slave,
            env=environment(colours),
            preexec_fn=self._control,
        )

    def _control(self):
        """In the child: this terminal is the one that its keys come from."""
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    def _set_size(self, columns, rows):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, columns, rows):
        self.screen.resize(rows, columns)
        self._set_size(columns, rows)

    def press(self, keys):
        os.write(self.master, keys.encode())

    def read(self, seconds=0.05):
        """Takes in what is there."""
        while select.select([self.master], [], [], seconds)[0]:
            data = os.read(self.master, 65536)
            self.raw += data
            self.stream.feed(data)
            seconds = 0

    @property
    def lines(self):
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self):
        return "\n".join(self.lines)

    def wait(self, condition, what, seconds=15):
        """Until the screen is so; the screen is in the message when it never is."""
        deadline = time.monotonic() + seconds
        while True:
            self.read()
            if condition(self.text):
                return self.text
            assert time.monotonic() < deadline, f"not within {seconds} s: {what}\n{self.text}"
            assert self.process.poll() is None, f"ended with {self.process.returncode}: {what}\n{self.text}"

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def ended(self, seconds=10):
        """The exit code; what is written at the end is taken in."""
        deadline = time.monotonic() + seconds
        while self.process.poll() is None:
            self.read()
            assert time.monotonic() < deadline, f"it does not end\n{self.text}"
        self.read()
        return self.process.returncode

    def is_restored(self):
        """Whether lines are edited again, the cursor is there, and what was on the screen is back."""
        on_other_screen = self.raw.rfind(b"\x1b[?1049h") > self.raw.rfind(b"\x1b[?1049l")
        return termios.tcgetattr(self.slave) == self.modes and not self.screen.cursor.hidden and not on_other_screen

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(10)
        os.close(self.master)
        os.close(self.slave)
