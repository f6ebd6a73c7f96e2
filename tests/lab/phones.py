# SPDX-License-Identifier: BSD-3-Clause
"""Phones that people use, without a screen or a sound card: baresip and linphone.

Both do what they are told by register(), call(), hang_up(), and tell how it goes by registered(),
in_call() and idle().
"""

import json
import os
import socket

from lab import addresses
from lab.process import Process
from lab.wait import wait_until

MODULES = "/usr/lib/baresip/modules"
READY_S = 60  # linphone takes its time on a busy machine
PASSWORD = "lab"

BARESIP_CONFIG = """
module_path {modules}
sip_listen {address}:{port}
rtp_ports 30000-30999
audio_source aubridge,nowhere
audio_player aubridge,nowhere
ctrl_tcp_listen 127.0.0.1:{control}
module uuid.so
module g711.so
module aubridge.so
module_app account.so
module_app menu.so
module_app ctrl_tcp.so
"""

LINPHONE_CONFIG = """
[sip]
sip_port={port}
sip_tcp_port=0
sip_tls_port=0
use_ipv6=0
guess_hostname=0
contact={identity}
[rtp]
audio_rtp_port=31000-31999
[misc]
store_friends=0
"""


PROMPT = "daemon-linphone>"


class Phone:
    """What both kinds have."""

    def __init__(self, lab, host, name, address, port, domain, outbound):
        """A phone at @address and @port of @host, of user @name at @domain, which sends all it
        sends to @outbound (host:port; None, of a Baresip: to where the URI says)."""
        self.host = host
        self.name = name
        self.address = address
        self.port = port
        self.identity = f"sip:{name}@{domain}"
        self.outbound = outbound
        self.directory = os.path.join(lab.run_dir, name)
        os.makedirs(self.directory, exist_ok=True)
        self.process = self._start(lab)
        lab.processes.append(self.process)
        self.process.wait_for(self._ready, READY_S, "it is up")

    def _file(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as f:
            f.write(text)
        return path

    def wait(self, what, timeout_s=READY_S):
        """Until the phone is as @what says: the name of one of the questions."""
        self.process.wait_for(getattr(self, what), timeout_s, f"it is {what}")


class Baresip(Phone):
    """Driven by its module ctrl_tcp: commands and events as JSON in netstrings."""

    CONTROL_PORT = 4444

    def _start(self, lab):
        control = self.CONTROL_PORT + self.port % 100
        self.control = control
        self.events = []
        self.replies = 0
        self.buffer = b""
        self.channel = None
        self._file("config", BARESIP_CONFIG.format(
            modules=MODULES, address=self.address, port=self.port, control=control))
        self._file("accounts", "")
        self._file("contacts", "")
        return Process(self.name, self.host.argv("baresip", "-f", self.directory),
                       lab.log(f"{self.name}.log"))

    def _ready(self):
        if not self.process.tcp_listens(self.control) or \
                not self.process.udp_bound(addresses.proc_hex(self.address), self.port):
            return False
        self.channel = self.host.socket(kind=socket.SOCK_STREAM)
        self.channel.connect(("127.0.0.1", self.control))
        self.channel.setblocking(False)
        return True

    def _read(self):
        """Take in what it said since."""
        try:
            while part := self.channel.recv(65536):
                self.buffer += part
        except BlockingIOError:
            pass
        while b":" in self.buffer:
            length, _, rest = self.buffer.partition(b":")
            if len(rest) <= int(length):
                return
            said = json.loads(rest[:int(length)])
            self.buffer = rest[int(length) + 1:]
            if said.get("event"):
                self.events.append(said["type"])
            else:
                self.replies += 1

    def _tell(self, command, parameters=""):
        text = json.dumps({"command": command, "params": parameters}).encode()
        wanted = self.replies + 1
        self.channel.sendall(b"%d:%s," % (len(text), text))

        def answered():
            self._read()
            return self.replies >= wanted
        self.process.wait_for(answered, READY_S, f"it has done {command}")

    def _last(self, *types):
        """The last event among @types."""
        self._read()
        found = [event for event in self.events if event in types]
        return found[-1] if found else None

    def register(self):
        way = f';outbound="sip:{self.outbound}";sipnat=outbound' if self.outbound else ""
        self._tell("uanew", f'<{self.identity}>;auth_user={self.name};auth_pass={PASSWORD};'
                   f'regint=60;answermode=auto{way}')
        self.wait("registered")

    def unregister(self):
        self._tell("uadel", self.identity)

    def registered(self):
        return self._last("REGISTER_OK", "REGISTER_FAIL", "UNREGISTERING") == "REGISTER_OK"

    def call(self, uri):
        self._tell("dial", uri)

    def hang_up(self):
        self._tell("hangup")

    def in_call(self):
        return self._last("CALL_ESTABLISHED", "CALL_CLOSED") == "CALL_ESTABLISHED"

    def idle(self):
        return self._last("CALL_INCOMING", "CALL_ESTABLISHED", "CALL_CLOSED") \
            in ("CALL_CLOSED", None)


class Linphone(Phone):
    """linphone-daemon, driven by its standard input."""

    def _start(self, lab):
        # It makes its database there, but no directories, and without one it never begins. Its sound
        # library leaves a directory in /tmp behind when it is not told of a better place.
        os.makedirs(os.path.join(self.directory, ".local", "share", "linphone"), exist_ok=True)
        config = self._file("linphonerc", LINPHONE_CONFIG.format(
            port=self.port, identity=f"sip:{self.name}@{self.address}:{self.port}"))
        return Process(self.name, self.host.argv(
            "linphone-daemon", "--config", config, "--log", lab.log(f"{self.name}-sip.log"),
            "--disable-stats-events", "--auto-answer"), lab.log(f"{self.name}.log"),
            listens=True, env={"HOME": self.directory, "XDG_RUNTIME_DIR": self.directory})

    def _ready(self):
        return PROMPT in self.process.output()

    def _tell(self, command):
        """The lines of its answer."""
        before = os.path.getsize(self.process.log)
        self.process.tell(command)

        def answer():
            with open(self.process.log, encoding="utf-8", errors="replace") as f:
                f.seek(before)
                text = f.read()
            _, status, rest = text.partition("Status: ")
            said, prompt, _ = rest.partition(PROMPT)
            return status + said if prompt else None
        return self.process.wait_for(answer, READY_S, f"it has done {command}")

    def register(self):
        self._tell(f"register {self.identity} sip:{self.outbound} {PASSWORD}")
        self.wait("registered")

    def unregister(self):
        self._tell("unregister ALL")

    def registered(self):
        return "LinphoneRegistrationOk" in self._tell("register-status ALL")

    def call(self, uri):
        self._tell(f"call {uri}")

    def hang_up(self):
        self._tell("terminate")

    def in_call(self):
        return "LinphoneCallStreamsRunning" in self._tell("call-status")

    def idle(self):
        return "No current call" in self._tell("call-status")


def call_and_hang_up(caller, called, who_ends):
    """A call by the address-of-record, up and down again at both ends."""
    caller.call(called.identity)
    for phone in (caller, called):
        phone.wait("in_call")
    who_ends.hang_up()
    for phone in (caller, called):
        phone.wait("idle")
