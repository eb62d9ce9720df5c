"""A monitor for `bentoml.monitor`, whose records then go to the sidecar.

    with bentoml.monitor("fraud", monitor_class="driftgauge.bentoml.DriftgaugeMonitor") as record:
        record.log(12.5, name="amount", role="feature", data_type="numerical")
        record.log(True, name="fraudulent", role="prediction", data_type="categorical")

or for all monitors, in BentoML's configuration: `monitoring: {type: driftgauge.bentoml.DriftgaugeMonitor,
options: {version: "3"}}`. The options are those of `driftgauge.Monitor`.
"""

from typing import Any, Optional

from bentoml.monitoring import MonitorBase

from ._monitor import Monitor

ROLES = {"feature": "feature", "prediction": "prediction", "target": "label"}


class DriftgaugeMonitor(MonitorBase):  # type: ignore[misc]
    """Observes each record as a call of one row, or of as many as were logged in it."""

    def __init__(self, name: str, log_path: Any = None, log_config_file: Any = None, **options: Any) -> None:
        """BentoML's default options, which are about files, mean nothing here."""
        super().__init__(name)
        self.options = options
        self.driftgauge: Optional[Monitor] = None

    def export_schema(self, columns_schema: dict[str, dict[str, str]]) -> None:
        roles = {name: ROLES.get(column["role"], "feature") for name, column in columns_schema.items()}
        self.driftgauge = Monitor(self.name, roles=roles, **self.options)

    def export_data(self, datas: "dict[str, Any]") -> None:
        if self.driftgauge is not None and datas:
            rows = [dict(zip(datas, values)) for values in zip(*datas.values())]
            self.driftgauge.observe(rows[0] if len(rows) == 1 else rows)
