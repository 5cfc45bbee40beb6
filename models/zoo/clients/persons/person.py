"""Stands in for a person: starts a browser and uses it by mouse and keyboard. person.py SCRIPT

The script is JSON: browser (a command), seed, pause (the middle of the pauses, seconds), visits (a list): each has arrive
(an address), how (typed; opened, as from a bookmark; link: a page elsewhere is open, whose link is clicked), actions (how
many), login (whether there is one to do), away (seconds until the next visit; the browser is closed meanwhile).
"""

import json
import math
import random
import signal
import subprocess
import sys
import time

script = json.load(open(sys.argv[1]))
rng = random.Random(script["seed"])


def xdo(*args):
    subprocess.run(["xdotool", *map(str, args)], timeout=90, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def pause(middle=None):
    time.sleep(min(25, math.exp(math.log(middle or script["pause"]) + 0.6 * rng.gauss(0, 1))))


def move_and_click(x, y):
    """Moves there as a hand does, in a few steps that overshoot a little."""
    steps = rng.randint(4, 9)
    for i in range(steps):
        xdo("mousemove", "--", int(x + (640 - x) * (steps - i) / steps + rng.gauss(0, 6)), int(y + (450 - y) * (steps - i) / steps + rng.gauss(0, 6)))
        time.sleep(rng.uniform(0.01, 0.05))
    xdo("mousemove", x, y, "click", 1)


def type_text(text):
    xdo("type", "--delay", rng.randint(45, 140), text)


def address(url):
    xdo("key", "ctrl+l")
    time.sleep(0.4)
    type_text(url)
    time.sleep(0.3)
    xdo("key", "Return")


def follow():
    """Clicks where the page has its links; sometimes finds none, as hands do."""
    move_and_click(rng.randint(20, 900), rng.randint(222, 256))


def act(login):
    kind = rng.random()
    if login:
        sign_in()
    elif kind < 0.55:
        follow()
    elif kind < 0.70:
        for _ in range(rng.randint(2, 7)):
            xdo("click", 5)
            time.sleep(rng.uniform(0.1, 0.5))
    elif kind < 0.80:
        xdo("key", "alt+Left")
    elif kind < 0.85:
        xdo("key", "F5")
    elif kind < 0.93:
        for _ in range(rng.randint(2, 9)):
            xdo("key", "Tab")
            time.sleep(rng.uniform(0.05, 0.3))
        xdo("key", "Return")
    else:
        xdo("key", "End")
        pause(1.5)
        xdo("key", "Home")


def sign_in():
    """On a page with nothing but a form for name and password: the password is wrong at first."""
    for password in ("correct hose", "correct horse"):
        xdo("key", "Tab")
        type_text("jo@example.org")
        xdo("key", "Tab")
        pause(1)
        type_text(password)
        xdo("key", "Return")
        pause()


def wait_for_window():
    for _ in range(120):
        found = subprocess.run(["xdotool", "search", "--onlyvisible", "--class", "chromium|firefox|falkon|qutebrowser"], capture_output=True, timeout=60)
        if found.stdout.strip():
            return
        time.sleep(0.5)


def visit(v):
    start = ["about:blank"] if v["how"] == "typed" else [v["arrive"]]
    browser = subprocess.Popen(script["browser"] + start, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for_window()
    time.sleep(rng.uniform(3, 6))
    if v["how"] == "typed":
        address(v["arrive"])
    if v["how"] == "link":
        pause(2.5)
        move_and_click(300, 320)
    for i in range(v["actions"]):
        pause()
        act(v["login"] and i == 0)
    pause(2)
    xdo("key", "ctrl+q")  # Firefox; Chromium asks nothing on its own signal
    browser.send_signal(signal.SIGTERM)
    try:
        browser.wait(10)
    except subprocess.TimeoutExpired:
        browser.kill()


for v in script["visits"]:
    visit(v)
    time.sleep(v["away"])
