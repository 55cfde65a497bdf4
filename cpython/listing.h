// SPDX-License-Identifier: Apache-2.0
/* Reports: from code objects, counts and source texts to what is written. */
#ifndef XT_LISTING_PART_H
#define XT_LISTING_PART_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

extern PyMethodDef listing_methods[];

#endif
