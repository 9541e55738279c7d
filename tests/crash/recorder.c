/*
 * Loaded below a process (LD_PRELOAD), it writes down in one file, in one order, what the process does to the files of
 * one folder and what it says over the network: the two things between which a ledger promises an order.
 *
 *   RECORD_FOLDER  absolute real path; only what lies in it is recorded
 *   RECORD_LOG     where to append the record
 *
 * A record is one line and, for those that carry bytes, the bytes and a newline:
 *
 *   start                           a process begins: no descriptor of an earlier one is open any more
 *   open FD CREATED TRUNCATED PATH  FD stands for PATH; CREATED 1 when the path did not exist
 *   write FD OFFSET LENGTH          + bytes
 *   size FD LENGTH                  ftruncate
 *   sync FD                         fsync, fdatasync; a folder's too
 *   close FD
 *   mkdir PATH | unlink PATH | rmdir PATH | rename FROM<tab>TO
 *   map FD PATH                     a writable shared mapping: its stores cannot be seen from here
 *   strange NAME PATH-OR-FD         a call that changes files and that the model does not know
 *   say FD LENGTH                   + bytes handed to a socket
 *
 * One lock is held from before a call until its record is written, so the order of records is the order of effects;
 * what is said is written down before it is said, so an acknowledgement is never recorded later than it can be read.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_FD 65536
#define NEXT(name) ((__typeof__(&name))next_of(#name))

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static char folder[PATH_MAX];
static size_t folder_length;
static int log_fd = -1;
/* 0 unknown, 1 a file or folder that is recorded */
static unsigned char tracked[MAX_FD];

static void *next_of(const char *name) {
  void *found = dlsym(RTLD_NEXT, name);
  if (!found) abort();
  return found;
}

/* The kernel's own calls, past everything that is defined here. */
static long raw(long number, ...) {
  static long (*real)(long, ...);
  if (!real) real = (long (*)(long, ...))next_of("syscall");
  va_list list;
  va_start(list, number);
  long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long), d = va_arg(list, long), e = va_arg(list, long), f = va_arg(list, long);
  va_end(list);
  return real(number, a, b, c, d, e, f);
}

/* A record that is lost would make the test believe what did not happen. */
static void emit(const void *bytes, size_t length) {
  const char *at = bytes;
  while (length > 0) {
    long done = raw(SYS_write, log_fd, at, length);
    if (done < 0 && errno == EINTR) continue;
    if (done <= 0) abort();
    at += done;
    length -= (size_t)done;
  }
}

static void line(const char *format, ...) {
  char text[2 * PATH_MAX + 64];
  va_list list;
  va_start(list, format);
  int length = vsnprintf(text, sizeof text, format, list);
  va_end(list);
  if (length < 0 || (size_t)length >= sizeof text) abort();
  emit(text, (size_t)length);
}

static int inside(const char *path) {
  return log_fd >= 0 && strncmp(path, folder, folder_length) == 0 && (path[folder_length] == '/' || path[folder_length] == 0);
}

static int is_tracked(int fd) {
  return log_fd >= 0 && fd >= 0 && fd < MAX_FD && tracked[fd];
}

static int is_network(int fd) {
  struct sockaddr_storage address;
  socklen_t length = sizeof address;
  return log_fd >= 0 && fd > 2 && getsockname(fd, (struct sockaddr *)&address, &length) == 0 && (address.ss_family == AF_INET || address.ss_family == AF_INET6);
}

__attribute__((constructor)) static void begin(void) {
  const char *at = getenv("RECORD_FOLDER");
  const char *log = getenv("RECORD_LOG");
  if (!at || !log || strlen(at) >= sizeof folder) return;
  strcpy(folder, at);
  folder_length = strlen(folder);
  /* Out of the way of the numbers that programs expect. */
  int fd = (int)raw(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0) abort();
  log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 500);
  if (log_fd < 0) abort();
  raw(SYS_close, fd);
  line("start\n");
}

static int opened(int fd, int existed, int flags) {
  if (fd < 0 || fd >= MAX_FD || log_fd < 0) return fd;
  char name[64], path[PATH_MAX];
  snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
  long length = raw(SYS_readlinkat, AT_FDCWD, name, path, sizeof path - 1);
  tracked[fd] = 0;
  if (length <= 0) return fd;
  path[length] = 0;
  if (!inside(path)) return fd;
  tracked[fd] = 1;
  line("open %d %d %d %s\n", fd, !existed, existed && (flags & O_TRUNC) ? 1 : 0, path);
  if (flags & O_APPEND) line("strange append %s\n", path);
  return fd;
}

static int exists(int at, const char *path) {
  struct stat found;
  return raw(SYS_newfstatat, at, path, &found, 0) == 0;
}

