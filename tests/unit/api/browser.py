# SPDX-License-Identifier: BSD-3-Clause
"""Chromium without a window, driven over its debugging pipe: JSON, each message ended by a NUL."""

import base64
import contextlib
import json
import os
import select
import shutil
import struct
import subprocess
import time
import zlib

from rig import PATIENCE_S, expect, expect_equal, until
from support.tap import Skip


class Page:
    """One page, at one size."""

    def __init__(self, process, to_browser, from_browser):
        self.process, self.to, self.come = process, to_browser, from_browser
        self.left, self.last, self.session = b"", 0, None

    def receive(self, deadline):
        while b"\0" not in self.left:
            wait = deadline - time.monotonic()
            ready = wait > 0 and select.select([self.come], [], [], wait)[0]
            expect(ready, "chromium does not answer")
            got = os.read(self.come, 1 << 20)
            expect(got, "chromium ended")
            self.left += got
        text, _, self.left = self.left.partition(b"\0")
        return json.loads(text)

    def ask(self, method, **params):
        """What @method answers; events that come before are not awaited by anybody."""
        self.last += 1
        message = {"id": self.last, "method": method, "params": params}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + 4 * PATIENCE_S
        while True:
            answer = self.receive(deadline)
            if answer.get("id") == self.last:
                expect("error" not in answer, f"{method}: {answer.get('error')}")
                return answer["result"]

    def open(self, url):
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target,
                                flatten=True)["sessionId"]
        self.ask("Page.enable")
        self.ask("Page.navigate", url=url)
        self.wait("document.body && Number(document.body.dataset.turns || 0) > 0",
                  "the page to show something")

    def run(self, script):
        """The value of a JavaScript expression."""
        answer = self.ask("Runtime.evaluate", expression=script, returnByValue=True,
                          awaitPromise=True, userGesture=True)
        expect("exceptionDetails" not in answer, f"{script}: {answer.get('exceptionDetails')}")
        return answer["result"].get("value")

    def wait(self, script, what):
        return until(lambda: self.run(script), what)

    def look(self, width, height, dark=False):
        """A screen of that size; a narrow one is a phone's."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height,
                 deviceScaleFactor=1, mobile=width < 600)
        self.ask("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def click(self, selector):
        """With the mouse, where a person would see it."""
        x, y = self.run(f"(() => {{ const e = document.querySelector({json.dumps(selector)});"
                        "e.scrollIntoView({block: 'center', inline: 'center'});"
                        "const r = e.getBoundingClientRect();"
                        "return [r.x + r.width / 2, r.y + r.height / 2]; })()")
        for kind in ("mousePressed", "mouseReleased"):
            self.ask("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def type(self, text):
        self.ask("Input.insertText", text=text)

    def screenshot(self):
        return base64.b64decode(self.ask("Page.captureScreenshot", format="png")["data"])


def headless(directory, *options):
    """(command, environment) of a browser that keeps all it has in @directory."""
    if not shutil.which("chromium"):
        raise Skip("chromium is not installed")
    return (["chromium", "--headless=new", "--no-sandbox", "--disable-gpu",
             "--disable-dev-shm-usage", "--no-first-run", "--hide-scrollbars",
             f"--user-data-dir={directory}", *options],
            {**os.environ, "HOME": str(directory)})  # crash reports go there


@contextlib.contextmanager
def browse(directory, url):
    command, environment = headless(f"{directory}/driven", "--remote-debugging-pipe",
                                    "about:blank")
    come_in, go_out = os.pipe(), os.pipe()  # the browser reads 3 and writes 4
    script = f'exec "$@" 3<&{come_in[0]} 4>&{go_out[1]}'
    with subprocess.Popen(["sh", "-c", script, "sh", *command], stdin=subprocess.DEVNULL,
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment,
                          pass_fds=(come_in[0], go_out[1])) as process:
        os.close(come_in[0])
        os.close(go_out[1])
        try:
            page = Page(process, come_in[1], go_out[0])
            page.open(url)
            yield page
        finally:
            os.close(come_in[1])  # it ends when nobody drives it
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
            os.close(go_out[0])


def unfilter(kind, line, above, bpp):
    """One line of a PNG as it was before it was filtered (PNG specification, 9.2)."""
    out = bytearray(line)
    for i, value in enumerate(line):
        a = out[i - bpp] if i >= bpp else 0
        b, c = above[i], above[i - bpp] if i >= bpp else 0
        if kind == 1:
            add = a
        elif kind == 2:
            add = b
        elif kind == 3:
            add = (a + b) // 2
        elif kind == 4:
            add = min((a, b, c), key=lambda v: abs(a + b - c - v))
        else:
            add = 0
        out[i] = (value + add) & 0xff
    return out


def pixels(png, rows):
    """(width, height, the first @rows lines as lists of (red, green, blue))"""
    expect_equal(png[:8], b"\x89PNG\r\n\x1a\n", "a PNG")
    at, data = 8, b""
    while at < len(png):
        n, kind = struct.unpack("!I4s", png[at:at + 8])
        if kind == b"IHDR":
            width, height, depth, color = struct.unpack("!IIBB", png[at + 8:at + 18])
        elif kind == b"IDAT":
            data += png[at + 8:at + 8 + n]
        at += 12 + n
    bpp = {2: 3, 6: 4}[color]
    expect_equal(depth, 8, "bits of a colour")
    raw, above, lines = zlib.decompress(data), bytes(width * bpp), []
    for y in range(min(rows, height)):
        line = raw[y * (width * bpp + 1):(y + 1) * (width * bpp + 1)]
        above = unfilter(line[0], line[1:], above, bpp)
        lines.append([tuple(above[x * bpp:x * bpp + 3]) for x in range(width)])
    return width, height, lines
