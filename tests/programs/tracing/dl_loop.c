/* SPDX-License-Identifier: BSD-3-Clause
 * Loads and unloads two libraries in turn, which come to lie at each other's addresses, and makes a
 * call of each. */
#include <dlfcn.h>
#include <stdio.h>

int main(void)
{
    static const struct {
        const char *library, *function;
    } calls[] = {{"libuuid.so.1", "uuid_generate_time"},
                 {"librt.so.1", "mq_close"},
                 {"libresolv.so.2", "__res_randomid"}};
    int made = 0;
    for (int i = 0; i < 300; i++) {
        void *library = dlopen(calls[i % 3].library, RTLD_NOW);
        unsigned char out[64];
        void (*function)(void *) =
            library ? (void (*)(void *))dlsym(library, calls[i % 3].function) : NULL;
        if (function)
            function(out);
        made += function != NULL;
        if (library)
            dlclose(library);
    }
    printf("%s\n", made >= 100 ? "looped" : "no libraries");
    return 0;
}
