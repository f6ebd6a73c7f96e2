# SPDX-License-Identifier: BSD-3-Clause
"""Every kind of dialog that sipp holds through us: what the caller does, what the called side does.

A kind is a function. It gets the scripts (see script.py) of the caller and of each called side to
write into.
"""

import inspect

from lab.script import SDP, TEXT, Caller, Called, notification


def call(c, p):
    """INVITE, 180, 200, ACK, BYE."""
    c.invite()
    c.ring_and_answer()
    c.ack()
    c.pause()
    c.bye()

    p.ring_and_answer()
    p.take_bye()


def late_offer(c, p):
    """The offer is in the 200, the answer in the ACK."""
    c.invite(body=None)
    c.ring_and_answer()
    c.ack(body=SDP)
    c.pause()
    c.bye()

    p.ring_and_answer()
    p.take_bye()


def reinvite(c, p):
    """Both sides change the session."""
    c.invite()
    c.ring_and_answer()
    c.ack()
    c.pause()
    c.request("INVITE", body=SDP)
    c.hear(200)
    c.ack()
    c.take("INVITE")
    c.reply(body=SDP)
    c.take("ACK")
    c.pause()
    c.bye()

    p.ring_and_answer()
    p.take("INVITE")
    p.reply(body=SDP)
    p.take("ACK")
    p.pause()
    p.request("INVITE", body=SDP)
    p.hear(200, rrs=False)
    p.request("ACK")
    p.take_bye()


def update(c, p):
    """RFC 3311, in an early dialog and in a confirmed one."""
    c.invite("Supported: 100rel", "Allow: INVITE, ACK, BYE, CANCEL, PRACK, UPDATE")
    c.hear(180)
    c.request("UPDATE", body=SDP)
    c.hear(200)
    c.hear(200)
    c.request("ACK")
    c.pause()
    c.take("UPDATE")
    c.reply(body=SDP)
    c.bye()

    p.take_call(keep=True)
    p.answer(180)
    p.take("UPDATE")
    p.reply(body=SDP)
    p.pause(200)
    p.answer(200, body=SDP, to="INVITE", again=True)
    p.take("ACK")
    p.pause(200)
    p.request("UPDATE", body=SDP)
    p.hear(200, rrs=False)
    p.take_bye()


def prack(c, p):
    """RFC 3262: reliable provisional responses."""
    c.invite("Supported: 100rel")
    c.hear(183)
    c.request("PRACK", "RAck: 1 1 INVITE")
    c.hear(200)
    c.hear(180)
    c.request("PRACK", "RAck: 2 1 INVITE")
    c.hear(200)
    c.hear(200)
    c.request("ACK")
    c.pause()
    c.bye()

    p.take_call(keep=True)
    p.answer(183, "Require: 100rel", "RSeq: 1", body=SDP)
    p.take("PRACK")
    p.reply()
    p.pause()
    p.answer(180, "Require: 100rel", "RSeq: 2", to="INVITE")
    p.take("PRACK")
    p.reply()
    p.pause()
    p.answer(200, to="INVITE", again=True)
    p.take("ACK")
    p.take_bye()


def cancel(c, p):
    """The caller gives up as soon as it rings."""
    c.invite()
    c.hear(180)
    c.cancel()
    c.hear(200, rrs=False)
    c.hear(487)
    c.ack_refusal()
    c.linger()

    p.take_call(keep=True)
    p.answer(180)
    p.take("CANCEL")
    p.reply()
    p.answer(487, to="INVITE", again=True)
    p.take("ACK")
    p.linger()


def cancel_crossing(c, p):
    """The called side has answered before the CANCEL comes: it is a call."""
    c.invite()
    c.hear(180)
    c.cancel()
    c.hear(200, rrs=False)
    c.hear(200)
    c.request("ACK")
    c.pause()
    c.bye()

    p.take_call(keep=True)
    p.answer(180)
    p.take("CANCEL", keep=True)
    p.reply()
    p.answer(200, body=SDP, to="INVITE", again=True)
    p.take("ACK")
    p.take_bye()


def two_early(c, p):
    """Two phones ring behind the called side; the second answers (RFC 3261 s12.1, s13.2.2.4)."""
    c.invite()
    c.hear(180, 180, 200)
    c.ack()
    c.pause()
    c.bye()

    p.take_call()
    p.answer(180, twin="x")
    p.answer(180)
    p.answer(200, body=SDP, again=True)
    p.take("ACK")
    p.take_bye()


def forked(c, p, q):
    """The proxy asks two phones; the one that did not answer is cancelled by it."""
    c.invite()
    c.hear(180, 180, 200)
    c.ack()
    c.pause()
    c.bye()

    p.take_call(keep=True)
    p.answer(180)
    p.take("CANCEL")
    p.reply()
    p.answer(487, to="INVITE", again=True)
    p.take("ACK")
    p.linger()

    q.take_call()
    q.answer(180)
    q.pause(300)
    q.answer(200, body=SDP, again=True)
    q.take("ACK")
    q.take_bye()


