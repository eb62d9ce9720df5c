"""Asks the model of serve.py about orders, and posts the events that KServe's agent would post.

    python orders.py http://localhost:8080 http://localhost:4598     # the model, the logger's url

The agent is a program of its own, in Go, that stands before the model in a cluster; `logger: {mode: all, url: …}` switches its
events on. This script takes its place where there is no cluster: CloudEvents in binary mode, one for the request and one for the
response of a call, with the same Ce-Id. 8,000 usual orders, then 2,000 after a change upstream.
"""

import json
import random
import sys
import urllib.request
import uuid
from datetime import datetime, timezone

CALLS, ROWS = 100, 100


def post(url, body, headers):
    request = urllib.request.Request(url, body, {"Content-Type": "application/json", **headers})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read()


def event(kind, call):
    """The headers of an event of the agent."""
    now = datetime.now(timezone.utc).isoformat()
    return {
        "Ce-Id": call,
        "Ce-Type": f"org.kubeflow.serving.inference.{kind}",
        "Ce-Specversion": "1.0",
        "Ce-Source": "http://localhost/",
        "Ce-Time": now,
        "Ce-Recordedtime": now,
        "Ce-Inferenceservicename": "fraud",
        "Ce-Namespace": "default",
        "Ce-Component": "predictor",
    }


def order(draw):
    """An order; the age of the account is sometimes not known."""
    age = None if draw.random() < 0.02 else draw.gammavariate(2.0, 200.0)
    country = draw.choices(["DE", "FR", "US"], [0.5, 0.3, 0.2])[0]
    return {"amount": draw.lognormvariate(3.5, 1.0), "account_age_days": age, "country": country}


def main(model, logger):
    draw = random.Random(7)
    fraud = 0
    for number in range(CALLS):
        orders = [order(draw) for _ in range(ROWS)]
        if number >= CALLS * 8 // 10:  # upstream now sends cents
            orders = [{**order, "amount": order["amount"] * 100} for order in orders]
        call, question = str(uuid.uuid4()), json.dumps({"instances": orders}).encode()
        asked = event("request", call)
        answer = post(f"{model}/v1/models/fraud:predict", question, {})
        post(logger, question, asked)
        post(logger, answer, event("response", call))
        fraud += sum(score > 0.5 for score in json.loads(answer)["predictions"])
    print(f"{CALLS * ROWS} orders in {CALLS} calls, {fraud} look like fraud; {2 * CALLS} events")


if __name__ == "__main__":
    main(*sys.argv[1:])
