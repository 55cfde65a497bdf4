// SPDX-License-Identifier: Apache-2.0
/* From the tables of files into a mapping. */
#ifndef XT_FLUSH_H
#define XT_FLUSH_H

#include "files.h"

/* Moves all hits, parted ones too, into `counts`, a mapping {(name, line):
   hits} to which they are added; any thread may, one at a time. -1 with an
   exception; no hit is lost or counted twice then. */
int flush_files(file_table *table, PyObject *counts);

#endif
