// SPDX-License-Identifier: Apache-2.0
/* What the Python side of a report asks for: the lines of a code object and
   of docstrings, annotated listings, the summary table. A source file goes
   through here as one string, never line by line. */
#include "listing.h" // cpython/, not core/report/
