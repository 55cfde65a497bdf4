"""Modules of tests whose counts are not compared, or not with the settrace engine.

Each with its reason. Those in excluded.py are not compared either.
"""

from __future__ import annotations

from excluded import EXCLUDED


def _because(reasons: dict[str, str]) -> dict[str, str]:
    """Return module -> reason, for reason -> modules with spaces between them."""
    return {name: why for why, names in reasons.items() for name in names.split()}


NOT_COUNTED = _because(
    {
        "takes longer than 8 seconds": """
            test_capi test_compileall test_faulthandler test_ftplib test_imaplib
            test_importlib test_interpreters test_io test_logging
            test_multiprocessing_fork test_multiprocessing_forkserver
            test_multiprocessing_main_handling test_multiprocessing_spawn test_os
            test_pathlib test_pickle test_poplib test_queue test_regrtest
            test_selectors test_signal test_socket test_ssl test_subprocess
            test_tarfile test_threading test_unittest test_zipfile
        """,
        "threads, sockets or processes are waited for in loops": """
            test__interpchannels test__interpreters test_builtin test_cmd
            test_context test_docxmlrpc test_external_inspection test_fork1
            test_gc_stats test_httplib test_httpservers test_mailbox test_perf_profiler
            test_posix test_pty test_readline test_remote_pdb test_repl
            test_robotparser test_smtplib test_struct test_support
            test_syslog test_telnetlib test_tempfile test_threadedtempfile
            test_threadsignals test_urllib2_localnet test_uuid test_wsgiref
            test_xmlrpc
        """,
        "the names of temporary files are taken apart letter by letter": """
            test_dbm test_dbm_sqlite3 test_nturl2path test_runpy test_shelve test_sqlite3 test_urllib
            test_urllib2
        """,
        "how deep it recurses depends on when calls are specialised": """
            test_call test_userlist test_class test_functools test_isinstance test_json test_userdict
        """,
        "goes through all objects that the collector knows": """
            test_ctypes test_descr test_gc test_weakref
        """,
        "takes random numbers from the system, or sorts by addresses": """
            test_collections test_pprint test_random test_secrets test_sort
            test_statistics test_tabnanny
        """,
        "depends on the time, or on what was imported when": """
            test_datetime test_import test_lib2to3 test_pydoc test_strftime test_zipimport test_zipimport_support
        """,
        "runs code of files with globals that name no file": """
            test_annotationlib test_dataclasses test_generators test_inspect
            test_typing
        """,
        "its trace and profile functions are seen by probes alone": """
            test_bdb test_cprofile test_doctest test_monitoring test_pdb test_profile
            test_pstats test_sys test_sys_setprofile test_sys_settrace test_trace
        """,
        "has tests that differ under probes (KNOWN in excluded.py), so a traceback": """
            test_crossinterp test_frame
        """,
        "is told of the end of each code object of which anybody has noted something": """
            test_code
        """,
        "runs code in other interpreters, which probes leave alone": """
            test__xxinterpchannels test__xxsubinterpreters
        """,
        "shows bytecode, which differs where code is instrumented": """
            test_dis test_opcache test_type_cache test_tracemalloc
        """,
    }
)

# Tests under which the settrace engine sees less, as the standard module does.
BY_EVENT = _because(
    {
        "doctest sets the trace function aside while it runs examples": """
            test_decimal test_deque test_descrtut test_doctest2 test_difflib
            test_enum test_extcall test_genexps test_getopt test_heapq
            test_http_cookies test_itertools test_listcomps test_math
            test_metaclass test_pep646_syntax test_pickletools test_property
            test_setcomps test_syntax test_threading_local
            test_unpack test_unpack_ex
        """,
        "sets or removes the trace function, or loses it in a RecursionError": """
            test_dynamic test_exceptions test_patma test_peepholer
            test_richcmp test_scope
        """,
        "leaves tests out, or fails, while there is a trace function": """
            test___all__ test_bz2 test_lzma test_str test_xml_etree test_xml_etree_c
            test_zlib
        """,
        "starts threads without the module threading": """
            test_thread
        """,
    }
)


def not_taken() -> dict[str, str]:
    """Return the modules whose counts are not compared."""
    return {**EXCLUDED, **NOT_COUNTED}


def reference_for(module: str) -> str:
    """Return the engine whose counts are to be found."""
    return "event" if module in BY_EVENT else "settrace"
