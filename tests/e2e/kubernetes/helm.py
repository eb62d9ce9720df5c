"""Helm: `helm.py render CHART`, values on standard input, prints {file: text}; `lint CHART`, `package CHART FOLDER`.

Ends with 1 and Helm's sentence where Helm does not want to."""

import json
import sys

import helm_python

command, chart, *more = sys.argv[1:]
try:
    if command == "render":
        with helm_python.Chart.load(chart) as loaded:
            print(json.dumps(loaded.render(json.load(sys.stdin), name="flights", namespace="shop")))
    elif command == "lint":
        print(json.dumps(helm_python.lint(chart)))
    elif command == "dependencies":
        helm_python.dependency_update(chart)
    elif command == "package":
        print(helm_python.package(chart, destination=more[0]))
except helm_python.HelmError as error:
    sys.exit(str(error))
