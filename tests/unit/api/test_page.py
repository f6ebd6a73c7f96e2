# SPDX-License-Identifier: BSD-3-Clause
"""The status page in a real browser."""

import html.parser
import os
import re
import subprocess

from browser import browse, headless, pixels
from rig import PATIENCE_S, expect, expect_equal, run_suites, until

VOID = {"meta", "link", "br", "hr", "img", "input"}


class Dom(html.parser.HTMLParser):
    """Text and class of each element with an id, and the rows of tables."""

    def __init__(self, text):
        super().__init__()
        self.open, self.text, self.classes, self.rows, self.body = [], {}, {}, {}, {}
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "body":
            self.body = attrs
        if "id" in attrs:
            self.text[attrs["id"]] = ""
            self.classes[attrs["id"]] = attrs.get("class", "")
        if tag not in VOID:
            self.open.append((tag, attrs.get("id")))
        table = next((i for t, i in self.open if t == "table"), None)
        if tag == "tr" and table:
            self.rows.setdefault(table, []).append([])
        if tag in ("td", "th") and table:
            self.rows[table][-1].append("")

    def handle_endtag(self, tag):
        while self.open:
            if self.open.pop()[0] == tag:
                return

    def handle_data(self, data):
        for _, name in self.open:
            if name:
                self.text[name] += data
        table = next((i for t, i in self.open if t == "table"), None)
        if table and self.open[-1][0] in ("td", "th"):
            self.rows[table][-1][-1] += data


def dump(r, *options):
    command, environment = headless(f"{r.dir}/browser", "--virtual-time-budget=4000", *options,
                                    f"http://{r.http_at}/")
    return subprocess.run(command, env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, check=False, timeout=4 * PATIENCE_S)


def dom(r):
    done = dump(r, "--dump-dom")
    expect_equal(done.returncode, 0, f"chromium: {done.stderr[-500:]}")
    return Dom(done.stdout)


