/* SPDX-License-Identifier: BSD-3-Clause
 * The new ASCII format of cpio: a header of 110 characters (magic, then 13 numbers of 8 hexadecimal
 * digits), the name, the data; name and data each padded to 4 bytes. */
#include <core/boot.h>
#include <core/debug.h>
#include <core/vfs.h>
#include <errno.h>
#include <string.h>

enum { HEADER = 110, MODE = 14, SIZE = 54, NAME_SIZE = 94 };

int cpio_unpack(const char *data, size_t size);

static int number(const char *text, size_t *out)
{
    *out = 0;
    for (int i = 0; i < 8; i++) {
        const char *digits = "0123456789abcdef", *at = strchr(digits, text[i] | 0x20);
        if (!text[i] || !at)
            return -EINVAL;
        *out = *out << 4 | (size_t)(at - digits);
    }
    return 0;
}

/* Unpacks one entry; gives its whole size, 0 at the end, or a negative errno. */
static long entry(const char *data, size_t left)
{
    size_t mode, size, name_size;
    if (left < HEADER || memcmp(data, "070701", 6) != 0 || number(data + MODE, &mode) ||
        number(data + SIZE, &size) || number(data + NAME_SIZE, &name_size))
        return -EINVAL;
    size_t at = (HEADER + name_size + 3) & ~(size_t)3;
    if (!name_size || at > left || size > left - at || data[HEADER + name_size - 1])
        return -EINVAL;
    const char *name = data + HEADER;
    if (strcmp(name, "TRAILER!!!") == 0)
        return 0;
    while (name[0] == '.' && name[1] == '/')
        name += 2;
    struct vfs_node *n = vfs_make(name, (mode_t)mode);
    if (!n)
        return -ENOMEM;
    if (S_ISREG(mode) || S_ISLNK(mode)) {
        ssize_t written = n->driver->write(n, data + at, size, 0);
        if (written == (ssize_t)size && S_ISLNK(mode)) { /* its end, for those who read a name */
            written = n->driver->write(n, "", 1, (off_t)size) == 1 ? written : -ENOMEM;
            n->size = size;
        }
        if (written != (ssize_t)size)
            return -ENOMEM;
    }
    return (long)((at + size + 3) & ~(size_t)3);
}

int cpio_unpack(const char *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        long n = entry(data + at, size - at);
        if (n <= 0)
            return (int)n;
        at += (size_t)n;
    }
    return -EINVAL;
}

#ifdef CONFIG_LIBVFSCORE_ROOT_INITRD
static int unpack(void)
{
    const struct plat_memory *initrd = &ukboot_info()->initrd;
    uk_pr_info("unpacking the initrd");
    return initrd->size ? cpio_unpack(initrd->base, initrd->size) : 0;
}
UKBOOT_INIT(3, unpack);
#endif
