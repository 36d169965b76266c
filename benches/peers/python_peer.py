"""Ten steps of Python's langchain-core, without callbacks. Prints one JSON object a measure, in nanoseconds."""

import json
import sys
import time

try:
    from langchain_core.runnables import RunnableGenerator, RunnableLambda
except ImportError as error:
    sys.exit(f"langchain-core is not installed for {sys.executable}: {error}")

CHUNKS = 1000


def ten(step):
    chain = step
    for _ in range(9):
        chain = chain | step
    return chain


def add_each(chunks):
    for chunk in chunks:
        yield chunk + 1


def median_ns(work, samples, rounds):
    for _ in range(3):
        work()
    taken = []
    for _ in range(samples):
        start = time.perf_counter()
        for _ in range(rounds):
            work()
        taken.append((time.perf_counter() - start) / rounds * 1e9)
    return sorted(taken)[samples // 2]


def show(name, nanoseconds):
    print(json.dumps({"id": name, "ns": nanoseconds}))


chain = ten(RunnableLambda(lambda x: x + 1))
show("python/invoke", median_ns(lambda: chain.invoke(0), 20, 20))

generators = ten(RunnableGenerator(add_each))
show("python/stream", median_ns(lambda: sum(1 for _ in generators.transform(iter(range(CHUNKS)))), 20, 1) / CHUNKS)