def nothing_comes_from_elsewhere(r):
    status, headers, text = r.fetch("/")
    expect_equal((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"), "page")
    expect("default-src 'none'" in headers["Content-Security-Policy"], headers)
    expect_equal(re.findall(r"(?:src|href)=\"(?!data:|/metrics)[^\"]*", text), [], "outside resources")
    expect(not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text), "a URL of elsewhere")
    expect("innerHTML" not in text and "eval(" not in text, "text that could become a program")


def members_workers_and_ledger_are_there(r):
    number = r.members()["k1"]["number"]
    for _ in range(3):
        r.tell_fake(f"count {number}")
    page = dom(r)
    expect(int(page.body.get("data-turns", 0)) >= 1, "the page never asked")
    expect("data plane connected" in page.text["dataplane"], page.text["dataplane"])
    expect_equal((page.classes["dataplane"], page.text["trouble"]), ("good", ""), "state")
    rows = {row[0]: row for row in page.rows["members"][1:]}
    expect_equal(sorted(rows), ["k1", "k2"], "members")
    expect_equal((rows["k1"][1], rows["k1"][2]), ("farm", "up"), "pool and asked of k1")
    edge = dict(zip(page.rows["listeners"][0], page.rows["listeners"][1]))
    expect_equal((edge["Listener"], edge["Requests"], edge["Pool"]), ("edge", "3", "farm"), "listener")
    expect_equal(len(page.rows["workers"]) - 1, len(r.show("workers")["workers"]), "workers")
    ledger = dict(page.rows["ledger"][1:])
    expect_equal(ledger.get("sent"), "3", f"sent in the ledger {ledger}")
    expect("received 3" in page.text["identity"], page.text["identity"])


def a_drain_is_seen(r):
    r.good("drain", "k1")
    rows = {row[0]: row for row in dom(r).rows["members"][1:]}
    expect_equal(rows["k1"][2], "drain*", "asked of k1")
    r.good("undrain", "k1")


def luminance(color):
    """Relative luminance (WCAG 2), near enough: 0 black, 1 white."""
    red, green, blue = (channel / 255 for channel in color)
    return 0.2126 * red ** 2.2 + 0.7152 * green ** 2.2 + 0.0722 * blue ** 2.2


def expect_readable(png, width, dark, what):
    """Text stands on its back, in a contrast that can be read (WCAG 2: 4.5 to 1)."""
    got, _, lines = pixels(png, 60)
    expect_equal(got, width, f"width of {what}")
    shades = [luminance(color) for line in lines for color in line]
    back = max(set(shades), key=shades.count)
    expect(back < 0.1 if dark else back > 0.8, f"back of {what} is {back:.2f}")
    text = max(shades, key=lambda shade: abs(shade - back))
    low, high = sorted((back, text))
    expect((high + 0.05) / (low + 0.05) > 4.5, f"contrast of {what}: {text:.2f} on {back:.2f}")


def it_can_be_read_on_a_phone_and_in_the_dark(r):
    with browse(r.dir, f"http://{r.http_at}/") as page:
        for what, width, dark in (("desk", 1200, False), ("dark desk", 1200, True),
                                  ("phone", 390, False), ("dark phone", 390, True)):
            page.look(width, 844, dark)
            page.wait(f"innerWidth === {width}", f"the size of a {what}")
            png = page.screenshot()
            expect_readable(png, width, dark, what)
            # Wide tables scroll in their own boxes; the page itself never does.
            expect_equal(page.run("document.documentElement.scrollWidth"), width,
                         f"width of what a {what} shows")
            expect(page.run("[...document.querySelectorAll('main > section')].every(s => "
                            "s.hidden || !s.textContent.trim() || s.getBoundingClientRect().right <= innerWidth)"),
                   f"a section leaves the screen of a {what}")
            keep = os.environ.get("STW_KEEP_SCREENSHOTS")
            if keep:
                with open(os.path.join(keep, what.replace(" ", "-") + ".png"), "wb") as f:
                    f.write(png)


TOKEN = "0123456789abcdef0123"


def without_a_token_there_are_no_buttons(r):
    with browse(r.dir, f"http://{r.http_at}/") as page:
        expect_equal(page.run("document.querySelector('#sign').hidden"), True, "no way to sign in")
        expect_equal(page.run("document.querySelectorAll('#members button').length"), 0, "buttons")
        expect("Read-only" in page.run("document.querySelector('#reach').textContent"), "reach")


def with_a_token(r):
    path = os.path.join(r.dir, "token")
    with open(path, "w", encoding="utf-8") as f:
        f.write(TOKEN + "\n")
    os.chmod(path, 0o600)
    r.api_extra = [f"  token_file: {path}"]
    r.write()
    r.stop()
    r.start()
    until(r.linked, "the tables")


def sign_in(page, token):
    page.wait("!document.querySelector('#sign').hidden", "a way to sign in")
    page.click("#sign")
    page.wait("document.querySelector('#login').open", "the question for the token")
    page.run("document.querySelector('#token').focus()")
    page.type(token)
    page.click("#login-go")


def press(page, member, name, confirm):
    """The button of that name in the member's row, then the answer to the question."""
    page.wait(f"(() => {{ const b = [...document.querySelectorAll('#members tr')]"
              f".filter(tr => tr.cells[0].textContent === '{member}')"
              ".flatMap(tr => [...tr.querySelectorAll('button')])"
              f".find(b => b.textContent === '{name}'); if (b) b.id = 'pressed'; return !!b; }})()",
              f"{name} of {member}")
    page.click("#pressed")
    page.wait("document.querySelector('#confirm').open", "the question")
    page.run("document.querySelector('#pressed').id = ''")
    question = page.run("document.querySelector('#confirm-text').textContent")
    expect(question.startswith(f"{name} {member} in farm?"), question)
    page.click("#confirm-go" if confirm else "#confirm [data-close]")
    page.wait("!document.querySelector('#confirm').open", "the question to go")


def asked(r, member):
    return r.members()[member]["pools"][0]["asked"]


def people_change_members_with_the_token(r):
    with_a_token(r)
    with browse(r.dir, f"http://{r.http_at}/") as page:
        expect_equal(page.run("document.querySelectorAll('#members button').length"), 0, "buttons")
        sign_in(page, "not-the-token-at-all")
        page.wait("document.querySelector('#login-said').textContent !== ''", "a refusal")
        page.click("#login [data-close]")
        sign_in(page, TOKEN)
        press(page, "k1", "Drain", confirm=False)
        expect_equal(asked(r, "k1"), "up", "k1 after Cancel")
        press(page, "k1", "Drain", confirm=True)
        until(lambda: asked(r, "k1") == "drain", "the drain")
        page.wait("document.querySelector('#said').textContent.includes('k1 in farm: up -> drain')",
                  "what changed")
        press(page, "k1", "Undrain", confirm=True)
        until(lambda: asked(r, "k1") == "up", "the undrain")
        press(page, "k2", "Disable", confirm=True)
        until(lambda: asked(r, "k2") == "down", "the stop")
        press(page, "k2", "Enable", confirm=True)
        until(lambda: asked(r, "k2") == "up", "k2 in service")
        expect_equal(page.run("Object.keys(localStorage).length + Object.keys(sessionStorage).length"
                              " + document.cookie.length"), 0, "the token is kept nowhere")
        page.click("#sign")
        page.wait("document.querySelectorAll('#members button').length === 0", "signed out")


def another_site_cannot_send_changes(r):
    """A form of elsewhere comes without the token; a script of elsewhere must ask first, in vain."""
    elsewhere = {"Origin": "http://elsewhere.example"}
    form = {**elsewhere, "Content-Type": "text/plain"}
    status, headers, _ = r.fetch("/v1/members/k1/drain", "POST", form, "{}")
    expect_equal(status, 401, "a form of elsewhere")
    expect("Access-Control-Allow-Origin" not in headers, "others may read answers")
    status, headers, _ = r.fetch("/v1/members/k1/drain", "OPTIONS", {
        **elsewhere, "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "authorization"})
    expect(status in (401, 405), f"status of the question before: {status}")
    expect(not [name for name in headers if name.lower().startswith("access-control-allow")],
           "a script of elsewhere may send the token")
    expect_equal(asked(r, "k1"), "up", "k1")


def without_a_data_plane_it_says_so(r):
    r.stop_fake()
    until(lambda: r.show("status")["dataplane"] == "waiting", "the link to be gone")
    page = dom(r)
    expect("data plane waiting" in page.text["dataplane"], page.text["dataplane"])
    expect_equal(page.classes["dataplane"], "bad", "state")
    expect(page.text["trouble"] != "", "no reason is shown")
    expect_equal(len(page.rows["members"]) - 1, 2, "members without a data plane")


if __name__ == "__main__":
    run_suites(({"fake": True, "port": True},
                (nothing_comes_from_elsewhere, members_workers_and_ledger_are_there,
                 a_drain_is_seen, it_can_be_read_on_a_phone_and_in_the_dark,
                 without_a_token_there_are_no_buttons, people_change_members_with_the_token,
                 another_site_cannot_send_changes, without_a_data_plane_it_says_so)))
