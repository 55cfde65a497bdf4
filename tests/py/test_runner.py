"""A program under us beside the same program under Python alone: how it starts,
and what it sees.
"""

from __future__ import annotations

import py_compile
import zipfile
from pathlib import Path

import pytest
from beside import NO_HIDING, check_program, check_same, run, write

SHOW = """\
import sys
print(sorted(globals()))
print(__name__, __file__, __package__, getattr(__loader__, "__name__", type(__loader__)))
print(__spec__ and (__spec__.name, __spec__.origin, __spec__.parent))
print(sys.argv, sys.path[0], sys.modules["__main__"].__dict__ is globals())
"""


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
    write(
        folder, "main.py", "import sys\nsys.path.insert(0, 'lib.zip')\nimport zipped\n"
    )
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


@NO_HIDING
def test_the_stack_has_no_frame_of_ours(
    folder: Path, start: tuple[list[str], str]
) -> None:
    check_program(
        folder,
        start,
        """\
        import inspect, logging, traceback, warnings
        traceback.print_stack()
        print([frame.function for frame in inspect.stack()])
        warnings.warn("far up", stacklevel=9)
        logging.warning("here", stack_info=True, stacklevel=9)
        raise ValueError
        """,
    )


def test_globals_and_main_are_as_in_python(
    folder: Path, start: tuple[list[str], str]
) -> None:
    check_program(
        folder,
        start,
        """\
        import sys, __main__
        print(list(globals()), list(vars(__main__)))
        print([globals().get(f"__{name}__") for name in ("file", "cached", "doc")])
        print(__main__.__spec__ and __main__.__spec__.origin, sys.argv, sys.path)
        print(sys.flags, sys.exc_info(), sys.modules["__main__"] is __main__)
        """,
    )


def test_a_recursion_goes_as_deep_as_in_python(
    folder: Path, start: tuple[list[str], str]
) -> None:
    status, out, _ = check_program(
        folder,
        start,
        """\
        import sys
        def deep(n):
            try:
                return deep(n + 1)
            except RecursionError:
                return n
        print(deep(0))
        sys.setrecursionlimit(60)
        print(deep(0))
        def endless():
            endless()
        endless()
        """,
    )
    assert status == 1
    assert out


@pytest.mark.parametrize(
    "source",
    [
        b'x = 1\ny = "\0"\n',
        b"x = 1  # \0\n",
        b'x = 1\ny = "\xe9"\n',
        b"x = 1\n" * 3000 + b"# \xff\n",
        b"# coding: no-such-thing\nx = 1\n",
        b"\xef\xbb\xbf# coding: latin-1\nx = 1\n",
        b"\xef\xbb\xbfprint(1)\n",
        b'# coding: latin-1\nprint(ascii("\xe9"))\n1 / 0  # \xe9\n',
        b'x = """\n',
        b"if 1:\nx\n",
        b"if 1:\n\tx\n        y\n",
        b"if 1:",
        b"print(1)\r\n1 / 0\r\n",
        b"print(1)\r1 / 0\r",
        b"(" * 300 + b")" * 300,
        b"",
        b"1 / 0",
        b"return\n",
        b'"""doc"""\nprint(__doc__)\n',
        b"from __future__ import annotations\nx: y = 1\nprint(__annotations__)\n",
        b'"\\d"\nprint(1)\n',
    ],
)
def test_any_source_file_runs_or_fails_as_in_python(
    folder: Path, source: bytes
) -> None:
    (folder / "source.py").write_bytes(source)
    check_same(folder, "source.py")
    check_same(folder, "-m", "source", options=("-B",))  # warns when compiled


def test_warnings_of_the_compiler_are_filtered_as_in_python(folder: Path) -> None:
    write(folder, "escape.py", '"\\d"\nprint(1)\n')
    for option in (
        "-Werror",
        "-Walways",
        "-Werror::SyntaxWarning:__main__",
        "-Werror::DeprecationWarning:__main__",
    ):
        check_same(folder, "escape.py", options=(option,))
        check_same(folder, "-c", "'\\d'", options=(option,))


def test_compiled_files_run_as_in_python(folder: Path) -> None:
    source = write(folder, "source.py", "print(__file__, __loader__.path)\n1 / 0\n")
    py_compile.compile(str(source), str(folder / "good.pyc"))
    data = (folder / "good.pyc").read_bytes()
    (folder / "no-suffix").write_bytes(data)
    (folder / "foreign.pyc").write_bytes(b"xxxx" + data[4:])
    (folder / "half-foreign").write_bytes(data[:2] + b"xx" + data[4:])
    (folder / "cut.pyc").write_bytes(data[:-20])
    (folder / "nothing.pyc").write_bytes(data[:16] + b"N")
    for path in sorted(folder.iterdir()):
        check_same(folder, path.name)


