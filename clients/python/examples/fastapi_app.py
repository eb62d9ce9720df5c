"""A model behind FastAPI that is watched: three lines, marked below.

pip install driftgauge fastapi uvicorn
driftgauge serve &
uvicorn fastapi_app:app
curl localhost:8000/predict -H 'content-type: application/json' -d '{"amount": 250.0, "country": "DE"}'
curl -s localhost:9599/metrics | grep fraud
"""

import math

from fastapi import FastAPI
from pydantic import BaseModel

import driftgauge  # 1
from driftgauge.asgi import DriftgaugeMiddleware

monitor = driftgauge.Monitor("fraud", version="3")  # 2

app = FastAPI()
app.add_middleware(DriftgaugeMiddleware, monitor=monitor, paths=["/predict"])  # 3


class Order(BaseModel):
    amount: float
    country: str


@app.post("/predict")
def predict(order: Order) -> dict:
    score = 1 / (1 + math.exp(6 - math.log(order.amount)))
    return {"prediction": score > 0.5, "score": score}


@app.get("/monitoring")
def monitoring() -> dict:
    """What became of what this process observed."""
    return vars(monitor.stats())