static int open_recorded(int at, const char *path, int flags, mode_t mode) {
  if (log_fd < 0) return (int)raw(SYS_openat, at, path, flags, mode);
  pthread_mutex_lock(&lock);
  int existed = exists(at, path);
  int fd = (int)raw(SYS_openat, at, path, flags, mode);
  int error = errno;
  opened(fd, existed, flags);
  pthread_mutex_unlock(&lock);
  errno = error;
  return fd;
}

#define MODE_OF(flags, last) \
  mode_t mode = 0; \
  if ((flags) & (O_CREAT | O_TMPFILE)) { va_list list; va_start(list, last); mode = va_arg(list, mode_t); va_end(list); }

int open(const char *path, int flags, ...) { MODE_OF(flags, flags) return open_recorded(AT_FDCWD, path, flags, mode); }
int open64(const char *path, int flags, ...) { MODE_OF(flags, flags) return open_recorded(AT_FDCWD, path, flags | O_LARGEFILE, mode); }
int openat(int at, const char *path, int flags, ...) { MODE_OF(flags, flags) return open_recorded(at, path, flags, mode); }
int openat64(int at, const char *path, int flags, ...) { MODE_OF(flags, flags) return open_recorded(at, path, flags | O_LARGEFILE, mode); }
int creat(const char *path, mode_t mode) { return open_recorded(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }

int close(int fd) {
  if (!is_tracked(fd)) return (int)raw(SYS_close, fd);
  pthread_mutex_lock(&lock);
  tracked[fd] = 0;
  line("close %d\n", fd);
  int done = (int)raw(SYS_close, fd);
  int error = errno;
  pthread_mutex_unlock(&lock);
  errno = error;
  return done;
}

static ssize_t written(int fd, off_t offset, const struct iovec *parts, int count, ssize_t done) {
  int error = errno;
  if (done > 0) {
    line("write %d %lld %zd\n", fd, (long long)offset, done);
    ssize_t left = done;
    for (int i = 0; i < count && left > 0; i++) {
      size_t length = parts[i].iov_len < (size_t)left ? parts[i].iov_len : (size_t)left;
      emit(parts[i].iov_base, length);
      left -= (ssize_t)length;
    }
    emit("\n", 1);
  }
  errno = error;
  return done;
}

/* What a socket takes may be less than it was handed; then the rest is said again. Recorded is what is handed. */
static void said(int fd, const struct iovec *parts, size_t count) {
  size_t length = 0;
  for (size_t i = 0; i < count; i++) length += parts[i].iov_len;
  if (length == 0) return;
  line("say %d %zu\n", fd, length);
  for (size_t i = 0; i < count; i++) emit(parts[i].iov_base, parts[i].iov_len);
  emit("\n", 1);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
  if (is_tracked(fd)) {
    pthread_mutex_lock(&lock);
    off_t offset = (off_t)raw(SYS_lseek, fd, 0L, SEEK_CUR);
    ssize_t done = written(fd, offset, parts, count, raw(SYS_writev, fd, parts, count));
    pthread_mutex_unlock(&lock);
    return done;
  }
  if (!is_network(fd)) return raw(SYS_writev, fd, parts, count);
  pthread_mutex_lock(&lock);
  said(fd, parts, (size_t)count);
  ssize_t done = raw(SYS_writev, fd, parts, count);
  int error = errno;
  pthread_mutex_unlock(&lock);
  errno = error;
  return done;
}

ssize_t write(int fd, const void *bytes, size_t length) {
  struct iovec part = {(void *)bytes, length};
  if (!is_tracked(fd) && !is_network(fd)) return raw(SYS_write, fd, bytes, length);
  return writev(fd, &part, 1);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
  if (!is_tracked(fd)) return NEXT(pwritev64)(fd, parts, count, offset);
  pthread_mutex_lock(&lock);
  ssize_t done = written(fd, offset, parts, count, NEXT(pwritev64)(fd, parts, count, offset));
  pthread_mutex_unlock(&lock);
  return done;
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) { return pwritev64(fd, parts, count, offset); }

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  if (!is_tracked(fd)) return raw(SYS_pwrite64, fd, bytes, length, offset);
  struct iovec part = {(void *)bytes, length};
  pthread_mutex_lock(&lock);
  ssize_t done = written(fd, offset, &part, 1, raw(SYS_pwrite64, fd, bytes, length, offset));
  pthread_mutex_unlock(&lock);
  return done;
}
ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset) { return pwrite64(fd, bytes, length, offset); }

