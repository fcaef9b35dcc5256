/* SPDX-License-Identifier: BSD-3-Clause */
#include "common/libclang.h"
#include <dlfcn.h>
#include <string.h>

bool libclang_load(struct libclang *c)
{
    /* The names under which Debian and others install it, newest known first. */
    static const char *const names[] = {
        "libclang-19.so.19", "libclang-18.so.18", "libclang-17.so.17", "libclang-16.so.16",
        "libclang-15.so.15", "libclang-15.so.1",  "libclang-14.so.14", "libclang-14.so.1",
        "libclang-13.so.1",  "libclang.so.1",     "libclang.so"};
    memset(c, 0, sizeof *c);
    for (size_t i = 0; !c->handle && i < sizeof names / sizeof names[0]; i++)
        c->handle = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    if (!c->handle)
        return false;
    const struct {
        const char *name;
        void *place;
    } functions[] = {
#define X(result, name, parameters) {"clang_" #name, &c->name},
        LIBCLANG_FUNCTIONS(X)
#undef X
    };
    for (size_t i = 0; i < sizeof functions / sizeof functions[0]; i++) {
        void *address = dlsym(c->handle, functions[i].name);
        if (!address) {
            libclang_unload(c);
            return false;
        }
        memcpy(functions[i].place, &address, sizeof address);
    }
    return true;
}

void libclang_unload(struct libclang *c)
{
    if (c->handle)
        dlclose(c->handle);
    c->handle = NULL;
}
