// SPDX-License-Identifier: Apache-2.0
/* Mappings {(file name, line): hits}, as CoverageResults.counts is. */
#ifndef XT_HITMAP_H
#define XT_HITMAP_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <stdint.h>

/* counts[key] += hits, for any mapping. -1 with an exception. */
int hitmap_add(PyObject *counts, PyObject *key, PyObject *hits);

/* counts[(file, line)] += hits. The same. */
int hitmap_add_line(PyObject *counts, PyObject *file, int line, uint64_t hits);

/* The sum of two such dicts, of which the first may be NULL: a new dict. NULL
   with an exception. */
PyObject *hitmap_sum(PyObject *first, PyObject *second);

#endif
