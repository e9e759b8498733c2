import subprocess
import sys

HEAVY = ("torch", "onnxruntime", "av", "pandas", "sklearn", "faiss", "onnx", "PIL")


def loaded(statement: str) -> str:
    code = f"import sys; {statement}; print(*sorted(set(sys.modules) & {set(HEAVY)!r}))"
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def test_the_package_and_its_catalog_load_nothing_heavy() -> None:
    assert loaded("import preroll.perception; preroll.perception.Catalog.load('demo').importance[0]") == ""


def test_the_command_line_loads_nothing_heavy() -> None:
    assert loaded("import preroll.cli") == ""


def test_a_worker_never_loads_torch_or_tables() -> None:
    statement = "import preroll.workers.worker, preroll.perception.workers.jobs"
    assert set(loaded(statement).split()) == {"PIL", "av", "onnxruntime"}