def busy(c, p):
    c.invite()
    c.hear(486)
    c.ack_refusal()
    c.linger()

    p.take_call()
    p.answer(486, again=True)
    p.take("ACK")
    p.linger()


def challenged(c, p):
    """The called side wants to know who calls: the second INVITE is another transaction."""
    c.invite()
    c.hear(407, auth=True)
    c.ack_refusal()
    c.request("INVITE", "[authentication username=lab password=lab]", body=SDP, inside=False)
    c.hear(200)
    c.ack()
    c.pause()
    c.bye()

    p.take_call()
    p.answer(407, 'Proxy-Authenticate: Digest realm="lab", nonce="0123456789abcdef", '
             "algorithm=MD5", again=True)
    p.take("ACK")
    p.take_call()
    p.answer(200, body=SDP, again=True)
    p.take("ACK")
    p.take_bye()


def hangup(c, p):
    """The called side ends the call."""
    c.invite()
    c.ring_and_answer()
    c.ack()
    c.take("BYE")
    c.reply()
    c.linger()

    p.ring_and_answer()
    p.pause()
    p.request("BYE")
    p.hear(200, rrs=False)


def info(c, p):
    """RFC 6086, both ways."""
    c.invite()
    c.ring_and_answer()
    c.ack()
    c.pause()
    c.request("INFO", "Info-Package: lab", body=TEXT)
    c.hear(200)
    c.take("INFO")
    c.reply()
    c.pause()
    c.bye()

    p.ring_and_answer()
    p.take("INFO")
    p.reply()
    p.pause()
    p.request("INFO", "Info-Package: lab", body=TEXT)
    p.hear(200, rrs=False)
    p.take_bye()


def subscribe(c, p):
    """RFC 6665: NOTIFY comes from inside, along the route set of the SUBSCRIBE."""
    headers = ("Event: presence", "Accept: application/pidf+xml")
    c.request("SUBSCRIBE", *headers, "Expires: 600", inside=False)
    c.hear(200)
    c.take("NOTIFY")
    c.reply()
    c.pause()
    c.request("SUBSCRIBE", *headers, "Expires: 0")
    c.hear(200)
    c.take("NOTIFY")
    c.reply()
    c.linger()

    p.take_call("SUBSCRIBE")
    p.answer(200, "Expires: 600")
    p.pause()
    p.request("NOTIFY", *notification("active;expires=600"))
    p.hear(200, rrs=False)
    p.take("SUBSCRIBE")
    p.reply(200, "Expires: 0")
    p.pause()
    p.request("NOTIFY", *notification("terminated;reason=timeout"))
    p.hear(200, rrs=False)


def refer(c, p):
    """RFC 3515, outside of any dialog: the REFER makes one."""
    c.request("REFER", "Refer-To: <sip:third@example.com>", inside=False)
    c.hear(202)
    c.take("NOTIFY")
    c.reply()
    c.linger()

    p.take_call("REFER")
    p.answer(202)
    p.pause()
    p.request("NOTIFY", *notification("terminated;reason=noresource", body=True),
              body=("message/sipfrag;version=2.0", "SIP/2.0 200 OK"))
    p.hear(200, rrs=False)


def transfer(c, p):
    """REFER within a call, with two NOTIFYs."""
    c.invite()
    c.ring_and_answer()
    c.ack()
    c.pause()
    c.request("REFER", "Refer-To: <sip:third@example.com>")
    c.hear(202)
    c.take("NOTIFY")
    c.reply()
    c.take("NOTIFY")
    c.reply()
    c.pause()
    c.bye()

    p.ring_and_answer()
    p.take("REFER")
    p.reply(202)
    p.pause()
    for state, said in (("active;expires=60", "SIP/2.0 100 Trying"),
                        ("terminated;reason=noresource", "SIP/2.0 200 OK")):
        p.request("NOTIFY", *notification(state, body=True),
                  body=("message/sipfrag;version=2.0", said))
        p.hear(200, rrs=False)
    p.take_bye()


def _alone(method, *extra, body=None):
    """A request that makes no dialog, and its answer."""
    def kind(c, p):
        c.request(method, *extra, body=body, inside=False)
        c.hear(200, rrs=False)

        p.take_call(method)
        p.answer(200)
        p.linger()
    return kind


message = _alone("MESSAGE", body=TEXT)
options = _alone("OPTIONS", "Accept: application/sdp")
publish = _alone("PUBLISH", "Event: presence", "Expires: 60",
                 body=("application/pidf+xml", "<presence/>"))

KINDS = {f.__name__: f for f in (call, late_offer, reinvite, update, prack, cancel,
                                 cancel_crossing, two_early, forked, busy, challenged, hangup, info,
                                 subscribe, refer, transfer)}
KINDS |= {"message": message, "options": options, "publish": publish}


def n_called(kind):
    """How many called sides it has."""
    return len(inspect.signature(KINDS[kind]).parameters) - 1


def scripts(kind):
    """The scenarios of the caller and of each called side, as text for sipp."""
    sides = [Caller(f"{kind}, caller")]
    sides += [Called(f"{kind}, called {i}") for i in range(n_called(kind))]
    KINDS[kind](*sides)
    return [side.text() for side in sides]
