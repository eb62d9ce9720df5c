"""A service of BentoML that records its calls with BentoML's own monitor."""

import bentoml


@bentoml.service
class Sums:
    @bentoml.api
    def predict(self, a: float, b: float) -> bool:
        answer = a + b > 10
        with bentoml.monitor("sums", monitor_class="driftgauge.bentoml.DriftgaugeMonitor") as record:
            record.log(a, name="a", role="feature", data_type="numerical")
            record.log(b, name="b", role="feature", data_type="numerical")
            record.log(answer, name="answer", role="prediction", data_type="categorical")
        return answer
