"""Prints, as JSON, what LangSmith's Python SDK reads of a run and those below it, and of the runs that meet filters.

    read.py RUN PROJECT [FILTER...]
"""

import datetime
import json
import sys
import warnings

from langsmith import Client

warnings.simplefilter("ignore")  # The newer way to read runs needs another server.
FIELDS = ("name", "run_type", "inputs", "outputs", "error", "status", "tags", "metadata", "events", "total_tokens")
EPOCH = datetime.datetime(1970, 1, 1)


def micros(time):
    """Times are read as UTC, without saying so."""
    return time and (time.replace(tzinfo=None) - EPOCH) // datetime.timedelta(microseconds=1)


def seen(run):
    fields = {name: getattr(run, name) for name in FIELDS}
    ids = {name: str(getattr(run, name)) for name in ("id", "trace_id", "session_id", "parent_run_id")}
    attachments = {
        name: {"mime_type": attachment["mime_type"], "text": attachment["reader"].read().decode()}
        for name, attachment in run.attachments.items()
    }
    children = [seen(child) for child in run.child_runs or []]
    times = {"start_time": micros(run.start_time), "end_time": micros(run.end_time)}
    return {**fields, **ids, **times, "attachments": attachments, "children": children}


client = Client()
root, project, *filters = sys.argv[1:]
listed = {one: [run.name for run in client.list_runs(project_name=project, filter=one)] for one in filters}
json.dump({"run": seen(client.read_run(root, load_child_runs=True)), "listed": listed}, sys.stdout)
