# SPDX-License-Identifier: BSD-3-Clause
"""
The path benchmark's corpus: what it is made of, and that the balancer's code forwards each frame.

    test_corpus.py STW_BENCH_CORPUS STW_BENCH_STAGES STW_BENCH_SWAPS STW_BENCH_PIECES
"""

import json
import os
import pathlib
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[3]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests")]

from path import balancer  # noqa: E402
from support.tap import Tap, expect, expect_equal  # noqa: E402

CORPUS, STAGES, SWAPS, PIECES = sys.argv[1:5]
COUNT = 400
HEADERS = 42


def make(work, name, seed, config):
    path, summary = work / f"{name}.pcap", work / f"{name}.json"
    subprocess.run([CORPUS, "--config", config, "--output", path, "--summary", summary,
                    "--count", str(COUNT), "--seed", str(seed)], check=True,
                   stdout=subprocess.DEVNULL)
    return path, json.loads(summary.read_text())


def frames(path):
    data = path.read_bytes()
    at, found = 24, []
    while at < len(data):
        length = struct.unpack_from("<I", data, at + 8)[0]
        found.append(data[at + 16:at + 16 + length])
        at += 16 + length
    return found


def ones_sum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack(f">{len(data) // 2}H", data))
    while total >> 16:
        total = (total >> 16) + (total & 0xffff)
    return total


def good_checksums(frame):
    pseudo = frame[26:34] + struct.pack(">HH", 17, len(frame) - 34)
    return ones_sum(frame[14:34]) == 0xffff and ones_sum(pseudo + frame[34:]) == 0xffff


def header_names(frame):
    """Names of the header lines in order, long or short as written."""
    head = frame[HEADERS:].split(b"\r\n\r\n")[0]
    return tuple(line.split(b":")[0] for line in head.split(b"\r\n")[1:])


def call_id(frame):
    for line in frame[HEADERS:].split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() in (b"call-id", b"i"):
            return value.strip()
    return None


