"""Answers requests: one JSON request a line on stdin, one JSON answer a line on stdout."""

import json
import sys


def serve(calls):
    """calls: functions by name; the arguments of a request are theirs, by name."""
    for line in sys.stdin:
        request = json.loads(line)
        try:
            answer = {"result": calls[request["call"]](**request["arguments"])}
        except BaseException as error:
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)
