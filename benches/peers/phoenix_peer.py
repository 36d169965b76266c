"""What a span costs Phoenix and `runtree serve` that come to them by OTLP/HTTP, in CPU time of the server.

    phoenix_peer.py RUNTREE

Runs in the environment of Phoenix, which has what it takes to write OTLP. Both servers are new, store in files of their
own, and are sent the same spans in requests of 100, by one sender that waits for each answer; each measure ends when the
server has nothing to do any more. Phoenix answers before it stores, runtree after its commit.
"""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

TOGETHER = 100
BEGINNING = 1_767_225_600_000_000_000
WORDS = "the quick brown fox jumps over the lazy dog while seven wizards mix a large pot of soup "


def bodies(spans):
    """Traces of ten spans, each a model call with 200 bytes of input."""
    for first in range(0, spans, TOGETHER):
        request = ExportTraceServiceRequest()
        scope = request.resource_spans.add().scope_spans.add()
        for number in range(first, first + TOGETHER):
            trace, at = divmod(number, 10)
            span = scope.spans.add()
            span.trace_id = (trace + 1).to_bytes(16, "big")
            span.span_id = (number + 1).to_bytes(8, "big")
            if at:
                span.parent_span_id = (10 * trace + 1).to_bytes(8, "big")
            span.name = f"step {at}"
            span.start_time_unix_nano = BEGINNING + number * 10_000_000
            span.end_time_unix_nano = span.start_time_unix_nano + 5_000_000
            text = (str(number) + " " + WORDS * 3)[:200]
            told = {"openinference.span.kind": "LLM", "input.value": text, "output.value": "7", "llm.model_name": "gpt-5"}
            for key, value in told.items():
                attribute = span.attributes.add()
                attribute.key = key
                attribute.value.string_value = value
        yield request.SerializeToString()


def ask(url, body=None, kind="application/x-protobuf"):
    headers = {"Content-Type": kind} if body else {}
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    return opener.open(urllib.request.Request(url, body, headers), timeout=120).read()


def cpu(pid):
    """Seconds that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def at_rest(pid):
    """Its seconds once it does next to nothing any more."""
    before = cpu(pid)
    while True:
        time.sleep(2)
        now = cpu(pid)
        if now - before < 0.1:
            return now
        before = now


def memory(pid):
    """The most it held, in MiB."""
    return int(re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def measure(name, pid, url, spans, stored):
    requests = list(bodies(spans))
    before = at_rest(pid)
    for body in requests:
        ask(f"{url}/v1/traces", body)
    used = at_rest(pid) - before
    there = stored()
    if there != spans:
        sys.exit(f"{name} stored {there} of {spans} spans")
    for what, value, unit in [("throughput", spans / used, "runs per CPU second"), ("memory", memory(pid), "MiB")]:
        print(json.dumps({"measure": f"{name}/{what}/otlp", "value": value, "unit": unit}), flush=True)


def phoenix(folder, spans):
    ports = []
    for _ in range(2):
        with socket.socket() as one:
            one.bind(("127.0.0.1", 0))
            ports.append(one.getsockname()[1])
    url = f"http://127.0.0.1:{ports[0]}"
    environment = os.environ | {
        "PHOENIX_HOST": "127.0.0.1", "PHOENIX_PORT": str(ports[0]), "PHOENIX_GRPC_PORT": str(ports[1]),
        "PHOENIX_WORKING_DIR": folder, "PHOENIX_TELEMETRY_ENABLED": "false", "PHOENIX_ALLOW_EXTERNAL_RESOURCES": "false",
    }  # fmt: skip
    program = Path(sys.executable).with_name("phoenix")
    with open(f"{folder}/log", "w") as log:
        server = subprocess.Popen([program, "serve"], env=environment, stdout=log, stderr=log)
    try:
        for _ in range(180):
            try:
                ask(f"{url}/healthz")
                break
            except OSError:
                time.sleep(1)

        def stored():
            query = json.dumps({"query": "{ projects { edges { node { recordCount } } } }"}).encode()
            projects = json.loads(ask(f"{url}/graphql", query, "application/json"))["data"]["projects"]["edges"]
            return sum(project["node"]["recordCount"] for project in projects)

        measure("phoenix", server.pid, url, spans, stored)
    finally:
        server.kill()
        server.wait()


def runtree(program, folder, spans):
    command = [program, "serve", "--port", "0", "--db", f"{folder}/traces.db"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        url = server.stdout.readline().split()[-1]

        def stored():
            command = [program, "export", "--project", "default", "--url", url]
            return len(subprocess.run(command, capture_output=True, check=True).stdout.splitlines())

        measure("runtree", server.pid, url, spans, stored)
    finally:
        server.terminate()
        server.wait()


with tempfile.TemporaryDirectory() as folder:
    runtree(sys.argv[1], folder, 20_000)
with tempfile.TemporaryDirectory() as folder:
    phoenix(folder, 2_000)
