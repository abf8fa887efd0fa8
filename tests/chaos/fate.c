/* What the disk, the clock and the boot are like, for every process that runs under LD_PRELOAD of this library.
 *
 * $FATE names a file that the laboratory maps and changes while they run:
 *
 *     int64 clock_offset_ns    added to the wall clock; monotonic clocks go on as they are
 *     int32 disk_errno         0, or what a change of a file below $FATE_HOME is answered with: ENOSPC, EIO, EROFS
 *     int32 writes_left        while the disk is full: how many writes still come through, the first of them by half
 *     int32 doomed_role        0, or the role (see roles) of the process that is to stop at a change of a file
 *     int32 changes_left       before which of its changes: a write, a sync, a rename, a new file, one that goes
 *     int32 doomed_pid         who stopped there, with SIGSTOP: what becomes of it is the laboratory's to say
 *
 * $FATE.boot is what they find when they read the kernel's boot id.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <limits.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

struct fate {
    int64_t clock_offset_ns;
    int32_t disk_errno, writes_left, doomed_role, changes_left, doomed_pid;
};

static const char *const roles[] = {"yolotui.scheduler", "/shim.py", "/trainer.py", "yolotui"};

static struct fate *fate;
static char boot_file[PATH_MAX];
static const char *home;
static int role;

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* 1, 2… by the word of the command line that ends as a role does; 0 for anything else. */
static int role_of_this_process(void) {
    char words[8192];
    int file = syscall(SYS_openat, AT_FDCWD, "/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    ssize_t length = file < 0 ? 0 : syscall(SYS_read, file, words, sizeof words - 1);
    if (file >= 0) syscall(SYS_close, file);
    for (ssize_t at = 0; at < length; at += (ssize_t)strlen(words + at) + 1) {
        words[length] = 0;
        for (size_t each = 0; each < sizeof roles / sizeof *roles; each++) {
            size_t word = strlen(words + at), end = strlen(roles[each]);
            if (at > 0 && word >= end && strcmp(words + at + word - end, roles[each]) == 0) return (int)each + 1;
        }
    }
    return 0;
}

__attribute__((constructor)) static void begin(void) {
    const char *path = getenv("FATE");
    home = getenv("FATE_HOME");
    if (!path || !home) return;
    snprintf(boot_file, sizeof boot_file, "%s.boot", path);
    int file = syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC);
    if (file < 0) return;
    void *page = mmap(NULL, sizeof *fate, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (page != MAP_FAILED) fate = page;
    syscall(SYS_close, file);
    role = role_of_this_process();
}

/* --- the disk --- */

static int below_home(const char *path) {
    char absolute[PATH_MAX];
    if (path[0] != '/') {
        if (!getcwd(absolute, sizeof absolute)) return 0;
        path = absolute;
    }
    size_t length = strlen(home);
    return strncmp(path, home, length) == 0 && (path[length] == '/' || path[length] == 0);
}

static int is_ours(int descriptor) {
    char link[64], path[PATH_MAX];
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return below_home(path);
}

/* A change of a file of the home is about to be made: perhaps this process never gets to it. */
static void change(void) {
    if (!fate || !role || __atomic_load_n(&fate->doomed_role, __ATOMIC_RELAXED) != role) return;
    if (__atomic_sub_fetch(&fate->changes_left, 1, __ATOMIC_RELAXED) != 0) return;
    fate->doomed_role = 0;
    fate->doomed_pid = getpid();
    raise(SIGSTOP);
}

static int is_watched(void) { return fate && (fate->disk_errno || (role && fate->doomed_role == role)); }

static int trouble(void) { return fate ? __atomic_load_n(&fate->disk_errno, __ATOMIC_RELAXED) : 0; }

/* How many of `count` bytes get through; -1 with errno where none do. */
static ssize_t allowed(int descriptor, size_t count) {
    if (!is_watched() || !is_ours(descriptor)) return (ssize_t)count;
    change();
    int error = trouble();
    if (!error) return (ssize_t)count;
    if (error == ENOSPC && count > 1) {
        int left = __atomic_fetch_sub(&fate->writes_left, 1, __ATOMIC_RELAXED);
        if (left == 1) return (ssize_t)(count / 2);
        if (left > 1) return (ssize_t)count;
    }
    errno = error;
    return -1;
}

static int refuses(const char *path, int also_without_growth) {
    if (!is_watched() || !path || !below_home(path)) return 0;
    change();
    int error = trouble();
    if (!error) return 0;
    if (error == ENOSPC && !also_without_growth) return 0;
    errno = error;
    return 1;
}

ssize_t write(int descriptor, const void *buffer, size_t count) {
    ssize_t through = allowed(descriptor, count);
    return through < 0 ? -1 : REAL(write)(descriptor, buffer, (size_t)through);
}

ssize_t pwrite64(int descriptor, const void *buffer, size_t count, off64_t offset) {
    ssize_t through = allowed(descriptor, count);
    return through < 0 ? -1 : REAL(pwrite64)(descriptor, buffer, (size_t)through, offset);
}

ssize_t pwrite(int descriptor, const void *buffer, size_t count, off_t offset) {
    return pwrite64(descriptor, buffer, count, offset);
}

static int sync_fails(int descriptor) {
    if (!is_watched() || !is_ours(descriptor)) return 0;
    change();
    if (trouble() != EIO) return 0;
    errno = EIO;
    return 1;
}

int fsync(int descriptor) { return sync_fails(descriptor) ? -1 : REAL(fsync)(descriptor); }
int fdatasync(int descriptor) { return sync_fails(descriptor) ? -1 : REAL(fdatasync)(descriptor); }

static int open_as_fate_has_it(int folder, const char *path, int flags, mode_t mode) {
    if (fate && strcmp(path, "/proc/sys/kernel/random/boot_id") == 0) path = boot_file;
    int writes = (flags & O_ACCMODE) != O_RDONLY;
    int makes = (flags & O_CREAT) && faccessat(folder, path, F_OK, 0) != 0;
    if ((writes || makes) && refuses(path, makes)) return -1;
    return (int)syscall(SYS_openat, folder, path, flags, mode);
}

#define MODE_OF(flags) mode_t mode = 0; if ((flags) & (O_CREAT | __O_TMPFILE)) { \
    va_list more; va_start(more, flags); mode = va_arg(more, mode_t); va_end(more); }

