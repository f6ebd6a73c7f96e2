# SPDX-License-Identifier: BSD-3-Clause
"""Test cases as TAP lines: one `with tap.case("name"):` is one case."""

import contextlib
import sys
import traceback


class Skip(Exception):
    """Raised in a case that cannot run here; the text says why."""


class Failed(AssertionError):
    """What expect() found is not as it should be; the text is all there is to say."""


class Tap:
    """Prints cases as they end. Use as a context manager: the plan is printed at its end."""

    def __init__(self):
        self.n = 0
        self.n_failed = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        if kind is not None and issubclass(kind, Exception):
            # What broke outside any case (a lab that did not come up) is a case of its own.
            self._report(False, "the script ran to its end")
            self._comment("".join(traceback.format_exception(kind, error, trace)))
        print(f"1..{self.n}", flush=True)
        if kind is None or issubclass(kind, Exception):
            sys.exit(1 if self.n_failed else 0)
        return False

    @contextlib.contextmanager
    def case(self, name):
        """One test case; an exception inside fails it, and later cases still run."""
        try:
            yield
        except Skip as why:
            self._report(True, f"{name} # SKIP {why}")
        except Failed as failure:
            self._report(False, name)
            self._comment(str(failure))
        except Exception:
            self._report(False, name)
            self._comment(traceback.format_exc())
        else:
            self._report(True, name)

    def note(self, text):
        """A remark for whoever reads the log."""
        self._comment(text)

    def _report(self, good, name):
        self.n += 1
        self.n_failed += not good
        print(f"{'ok' if good else 'not ok'} {self.n} - {name}", flush=True)

    @staticmethod
    def _comment(text):
        for line in text.rstrip("\n").split("\n"):
            print(f"# {line}", flush=True)


def skip_all(why):
    """The whole script cannot run here."""
    print(f"1..0 # SKIP {why}", flush=True)
    sys.exit(0)


def expect(condition, text):
    """Fail the case with @text unless @condition holds. Unlike assert, never compiled away."""
    if not condition:
        raise Failed(text)


def expect_equal(got, wanted, what):
    """Fail the case unless both are equal; the message shows both."""
    expect(got == wanted, f"{what}: got {got!r}, wanted {wanted!r}")
