/*
 * Preloaded into a process, writes down what it asks of the disk below one directory, and what it says on stdout, in order:
 *
 *     KIND <space> path <tab> second path or "" <tab> offset <tab> length <newline> [bytes, of W and S]
 *
 * O open for creation, M directory made, W write, T truncate, R rename, B and E begin and end of a sync, S said.
 * Writes and words are noted before they are done, the rest after: what is noted last may not have happened.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int log_file = -2;

#define REAL(type, name, ...) static type (*real)(__VA_ARGS__); if (!real) *(void **)&real = dlsym(RTLD_NEXT, name)

static ssize_t real_write(int fd, const void *bytes, size_t length) {
  REAL(ssize_t, "write", int, const void *, size_t);
  return real(fd, bytes, length);
}

static int is_watched(const char *path) {
  const char *directory = getenv("MILLRACE_RECORD_DIRECTORY");
  return directory && path && strncmp(path, directory, strlen(directory)) == 0;
}

static int path_of(int fd, char *path) {
  char link[64];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, 4095);
  if (length < 0) return 0;
  path[length] = 0;
  return is_watched(path);
}

static void note(char kind, const char *path, const char *other, long long offset, const struct iovec *parts, int count) {
  int before = errno;
  size_t length = 0;
  char line[9000];
  for (int at = 0; at < count; at++) length += parts[at].iov_len;
  pthread_mutex_lock(&mutex);
  if (log_file == -2) log_file = open(getenv("MILLRACE_RECORD_LOG"), O_WRONLY | O_CREAT | O_APPEND, 0600);
  int head = snprintf(line, sizeof line, "%c %s\t%s\t%lld\t%zu\n", kind, path, other, offset, length);
  if (real_write(log_file, line, head) != head) abort();
  for (int at = 0; at < count; at++)
    if (real_write(log_file, parts[at].iov_base, parts[at].iov_len) != (ssize_t)parts[at].iov_len) abort();
  pthread_mutex_unlock(&mutex);
  errno = before;
}

ssize_t write(int fd, const void *bytes, size_t length) {
  struct iovec part = {(void *)bytes, length};
  if (fd == 1 && getenv("MILLRACE_RECORD_LOG")) note('S', "", "", 0, &part, 1);
  return real_write(fd, bytes, length);
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off64_t offset) {
  REAL(ssize_t, "pwrite64", int, const void *, size_t, off64_t);
  char path[4096];
  struct iovec part = {(void *)bytes, length};
  if (path_of(fd, path)) note('W', path, "", offset, &part, 1);
  return real(fd, bytes, length, offset);
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
  REAL(ssize_t, "pwritev64", int, const struct iovec *, int, off64_t);
  char path[4096];
  if (path_of(fd, path)) note('W', path, "", offset, parts, count);
  return real(fd, parts, count, offset);
}

int ftruncate64(int fd, off64_t length) {
  REAL(int, "ftruncate64", int, off64_t);
  char path[4096];
  int result = real(fd, length);
  if (result == 0 && path_of(fd, path)) note('T', path, "", length, NULL, 0);
  return result;
}

static int synced(int fd, int (*real)(int)) {
  char path[4096];
  int watched = path_of(fd, path);
  if (watched) note('B', path, "", fd, NULL, 0);
  int result = real(fd);
  if (watched && result == 0) note('E', path, "", fd, NULL, 0);
  return result;
}

int fdatasync(int fd) {
  REAL(int, "fdatasync", int);
  return synced(fd, real);
}

int fsync(int fd) {
  REAL(int, "fsync", int);
  return synced(fd, real);
}

int rename(const char *from, const char *to) {
  REAL(int, "rename", const char *, const char *);
  int result = real(from, to);
  if (result == 0 && is_watched(from)) note('R', from, to, 0, NULL, 0);
  return result;
}

int mkdir(const char *path, mode_t mode) {
  REAL(int, "mkdir", const char *, mode_t);
  int result = real(path, mode);
  if (result == 0 && is_watched(path)) note('M', path, "", 0, NULL, 0);
  return result;
}

int open64(const char *path, int flags, ...) {
  REAL(int, "open64", const char *, int, ...);
  va_list values;
  va_start(values, flags);
  mode_t mode = flags & O_CREAT ? va_arg(values, mode_t) : 0;
  va_end(values);
  int fd = real(path, flags, mode);
  if (fd >= 0 && (flags & O_CREAT) && is_watched(path)) note('O', path, "", 0, NULL, 0);
  return fd;
}
