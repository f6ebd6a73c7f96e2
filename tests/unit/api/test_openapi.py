# SPDX-License-Identifier: BSD-3-Clause
"""docs/openapi.json against a running control: each path, each field, and how errors look."""

import grp
import json
import os
import re

from rig import ROOT, expect, expect_equal, run_suites, until

EXTRA = "registrar: {domains: [example.org]}\n"
TYPES = {"object": dict, "array": list, "string": str, "boolean": bool, "null": type(None)}

with open(os.path.join(ROOT, "docs", "openapi.json"), encoding="utf-8") as opened:
    SPEC = json.load(opened)


def is_of(value, kind):
    if kind in ("integer", "number"):
        numbers = int if kind == "integer" else (int, float)
        return isinstance(value, numbers) and not isinstance(value, bool)
    return isinstance(value, TYPES[kind])


def resolve(schema):
    if "$ref" not in schema:
        return schema
    return SPEC["components"]["schemas"][schema["$ref"].rsplit("/", 1)[1]]


def check_object(value, schema, where):
    named, others = schema.get("properties"), schema.get("additionalProperties")
    for key in schema.get("required", ()):
        yield from () if key in value else [f"{where}: {key} is missing"]
    for key, inner in value.items():
        if named is not None and key in named:
            yield from check(inner, named[key], f"{where}.{key}")
        elif others is not None:
            yield from check(inner, others, f"{where}.{key}")
        elif named is not None:
            yield f"{where}: {key} is not in docs/openapi.json"


def check(value, schema, where):
    """What in @value is not as @schema says; a field it does not name is one."""
    schema = resolve(schema)
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if not any(is_of(value, kind) for kind in kinds):
        yield f"{where}: {value!r} is not of {kinds}"
    elif isinstance(value, dict):
        yield from check_object(value, schema, where)
    elif isinstance(value, list) and "items" in schema:
        for i, item in enumerate(value):
            yield from check(item, schema["items"], f"{where}[{i}]")
    elif isinstance(value, str):
        if value not in schema.get("enum", [value]):
            yield f"{where}: {value!r} is not one of {schema['enum']}"
        if not re.search(schema.get("pattern", ""), value):
            yield f"{where}: {value!r} does not look like {schema['pattern']}"


def expect_as_told(value, schema, where):
    wrong = list(check(value, schema, where))
    expect(not wrong, "\n".join(wrong[:20]))


def operations():
    """(method, path, operation), what makes before what shows, what removes last."""
    rows = [(method.upper(), path, operation) for path, item in SPEC["paths"].items()
            for method, operation in item.items()]
    return sorted(rows, key=lambda row: (row[1].endswith("/remove"), not row[1].endswith("/put")))


def body_of(r, operation):
    if "requestBody" not in operation:
        return b""
    kind, content = next(iter(operation["requestBody"]["content"].items()))
    if kind == "application/yaml":
        with open(r.config, "rb") as f:
            return f.read()
    expect_as_told(content["example"], content["schema"], "the example of a body")
    body = dict(content["example"])
    if "yaml" in body:  # a configuration that could run here, and is another
        with open(r.config, encoding="utf-8") as f:
            body["yaml"] = f.read() + "# the same in other words\n"
    return json.dumps(body).encode()


def as_served(path, operation):
    for parameter in operation.get("parameters", ()):
        path = path.replace("{%s}" % parameter["name"], parameter["example"])
    return path


