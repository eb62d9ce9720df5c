"""MLServer, KServe and BentoML as they are, each in an environment of its own (`tests/run` makes them)."""

import json
import os

from conftest import CLIENT
from model_servers import MLServer, python_of
from servers import Server
from sidecar import fetch

FRAMEWORKS = CLIENT / "tests" / "frameworks"
PATHS = f"{CLIENT / 'src'}:{FRAMEWORKS}"


def features(page, model):
    found = page.all("driftgauge_feature_null_ratio", model=model, window="1h")
    return {labels["feature"]: labels["role"] for labels, _ in found}


class WatchedMLServer(MLServer):
    """The models of the tests of forwarding, with the mixin before their class."""

    def __init__(self, directory, target):
        super().__init__(directory)
        self.target = target
        for path in self.models.glob("*/model-settings.json"):
            settings = json.loads(path.read_text())
            path.write_text(json.dumps({**settings, "implementation": "mlserver_models.Watched"}))

    def environment(self):
        return {**super().environment(), "PYTHONPATH": PATHS, "DRIFTGAUGE_TARGET": self.target}


def post(url, body):
    import urllib.error
    import urllib.request

    headers = {"content-type": "application/json"}
    request = urllib.request.Request(url, data=json.dumps(body).encode(), headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return reply.status, json.loads(reply.read())
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def tensor(name, datatype, shape, data, **parameters):
    return {"name": name, "datatype": datatype, "shape": shape, "data": data, "parameters": parameters}


def test_mlserver(serve, tmp_path):
    sidecar = serve()
    python_of("mlserver")
    server = WatchedMLServer(tmp_path, sidecar.push_address)
    try:
        server.start()
        iris = {"inputs": [tensor("x", "FP32", [3, 4], [5.1, 3.5, 1.4, 0.2] * 3)], "id": "one"}
        iris["outputs"] = [{"name": "predict"}, {"name": "predict_proba"}]
        for _ in range(20):
            status, answer = post(f"http://{server.http}/v2/models/iris/infer", iris)
            assert status == 200 and [one["name"] for one in answer["outputs"]] == ["predict", "predict_proba"]
        loans = [
            tensor("age", "INT64", [2, 1], [30, 60]),
            tensor("income", "FP64", [2, 1], [1e4, 2e4]),
            tensor("country", "BYTES", [2, 1], ["DE", "FR"], content_type="str"),
            tensor("owner", "BOOL", [2, 1], [True, False]),
            tensor("score", "FP32", [2, 1], [0.5, 0.25]),
        ]
        request = {"inputs": loans, "parameters": {"content_type": "pd"}}
        assert post(f"http://{server.http}/v2/models/loans/infer", request)[0] == 200
        narrow = {"inputs": [tensor("x", "FP32", [1, 2], [5.1, 3.5])]}
        assert post(f"http://{server.http}/v2/models/iris/infer", narrow)[0] >= 400
        sidecar.wait_for_rows("iris", 61, version="v1")
        sidecar.wait_for_rows("loans", 2, version="7")
    finally:
        server.process.terminate()
        server.process.wait(20)
    page = sidecar.wait_for_next_evaluation()
    columns = dict.fromkeys([f"x[{n}]" for n in range(4)], "feature")
    scores = dict.fromkeys([f"score[{n}]" for n in range(3)], "score")
    assert features(page, "iris") == {**columns, **scores, "prediction": "prediction"}
    columns = dict.fromkeys(["age", "income", "country", "owner"], "feature")
    # A column that is called score has that role.
    assert features(page, "loans") == {**columns, "score": "score", "prediction": "prediction"}


def test_kserve(serve, tmp_path):
    sidecar = serve()
    python = str(python_of("kserve"))
    env = {**os.environ, "PYTHONPATH": PATHS, "DRIFTGAUGE_TARGET": sidecar.push_address}
    command = [python, str(FRAMEWORKS / "kserve_app.py"), "--http_port", "{port}"]
    with Server(tmp_path, command, env, ready="/v2/health/ready") as server:
        for n in range(10):
            assert server.call("/v1/models/sums:predict", {"instances": [[n, 1.5], [n, 20.0]]})[0] == 200
        request = {"inputs": [tensor("input", "FP64", [1, 2], [1.0, 2.0])], "id": "one"}
        assert server.call("/v2/models/sums/infer", request)[0] == 200
        assert server.call("/v1/models/sums:predict", {"instances": [[1.0], [1.0, 2.0]]})[0] >= 400
        sidecar.wait_for_rows("sums", 21)
    assert {"input[0]", "input[1]", "prediction"} <= set(features(sidecar.wait_for_next_evaluation(), "sums"))


def test_bentoml(serve, tmp_path):
    sidecar = serve()
    python = python_of("client-bentoml")
    target = {"DRIFTGAUGE_TARGET": sidecar.push_address, "BENTOML_HOME": str(tmp_path), "BENTOML_DO_NOT_TRACK": "1"}
    env = {**os.environ, "PYTHONPATH": PATHS, **target}
    command = [str(python.parent / "bentoml"), "serve", "bentoml_app:Sums", "--port", "{port}", "--host", "127.0.0.1"]
    command += ["--working-dir", str(FRAMEWORKS)]
    with Server(tmp_path, command, env, ready="/readyz") as server:
        for n in range(20):
            assert server.call("/predict", {"a": n, "b": 1.5})[0] == 200
        sidecar.wait_for_rows("sums", 20)
    page = sidecar.wait_for_next_evaluation()
    assert features(page, "sums") == {"a": "feature", "b": "feature", "answer": "prediction"}
    assert fetch(f"{sidecar.url}/metrics").status == 200
