// SPDX-License-Identifier: Apache-2.0
/* The container of our own counts file, for Python: core/store/tables.h. */
#ifndef XT_TABLESFILE_H
#define XT_TABLESFILE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* pack_tables() and unpack_tables(). */
extern PyMethodDef tablesfile_methods[];

#endif
