# SPDX-License-Identifier: Apache-2.0
"""The counts file: our parser beside Python's, and how a file is replaced."""

from __future__ import annotations

import errno
import os
import pickle
import pickletools
import stat
import subprocess
import sys
import trace
from pathlib import Path
from typing import Any, NoReturn

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exactrace import _native, countsfile

PROTOCOLS = range(1, 6)

F: countsfile.Function = ("a.py", "a", "f")
G: countsfile.Function = ("b\udcff.py", None, "g")
SAMPLE: countsfile.Counts = (
    {("a.py", 1): 5, ("a.py", 0): 2**40, ("b\udcff.py", 300): 0, ("é", 7): 1},
    {F: 1, G: 1},
    {(F, G): 1, (G, G): 1},
)

# Any text that a str can hold, lone surrogates too.
texts = st.text(st.characters(), max_size=6)
functions = st.tuples(texts, st.none() | texts, texts)
lines = st.tuples(texts, st.integers(-(2**63), 2**63 - 1))
results = st.tuples(
    st.dictionaries(lines, st.integers(0, 2**63 - 1)),
    st.dictionaries(functions, st.just(1)),
    st.dictionaries(st.tuples(functions, functions), st.just(1)),
)
quickly = settings(max_examples=200, deadline=None, derandomize=True, database=None)


def refusal(data: bytes) -> str:
    """Return what is said about bytes that are no counts file."""
    with pytest.raises(ValueError) as caught:
        _native.loads_counts(data)
    return str(caught.value)


def save(
    path: Path, results: Any = SAMPLE, *, keep_unreadable: bool = False
) -> str | None:
    return countsfile.save(path, *results, keep_unreadable=keep_unreadable)


def names(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))


# The parser, beside Python's own.


@quickly
@given(results, st.sampled_from(PROTOCOLS))
def test_what_pickle_writes_is_read_equal(
    result: countsfile.Counts, protocol: int
) -> None:
    assert result == _native.loads_counts(pickle.dumps(result, protocol))


