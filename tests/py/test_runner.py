"""A program under us beside the same program under Python alone.

Each test runs both and compares all that can be seen from outside.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
import zipfile
from pathlib import Path

import pytest

import exactrace

# Where the package under test is, for children that must find it and not the
# sources in the current directory.
PACKAGE = str(Path(exactrace.__file__).parent.parent)

SHOW = """\
import sys
print(sorted(globals()))
print(__name__, __file__, __package__, getattr(__loader__, "__name__", type(__loader__)))
print(__spec__ and (__spec__.name, __spec__.origin, __spec__.parent))
print(sys.argv, sys.path[0], sys.modules["__main__"].__dict__ is globals())
"""


def run(arguments: list[str], folder: Path, **variables: str) -> tuple[int, str, str]:
    """Run Python with these arguments: (exit status, stdout, stderr)."""
    environment = {**os.environ, "PYTHONPATH": PACKAGE, **variables}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def check_same(folder: Path, *arguments: str, **variables: str) -> tuple[int, str, str]:
    """The same arguments to Python and to us must show the same."""
    plain = run(list(arguments), folder, **variables)
    ours = run(["-m", "exactrace", "run", "-q", *arguments], folder, **variables)
    assert plain == ours
    return ours


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("EXACTRACE_DATA", str(tmp_path / "counts"))
    monkeypatch.delenv("PYTHONSAFEPATH", raising=False)
    work = tmp_path / "work"
    work.mkdir()
    return work


def write(folder: Path, name: str, source: str) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(textwrap.dedent(source), encoding="utf-8")
    return path


def test_a_script_has_the_globals_arguments_and_path_of_python(folder: Path) -> None:
    write(folder, "show.py", SHOW)
    status, out, _ = check_same(folder, "show.py", "a", "-b", "--count")
    assert status == 0
    assert "['show.py', 'a', '-b', '--count']" in out


def test_a_script_in_another_folder_imports_its_siblings(folder: Path) -> None:
    write(folder, "there/main.py", SHOW + "import sibling\n")
    write(folder, "there/sibling.py", "print('sibling', __file__)\n")
    assert check_same(folder, "there/main.py")[0] == 0


def test_a_script_behind_a_link_imports_its_siblings(folder: Path) -> None:
    write(folder, "there/main.py", SHOW + "import sibling\n")
    write(folder, "there/sibling.py", "print('sibling')\n")
    (folder / "link.py").symlink_to("there/main.py")
    assert check_same(folder, "link.py")[0] == 0


def test_a_safe_path_stays_safe(folder: Path) -> None:
    write(folder, "show.py", "import sys; print(sys.path)\n")
    plain = run(["-P", "show.py"], folder)
    ours = run(["-P", "-m", "exactrace", "run", "-q", "show.py"], folder)
    assert plain == ours
    assert str(folder) not in ours[1]


def test_a_module_runs_as_with_m(folder: Path) -> None:
    write(folder, "show.py", SHOW)
    assert check_same(folder, "-m", "show", "a", "-b")[0] == 0


def test_a_package_runs_its_main(folder: Path) -> None:
    write(folder, "pkg/__init__.py", "print('init', __name__)\n")
    write(folder, "pkg/__main__.py", SHOW + "from . import other\n")
    write(folder, "pkg/other.py", "print('other', __name__)\n")
    assert check_same(folder, "-m", "pkg", "x")[0] == 0


def test_a_folder_and_a_zip_file_run_their_main(folder: Path) -> None:
    main = write(folder, "app/__main__.py", SHOW + "import helper\n")
    helper = write(folder, "app/helper.py", "print('helper')\n")
    with zipfile.ZipFile(folder / "app.zip", "w") as archive:
        archive.write(main, "__main__.py")
        archive.write(helper, "helper.py")
    assert check_same(folder, "app", "x")[0] == 0
    assert check_same(folder, "app.zip", "x")[0] == 0


def test_a_string_runs_as_with_c(folder: Path) -> None:
    code = "import sys; print(sorted(globals()), sys.argv, sys.path[0])"
    assert check_same(folder, "-c", code, "a", "-b")[0] == 0


@pytest.mark.parametrize(
    ("source", "status"),
    [
        ("import sys; sys.exit(3)", 3),
        ("import sys; sys.exit('text')", 1),
        ("raise SystemExit", 0),
        ("raise SystemExit(None)", 0),
        ("raise SystemExit([1, 2])", 1),
        ("def f():\n    1 / 0\nf()", 1),
        ("try:\n    1 / 0\nexcept ZeroDivisionError:\n    {}['x']", 1),
        ("x = = 1", 1),
        ("raise OSError(2, 'mine')", 1),
        ("import sys\nsys.excepthook = lambda *a: print('hook', a[0])\n1 / 0", 1),
        ("import sys\nsys.excepthook = lambda *a: 1 / 0\n{}['x']", 1),
        ("import no_such_module", 1),
        ("raise ExceptionGroup('g', [ValueError(1), TypeError(2)])", 1),
    ],
)
def test_the_end_of_a_program_is_as_in_python(
    folder: Path, source: str, status: int
) -> None:
    write(folder, "end.py", source + "\n")
    assert check_same(folder, "end.py")[0] == status


def test_an_interrupt_ends_the_process_by_the_signal(folder: Path) -> None:
    write(folder, "stop.py", "import signal\nsignal.raise_signal(signal.SIGINT)\n")
    assert check_same(folder, "stop.py")[0] == -signal.SIGINT


def test_results_are_written_after_an_exception_and_an_interrupt(folder: Path) -> None:
    for end in ("1 / 0", "import signal; signal.raise_signal(signal.SIGINT)"):
        write(folder, "end.py", f"x = 1\n{end}\n")
        _, out, _ = run(["-m", "exactrace", "-c", "-s", "-C", "c", "end.py"], folder)
        assert "100" in out
        assert (folder / "c/end.cover").read_text().startswith("    1: x = 1\n")
        (folder / "c/end.cover").unlink()


def test_a_change_of_directory_loses_nothing(folder: Path) -> None:
    write(folder, "away.py", "import os\nos.mkdir('d')\nos.chdir('d')\nimport mod\n")
    write(folder, "mod.py", "x = 1\n")
    status, out, _ = run(["-m", "exactrace", "-c", "-s", "-C", "c", "away.py"], folder)
    assert status == 0
    assert "away" in out
    covers = {path.name for path in folder.rglob("*.cover")}
    assert {"away.cover", "mod.cover"} <= covers


def test_source_in_a_zip_file_is_reported(folder: Path) -> None:
    with zipfile.ZipFile(folder / "lib.zip", "w") as archive:
        archive.writestr("zipped.py", "def f():\n    return 1\nf()\n")
    write(folder, "main.py", "import sys\nsys.path.insert(0, 'lib.zip')\nimport zipped\n")
    status, _, _ = run(["-m", "exactrace", "-c", "-C", "c", "main.py"], folder)
    assert status == 0
    assert "    1:     return 1\n" in (folder / "c/zipped.cover").read_text()


def test_unittest_main_finds_the_tests(folder: Path) -> None:
    write(
        folder,
        "cases.py",
        """\
        import unittest
        class Case(unittest.TestCase):
            def test_one(self):
                self.assertEqual(1, 2)
        unittest.main()
        """,
    )
    status, _, error = run(["-m", "exactrace", "run", "-q", "cases.py"], folder)
    assert status == run(["cases.py"], folder)[0] == 1
    assert "Ran 1 test" in error


def test_objects_of_main_can_be_pickled(folder: Path) -> None:
    write(
        folder,
        "pickles.py",
        """\
        import pickle, sys
        class C:
            pass
        if len(sys.argv) > 1:
            with open("c.pickle", "rb") as file:
                print(type(pickle.load(file)))
        else:
            with open("c.pickle", "wb") as file:
                pickle.dump(C(), file)
        """,
    )
    ours = ["-m", "exactrace", "run", "-q"]
    assert run([*ours, "pickles.py"], folder)[0] == 0
    plain = run(["pickles.py", "load"], folder)
    assert plain == run([*ours, "pickles.py", "load"], folder)
    assert "__main__.C" in plain[1]


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
@pytest.mark.parametrize("start", ["script", "module", "drop-in"])
def test_multiprocessing_works(folder: Path, method: str, start: str) -> None:
    write(
        folder,
        "pool.py",
        """\
        import multiprocessing, sys
        def square(x):
            return x * x
        if __name__ == "__main__":
            context = multiprocessing.get_context(sys.argv[1])
            with context.Pool(1) as pool:
                print(pool.map(square, [1, 2, 3]))
        """,
    )
    ours = {
        "script": ["run", "-q", "pool.py"],
        "module": ["run", "-q", "-m", "pool"],
        "drop-in": ["-c", "-R", "pool.py"],
    }[start]
    status, out, error = run(["-m", "exactrace", *ours, method], folder)
    assert (status, out) == (0, "[1, 4, 9]\n"), error


def test_threads_that_outlive_the_main_program_are_counted(folder: Path) -> None:
    write(
        folder,
        "late.py",
        """\
        import threading
        go = threading.Event()
        def late():
            go.wait()
            for i in range(1000):
                i + 1
        threading.Thread(target=late).start()
        threading.Timer(0, go.set).start()
        """,
    )
    run(["-m", "exactrace", "-c", "-C", "c", "late.py"], folder)
    assert " 1000:         i + 1\n" in (folder / "c/late.cover").read_text()


def test_an_idle_thread_pool_does_not_hang(folder: Path) -> None:
    write(
        folder,
        "pool.py",
        """\
        from concurrent.futures import ThreadPoolExecutor
        pool = ThreadPoolExecutor(2)
        print(pool.submit(int, "3").result())
        """,
    )
    assert check_same(folder, "pool.py")[1] == "3\n"


def test_exit_handlers_and_finalizers_run(folder: Path) -> None:
    write(
        folder,
        "last.py",
        """\
        import atexit
        class Last:
            def __del__(self):
                print("finalizer")
        atexit.register(print, "handler")
        last = Last()
        print("end")
        """,
    )
    assert check_same(folder, "last.py")[1] == "end\nhandler\nfinalizer\n"


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["nothing.py"], 2, "nothing.py"),
        (["-m", "no_such"], 1, "No module named no_such"),
        (["-m", "no_such.inner"], 1, "no_such.inner"),
        (["-m", "emptypkg"], 1, "cannot be directly executed"),
        (["emptypkg"], 1, "can't find '__main__' module in"),
        ([], 2, "PROGRAM"),
    ],
)
def test_a_program_that_cannot_start_costs_one_line(
    folder: Path, arguments: list[str], status: int, message: str
) -> None:
    write(folder, "emptypkg/__init__.py", "")
    done = run(["-m", "exactrace", "run", *arguments], folder)
    assert done[0] == status
    assert message in done[2].splitlines()[-1]
    assert "Traceback" not in done[2]
    if arguments:
        assert len(done[2].splitlines()) == 1
        assert run(arguments, folder)[0] == status
