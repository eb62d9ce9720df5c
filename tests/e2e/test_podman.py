"""The classic manifest, run by podman: its settings, socket, users, restrictions and memory limit are real.

Left out is what podman 4.3 cannot: native sidecars, probes of images without a shell, ports of pods on the machine's
own network, and fsGroup, in whose place each container gets the group and each emptyDir is a folder as the kubelet
makes it. Skipped where podman, buildah or runc is missing or may not run."""

import contextlib
import json
import os
import re
import shutil
import stat
import subprocess
import tempfile
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest
import yaml

import manifests
from data import orders, write_csv
from page import Page
from push import Client, batch
from sidecar import ROOT, binary, fetch
from waiting import free_port, wait_for

IMAGE = "localhost/driftgauge:test"
GROUP = 65532
CONTAINERS = """
[containers]
default_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]
cgroups = "enabled"
pids_limit = 0
[engine]
cgroup_manager = "cgroupfs"
"""


class Podman:
    """Podman with a storage of its own."""

    def __init__(self, folder):
        self.folder = Path(folder)
        (self.folder / "containers.conf").write_text(CONTAINERS)
        self.environment = {**os.environ, "CONTAINERS_CONF": str(self.folder / "containers.conf")}
        self.storage = ["--root", self.folder / "root", "--runroot", self.folder / "runroot", "--storage-driver", "vfs"]

    def __call__(self, *command, timeout=120):
        return self.run("podman", "--runtime", "runc", "--cgroup-manager", "cgroupfs", command, timeout)

    def buildah(self, *command):
        return self.run("buildah", command, 120)

    def run(self, program, *options_and_command):
        *options, command, timeout = options_and_command
        line = [str(part) for part in (program, *options, *self.storage, *command)]
        return subprocess.run(
            line, cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=timeout
        )

    def ok(self, *command):
        result = self(*command)
        assert result.returncode == 0, f"podman {command}: {result.stderr}"
        return result.stdout

    def inspect(self, container):
        return json.loads(self.ok("inspect", "--type", "container", container))[0]

    def build(self):
        """The image of deploy/image, of the program of the tests: that is not static, so the libraries that it loads
        are added."""
        context = self.folder / "image"
        shutil.rmtree(context, ignore_errors=True)
        context.mkdir()
        loaded = subprocess.run(["ldd", binary()], capture_output=True, text=True, check=True).stdout
        for library in re.findall(r"(/\S+) \(0x", loaded):
            target = context / "libraries" / library.lstrip("/")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, target)
        subprocess.run(["strip", "-o", context / "driftgauge", binary()], check=True)
        (context / "driftgauge.cdx.json").write_text("{}\n")
        shutil.copy(ROOT / "LICENSE", context)
        recipe = (ROOT / "deploy" / "image" / "Containerfile").read_text()
        (self.folder / "Containerfile").write_text(recipe.replace("\nUSER", "\nCOPY libraries /\nUSER"))
        options = ["--tag", IMAGE, "--timestamp", "0", "--build-arg", "VERSION=1", "--build-arg", "REVISION=abc"]
        return self.buildah("build", "--quiet", "--file", self.folder / "Containerfile", *options, context)


@pytest.fixture(scope="module")
def podman():
    if os.geteuid() != 0:
        pytest.skip("podman is run by root here, to give folders to a group")
    missing = [program for program in ("podman", "buildah", "runc", "strip") if not shutil.which(program)]
    if missing:
        pytest.skip(f"{', '.join(missing)} missing")
    # Not a folder of pytest: paths of podman's sockets are short.
    folder = tempfile.mkdtemp(prefix="podman-")
    podman = Podman(folder)
    try:
        for tried in (podman.build(), podman("run", "--rm", "--network", "host", IMAGE, "--version")):
            if tried.returncode != 0:
                pytest.skip(f"podman cannot run here: {tried.stderr}")
        yield podman
    finally:
        podman("pod", "rm", "--all", "--force")
        podman("volume", "rm", "--all", "--force")
        shutil.rmtree(folder, ignore_errors=True)


