"""Whether objects on standard input, a JSON list, are what Kubernetes takes: prints a list of sentences, one for each fault.

The argument is the version of Kubernetes, such as 1.33, or `kserve` for its kinds. An unknown kind is a fault."""

import ast
import importlib.util
import json
import re
import sys
from pathlib import Path

import kubernetes_validate


def complaint(found, version):
    try:
        kubernetes_validate.validate(found, version, strict=True)
    except kubernetes_validate.SchemaNotFoundError:
        return [f"Kubernetes {version} does not know {found['kind']} of {found['apiVersion']}"]
    except kubernetes_validate.ValidationError as error:
        return [f"{'.'.join(map(str, error.path))}: {error.message}"]
    return []


class KServe:
    """The kinds of KServe as its Python SDK describes them; what is Kubernetes' own in them is not judged here."""

    def __init__(self):
        # Read, not imported: that would take its model server's dependencies.
        (package,) = importlib.util.find_spec("kserve").submodule_search_locations
        self.files = {path.stem.replace("_", ""): path for path in (Path(package) / "models").glob("v1*.py")}

    def fields(self, model):
        """The JSON name of each field and its type, or None for a type that is not KServe's."""
        path = self.files.get(model.lower())
        if not path:
            return None
        (kind,) = [node for node in ast.parse(path.read_text()).body if isinstance(node, ast.ClassDef)]
        tables = [node for node in kind.body if isinstance(node, ast.Assign)]
        tables = {node.targets[0].id: ast.literal_eval(node.value) for node in tables}
        return {tables["attribute_map"][name]: of for name, of in tables["openapi_types"].items()}

    def complaints(self, value, model, where):
        inner = re.fullmatch(r"list\[(.*)\]", model)
        if inner:
            if not isinstance(value, list):
                return [f"{where}: no list"]
            return [wrong for number, item in enumerate(value) for wrong in self.complaints(item, inner[1], f"{where}[{number}]")]
        plain = {"str": str, "int": int, "bool": bool}.get(model)
        if plain:
            return [] if isinstance(value, plain) else [f"{where}: no {model}"]
        fields = self.fields(model)
        if fields is None:
            return []
        wrong = [f"{where}: unknown field {name}" for name in value if name not in fields]
        for name in value.keys() & fields.keys():
            wrong += self.complaints(value[name], fields[name], f"{where}.{name}")
        return wrong

    def judge(self, found):
        version = found["apiVersion"].removeprefix("serving.kserve.io/")
        model = f"{version}{found['kind']}"
        if self.fields(model) is None:
            return [f"KServe does not know {found['kind']} of {found['apiVersion']}"]
        return self.complaints(found, model, found["kind"])


judge = KServe().judge if sys.argv[1] == "kserve" else lambda found: complaint(found, sys.argv[1])
wrong = [f"{found['kind']} {found['metadata']['name']}: {sentence}" for found in json.load(sys.stdin) for sentence in judge(found)]
print(json.dumps(wrong))