def test_a_program_on_standard_input_runs_as_in_python(folder: Path) -> None:
    source = b"import sys\nprint(list(globals()), __file__, sys.argv)\ninput()\n"
    assert check_same(folder, "-", "a", stdin=source)[0] == 1


@pytest.mark.parametrize(
    "source",
    [
        "def f():\n    1 / 0\nf()",
        "x = ",
        "  print(1)\n  1 / 0",
        "  x\n y",
        "print('early')\nimport sys\nsys.exit('text')",
        "print('\xe9')",
        "",
    ],
)
def test_a_string_behaves_as_with_c(folder: Path, source: str) -> None:
    check_same(folder, "-c", source, merged=True)
    check_same(folder, "-c", source, options=("-P",))


def test_folders_and_zip_files_run_with_a_safe_path(folder: Path) -> None:
    main = write(folder, "app/__main__.py", SHOW + "1 / 0\n")
    with zipfile.ZipFile(folder / "app.zip", "w") as archive:
        archive.write(main, "__main__.py")
    check_same(folder, "app", options=("-P",))
    check_same(folder, "app.zip", options=("-P",))


def test_a_package_that_fails_to_import_is_reported_as_in_python(
    folder: Path,
) -> None:
    write(folder, "bad/__init__.py", "1 / 0\n")
    write(folder, "bad/__main__.py", "")
    write(folder, "leaves/__init__.py", "import sys\nsys.exit(3)\n")
    write(folder, "script.py", "")
    for name in ("bad", "leaves", "script.py", "no_such", "bad.no_such", ".x", "sys"):
        check_same(folder, "-m", name)


@NO_HIDING
def test_a_debugger_shows_the_frames_of_the_program(folder: Path) -> None:
    write(folder, "stop.py", "def f(x):\n    breakpoint()\n    return x\nprint(f(3))\n")
    typed = b"where\nup\nup\np x\nc\n"
    # From 3.13 on a debugger stops at the next instruction, but the interpreter
    # tells it only of the next line if any tool uses sys.monitoring.
    by = ("--engine", "settrace")
    _, out, _ = check_same(folder, "stop.py", stdin=typed, ours=by)
    assert "exactrace" not in out
    _, out, _ = run(["-m", "exactrace", "run", "-q", "stop.py"], folder, typed)
    assert "exactrace" not in out
    assert "stop.py(4)<module>()" in out
    assert "(Pdb) 3\n" in out


def test_a_program_may_replace_or_remove_its_module(folder: Path) -> None:
    write(folder, "gone.py", "import sys\ndel sys.modules['__main__']\nprint(1)\n")
    check_same(folder, "gone.py")
    write(folder, "other.py", "import sys\nsys.modules['__main__'] = sys\n1 / 0\n")
    check_same(folder, "other.py")


def test_a_traceback_shows_source_after_a_change_of_directory(folder: Path) -> None:
    write(folder, "there/away.py", "import os\nos.chdir('/')\n1 / 0\n")
    arguments = ["-m", "exactrace", "-c", "-R", "-f", "counts", "there/away.py"]
    _, _, error = run(arguments, folder)
    assert 'File "there/away.py", line 3' in error
    assert "    1 / 0\n" in error


def test_the_console_script_runs_programs_as_python_does(folder: Path) -> None:
    script = write(folder, "bin/tool", "from exactrace.cli import main\nmain()\n")
    write(folder, "show.py", SHOW + "import sibling\n")
    write(folder, "sibling.py", "1 / 0\n")
    ours = run([str(script), "run", "-q", "show.py", "a"], folder)
    assert ours == run(["show.py", "a"], folder)
    ours = run([str(script), "run", "-q", "-m", "show", "a"], folder)
    assert ours == run(["-m", "show", "a"], folder)


def test_threads_and_tracing_leave_our_own_frames_sound(folder: Path) -> None:
    # The interpreter rewrites the code of running frames while they are hidden.
    write(
        folder,
        "trace.py",
        """\
        import sys, threading
        def work():
            sys.setprofile(lambda *_: None)
            sys.settrace(lambda *_: None)
            return sum(range(10))
        for _ in range(3):
            thread = threading.Thread(target=work)
            thread.start()
        sys.setprofile(lambda *_: None)
        raise ValueError
        """,
    )
    check_same(folder, "trace.py")
