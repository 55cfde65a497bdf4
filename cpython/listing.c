// SPDX-License-Identifier: Apache-2.0
#include "listing.h"

PyMethodDef listing_methods[] = {
    {NULL, NULL, 0, NULL},
};
