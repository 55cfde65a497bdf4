// SPDX-License-Identifier: Apache-2.0
/* Reports: what is asked of code objects, counts and source texts. */
#ifndef XT_LISTING_H
#define XT_LISTING_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

extern PyMethodDef listing_methods[];

#endif
