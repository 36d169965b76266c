"""Python's langsmith, sending runs to the sink whose address is given. Prints one JSON object a measure."""

import json
import os
import random
import sys
import time

os.environ |= {
    "LANGSMITH_TRACING": "true",
    "LANGSMITH_ENDPOINT": sys.argv[1],
    "LANGSMITH_API_KEY": "none",
    "LANGSMITH_PROJECT": "bench",
}
try:
    import langsmith
except ImportError as error:
    sys.exit(f"langsmith is not installed for {sys.executable}: {error}")

WORDS = ["why", "does", "a", "cat", "purr", "when", "it", "is", "tired", "of", "rain"]


def text(size):
    words = []
    while size > 0:
        words.append(random.choice(WORDS))
        size -= len(words[-1]) + 1
    return " ".join(words)


client = langsmith.Client()


@langsmith.traceable(client=client)
def step(text):
    return 7


@langsmith.traceable(client=client)
def root(text, below):
    for one in below:
        step(one)
    return 7


def caller(calls=300):
    texts = [text(200) for _ in range(calls)]
    start = time.thread_time()
    for one in texts:
        step(one)
    taken = (time.thread_time() - start) / calls
    client.flush()
    return taken


def throughput(trees=800):
    texts = [(text(200), [text(200) for _ in range(4)]) for _ in range(trees)]
    start = time.process_time()
    for one, below in texts:
        root(one, below)
    client.flush()
    return 5 * trees / (time.process_time() - start)


def show(measure, value, unit):
    print(json.dumps({"measure": measure, "value": value, "unit": unit}))


caller(50)
show("langsmith-python/caller/200", sorted(caller() for _ in range(5))[2] * 1e9, "ns")
show("langsmith-python/throughput/200", throughput(), "runs per CPU second")