def fetch(r, method, path, body=b""):
    """(status, Content-Type without its parameters, text)"""
    head = (f"{method} {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            f"Content-Length: {len(body)}\r\n\r\n")
    head, _, text = r.http(head.encode() + body).partition(b"\r\n\r\n")
    kind = re.search(rb"\r\nContent-Type: ([^;\r]*)", head, re.IGNORECASE)
    return int(head.split()[1]), kind.group(1).decode() if kind else "", text.decode()


def expect_operation(r, method, path, operation):
    status, kind, text = fetch(r, method, as_served(path, operation), body_of(r, operation))
    where = f"{method} {path}: {status}"
    told = operation["responses"].get(str(status), operation["responses"]["default"])
    expect_equal(kind, next(iter(told["content"])), f"{where}: type")
    if kind.endswith("json"):
        expect_as_told(json.loads(text), told["content"][kind]["schema"], where)
    return status


def each_endpoint_is_told_and_no_other(r):
    served = {(row["method"], row["path"]): row
              for row in r.call("GET", "/v1")[1]["endpoints"]}
    told = {(method, path): operation for method, path, operation in operations()}
    expect_equal(sorted(served), sorted(told), "endpoints: of GET /v1, and of docs/openapi.json")
    for key, row in served.items():
        expect_equal(told[key]["x-effect"], row["effect"], f"effect of {key}")
        expect_equal(bool(row["body"]), "requestBody" in told[key], f"{key} takes a body")


def each_answer_is_as_told(r):
    r.write(extra=EXTRA)
    r.start()
    until(r.linked, "the first tables to be served")
    for method, path, operation in operations():
        expect_equal(expect_operation(r, method, path, operation), 200, f"{method} {path}")


def each_answer_is_as_told_without_a_data_plane(r):
    for method, path, operation in operations():
        status = expect_operation(r, method, path, operation)
        expect(status in (200, 202, 409), f"{method} {path}: {status}")


def errors_are_problems(r):
    problem = SPEC["components"]["schemas"]["Problem"]
    rows = (("GET", "/v1/nowhere", b"", 404), ("DELETE", "/v1/members", b"", 405),
            ("POST", "/v1/members/nobody/drain", b"", 404),
            ("POST", "/v1/members/k1/weight", b"{", 400),
            ("POST", "/v1/members/k1/weight", b'{"weight": 70000}', 400),
            ("POST", "/v1/log", b'{"level": "loud"}', 400), ("GET", "/v1/status", b"{}", 400))
    for method, path, body, wanted in rows:
        status, kind, text = fetch(r, method, path, body)
        where = f"{method} {path}"
        expect_equal((status, kind), (wanted, "application/problem+json"), where)
        expect_as_told(json.loads(text), problem, where)
        expect_equal(json.loads(text)["status"], status, f"{where}: status")


def wrong_bodies(operation):
    """(body, JSON pointer of what is wrong in it), for each field a JSON body may have."""
    content = operation.get("requestBody", {}).get("content", {}).get("application/json")
    if content is None:
        return
    example = content["example"]
    for field in content["schema"]["properties"]:
        yield {**example, field: -1.5}, f"#/{field}"
    for field in content["schema"].get("required", ()):
        yield {key: value for key, value in example.items() if key != field}, f"#/{field}"
    yield {**example, "a/b~": 1}, "#/a~1b~0"


def what_is_wrong_in_a_body_is_named(r):
    r.write(extra=EXTRA)
    r.start()
    tried = 0
    for method, path, operation in operations():
        for body, pointer in wrong_bodies(operation):
            status, _, text = fetch(r, method, as_served(path, operation),
                                    json.dumps(body).encode())
            where = f"{method} {path} {body}: {text}"
            expect_equal(status, 400, where)
            expect_equal([row["pointer"] for row in json.loads(text)["errors"]], [pointer], where)
            tried += 1
    expect(tried > 40, f"{tried} bodies")


def rows_inside_a_body_are_named(r):
    rows = (("/v1/explain", {"messages": [{"base64": "AAAA"}, {"base64": "!"}]},
             "#/messages/1/base64"),
            ("/v1/explain", {"messages": [{"base64": "AAAA", "from": "nowhere"}]},
             "#/messages/0/from"),
            ("/v1/explain", {"messages": [7]}, "#/messages/0"),
            ("/v1/subscribers/put", {"subscribers": [{"name": "nobody", "password": "x"}]},
             "#/subscribers/0/name"),
            ("/v1/subscribers/put", {"subscribers": [{"name": "a@example.com", "password": ""}]},
             "#/subscribers/0/password"),
            ("/v1/location/remove", {"names": ["a@example.com", 7]}, "#/names/1"),
            ("/v1/members", {"pool": "farm", "address": "nowhere"}, "#/address"),
            ("/v1/log", {"level": "loud"}, "#/level"),
            ("/v1/log", [], "#"))
    for path, body, pointer in rows:
        _, problem = r.call("POST", path, json.dumps(body).encode())
        expect_equal([row["pointer"] for row in problem.get("errors", ())], [pointer],
                     f"{path} {body}: {problem}")


def the_socket_is_for_its_group(r):
    """Owner, group and mode are set before anybody can connect; others stay outside."""
    r.api_extra = [f"  group: {grp.getgrgid(os.getgid()).gr_name}"]
    r.write()
    with open(r.config, encoding="utf-8") as f:
        text = f.read()
    with open(r.config, "w", encoding="utf-8") as f:
        f.write(text.replace('mode: "0600"', 'mode: "0660"'))
    r.start()
    seen = os.stat(r.api)
    expect_equal((seen.st_mode & 0o777, seen.st_gid), (0o660, os.getgid()), "mode and group")


run_suites(
    ({"fake": True}, (each_endpoint_is_told_and_no_other, errors_are_problems)),
    ({"fake": True, "start": False}, (each_answer_is_as_told,)),
    ({}, (each_answer_is_as_told_without_a_data_plane,)),
    ({"start": False}, (what_is_wrong_in_a_body_is_named, rows_inside_a_body_are_named)),
    ({"start": False}, (the_socket_is_for_its_group,)),
)
