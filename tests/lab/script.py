# SPDX-License-Identifier: BSD-3-Clause
"""Scenarios for sipp, written step by step in Python instead of page by page in XML.

    def caller(c):                         def called(p):
        c.invite()                             p.take("INVITE")
        c.hear(180, 200)                       p.answer(180)
        c.ack()                                p.answer(200, body=SDP)
        c.bye()                                p.take("ACK")
                                               p.take_bye()

dialogs.py has the dialogs; here is how a step looks to sipp. Requests within a dialog follow the
route set, branches and CSeq numbers are kept as RFC 3261 wants them.
"""

# What stands between a request's sender and a called sipp: both of them, and Strowger.
VIAS = 3
RECORD_ROUTES = 3
# The lab loses nothing, but a busy machine is slow, and sipp takes what was repeated and answered twice
# for an unexpected message: so it is patient (RFC 3261 s17.1.1.1 allows a larger T1).
T1_MS = 4000
# The last message may have been lost: what comes again within this time is answered again.
LINGER_MS = 4000

SDP = ("application/sdp", """v=0
o=lab 53655765 2353687637 IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[local_ip_type] [local_ip]
t=0 0
m=audio 40000 RTP/AVP 0 8
a=rtpmap:0 PCMU/8000
a=rtpmap:8 PCMA/8000""")
TEXT = ("text/plain", "What is said to everybody is heard by nobody.")

CONTACT = "<sip:lab@[local_ip]:[local_port];transport=[transport]>"
VIA = "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch{back}];rport"


def notification(state, body=None):
    """Headers of a NOTIFY about @state; @body: what it says of a REFER."""
    event = "refer" if body else "presence"
    return [f"Event: {event}", f"Subscription-State: {state}"]


class Script:
    """One side's steps. Each step is one element of the scenario, as sipp counts them."""

    def __init__(self, name):
        self.name = name
        self.elements = []
        self.cseq = 0
        self.sent_at = {}  # method: index of the element that last sent it
        self.cseq_of = {}
        self.saved = []

    def text(self):
        body = "\n".join(self.elements)
        if self.saved:  # sipp refuses a variable that is never used
            body += f'\n<Reference variables="{",".join(self.saved)}"/>'
        return (f'<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="{self.name}">\n'
                f"{body}\n</scenario>\n")

    # elements

    def _add(self, element):
        self.elements.append(element)

    def _send(self, lines, body, again):
        """One message. @again: sipp repeats it until it is answered."""
        kind, content = body or (None, "")
        lines = [line for line in lines if line]
        if kind:
            lines.append(f"Content-Type: {kind}")
        lines.append("Content-Length: [len]")
        text = "\n".join(lines) + "\n\n" + (content + "\n" if content else "")
        repeat = f' retrans="{T1_MS}"' if again else ""
        self._add(f"<send{repeat}><![CDATA[\n{text}\n]]></send>")

    def _receive(self, what, attributes="", actions=()):
        inner = "".join(actions)
        self._add(f"<recv {what} {attributes}>" + (f"<action>{inner}</action>" if inner else "")
                  + "</recv>")

    def pause(self, ms=100):
        self._add(f'<pause milliseconds="{ms}"/>')

    def linger(self):
        self._add(f'<timewait milliseconds="{LINGER_MS}"/>')

    def _next_cseq(self, method):
        if method not in ("ACK", "CANCEL"):
            self.cseq += 1
            self.cseq_of[method] = self.cseq
            self.sent_at[method] = len(self.elements)
        return self.cseq_of["INVITE" if method in ("ACK", "CANCEL") else method]

    # what both sides may do within a dialog

    def take(self, method, keep=False, first=False):
        """A request comes. @keep: it will be answered after others have come."""
        actions = []
        if first:
            actions += [self._save("From:", "remote"), self._save("To:", "local")]
        if keep:
            actions += [self._save("Via:", f"{method}via{n}", n) for n in range(1, VIAS + 1)]
            actions += [self._save("Record-Route:", f"{method}route{n}", n)
                        for n in range(1, RECORD_ROUTES + 1)]
            actions += [self._save("From:", f"{method}from"), self._save("To:", f"{method}to"),
                        self._save("CSeq:", f"{method}cseq")]
        self._receive(f'request="{method}"', 'rrs="true"' if first else "", actions)

    def _save(self, header, name, occurrence=1):
        self.saved.append(name)
        return (f'<ereg regexp=".*" search_in="hdr" header="{header}" occurence="{occurrence}" '
                f'assign_to="{name}"/>')

    def reply(self, status=200, *extra, body=None):
        """To the request within the dialog that came last: its To has our tag already."""
        self._send([f"SIP/2.0 {status} OK", "[last_Via:]", "[last_Record-Route:]", "[last_From:]",
                    "[last_To:]", "[last_Call-ID:]", "[last_CSeq:]", f"Contact: {CONTACT}",
                    *extra], body, again=False)

    def hear(self, *statuses, rrs=True, auth=False):
        """Responses come, in this order; 100 may come before each. The last one, if @rrs, makes the
        dialog: sipp keeps the first route set and target that it reads."""
        for status in statuses:
            self._receive('response="100"', 'optional="true"')
            makes = rrs and status == statuses[-1] and status < 300
            self._receive(f'response="{status}"', ('rrs="true" ' if makes else "")
                          + ('auth="true"' if auth else ""))