@quickly
@given(results)
def test_what_is_written_pickle_reads_equal(result: countsfile.Counts) -> None:
    data = _native.dumps_counts(*result)
    assert result == pickle.loads(data)
    assert result == _native.loads_counts(data)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_thousands_of_rows_are_read_and_written_equal(protocol: int) -> None:
    names = [(f"file{i % 100}.py", f"file{i % 100}", f"f{i}") for i in range(3000)]
    result: countsfile.Counts = (
        {(f"file{i % 100}.py", i): i * i for i in range(3000)},
        dict.fromkeys(names, 1),
        {(names[i // 2], names[i]): 1 for i in range(3000)},
    )
    assert result == _native.loads_counts(pickle.dumps(result, protocol))
    data = _native.dumps_counts(*result)
    assert result == pickle.loads(data)
    assert list(result[0]) == list(pickle.loads(data)[0])
    assert len(data) <= len(pickle.dumps(result, 1))


@quickly
@given(results, st.sampled_from(PROTOCOLS), st.data())
def test_changed_bytes_give_what_pickle_gives_or_an_error(
    result: countsfile.Counts, protocol: int, data: st.DataObject
) -> None:
    changed = bytearray(pickle.dumps(result, protocol))
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(changed) - 1))
        changed[at] = data.draw(st.integers(0, 255))
    try:
        ours = _native.loads_counts(bytes(changed))
    except ValueError as error:
        assert str(error).startswith("not a counts file: byte ")
        return
    # It holds nothing but data, or it had been refused: pickle may read it.
    counts, called, callers = pickle.loads(bytes(changed))
    assert ours == (counts, dict.fromkeys(called, 1), dict.fromkeys(callers, 1))


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_a_file_cut_anywhere_is_refused(protocol: int) -> None:
    data = pickle.dumps(SAMPLE, protocol)
    for length in range(len(data)):
        assert "the file ends too early" in refusal(data[:length])


def test_equal_strings_become_one_object() -> None:
    counts, called, callers = _native.loads_counts(pickle.dumps(SAMPLE, 1))
    files = [name for name, _ in counts] + [function[0] for function in called]
    files += [function[0] for call in callers for function in call]
    assert len(set(files)) == len({id(name) for name in files})


class Creator:
    """Creates a file when unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.path), "w")


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("place", range(5))
def test_a_pickle_that_would_run_code_is_refused_and_nothing_runs(
    tmp_path: Path, protocol: int, place: int
) -> None:
    made = tmp_path / "made"
    odd = Creator(made)
    evil: Any = [
        odd,
        ({("a", 1): odd}, {}, {}),
        ({("a", odd): 1}, {}, {}),
        ({}, {odd: 1}, {}),
        (odd, {}, {}),
    ][place]
    message = refusal(pickle.dumps(evil, protocol))
    assert not made.exists()
    if protocol == 4:
        assert message.endswith("opcode 0x93 (STACK_GLOBAL) would run code")


def test_the_message_names_the_byte_and_the_opcode() -> None:
    assert "not a counts file: byte 17: opcode 'c' (GLOBAL) would run code" == refusal(
        b"(}q\x00(X\x01\x00\x00\x00aq\x01K\x01h\x00cos\nsystem\n."
    )
    assert "not a counts file: byte 0: no pickle opcode" == refusal(b"\x00")
    assert "not a counts file: byte 0: the file ends too early" == refusal(b"")


@pytest.mark.parametrize(
    "odd",
    [
        [],
        (),
        ({}, {}),
        ({}, {}, {}, {}),
        ({}, {}, []),
        ({"a": 1}, {}, {}),
        ({("a", "b"): 1}, {}, {}),
        ({("a", 1): "b"}, {}, {}),
        ({("a", 1): 1.5}, {}, {}),
        ({("a", 1): True}, {}, {}),
        ({("a", 1): -1}, {}, {}),
        ({("a", 1): 2**63}, {}, {}),
        ({(b"a", 1): 1}, {}, {}),
        ({}, {("a", 1): 1}, {}),
        ({}, {("a", "b", None): 1}, {}),
        ({}, {(None, "b", "c"): 1}, {}),
        ({}, {}, {("a", "b", "c"): 1}),
        ({F: 1}, {}, {}),
    ],
)
def test_other_values_than_the_trace_module_keeps_are_refused(odd: Any) -> None:
    for protocol in PROTOCOLS:
        assert refusal(pickle.dumps(odd, protocol))


def test_lengths_beyond_the_end_are_not_believed() -> None:
    for start in (b"X\xff\xff\xff\xff", b"\x8d" + b"\xff" * 8, b"\x95" + b"\xff" * 8):
        assert "the file ends too early" in refusal(start + b"abc")


@pytest.mark.parametrize(
    ("counts", "calledfuncs", "callers", "error", "message"),
    [
        ({"a": 1}, {}, {}, TypeError, "counts: key 'a' is not (file name, line"),
        ({("a", 1): 0.5}, {}, {}, TypeError, "counts[('a', 1)]: 0.5 is not an int"),
        ({("a", 1): -5}, {}, {}, ValueError, "counts[('a', 1)]: -5 is below zero"),
        ({("a", 1): 2**63}, {}, {}, ValueError, "8 needs more than 64 bits"),
        ({}, {("a", 1, "b"): 1}, {}, TypeError, "calledfuncs: key ('a', 1, 'b')"),
        ({}, {}, {(F, "g"): 1}, TypeError, "callers: key (('a.py', 'a', 'f'), 'g')"),
        ([], {}, {}, TypeError, "counts: a dict is needed, not list"),
    ],
)
def test_what_the_file_cannot_hold_is_named(
    tmp_path: Path,
    counts: Any,
    calledfuncs: Any,
    callers: Any,
    error: type[Exception],
    message: str,
) -> None:
    with pytest.raises(error) as caught:
        _native.dumps_counts(counts, calledfuncs, callers)
    assert message in str(caught.value)
    path = tmp_path / "counts"
    path.write_bytes(b"old")
    with pytest.raises(countsfile.CountsFileError) as caught:
        countsfile.save(path, counts, calledfuncs, callers)
    assert message in str(caught.value)
    assert b"old" == path.read_bytes()
    assert ["counts"] == names(tmp_path)


def test_dicts_are_set_in_batches_as_pickle_sets_them() -> None:
    counts = {("a.py", line): 1 for line in range(3001)}
    data = _native.dumps_counts(counts, {}, {})
    opcodes = [opcode.name for opcode, _, _ in pickletools.genops(data)]
    assert 4 == opcodes.count("SETITEMS")


# Files.


def test_the_trace_module_reads_our_file_and_we_read_its(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    save(ours)
    read: Any = trace.CoverageResults(infile=str(ours), outfile=str(theirs))
    assert SAMPLE == (read.counts, read.calledfuncs, read.callers)
    # Listings of files that do not exist are none of this test.
    read.counts.clear()
    read.write_results(coverdir=str(tmp_path))
    assert ({}, *SAMPLE[1:]) == countsfile.load(theirs)


def test_loading_a_missing_file_fails_as_open_does(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        countsfile.load(str(tmp_path / "none"))
    assert str(tmp_path / "none") == caught.value.filename


def test_loading_an_empty_file_says_what_pickle_says(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    with pytest.raises(EOFError) as caught, path.open("rb") as file:
        pickle.load(file)
    with pytest.raises(EOFError) as ours:
        countsfile.load(path)
    assert str(caught.value) == str(ours.value)


def test_loading_anything_else_is_one_line_of_error(tmp_path: Path) -> None:
    path = tmp_path / "text"
    path.write_text("import os\n")
    with pytest.raises(countsfile.CountsFileError) as caught:
        countsfile.load(path)
    assert "not a counts file: byte 0: opcode 'i' (INST) would run code" == str(
        caught.value
    )


def test_a_new_file_gets_the_mode_that_the_umask_leaves(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        assert save(tmp_path / "counts") is None
    finally:
        os.umask(old)
    assert 0o640 == stat.S_IMODE((tmp_path / "counts").stat().st_mode)
    assert SAMPLE == countsfile.load(tmp_path / "counts")
    assert ["counts"] == names(tmp_path)


def test_a_replaced_file_keeps_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "counts"
    save(path, ({}, {}, {}))
    path.chmod(0o604)
    save(path)
    assert 0o604 == stat.S_IMODE(path.stat().st_mode)
    assert SAMPLE == countsfile.load(path)


@pytest.mark.parametrize("exists", [True, False])
def test_a_symbolic_link_stays_and_its_target_is_written(
    tmp_path: Path, exists: bool
) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    if exists:
        save(folder / "target", ({}, {}, {}))
    link = tmp_path / "link"
    link.symlink_to(os.path.join("folder", "target"))
    save(link)
    assert link.is_symlink()
    assert SAMPLE == countsfile.load(folder / "target")
    assert ["target"] == names(folder)


def test_a_name_of_255_bytes_can_be_written(tmp_path: Path) -> None:
    save(tmp_path / ("x" * 255))
    save(tmp_path / ("é" * 127))
    assert SAMPLE == countsfile.load(tmp_path / ("é" * 127))


def test_a_device_is_written_to(tmp_path: Path) -> None:
    save(Path(os.devnull))
    assert stat.S_ISCHR(os.stat(os.devnull).st_mode)


def test_a_pipe_is_written_to(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        save(pipe)
        assert SAMPLE == pickle.loads(os.read(reader, 1 << 16))
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_the_standard_output_keeps_what_was_printed(tmp_path: Path) -> None:
    program = (
        "from exactrace import countsfile\n"
        "print('before', flush=True)\n"
        "countsfile.save('/dev/stdout', {}, {}, {})\n"
    )
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-P", "-c", program], stdout=out, check=True)
    assert b"before\n(}}}t." == (tmp_path / "out").read_bytes()
    assert ["out"] == names(tmp_path)


def fail_with(number: int) -> Any:
    def fail(*args: object, **options: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    return fail


@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_full_disk_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    path = tmp_path / "counts"
    save(path)
    old = path.stat()
    monkeypatch.setattr(os, call, fail_with(errno.ENOSPC))
    with pytest.raises(OSError) as caught:
        save(path, ({}, {}, {}))
    assert (errno.ENOSPC, str(path)) == (caught.value.errno, caught.value.filename)
    assert os.path.samestat(old, path.stat())
    assert SAMPLE == countsfile.load(path)
    assert ["counts"] == names(tmp_path)


def test_an_interrupted_save_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(descriptor: int) -> NoReturn:
        raise KeyboardInterrupt

    path = tmp_path / "counts"
    save(path)
    monkeypatch.setattr(os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        save(path, ({}, {}, {}))
    assert SAMPLE == countsfile.load(path)
    assert ["counts"] == names(tmp_path)


def test_a_missing_folder_is_an_error_with_the_name(tmp_path: Path) -> None:
    path = tmp_path / "none" / "counts"
    with pytest.raises(FileNotFoundError) as caught:
        save(path)
    assert str(path) == caught.value.filename


def test_a_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError) as caught:
        save(tmp_path)
    assert str(tmp_path) == caught.value.filename
    assert [] == names(tmp_path)


def test_a_read_only_file_is_left_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "counts"
    save(path)
    # Root may write to any file, so permissions alone would not tell.
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError) as caught:
        save(path, ({}, {}, {}))
    assert str(path) == caught.value.filename
    assert SAMPLE == countsfile.load(path)


def test_a_file_that_cannot_be_replaced_is_written_to(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "counts"
    path.write_bytes(b"x" * 10000)
    old = path.stat()
    monkeypatch.setattr(os, "replace", fail_with(errno.EBUSY))
    save(path)
    assert os.path.samestat(old, path.stat())
    assert SAMPLE == countsfile.load(path)
    assert ["counts"] == names(tmp_path)


def test_an_unreadable_file_is_kept_under_another_name(tmp_path: Path) -> None:
    path = tmp_path / "counts"
    kept = []
    for content in ("first", "second", "third"):
        path.write_text(content)
        path.chmod(0o640)
        kept.append(save(path, keep_unreadable=True))
        assert SAMPLE == countsfile.load(path)
        assert 0o640 == stat.S_IMODE(path.stat().st_mode)
    endings = [".unreadable", ".unreadable.1", ".unreadable.2"]
    assert [f"{path}{ending}" for ending in endings] == kept
    assert ["first", "second", "third"] == [
        Path(f"{path}{ending}").read_text() for ending in endings
    ]
    assert 4 == len(names(tmp_path))


def test_a_readable_or_empty_file_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "counts"
    path.touch()
    assert save(path, ({}, {}, {}), keep_unreadable=True) is None
    assert save(path, keep_unreadable=True) is None
    assert ["counts"] == names(tmp_path)
    assert SAMPLE == countsfile.load(path)


@pytest.mark.parametrize("failing", [0, 1])
def test_an_unreadable_file_is_put_back_when_it_cannot_be_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    calls = 0
    replace = os.replace

    def fail_once(source: str, target: str) -> None:
        nonlocal calls
        calls += 1
        if calls == failing + 1:
            raise OSError(errno.EIO, os.strerror(errno.EIO), source, None, target)
        replace(source, target)

    path = tmp_path / "counts"
    path.write_text("not counts")
    monkeypatch.setattr(os, "replace", fail_once)
    with pytest.raises(OSError) as caught:
        save(path, keep_unreadable=True)
    assert (str(path), None) == (caught.value.filename, caught.value.filename2)
    assert "not counts" == path.read_text()
    assert ["counts"] == names(tmp_path)


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_callers_may_be_mere_names(protocol: int) -> None:
    """Hand-made files hold such, CPython's own tests among them."""
    made = ({}, {}, {"caller": 1, "\u00e4": 1})
    assert _native.loads_counts(pickle.dumps(made, protocol)) == made
    assert pickle.loads(_native.dumps_counts(*made)) == made


def test_callers_of_both_kinds_go_together() -> None:
    mixed: Any = {"caller": 1, (F, F): 1}
    data = _native.dumps_counts({}, {}, mixed)
    assert pickle.loads(data) == ({}, {}, mixed)
    assert _native.loads_counts(data) == ({}, {}, mixed)
    assert refusal(pickle.dumps(({}, {"name": 1}, {})))