int open(const char *path, int flags, ...) { MODE_OF(flags) return open_as_fate_has_it(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE_OF(flags) return open_as_fate_has_it(AT_FDCWD, path, flags, mode); }
int openat(int folder, const char *path, int flags, ...) { MODE_OF(flags) return open_as_fate_has_it(folder, path, flags, mode); }
int openat64(int folder, const char *path, int flags, ...) { MODE_OF(flags) return open_as_fate_has_it(folder, path, flags, mode); }

int rename(const char *from, const char *to) { return refuses(to, 0) ? -1 : REAL(rename)(from, to); }
int link(const char *from, const char *to) { return refuses(to, 1) ? -1 : REAL(link)(from, to); }
int linkat(int a, const char *from, int b, const char *to, int flags) {
    return refuses(to, 1) ? -1 : REAL(linkat)(a, from, b, to, flags);
}
int mkdir(const char *path, mode_t mode) { return refuses(path, 1) ? -1 : REAL(mkdir)(path, mode); }
int unlink(const char *path) { return refuses(path, 0) ? -1 : REAL(unlink)(path); }
int utimensat(int folder, const char *path, const struct timespec times[2], int flags) {
    return refuses(path, 0) ? -1 : REAL(utimensat)(folder, path, times, flags);
}

/* --- the clock --- */

static int64_t offset_ns(void) { return fate ? __atomic_load_n(&fate->clock_offset_ns, __ATOMIC_RELAXED) : 0; }

int clock_gettime(clockid_t clock, struct timespec *now) {
    int result = (int)syscall(SYS_clock_gettime, clock, now);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t ns = (int64_t)now->tv_sec * 1000000000 + now->tv_nsec + offset_ns();
        now->tv_sec = ns / 1000000000;
        now->tv_nsec = ns % 1000000000;
    }
    return result;
}

int gettimeofday(struct timeval *restrict now, void *restrict zone) {
    struct timespec precise;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &precise);
    now->tv_sec = precise.tv_sec;
    now->tv_usec = precise.tv_nsec / 1000;
    return 0;
}

time_t time(time_t *into) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (into) *into = now.tv_sec;
    return now.tv_sec;
}