class Caller(Script):
    """The side that opens the dialog. Whom it calls is the key [callee]."""

    FROM = 'From: "Lab [call_number]" <sip:lab@[local_ip]:[local_port]>;tag=[pid]c[call_number]'
    TO = "To: <sip:[callee]>"

    def request(self, method, *extra, body=None, inside=True, back=0):
        """@inside: of a dialog. @back: as many elements ago stands the branch it shares."""
        uri = "[next_url]" if inside else "sip:[callee]"
        number = self._next_cseq(method)
        self._send([f"{method} {uri} SIP/2.0", VIA.format(back=f"-{back}" if back else ""),
                    "[routes]" if inside else "", self.FROM,
                    self.TO + ("[peer_tag_param]" if inside else ""), "Call-ID: [call_id]",
                    f"CSeq: {number} {method}", "Max-Forwards: 70",
                    f"Contact: {CONTACT}" if method != "ACK" else "", *extra], body,
                   again=method != "ACK")

    def invite(self, *extra, body=SDP):
        self.request("INVITE", *extra, body=body, inside=False)

    def ring_and_answer(self):
        self.hear(180, 200)

    def ack(self, body=None):
        """To a 2xx: a request of its own."""
        self.request("ACK", body=body)

    def _as_the_invite(self, method, to):
        back = len(self.elements) - self.sent_at["INVITE"]
        number = self._next_cseq(method)
        self._send([f"{method} sip:[callee] SIP/2.0",
                    VIA.format(back=f"-{back}"), self.FROM, to, "Call-ID: [call_id]",
                    f"CSeq: {number} {method}", "Max-Forwards: 70"], None, method == "CANCEL")

    def ack_refusal(self):
        """To another final answer: part of the INVITE's transaction (RFC 3261 s17.1.1.3)."""
        self._as_the_invite("ACK", self.TO + "[peer_tag_param]")

    def cancel(self):
        self._as_the_invite("CANCEL", self.TO)

    def bye(self):
        self.request("BYE")
        self.hear(200)


class Called(Script):
    """The side that is asked."""

    TAG = ";tag=[pid]s[call_number]{twin}"

    def take_call(self, method="INVITE", keep=False):
        self.take(method, keep=keep, first=True)

    def answer(self, status, *extra, body=None, to=None, twin="", again=False):
        """@to: the request, when others came since (take(keep=True)). @twin tells apart two phones
        behind one called side."""
        tag = self.TAG.format(twin=twin)
        if to is None:
            head = ["[last_Via:]", "[last_Record-Route:]", "[last_From:]", f"[last_To:]{tag}",
                    "[last_CSeq:]"]
        else:
            head = [f"Via:[${to}via{n}]" for n in range(1, VIAS + 1)]
            head += [f"Record-Route:[${to}route{n}]" for n in range(1, RECORD_ROUTES + 1)
                     if status < 300]
            head += [f"From:[${to}from]", f"To:[${to}to]{tag}", f"CSeq:[${to}cseq]"]
        self._send([f"SIP/2.0 {status} So", *head, "Call-ID: [call_id]", f"Contact: {CONTACT}",
                    *extra], body, again)

    def ring_and_answer(self, body=SDP):
        self.take_call()
        self.answer(180)
        self.answer(200, body=body, again=True)
        self.take("ACK")

    def request(self, method, *extra, body=None):
        number = self._next_cseq(method)
        self._send([f"{method} [next_url] SIP/2.0", VIA.format(back=""), "[routes]",
                    "From:[$local]" + self.TAG.format(twin=""), "To:[$remote]",
                    "Call-ID: [call_id]", f"CSeq: {number} {method}", "Max-Forwards: 70",
                    f"Contact: {CONTACT}" if method != "ACK" else "", *extra], body,
                   again=method != "ACK")

    def take_bye(self):
        self.take("BYE")
        self.reply()
        self.linger()
