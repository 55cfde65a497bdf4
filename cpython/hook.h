// SPDX-License-Identifier: Apache-2.0
/* Another C function behind a built-in function of Python's: the object stays
 * the one that it is, wherever a program has it from, and looks the same.
 */
#ifndef XT_HOOK_H
#define XT_HOOK_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

/* A function that is hooked. Static: it must outlive the interpreter. */
typedef struct {
    const char *name;
    PyMethodDef *original; /* NULL: not hooked */
    PyMethodDef ours;
} hooked_function;

/* What is to be called in its place, for one way of calling (METH_* flags). */
typedef struct {
    int flags;
    void (*function)(void);
} hook_choice;

/* Hooks the function of a module by the choice that has its flags; does
   nothing if there is none, or it is hooked already. Never fails: what cannot
   be hooked works as before. */
void hook_function(PyObject *module, hooked_function *hooked,
                   const hook_choice *choices, size_t len);

#endif