def content(tap, all_frames, summary):
    with tap.case("as many frames as asked for, all different, each of a call of its own"):
        expect_equal(len(all_frames), COUNT, "frames")
        expect_equal(len(set(all_frames)), COUNT, "different frames")
        expect_equal(len({call_id(frame) for frame in all_frames}), COUNT, "Call-IDs")
    with tap.case("IP and UDP checksums are right"):
        bad = sum(not good_checksums(frame) for frame in all_frames)
        expect_equal(bad, 0, "frames with a wrong checksum")
    with tap.case("the summary names the domains that users live at, all that requests are for"):
        hosts = {frame[HEADERS:].split(b" ")[1].split(b"@")[-1].decode() for frame in all_frames
                 if frame[HEADERS:].startswith((b"INVITE ", b"OPTIONS "))}
        expect(hosts and hosts <= set(summary["domains"]), f"{hosts}, {summary['domains']}")
    with tap.case("at least 8 shapes, none missing"):
        shapes = summary["shapes"]
        expect(len(shapes) >= 8 and min(shapes.values()) > 0, f"{shapes}")
        expect_equal(sum(shapes.values()), COUNT, "sum over the shapes")
    with tap.case("messages average 550 to 800 bytes, short and long ones among them"):
        sizes = [len(frame) - HEADERS for frame in all_frames]
        mean = sum(sizes) / COUNT
        expect(550 <= mean <= 800, f"mean {mean}")
        expect(abs(mean - summary["sip_bytes_mean"]) < 0.1, f"{summary['sip_bytes_mean']}")
        expect(min(sizes) < 400 and max(sizes) > 1100, f"{min(sizes)} to {max(sizes)}")
    with tap.case("the order of header lines is shuffled"):
        firsts = {header_names(frame)[0].lower() for frame in all_frames}
        expect(len(firsts) >= 8, f"first lines: {firsts}")
    with tap.case("long, compact and lower-case header names occur"):
        names = {name for frame in all_frames for name in header_names(frame)}
        expect({b"Via", b"v", b"via", b"Call-ID", b"i", b"call-id"} <= names, f"{names}")
    with tap.case("many callers"):
        sources = {frame[26:30] for frame in all_frames}
        expect(len(sources) > COUNT // 3, f"{len(sources)}")


def programs(tap, work, config, path, all_frames):
    with tap.case("the same seed gives the same file, another one another"):
        expect_equal(frames(make(work, "again", 1, config)[0]), all_frames, "frames")
        expect(frames(make(work, "other", 2, config)[0]) != all_frames, "the same frames")
    with tap.case("the stages forward every frame and tell their times"):
        done = subprocess.run([STAGES, "--config", config, "--corpus", path, "--rounds", "2"],
                              capture_output=True, text=True, check=False)
        expect_equal(done.returncode, 0, done.stderr)
        times = json.loads(done.stdout)["ns_per_message"]
        expect_equal(list(times), ["copy", "parse", "route", "rewrite", "checksum", "all"],
                     "stages")
        expect(all(len(runs) == 2 and min(runs) > 0 for runs in times.values()), f"{times}")
    with tap.case("swaps under the same work: every frame forwarded, a pause told for each"):
        done = subprocess.run([SWAPS, "--config", config, "--corpus", path, "--swaps", "3",
                               "--core", str(max(os.sched_getaffinity(0)))],
                              capture_output=True, text=True, check=False)
        expect_equal(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)
        for name in ("pause_us", "quiet_us", "turn_us"):
            expect(len(found[name]) == 3 and min(found[name]) > 0, f"{name}: {found}")
    with tap.case("the program of single pieces checks its answers and tells each as often as asked"):
        done = subprocess.run([PIECES, "--config", config, "--corpus", path, "--rounds", "2"],
                              capture_output=True, text=True, check=False)
        expect_equal(done.returncode, 0, done.stderr)
        found = json.loads(done.stdout)["ns"]
        expect_equal(list(found), ["call_id_hash", "cookie_mac", "maglev", "checksum"], "pieces")
        expect(all(len(runs) == 2 and min(runs) > 0 for runs in found.values()), f"{found}")
    with tap.case("a corpus of other secrets is refused: its branches do not verify"):
        other = work / "other.yaml"
        other.write_text(config.read_text().replace("73747265", "00000000"))
        done = subprocess.run([STAGES, "--config", other, "--corpus", path, "--rounds", "1"],
                              capture_output=True, text=True, check=False)
        expect(done.returncode != 0, "accepted")
        expect("response_forged" in done.stderr, done.stderr)
        done = subprocess.run([SWAPS, "--config", other, "--corpus", path, "--swaps", "1"],
                              capture_output=True, text=True, check=False)
        expect(done.returncode != 0 and "were not forwarded" in done.stderr, done.stderr)


def made_to_order(tap, work, config):
    """What growth and the mixes ask for."""
    def corpus(name, *more):
        path, summary = work / f"{name}.pcap", work / f"{name}.json"
        subprocess.run([CORPUS, "--config", config, "--output", path, "--summary", summary,
                        "--count", "50", *more], check=True, stdout=subprocess.DEVNULL)
        return frames(path), json.loads(summary.read_text())

    with tap.case("one shape only, or one kind"):
        found, summary = corpus("cancels", "--only", "cancel")
        expect(all(frame[HEADERS:].startswith(b"CANCEL ") for frame in found), "others")
        expect_equal(summary["shapes"]["cancel"], 50, "cancels")
        for kind, is_one in (("responses", True), ("requests", False)):
            found, _ = corpus(kind, "--only", kind)
            expect_equal({frame[HEADERS:].startswith(b"SIP/2.0 ") for frame in found}, {is_one},
                         kind)
    with tap.case("so many header lines more, and so many bytes, checksums right"):
        plain, summary = corpus("plain", "--only", "cancel")
        longer, more = corpus("longer", "--only", "cancel", "--lines", "60")
        expect_equal(round(more["header_lines_mean"] - summary["header_lines_mean"]), 60, "lines")
        expect_equal(len(header_names(plain[0])) + 60, len(header_names(longer[0])), "by hand")
        large, _ = corpus("large", "--only", "cancel", "--bytes", "9000")
        expect(all(9000 <= len(frame) - HEADERS <= 9100 for frame in large), "lengths")
        expect(all(good_checksums(frame) for frame in longer + large), "checksums")
    with tap.case("stamped: one mark each, and no frame longer than a wire takes"):
        stamped, _ = corpus("stamped", "--only", "invite_long", "--stamp")
        expect(all(frame[HEADERS:].count(b"`") == 1 for frame in stamped), "marks")
        expect(max(map(len, stamped)) <= 1514, "lengths")
    with tap.case("a shape that is not there is refused"):
        done = subprocess.run([CORPUS, "--config", config, "--output", work / "no.pcap", "--only",
                               "invit"], capture_output=True, text=True, check=False)
        expect(done.returncode != 0, "accepted")
    with tap.case("farms of a growing number of members and pools are taken"):
        for more in ({"members": 4096}, {"pools": 64}):
            corpus("farm", "--config", balancer.write_config(
                work, balancer.from_memory(work / "farm.pcap"), [0], **more))


with Tap() as TAP, tempfile.TemporaryDirectory() as DIRECTORY:
    WORK = pathlib.Path(DIRECTORY)
    CONFIG = balancer.write_config(WORK, balancer.from_memory(WORK / "corpus.pcap"), [0])
    PATH, SUMMARY = make(WORK, "corpus", 1, CONFIG)
    FRAMES = frames(PATH)
    content(TAP, FRAMES, SUMMARY)
    programs(TAP, WORK, CONFIG, PATH, FRAMES)
    made_to_order(TAP, WORK, CONFIG)