ssize_t send(int fd, const void *bytes, size_t length, int flags) {
  if (is_network(fd)) {
    struct iovec part = {(void *)bytes, length};
    pthread_mutex_lock(&lock);
    said(fd, &part, 1);
    pthread_mutex_unlock(&lock);
  }
  return raw(SYS_sendto, fd, bytes, length, flags, NULL, 0L);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags) {
  if (is_network(fd)) {
    pthread_mutex_lock(&lock);
    said(fd, message->msg_iov, message->msg_iovlen);
    pthread_mutex_unlock(&lock);
  }
  return raw(SYS_sendmsg, fd, message, flags);
}

static int simple(int fd, const char *record, long number, long argument) {
  if (!is_tracked(fd)) return (int)raw(number, fd, argument);
  pthread_mutex_lock(&lock);
  int done = (int)raw(number, fd, argument);
  int error = errno;
  if (done == 0 && number == SYS_ftruncate) line("%s %d %ld\n", record, fd, argument);
  else if (done == 0) line("%s %d\n", record, fd);
  pthread_mutex_unlock(&lock);
  errno = error;
  return done;
}

int fsync(int fd) { return simple(fd, "sync", SYS_fsync, 0); }
int fdatasync(int fd) { return simple(fd, "sync", SYS_fdatasync, 0); }
int ftruncate64(int fd, off64_t length) { return simple(fd, "size", SYS_ftruncate, length); }
int ftruncate(int fd, off_t length) { return simple(fd, "size", SYS_ftruncate, length); }

static int named(const char *record, const char *path, long number, long argument) {
  if (log_fd < 0) return (int)raw(number, AT_FDCWD, path, argument);
  pthread_mutex_lock(&lock);
  int done = (int)raw(number, AT_FDCWD, path, argument);
  int error = errno;
  if (done == 0 && inside(path)) line("%s %s\n", record, path);
  pthread_mutex_unlock(&lock);
  errno = error;
  return done;
}

int unlink(const char *path) { return named("unlink", path, SYS_unlinkat, 0); }
int rmdir(const char *path) { return named("rmdir", path, SYS_unlinkat, AT_REMOVEDIR); }
int mkdir(const char *path, mode_t mode) { return named("mkdir", path, SYS_mkdirat, mode); }

int rename(const char *from, const char *to) {
  pthread_mutex_lock(&lock);
  int done = (int)raw(SYS_renameat, AT_FDCWD, from, AT_FDCWD, to);
  int error = errno;
  if (done == 0 && (inside(from) || inside(to))) line("rename %s\t%s\n", from, to);
  pthread_mutex_unlock(&lock);
  errno = error;
  return done;
}

/* Calls that change files and that the model of tests/crash/disk.ts does not know: it fails when it meets one. */
static void strange(const char *name, const char *path) {
  if (!inside(path)) return;
  pthread_mutex_lock(&lock);
  line("strange %s %s\n", name, path);
  pthread_mutex_unlock(&lock);
}

static void strange_fd(const char *name, int fd) {
  if (!is_tracked(fd)) return;
  pthread_mutex_lock(&lock);
  line("strange %s %d\n", name, fd);
  pthread_mutex_unlock(&lock);
}

int link(const char *from, const char *to) { strange("link", to); return NEXT(link)(from, to); }
int symlink(const char *to, const char *path) { strange("symlink", path); return NEXT(symlink)(to, path); }
int truncate64(const char *path, off64_t length) { strange("truncate", path); return (int)raw(SYS_truncate, path, length); }
int fallocate64(int fd, int mode, off64_t offset, off64_t length) { strange_fd("fallocate", fd); return (int)raw(SYS_fallocate, fd, mode, offset, length); }
ssize_t sendfile64(int out, int in, off64_t *offset, size_t count) { strange_fd("sendfile", out); return raw(SYS_sendfile, out, in, offset, count); }
/* libuv closes files and copies them this way. */
long syscall(long number, ...) {
  va_list list;
  va_start(list, number);
  long a = va_arg(list, long), b = va_arg(list, long), c = va_arg(list, long), d = va_arg(list, long), e = va_arg(list, long), f = va_arg(list, long);
  va_end(list);
  if (number == SYS_close) return close((int)a);
  if (number == SYS_copy_file_range) strange_fd("copy_file_range", (int)c);
  return raw(number, a, b, c, d, e, f);
}

int dup2(int from, int to) { strange_fd("dup2", from); return NEXT(dup2)(from, to); }

void *mmap64(void *at, size_t length, int protection, int flags, int fd, off64_t offset) {
  void *mapped = NEXT(mmap64)(at, length, protection, flags, fd, offset);
  if (mapped != MAP_FAILED && is_tracked(fd) && (protection & PROT_WRITE) && (flags & MAP_SHARED)) {
    pthread_mutex_lock(&lock);
    line("map %d\n", fd);
    pthread_mutex_unlock(&lock);
  }
  return mapped;
}
void *mmap(void *at, size_t length, int protection, int flags, int fd, off_t offset) { return mmap64(at, length, protection, flags, fd, offset); }
