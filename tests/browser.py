"""A small driver of headless Chromium: the DevTools protocol over a pair of pipes, with the standard library alone.

    with Browser(find_chromium()) as browser:
        tab = browser.open(page.html, width=400, height=800)
        tab.key("ArrowRight")
        tab.run("document.title")
        tab.messages, tab.requests      # what the console said, and what was asked of the network

Protocol: https://chromedevtools.github.io/devtools-protocol/. Each message is JSON with a NUL byte after it.
"""

from __future__ import annotations

import base64
import fcntl
import itertools
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
KEYS = {" ": 32, "PageUp": 33, "PageDown": 34, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39,
        "ArrowDown": 40, "Backspace": 8, "Tab": 9, "Enter": 13, "Escape": 27}


def find_chromium() -> str | None:
    """The Chromium on the PATH, if there is one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Browser:
    """One process for many tabs, which have no network. A tab that was closed is opened again for the next page."""

    def __init__(self, program: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="browser-"))
        read_there, self.write_here = os.pipe()
        self.read_here, write_there = os.pipe()
        options = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking",
                   "--hide-scrollbars",
                   "--remote-debugging-pipe", f"--user-data-dir={self.folder / 'profile'}"]
        # Chromium looks for its pipes at 3 and 4, where a shell puts them
        there = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 10) for end in (read_there, write_there)]
        put = f'exec "$0" "$@" 3<&{there[0]} 4>&{there[1]}'
        self.process = subprocess.Popen(["bash", "-c", put, program, *options, "about:blank"], pass_fds=there,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for end in (read_there, write_there, *there):
            os.close(end)
        self.numbers = itertools.count(1)
        self.unread = b""
        self.tabs: dict[str, Tab] = {}
        self.closed: list[Tab] = []    # a new one takes four times as long as another page in one that is there
        self.pages = itertools.count()

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, *_: Any) -> None:
        self.send("Browser.close")
        try:
            self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.read_here)
        os.close(self.write_here)
        shutil.rmtree(self.folder, ignore_errors=True)

    def send(self, method: str, session: str = "", **params: Any) -> int:
        number = next(self.numbers)
        message = {"id": number, "method": method, "params": params} | ({"sessionId": session} if session else {})
        os.write(self.write_here, json.dumps(message).encode() + b"\0")
        return number

    def call(self, method: str, session: str = "", **params: Any) -> Any:
        """The answer to one command; RuntimeError if the browser refuses it or says nothing for 30 seconds."""
        number = self.send(method, session, **params)
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            message = self.receive(deadline)
            if message.get("id") == number:
                if "error" in message:
                    raise RuntimeError(f"{method}: {message['error']}")
                return message["result"]
        raise RuntimeError(f"{method}: no answer")

    def receive(self, deadline: float) -> dict[str, Any]:
        """The next message; those about a tab are noted there."""
        while b"\0" not in self.unread:
            if not select.select([self.read_here], [], [], max(0.0, deadline - time.monotonic()))[0]:
                raise RuntimeError("the browser says nothing")
            arrived = os.read(self.read_here, 1 << 20)
            if not arrived:
                raise RuntimeError("the browser has gone")
            self.unread += arrived
        text, self.unread = self.unread.split(b"\0", 1)
        message = json.loads(text)
        if message.get("sessionId") in self.tabs and "method" in message:
            self.tabs[message["sessionId"]].note(message["method"], message["params"])
        return message

    def open(self, page: str | Path, address: str = "", width: int = 1000, height: int = 800, dark: bool = False,
             calm: bool = False) -> Tab:
        """A tab with a page, given as HTML or as the path of its file, at `#address`."""
        if not isinstance(page, Path):
            path = self.folder / f"page{next(self.pages)}.html"
            path.write_text(page, encoding="utf-8")
            page = path
        tab = self.closed.pop() if self.closed else self.another()
        tab.page = page
        tab.size(width, height)
        media = {"prefers-color-scheme": "dark" if dark else "light",
                 "prefers-reduced-motion": "reduce" if calm else "no-preference"}
        tab.call("Emulation.setEmulatedMedia", features=[{"name": name, "value": x} for name, x in media.items()])
        tab.forget()
        tab.visit(address)
        return tab

    def another(self) -> Tab:
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = self.tabs[session] = Tab(self, session)
        tab.call("Page.enable")
        tab.call("Page.setLifecycleEventsEnabled", enabled=True)
        tab.call("Runtime.enable")
        tab.call("Log.enable")
        tab.call("Network.enable")
        return tab


class Tab:
    """One open page."""

    def __init__(self, browser: Browser, session: str) -> None:
        self.browser, self.session = browser, session
        self.page = Path()
        self.loaded: set[str] = set()
        self.forget()

    def forget(self) -> None:
        self.messages: list[str] = []
        self.requests: list[str] = []
        self.frames: list[str] = []

    def note(self, method: str, params: dict[str, Any]) -> None:
        if method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"):
            self.messages.append(json.dumps(params)[:2000])
        elif method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Page.lifecycleEvent" and params["name"] == "load":
            self.loaded.add(params["loaderId"])
        elif method == "Target.attachedToTarget":
            self.frames.append(params["sessionId"])

    def call(self, method: str, **params: Any) -> Any:
        return self.browser.call(method, self.session, **params)

    def visit(self, address: str = "") -> None:
        """Load the page anew, at `#address`."""
        self.load("about:blank")
        self.load(self.page.resolve().as_uri() + (f"#{address}" if address else ""))

    def load(self, url: str) -> None:
        loader = self.call("Page.navigate", url=url)["loaderId"]
        deadline = time.monotonic() + 30
        while loader not in self.loaded:
            self.browser.receive(deadline)

    def frame(self) -> Tab:
        """The page inside the first iframe, which has a process of its own."""
        self.call("Target.setAutoAttach", autoAttach=True, waitForDebuggerOnStart=False, flatten=True)
        inner = self.browser.tabs[self.frames[0]] = Tab(self.browser, self.frames[0])
        inner.call("Runtime.enable")
        inner.call("Log.enable")
        return inner

    def size(self, width: int, height: int) -> None:
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression; a promise is waited for."""
        answer = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(json.dumps(answer["exceptionDetails"])[:2000])
        result = answer["result"]
        return float(result["unserializableValue"]) if "unserializableValue" in result else result.get("value")

    def text(self, selector: str) -> str:
        return self.run(f"document.querySelector({json.dumps(selector)}).textContent")

    def key(self, name: str) -> None:
        for kind in ("keyDown" if name == "Enter" else "rawKeyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=name, code=name, windowsVirtualKeyCode=KEYS[name],
                      text="\r" if kind == "keyDown" else "")

    def type(self, letter: str) -> None:
        """Press the key of a letter, a digit or a sign."""
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=letter, text=letter if kind == "keyDown" else "")

    def at(self, selector: str) -> tuple[float, float]:
        """The middle of an element."""
        box = f"document.querySelector({json.dumps(selector)}).getBoundingClientRect()"
        return tuple(self.run(f"(b => [b.x + b.width / 2, b.y + b.height / 2])({box})"))

    def point(self, x: float, y: float) -> None:
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)

    def click(self, selector: str) -> None:
        x, y = self.at(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def drag(self, selector: str, right: float, up: float = 0.0) -> None:
        """Press on the middle of an element, move so many pixels, and let go."""
        x, y = self.at(selector)
        for kind, share in (("mousePressed", 0.0), ("mouseMoved", 0.5), ("mouseMoved", 1.0), ("mouseReleased", 1.0)):
            self.call("Input.dispatchMouseEvent", type=kind, x=x + share * right, y=y - share * up, button="left",
                      buttons=1, clickCount=1)

    def write(self, text: str) -> None:
        """Put text where the focus is, as if typed."""
        self.call("Input.insertText", text=text)

    def screenshot(self, path: str | Path) -> None:
        Path(path).write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def close(self) -> None:
        if self.frames:
            self.call("Target.setAutoAttach", autoAttach=False, waitForDebuggerOnStart=False)
        self.load("about:blank")
        self.point(0, 0)
        self.browser.closed.append(self)