class Pod:
    """The Deployment and the ConfigMap of sidecar-classic.yaml, with a model that sends rows again and again."""

    def __init__(self, podman, settings, rows):
        self.podman = podman
        self.web = free_port()
        found = manifests.file("sidecar-classic")
        config, deployment = (manifests.of_kind(found, kind) for kind in ("ConfigMap", "Deployment"))
        config["data"] = settings
        spec = deployment["spec"]["template"]["spec"]
        (model,) = [each for each in spec["containers"] if each["name"] == "model"]
        sidecar, _ = manifests.sidecar_of(found)
        del spec["securityContext"]["fsGroup"], sidecar["livenessProbe"], sidecar["ports"]
        spec["securityContext"]["supplementalGroups"] = [GROUP]
        sidecar["image"] = model["image"] = IMAGE
        sidecar["env"] = [{"name": "DRIFTGAUGE_WEB_LISTEN_ADDRESS", "value": f"127.0.0.1:{self.web}"}]
        model["args"] = ["replay", "--to=unix:/run/driftgauge/push.sock", "--model=orders", "--score=score", "/rows/orders.csv"]
        model["securityContext"] = {**sidecar["securityContext"], "runAsUser": 1000, "runAsGroup": 1000}
        model["volumeMounts"].append({"name": "rows", "mountPath": "/rows"})
        for volume in spec["volumes"]:
            if "emptyDir" in volume:
                del volume["emptyDir"]
                volume["hostPath"] = {"path": str(self.empty(volume["name"])), "type": "Directory"}
        spec["volumes"].append({"name": "rows", "configMap": {"name": "rows"}})
        table = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "rows"}, "data": {"orders.csv": rows}}
        self.file = podman.folder / f"pod-{self.web}.yaml"
        self.file.write_text(yaml.safe_dump_all([config, table, deployment]))

    def empty(self, name):
        """With fsGroup: for everybody, new files are the group's."""
        path = self.podman.folder / f"{name}-{self.web}"
        path.mkdir()
        os.chown(path, 0, GROUP)
        path.chmod(0o2777)
        return path

    def __enter__(self):
        self.podman.ok("kube", "play", "--network", "host", self.file)
        return self

    def __exit__(self, *_):
        logs = self.podman("logs", self.sidecar)
        print(logs.stdout[-2000:], logs.stderr[-2000:])
        self.podman.ok("kube", "down", self.file)
        self.podman("volume", "rm", "--all", "--force")

    @property
    def socket(self):
        return self.podman.folder / f"driftgauge-socket-{self.web}" / "push.sock"

    sidecar = "flights-pod-0-driftgauge"
    model = "flights-pod-0-model"

    def state(self, container=sidecar):
        return self.podman.inspect(container)

    def process(self, container=sidecar):
        """Of a running container: what /proc/…/status says."""
        lines = Path(f"/proc/{self.state(container)['State']['Pid']}/status").read_text().splitlines()
        return dict(line.split(":\t", 1) for line in lines if ":\t" in line)

    def memory_limit(self):
        """In bytes, as the kernel keeps it."""
        process = Path(f"/proc/{self.state()['State']['Pid']}")
        groups = dict(line.split(":", 2)[1:] for line in (process / "cgroup").read_text().splitlines())
        first, second = "memory/{memory}/memory.limit_in_bytes", "{}/memory.max"
        path = first.format(**groups) if "memory" in groups else second.format(groups[""])
        return int((Path("/sys/fs/cgroup") / path.replace("//", "/").lstrip("/")).read_text())

    def page(self):
        return Page(fetch(f"http://127.0.0.1:{self.web}/metrics").text)

    def wait(self, condition, what, seconds=60):
        def holds():
            page = self.page()
            return page if condition(page) else None

        return wait_for(holds, what, seconds, every=0.2)


