# SPDX-License-Identifier: Apache-2.0
"""Write the report on many files with one tool, and record what it cost.

    python report_driver.py MODULE RECORD COUNTS FOLDER

COUNTS is a JSON file {file name: {line: count}}, RECORD one to write:
{"cpu": seconds, "peak": KiB}. The listings go to FOLDER, the summary to stdout.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path

from driver import peak_memory


def main() -> None:
    module, record, counts_file, folder = sys.argv[1:]
    files = json.loads(Path(counts_file).read_text(encoding="utf-8"))
    counts = {
        (filename, int(line)): count
        for filename, lines in files.items()
        for line, count in lines.items()
    }
    results_class = importlib.import_module(module).CoverageResults
    start = time.process_time()
    results = results_class(counts)
    results.write_results(show_missing=True, summary=True, coverdir=folder)
    sys.stdout.flush()
    cpu = time.process_time() - start
    result = {"cpu": cpu, "peak": peak_memory()}
    Path(record).write_text(json.dumps(result), encoding="ascii")


if __name__ == "__main__":
    main()
