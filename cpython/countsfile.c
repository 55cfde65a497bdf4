// SPDX-License-Identifier: Apache-2.0
#include "countsfile.h"

PyMethodDef countsfile_methods[] = {
    {NULL, NULL, 0, NULL},
};