@pytest.fixture(scope="module")
def given(orders_profile, tmp_path_factory):
    """Settings with a profile, and rows."""
    import numpy as np

    path = write_csv(orders(np.random.default_rng(7), 10_000), tmp_path_factory.mktemp("rows") / "orders.csv")
    settings = {"driftgauge.yml": "models: {orders: {profile: orders.profile.json}}\n"}
    return {**settings, "orders.profile.json": orders_profile.read_text()}, path.read_text()


def test_the_image_is_the_program_alone_and_the_same_when_built_again(podman):
    first, second = podman.build(), podman.build()
    assert first.stdout == second.stdout != ""
    (image,) = json.loads(podman.ok("image", "inspect", IMAGE))
    config = image["Config"]
    assert (config["User"], config["Entrypoint"], config["Cmd"]) == ("65532:65532", ["/driftgauge"], ["serve"])
    labels = {name.removeprefix("org.opencontainers.image."): value for name, value in config["Labels"].items()}
    assert (labels["version"], labels["revision"], labels["licenses"]) == ("1", "abc", "Apache-2.0")
    assert "driftgauge 0" in podman.ok("run", "--rm", "--network", "host", "--read-only", IMAGE, "--version")


def test_two_users_share_the_socket_under_the_restricted_standard(podman, given):
    with Pod(podman, *given) as pod:
        page = pod.wait(lambda page: total(page, "driftgauge_accepted_rows_total") > 10_000, "rows")
        (labels, _), = page.all("driftgauge_reference_info", model="orders")
        assert labels["source"] == "file"
        sidecar, state = pod.process(), pod.state()
        assert (sidecar["Uid"].split()[0], sidecar["CapEff"], sidecar["NoNewPrivs"]) == ("65532", "0" * 16, "1")
        assert sidecar["Seccomp"] == "2", "there is no filter of system calls"
        assert state["HostConfig"]["ReadonlyRootfs"]
        socket = pod.socket.stat()
        assert (stat.S_IMODE(socket.st_mode), socket.st_gid) == (0o660, GROUP)
        assert wait_for(lambda: pod.process(pod.model)["Uid"].split()[0] == "1000", "the model runs")
        # What the kubelet does when a ConfigMap changes.
        before = page.label("driftgauge_config_info", "hash")
        mounted = json.loads(podman.ok("volume", "inspect", "driftgauge"))[0]["Mountpoint"]
        settings = Path(mounted) / "driftgauge.yml"
        settings.write_text(settings.read_text() + "windows: [2h]\n")
        pod.wait(lambda page: page.label("driftgauge_config_info", "hash") != before, "the changed ConfigMap")
        podman.ok("stop", "--time", "30", pod.sidecar)
        assert pod.state()["State"]["ExitCode"] == 0


def total(page, name):
    return sum(value for _, value in page.all(name))


def test_overload_stays_within_the_memory_limit(podman, given):
    rows = batch("orders", orders(np.random.default_rng(8), 50_000))
    enough = threading.Event()

    def send(socket):
        """As fast as it goes, whatever the answers ask for."""
        # Without it grpcio sends the path as :authority, which servers refuse.
        with Client(f"unix:{socket}", [("grpc.default_authority", "localhost")]) as client:
            while not enough.is_set():
                with contextlib.suppress(grpc.RpcError):
                    client.observe(rows)

    with Pod(podman, *given) as pod, ThreadPoolExecutor(8) as senders:
        first = pod.wait(lambda page: total(page, "driftgauge_accepted_rows_total") > 0, "rows of the model")
        for _ in range(8):
            senders.submit(send, pod.socket)
        try:
            page = pod.wait(lambda page: total(page, "driftgauge_shed_rows_total") > 5_000_000, "rows are shed", 90)
        finally:
            enough.set()
        most = int(pod.process()["VmHWM"].split()[0]) / 1024
        print(f"most {most:.1f} MiB resident, {total(page, 'driftgauge_accepted_rows_total'):.0f} rows accepted")
        assert pod.memory_limit() == 64 << 20
        state = pod.state()
        assert (state["RestartCount"], state["State"]["OOMKilled"]) == (0, False)
        started = "process_start_time_seconds"
        assert first.value(started) == pod.page().value(started)
