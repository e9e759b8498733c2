/* Calls that change a folder, counted; the N-th of a kind fails or kills. Loaded by LD_PRELOAD.

   All processes of a command share one state: the file that FAULTS_STATE names, mapped. Only files below its `below` are
   counted, so that Python's own files never fail. `shim.py` describes the same state for Python. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { WRITE, CREATE, MKDIR, RENAME, UNLINK, FSYNC, TRUNCATE, KINDS };
enum { COUNT, FAIL, FAIL_ON, KILL };

static struct state {
    long action, kind, number, error, fired, counts[KINDS];
    char below[PATH_MAX], hit[PATH_MAX];
} *state;

void faults_attach(const char *path) {
    int file = ((int (*)(const char *, int, ...))dlsym(RTLD_NEXT, "open"))(path, O_RDWR);
    if (file < 0) return;
    void *found = mmap(0, sizeof *state, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    close(file);
    state = found == MAP_FAILED ? 0 : found;
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FAULTS_STATE");
    if (path) faults_attach(path);
}

static int fails_here(int kind, const char *path) {
    if (strncmp(path, state->below, strlen(state->below))) return 0;
    long number = __sync_add_and_fetch(&state->counts[kind], 1);
    if (state->action == COUNT) return 0;
    if (kind == state->kind && number == state->number) {
        strncpy(state->hit, path, PATH_MAX - 1);
        state->fired = 1;
        if (state->action == KILL) kill(0, SIGKILL);
    } else if (!(state->fired && state->action == FAIL_ON && (kind == WRITE || kind == CREATE || kind == MKDIR)))
        return 0;
    errno = state->error;
    return 1;
}

static int at(int kind, int folder, const char *name) {
    char path[2 * PATH_MAX], link[64];
    if (!state || !name) return 0;
    int before = errno;
    if (name[0] == '/') snprintf(path, sizeof path, "%s", name);
    else {
        snprintf(link, sizeof link, folder == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", folder);
        ssize_t length = readlink(link, path, PATH_MAX);
        if (length < 0) length = 0;
        snprintf(path + length, PATH_MAX, "/%s", name);
    }
    errno = before;
    return fails_here(kind, path);
}

static int on(int kind, int file) {
    char path[PATH_MAX + 1], link[64];
    if (!state || file < 0) return 0;
    int before = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", file);
    ssize_t length = readlink(link, path, PATH_MAX);
    errno = before;
    if (length < 0) return 0;
    path[length] = 0;
    return fails_here(kind, path);
}

#define REAL(type, name, ...) ((type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name))
#define WRAP(type, name, test, params, args, ...) \
    type name params { return test ? -1 : REAL(type, name, __VA_ARGS__) args; }

WRAP(ssize_t, write, on(WRITE, f), (int f, const void *b, size_t n), (f, b, n), int, const void *, size_t)
WRAP(ssize_t, pwrite, on(WRITE, f), (int f, const void *b, size_t n, off_t o), (f, b, n, o), int, const void *, size_t, off_t)
WRAP(ssize_t, pwrite64, on(WRITE, f), (int f, const void *b, size_t n, off64_t o), (f, b, n, o), int, const void *, size_t, off64_t)
WRAP(ssize_t, writev, on(WRITE, f), (int f, const struct iovec *v, int n), (f, v, n), int, const struct iovec *, int)
WRAP(ssize_t, sendfile, on(WRITE, f), (int f, int g, off_t *o, size_t n), (f, g, o, n), int, int, off_t *, size_t)
WRAP(ssize_t, sendfile64, on(WRITE, f), (int f, int g, off64_t *o, size_t n), (f, g, o, n), int, int, off64_t *, size_t)
WRAP(ssize_t, copy_file_range, on(WRITE, h), (int f, off64_t *o, int h, off64_t *p, size_t n, unsigned g), (f, o, h, p, n, g), int, off64_t *, int, off64_t *, size_t, unsigned)
WRAP(int, mkdir, at(MKDIR, AT_FDCWD, p), (const char *p, mode_t m), (p, m), const char *, mode_t)
WRAP(int, mkdirat, at(MKDIR, d, p), (int d, const char *p, mode_t m), (d, p, m), int, const char *, mode_t)
WRAP(int, rename, at(RENAME, AT_FDCWD, p), (const char *p, const char *q), (p, q), const char *, const char *)
WRAP(int, renameat, at(RENAME, d, p), (int d, const char *p, int e, const char *q), (d, p, e, q), int, const char *, int, const char *)
WRAP(int, renameat2, at(RENAME, d, p), (int d, const char *p, int e, const char *q, unsigned g), (d, p, e, q, g), int, const char *, int, const char *, unsigned)
WRAP(int, unlink, at(UNLINK, AT_FDCWD, p), (const char *p), (p), const char *)
WRAP(int, unlinkat, at(UNLINK, d, p), (int d, const char *p, int g), (d, p, g), int, const char *, int)
WRAP(int, rmdir, at(UNLINK, AT_FDCWD, p), (const char *p), (p), const char *)
WRAP(int, fsync, on(FSYNC, f), (int f), (f), int)
WRAP(int, fdatasync, on(FSYNC, f), (int f), (f), int)
WRAP(int, ftruncate, on(TRUNCATE, f), (int f, off_t n), (f, n), int, off_t)
WRAP(int, ftruncate64, on(TRUNCATE, f), (int f, off64_t n), (f, n), int, off64_t)

/* numpy's tofile. */
size_t fwrite(const void *b, size_t size, size_t n, FILE *f) {
    return on(WRITE, fileno(f)) ? 0 : REAL(size_t, fwrite, const void *, size_t, size_t, FILE *)(b, size, n, f);
}

#define OPEN(name, test, params, args, ...) \
    int name params { \
        mode_t m = 0; \
        if (flags & O_CREAT) { va_list rest; va_start(rest, flags); m = va_arg(rest, mode_t); va_end(rest); } \
        return (flags & O_CREAT) && test ? -1 : REAL(int, name, __VA_ARGS__, ...) args; \
    }
OPEN(open, at(CREATE, AT_FDCWD, p), (const char *p, int flags, ...), (p, flags, m), const char *, int)
OPEN(open64, at(CREATE, AT_FDCWD, p), (const char *p, int flags, ...), (p, flags, m), const char *, int)
OPEN(openat, at(CREATE, d, p), (int d, const char *p, int flags, ...), (d, p, flags, m), int, const char *, int)
OPEN(openat64, at(CREATE, d, p), (int d, const char *p, int flags, ...), (d, p, flags, m), int, const char *, int)
