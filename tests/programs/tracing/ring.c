/* SPDX-License-Identifier: BSD-3-Clause
 * Operations through io_uring, by raw calls: writes a file, reads it back and closes it, each an
 * entry of the ring. Prints what it read. With an argument: a kernel thread polls the ring. */
#include <fcntl.h>
#include <linux/io_uring.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct io_uring_params params;
static int ring;
static unsigned char *queue, *completions;
static struct io_uring_sqe *entries;

static int submit(struct io_uring_sqe entry)
{
    unsigned *tail = (unsigned *)(queue + params.sq_off.tail);
    unsigned mask = *(unsigned *)(queue + params.sq_off.ring_mask), index = *tail & mask;
    unsigned *head = (unsigned *)(completions + params.cq_off.head);
    unsigned *end = (unsigned *)(completions + params.cq_off.tail);
    entries[index] = entry;
    ((unsigned *)(queue + params.sq_off.array))[index] = index;
    __atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
    unsigned flags = IORING_ENTER_GETEVENTS;
    if (params.flags & IORING_SETUP_SQPOLL)
        flags |= IORING_ENTER_SQ_WAKEUP;
    syscall(SYS_io_uring_enter, ring, 1, 1, flags, NULL, 0);
    while (__atomic_load_n(end, __ATOMIC_ACQUIRE) == *head)
        usleep(1000);
    unsigned slot = *head & *(unsigned *)(completions + params.cq_off.ring_mask);
    int result = ((struct io_uring_cqe *)(completions + params.cq_off.cqes))[slot].res;
    __atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
    return result;
}

int main(int argc, char **argv)
{
    char text[16] = "";
    if (argc > 1) {
        params.flags = IORING_SETUP_SQPOLL;
        params.sq_thread_idle = 1000;
    }
    ring = (int)syscall(SYS_io_uring_setup, 8, &params);
    if (ring < 0) {
        puts("no io_uring");
        return 0;
    }
    queue = mmap(NULL, params.sq_off.array + params.sq_entries * 4, PROT_READ | PROT_WRITE,
                 MAP_SHARED, ring, IORING_OFF_SQ_RING);
    completions = mmap(NULL, params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe),
                       PROT_READ | PROT_WRITE, MAP_SHARED, ring, IORING_OFF_CQ_RING);
    entries = mmap(NULL, params.sq_entries * sizeof *entries, PROT_READ | PROT_WRITE, MAP_SHARED,
                   ring, IORING_OFF_SQES);
    FILE *file = tmpfile();
    submit((struct io_uring_sqe){
        .opcode = IORING_OP_WRITE, .fd = fileno(file), .addr = (unsigned long)"ringed", .len = 6});
    submit((struct io_uring_sqe){.opcode = IORING_OP_FSYNC, .fd = fileno(file)});
    int got = submit((struct io_uring_sqe){
        .opcode = IORING_OP_READ, .fd = fileno(file), .addr = (unsigned long)text, .len = 6});
    submit((struct io_uring_sqe){.opcode = IORING_OP_CLOSE, .fd = dup(0)});
    printf("%d %s\n", got, text);
    return 0;
}
