import os
import re
import sys
import types

import jupyter_client
import psutil
import pytest

from workshop_utils.core import machine, settings

HERE = len(os.sched_getaffinity(0))
GB = 2**30


@pytest.mark.parametrize(
    ("limit", "cores"),
    [("max 100000", HERE), ("100000 100000", 1), ("50000 100000", 1), ("9900000 100000", HERE), ("nonsense", HERE)],
)
def test_cores_are_those_of_the_container_not_of_the_machine(limit, cores, tmp_path, monkeypatch):
    (tmp_path / "cpu.max").write_text(limit + "\n")
    monkeypatch.setattr(machine, "_QUOTA", tmp_path / "cpu.max")
    assert machine.cores() == cores


def test_version_1_of_control_groups_limits_cores_too(tmp_path, monkeypatch):
    for name, value in (("quota", "100000"), ("period", "100000")):
        (tmp_path / name).write_text(value + "\n")
    monkeypatch.setattr(machine, "_QUOTA", tmp_path / "none")
    monkeypatch.setattr(machine, "_QUOTA_V1", (tmp_path / "quota", tmp_path / "period"))
    assert machine.cores() == 1


def test_without_a_container_the_cores_of_this_process_count(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_QUOTA", tmp_path / "none")
    monkeypatch.setattr(machine, "_QUOTA_V1", (tmp_path / "none", tmp_path / "none"))
    assert machine.cores() == HERE


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """A function that creates control groups as Linux shows them: {file: text}, and the line that names ours."""
    monkeypatch.setattr(machine, "_GROUPS", tmp_path)
    monkeypatch.setattr(machine, "_OUR_GROUPS", tmp_path / "own")
    monkeypatch.setattr(machine.psutil, "virtual_memory", lambda: types.SimpleNamespace(available=8 * GB))

    def make(own: str, texts: dict[str, str]) -> None:
        (tmp_path / "own").write_text(own)
        for name, text in texts.items():
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_text(f"{text}\n")

    return make


def test_free_memory_is_that_of_the_container_not_of_the_machine(groups):
    stat = f"anon {GB}\ninactive_file {GB // 4}"
    groups("0::/\n", {"memory.max": str(2 * GB), "memory.current": str(GB), "memory.stat": stat})
    assert machine.free_memory() == GB + GB // 4


def test_the_limit_of_a_parent_group_applies_too(groups):
    def limit(group, allowed):
        return {f"{group}memory.max": allowed, f"{group}memory.current": str(GB), f"{group}memory.stat": "anon 0"}

    groups("0::/user/lab\n", limit("user/lab/", "max") | limit("user/", str(3 * GB)))
    assert machine.free_memory() == 2 * GB


def test_version_1_of_control_groups_limits_memory_too(groups):
    older = {"limit_in_bytes": str(2 * GB), "usage_in_bytes": str(GB), "stat": f"total_inactive_file {GB // 2}"}
    groups("5:cpu,cpuacct:/docker/1\n4:memory:/docker/1\n0::/\n", {f"memory/memory.{key}": older[key] for key in older})
    assert machine.free_memory() == 3 * GB // 2


@pytest.mark.parametrize("limit", ["max", str(2**63 - 4096), "nonsense"])
def test_without_a_limit_the_machines_memory_counts(limit, groups):
    groups("0::/\n", {"memory.max": limit, "memory.current": str(GB), "memory.stat": "inactive_file 0"})
    assert machine.free_memory() == 8 * GB


def test_a_container_that_is_over_its_limit_has_nothing_left(groups):
    groups("0::/\n", {"memory.max": str(GB), "memory.current": str(2 * GB), "memory.stat": "inactive_file 0"})
    assert machine.free_memory() == 0


def test_without_control_groups_the_machines_memory_counts(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_OUR_GROUPS", tmp_path / "none")
    assert 0 < machine.free_memory() <= psutil.virtual_memory().total


@pytest.fixture(scope="module")
def kernel():
    """Another notebook's kernel."""
    manager = jupyter_client.manager.KernelManager()
    manager.start_kernel()
    client = manager.blocking_client()
    client.start_channels()
    client.wait_for_ready(timeout=60)
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def test_another_notebook_is_found_with_the_memory_it_uses(kernel):
    (found,) = [each for each in machine.other_kernels() if each.pid == kernel[0].provisioner.pid]
    assert found.memory > 20e6


def test_a_notebook_does_not_find_itself(kernel):
    manager, client = kernel
    said = []
    code = "from workshop_utils.core import machine; print([each.pid for each in machine.other_kernels()])"
    client.execute_interactive(code, timeout=60, output_hook=lambda message: said.append(message["content"]))
    (found,) = [content["text"] for content in said if "text" in content]
    assert str(manager.provisioner.pid) not in found


def process(pid, command, memory, user):
    info = {"pid": pid, "username": user, "cmdline": command, "memory_info": types.SimpleNamespace(rss=memory)}
    return types.SimpleNamespace(pid=pid, info=info)


@pytest.fixture
def running(monkeypatch):
    """A function that replaces the running processes by these: (command line, bytes, user)."""
    me = psutil.Process().username()

    def run(*processes):
        listed = [process(pid, command, memory, user or me) for pid, (command, memory, user) in enumerate(processes)]
        monkeypatch.setattr(machine.psutil, "process_iter", lambda fields: listed)

    return run


def launched(name: str) -> list[str]:
    return ["python", "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", f"/run/kernel-{name}.json"]


def test_a_kernel_with_several_processes_counts_once_and_only_the_users_own_count(running):
    kernels = [(launched("a"), 7, None), (launched("a"), 900, None), (launched("b"), 5000, None)]
    others = [(launched("c"), 1, "another user"), (None, 1, None), (["jupyter-lab", "kernel-d.json"], 1, None)]
    shell = (["bash", "-c", " ".join(launched("e"))], 1, None)
    running(*kernels, *others, shell, (["python", "-m", "ipykernel", "install"], 1, None))
    assert machine.other_kernels() == [machine.Kernel(2, 5000), machine.Kernel(1, 900)]


@pytest.mark.parametrize(
    ("held", "numbers"),
    [
        ([], []),
        ([200_000_000, 200_000_000], []),
        ([700_000_000], ["0.7"]),
        ([700_000_000, 600_000_000], ["2", "1.3"]),
    ],
)
def test_training_warns_of_other_notebooks_in_one_line_or_not_at_all(held, numbers, running, capsys):
    running(*((launched(str(place)), memory, None) for place, memory in enumerate(held)))
    assert machine.warn_of_other_kernels() is None
    printed = capsys.readouterr().out
    assert re.findall(r"[\d.]*\d", printed) == numbers and printed.count("\n") == bool(numbers)
    assert not numbers or "Running Terminals and Kernels" in printed


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_is_installed", {"tensorflow-cpu", "numpy"}.__contains__)
    lines = ["# Colab's", "tensorflow>=2.20,<2.22", "numpy", "", "no-such_package==1", "pillow >= 11"]
    (tmp_path / "requirements.txt").write_text("\n".join(lines), encoding="utf-8")
    assert machine.missing_packages(tmp_path / "requirements.txt") == ["no-such_package", "pillow"]


def test_a_missing_jupyterlab_is_reported_except_on_colab(tmp_path, monkeypatch):
    monkeypatch.setattr(machine, "_is_installed", lambda package: False)
    (tmp_path / "requirements.txt").write_text("jupyterlab>=4.2,<5\ntqdm>=4.66\n", encoding="utf-8")
    assert machine.missing_packages(tmp_path / "requirements.txt") == ["jupyterlab", "tqdm"]
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    assert machine.missing_packages(tmp_path / "requirements.txt") == ["tqdm"]


def test_everything_that_the_workshop_requires_is_installed_here():
    assert machine.missing_packages(settings.PROJECT / "requirements.txt") == []
