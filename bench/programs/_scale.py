# SPDX-License-Identifier: Apache-2.0
"""How much work a program is to do."""

import sys


def scaled(size: int) -> int:
    """Return `size` times the factor in the first argument (default 1), at least 1."""
    factor = float(sys.argv[1]) if len(sys.argv) > 1 else 1.0
    return max(1, round(size * factor))
