"""Two versions of a model side by side: version 4, the canary, gets one call in ten, and has a fault that version 3 does not have.

    python deploy/examples/canary/canary.py              # or another address than 127.0.0.1:4599

Needs what demo/push.py needs, whose client it uses. Orders come from another mix of countries than those that the reference was
learned from, at both versions: the world has changed. Version 4 takes amounts for cents: that is its own fault.
"""

import pathlib
import sys

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[3] / "demo"))
from push import Observer, model, orders

LEARNED, COMPARED, ROWS = 600, 1000, 10


def main():
    address = sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:4599"
    versions = {
        version: Observer("fraud", version, ["amount", "account_age_days"], ["country"], address, timeout=5)
        for version in ("3", "4")
    }
    random = np.random.default_rng(7)
    accepted = dict.fromkeys(versions, 0)
    for call in range(LEARNED + COMPARED):
        numbers, country = orders(random, ROWS)
        version = "3"
        if call >= LEARNED:
            country = random.choice(["DE", "FR", "US"], ROWS, p=[0.2, 0.3, 0.5])
            version = "4" if call % 10 == 0 else "3"
        if version == "4":
            numbers[:, 0] *= 100
        score = model(numbers)
        ids = [f"order-{call * ROWS + row}" for row in range(ROWS)]
        answer = versions[version].observe(numbers, [country.tolist()], score, score > 0.5, ids, np.full(ROWS, 0.002))
        accepted[version] += answer.accepted_rows if answer else 0
    print(", ".join(f"version {version}: {rows} rows" for version, rows in accepted.items()))


if __name__ == "__main__":
    main()
