"""Threads that sync and replace files, make folders and remove them, and never hold the interpreter
lock.

A Python worker has to win the lock back from a busy event loop after every fsync, which costs up
to the interpreter's switch interval (5 ms) each time. These threads take file descriptors from a
queue, sync them and wake the loop through an eventfd; the loop collects results when it reads it.
"""

from libc.errno cimport EINTR, EISDIR, ENOENT, errno
from libc.stdint cimport uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memset

import os

cdef extern from "pthread.h" nogil:
    ctypedef struct pthread_t:
        pass
    ctypedef struct pthread_mutex_t:
        pass
    ctypedef struct pthread_cond_t:
        pass
    int pthread_create(pthread_t *thread, void *attr, void *(*start)(void *) noexcept nogil,
                       void *arg)
    int pthread_join(pthread_t thread, void **value)
    int pthread_mutex_init(pthread_mutex_t *mutex, void *attr)
    int pthread_mutex_destroy(pthread_mutex_t *mutex)
    int pthread_mutex_lock(pthread_mutex_t *mutex)
    int pthread_mutex_unlock(pthread_mutex_t *mutex)
    int pthread_cond_init(pthread_cond_t *cond, void *attr)
    int pthread_cond_destroy(pthread_cond_t *cond)
    int pthread_cond_wait(pthread_cond_t *cond, pthread_mutex_t *mutex)
    int pthread_cond_signal(pthread_cond_t *cond)
    int pthread_cond_broadcast(pthread_cond_t *cond)

cdef extern from "unistd.h" nogil:
    int fdatasync(int fd)
    int fsync(int fd)
    ssize_t write(int fd, const void *data, size_t size)
    ssize_t read(int fd, void *data, size_t size)
    int close(int fd)
    int unlink(const char *path)
    int unlinkat(int folder, const char *name, int flags)
    int rmdir(const char *path)
    int link(const char *source, const char *target)

cdef extern from "fcntl.h" nogil:
    int c_open "open"(const char *path, int flags, int mode)
    int sync_file_range(int fd, long offset, long size, unsigned int flags)
    int openat(int folder, const char *path, int flags)
    int AT_FDCWD, AT_REMOVEDIR, O_NOFOLLOW
    int O_WRONLY, O_CREAT, O_EXCL, O_TRUNC, O_CLOEXEC, O_RDONLY, O_DIRECTORY
    unsigned int SYNC_FILE_RANGE_WRITE

cdef extern from "sys/stat.h" nogil:
    int mkdir(const char *path, unsigned int mode)

cdef extern from "dirent.h" nogil:
    ctypedef struct DIR:
        pass
    struct dirent:
        char d_name[256]
    DIR *opendir(const char *path)
    DIR *fdopendir(int fd)
    dirent *readdir(DIR *folder)
    int dirfd(DIR *folder)
    int closedir(DIR *folder)

cdef extern from "stdio.h" nogil:
    int c_rename "rename"(const char *source, const char *target)

cdef enum:
    THREADS_MAX = 16
    TOGETHER_MAX = 16
    DEPTH_MAX = 16  # folders in folders

cdef struct Part:
    # A file of a folder that is made.
    const char *path
    const char *data
    size_t size
    int fd

cdef enum Kind:
    SYNC     # `fds`
    REPLACE  # the file `path`, by way of `temporary`
    BUILD    # the folder `path` of `parts`, by way of `temporary`
    REMOVE   # the folder `path`, by way of `temporary`
    DISCARD  # the folder `path` and all in it; given up when the threads are to end

cdef struct Job:
    Job *next
    uint64_t tag
    Kind kind
    int error
    const char *path
    const char *temporary
    const char *home        # the folder that `path` is in
    const char *forgotten   # a file in `home` that is removed, durably, before
    const char *earlier     # gets what the file has, too; by way of `earlier_new`
    const char *earlier_new
    const char *data
    size_t size
    int sync, sync_home
    Part *parts
    int count
    int files, folders      # `fds` holds the files first
    int fds[1]

cdef struct Shared:
    pthread_mutex_t lock
    pthread_cond_t work, idle
    Job *head               # waiting
    Job *tail
    Job *done
    int running             # jobs being worked on
    int stop
    int event


cdef int write_all(int fd, const char *data, size_t size) noexcept nogil:
    """0, or an error number."""
    cdef ssize_t done
    while size:
        done = write(fd, data, size)
        if done < 0 and errno != EINTR:
            return errno
        if done > 0:
            data += done
            size -= <size_t>done
    return 0


cdef int sync_retried(int fd, bint whole) noexcept nogil:
    """0, or an error number."""
    while (fsync(fd) if whole else fdatasync(fd)) != 0:
        if errno != EINTR:
            return errno
    return 0


cdef int write_new(Job *job) noexcept nogil:
    """Makes the temporary file whole. 0, or an error number."""
    cdef int error, fd = c_open(job.temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
    if fd < 0:
        return errno
    error = write_all(fd, job.data, job.size)
    if error == 0 and job.sync:
        error = sync_retried(fd, False)
    if close(fd) != 0 and error == 0:
        error = errno
    return error


cdef int sync_folder(const char *path) noexcept nogil:
    """0, or an error number."""
    cdef int error, fd = c_open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
    if fd < 0:
        return errno
    error = sync_retried(fd, True)
    close(fd)
    return error


cdef int forget(Job *job) noexcept nogil:
    """0, or an error number."""
    if unlink(job.forgotten) == 0:
        return sync_folder(job.home)
    return 0 if errno == ENOENT else errno


cdef void replace_file(Job *job) noexcept nogil:
    if job.forgotten != NULL:
        job.error = forget(job)
        if job.error != 0:
            return
    job.error = write_new(job)
    if job.error == 0 and c_rename(job.temporary, job.path) != 0:
        job.error = errno
    if job.error != 0:
        unlink(job.temporary)
        return
    if job.sync_home:
        job.error = sync_folder(job.home)
    if job.earlier != NULL:  # it is a help, not a promise: no error counts, and nothing is synced
        unlink(job.earlier_new)
        if link(job.path, job.earlier_new) == 0:
            c_rename(job.earlier_new, job.earlier)


cdef int write_parts(Job *job) noexcept nogil:
    """Makes the files of a folder, synced. 0, or an error number."""
    cdef int i, error = 0
    cdef Part *part
    for i in range(job.count):
        part = &job.parts[i]
        part.fd = c_open(part.path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        if part.fd < 0:
            error = error or errno
            continue
        error = error or write_all(part.fd, part.data, part.size)
        # Begun for all of them before the first is waited for, they have the disk's work in common.
        sync_file_range(part.fd, 0, 0, SYNC_FILE_RANGE_WRITE)
    for i in range(job.count):
        part = &job.parts[i]
        if part.fd >= 0:
            error = error or sync_retried(part.fd, False)
            if close(part.fd) != 0:
                error = error or errno
    return error


cdef void build_folder(Job *job) noexcept nogil:
    cdef int i
    if mkdir(job.temporary, 0o700) != 0:
        job.error = errno
        return
    job.error = write_parts(job)
    job.error = job.error or sync_folder(job.temporary)
    if job.error == 0 and c_rename(job.temporary, job.path) != 0:
        job.error = errno
    elif job.error == 0:
        job.error = sync_folder(job.home)
        if job.error == 0:
            return
        c_rename(job.path, job.temporary)
    for i in range(job.count):
        unlink(job.parts[i].path)
    rmdir(job.temporary)


cdef void remove_folder(Job *job) noexcept nogil:
    """The error is negative where the folder is gone, but perhaps not after a power cut."""
    cdef DIR *folder
    cdef dirent *entry
    if c_rename(job.path, job.temporary) != 0:
        job.error = errno
        return
    job.error = sync_folder(job.home)
    if job.error != 0:
        if c_rename(job.temporary, job.path) == 0:
            return
        job.error = -job.error
    folder = opendir(job.temporary)  # nobody looks there: what stays is removed at the next start
    if folder == NULL:
        return
    while True:
        entry = readdir(folder)
        if entry == NULL:
            break
        unlinkat(dirfd(folder), entry.d_name, 0)
    closedir(folder)
    rmdir(job.temporary)


cdef void discard(Shared *shared, int at, const char *name, int depth) noexcept nogil:
    """Removes a folder with what is in it, as far as that goes."""
    cdef DIR *folder
    cdef dirent *entry
    cdef int fd
    if depth > DEPTH_MAX or shared.stop:
        return
    fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
    if fd < 0:
        return
    folder = fdopendir(fd)
    if folder == NULL:
        close(fd)
        return
    while not shared.stop:
        entry = readdir(folder)
        if entry == NULL:
            break
        if entry.d_name[0] == c'.' and (
            entry.d_name[1] == 0 or (entry.d_name[1] == c'.' and entry.d_name[2] == 0)
        ):
            continue
        if unlinkat(fd, entry.d_name, 0) != 0 and errno == EISDIR:
            discard(shared, fd, entry.d_name, depth + 1)
    closedir(folder)
    unlinkat(at, name, AT_REMOVEDIR)


cdef void sync_all(Job *job) noexcept nogil:
    cdef int i
    for i in range(job.files + job.folders):
        job.error = sync_retried(job.fds[i], i >= job.files)
        if job.error != 0:
            return


cdef void *serve(void *arg) noexcept nogil:
    cdef Shared *shared = <Shared *>arg
    cdef Job *job
    cdef uint64_t one = 1
    pthread_mutex_lock(&shared.lock)
    while True:
        while shared.head == NULL and not shared.stop:
            pthread_cond_wait(&shared.work, &shared.lock)
        job = shared.head
        if job == NULL:
            break
        shared.head = job.next
        if shared.head == NULL:
            shared.tail = NULL
        shared.running += 1
        pthread_mutex_unlock(&shared.lock)
        if job.kind == SYNC:
            sync_all(job)
        elif job.kind == REPLACE:
            replace_file(job)
        elif job.kind == BUILD:
            build_folder(job)
        elif job.kind == REMOVE:
            remove_folder(job)
        elif unlink(job.path) != 0:
            discard(shared, AT_FDCWD, job.path, 0)
        pthread_mutex_lock(&shared.lock)
        job.next = shared.done
        shared.done = job
        shared.running -= 1
        if shared.running == 0 and shared.head == NULL:
            pthread_cond_broadcast(&shared.idle)
        pthread_mutex_unlock(&shared.lock)
        # Without the lock: who is woken needs it. The counter cannot fill up with one per job.
        write(shared.event, &one, 8)
        pthread_mutex_lock(&shared.lock)
    pthread_mutex_unlock(&shared.lock)
    return NULL


cdef struct Together:
    pthread_t thread
    int fd, whole, error, started


cdef void *sync_one(void *arg) noexcept nogil:
    cdef Together *one = <Together *>arg
    one.error = sync_retried(one.fd, one.whole)
    return NULL


def sync_together(list files not None, list folders not None):
    """Syncs some files and folders at the same time, for a thread that may wait: a disk writes down
    at once what several ask for together. Raises OSError."""
    cdef Together all[TOGETHER_MAX]
    cdef int i, error = 0, count = len(files) + len(folders)
    if not 1 <= count <= TOGETHER_MAX:
        raise ValueError(f"1 to {TOGETHER_MAX} descriptors")
    for i, fd in enumerate(files + folders):
        all[i].fd, all[i].whole, all[i].error = fd, i >= len(files), 0
    with nogil:
        for i in range(1, count):
            all[i].started = pthread_create(&all[i].thread, NULL, sync_one, &all[i]) == 0
        all[0].started = 0
        for i in range(count):
            if not all[i].started:
                sync_one(&all[i])
        for i in range(count):
            if all[i].started:
                pthread_join(all[i].thread, NULL)
            error = error or all[i].error
    if error:
        raise OSError(error, os.strerror(error))


cdef class SyncThreads:
    """`count` threads over one queue; `event` is the descriptor to watch for reading."""

    cdef Shared shared
    cdef pthread_t threads[THREADS_MAX]
    cdef int started
    cdef bint closed
    cdef readonly int event
    cdef dict held  # what jobs refer to

    def __cinit__(self, int count=4):
        cdef int i
        if not 1 <= count <= THREADS_MAX:
            raise ValueError("1 to 16 threads")
        self.held = {}
        self.event = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.shared.event = self.event
        pthread_mutex_init(&self.shared.lock, NULL)
        pthread_cond_init(&self.shared.work, NULL)
        pthread_cond_init(&self.shared.idle, NULL)
        for i in range(count):
            if pthread_create(&self.threads[i], NULL, serve, &self.shared) != 0:
                break
            self.started += 1
        if self.started == 0:
            self.close()
            raise OSError("cannot start a sync thread")

    def __dealloc__(self):
        self.close()

    def submit(self, uint64_t tag, list files, list folders):
        """Queue one job: fdatasync of every file, then fsync of every folder. The descriptors
        must stay open until `finished` has returned `tag`."""
        cdef int i = 0
        cdef Job *job = self._job(tag, SYNC, len(files) + len(folders))
        job.files, job.folders = len(files), len(folders)
        for fd in files + folders:
            job.fds[i] = fd
            i += 1
        self._queue(job)

    def replace(self, uint64_t tag, bytes path not None, bytes temporary not None,
                bytes home not None, bytes data not None, bint sync, bint sync_home,
                bytes earlier=None, bytes earlier_new=None, bint forget=False):
        """Queue one job: a file gets another content, all of it or none. It is written as
        `temporary` in the folder `home` and, with `sync`, synced before it takes its place; with
        `sync_home` the folder is synced, too. `earlier` becomes another name of the new file, by
        way of `earlier_new`, if that is possible; with `forget`, what had that name is removed
        first, durably."""
        cdef Job *job = self._job(tag, REPLACE, 0)
        self.held[tag] = (path, temporary, home, data, earlier, earlier_new)
        job.path, job.temporary, job.data, job.size = path, temporary, data, len(data)
        job.home, job.sync, job.sync_home = home, sync, sync_home
        if earlier is not None:
            job.earlier, job.earlier_new = earlier, earlier_new
            if forget:
                job.forgotten = earlier
        self._queue(job)

    def build(self, uint64_t tag, bytes path not None, bytes temporary not None,
              bytes home not None, list parts not None):
        """Queue one job: a folder in the folder `home` with files, durably, all of it or nothing.
        It is put together as `temporary`, a name that is free; `parts` are the files' paths there
        and their contents. What is at `path` may be an empty folder at most."""
        cdef Job *job = self._job(tag, BUILD, 0)
        cdef bytes name, data
        cdef int i
        job.parts = <Part *>malloc(max(len(parts), 1) * sizeof(Part))
        if job.parts == NULL:
            free(job)
            raise MemoryError
        self.held[tag] = (path, temporary, home, parts)
        job.path, job.temporary, job.home, job.count = path, temporary, home, len(parts)
        for i, (name, data) in enumerate(parts):
            job.parts[i].path, job.parts[i].data, job.parts[i].size = name, data, len(data)
        self._queue(job)

    def remove(self, uint64_t tag, bytes path not None, bytes temporary not None,
               bytes home not None):
        """Queue one job: the folder `path` in the folder `home` ends, durably, with the files in
        it; it is renamed to `temporary`, a name that is free, and all of it is gone or nothing. The
        error is negative when it is gone, but a power cut may bring it back."""
        cdef Job *job = self._job(tag, REMOVE, 0)
        self.held[tag] = (path, temporary, home)
        job.path, job.temporary, job.home = path, temporary, home
        self._queue(job)

    def discard(self, uint64_t tag, bytes path not None):
        """Queue one job: a folder that nobody looks into any more goes, with all that is in it, as
        far as that is possible before `close`."""
        cdef Job *job = self._job(tag, DISCARD, 0)
        self.held[tag] = path
        job.path = path
        self._queue(job)

    cdef Job *_job(self, uint64_t tag, Kind kind, int descriptors) except NULL:
        cdef Job *job
        if self.closed:
            raise ValueError("closed")
        job = <Job *>malloc(sizeof(Job) + descriptors * sizeof(int))
        if job == NULL:
            raise MemoryError
        memset(job, 0, sizeof(Job))
        job.tag, job.kind = tag, kind
        return job

    cdef void _queue(self, Job *job) noexcept:
        pthread_mutex_lock(&self.shared.lock)
        if self.shared.tail == NULL:
            self.shared.head = job
        else:
            self.shared.tail.next = job
        self.shared.tail = job
        pthread_mutex_unlock(&self.shared.lock)
        pthread_cond_signal(&self.shared.work)  # without the lock: who is woken needs it

    def finished(self):
        """[(tag, errno or 0)] of the jobs done since the last call; resets `event`."""
        cdef Job *job
        cdef Job *following
        cdef uint64_t count
        if self.closed:
            return []
        read(self.event, &count, 8)  # nothing to read: somebody has collected before
        pthread_mutex_lock(&self.shared.lock)
        job = self.shared.done
        self.shared.done = NULL
        pthread_mutex_unlock(&self.shared.lock)
        out = []
        while job != NULL:
            following = job.next
            out.append((job.tag, job.error))
            self.held.pop(job.tag, None)
            free(job.parts)
            free(job)
            job = following
        out.reverse()
        return out

    def wait_idle(self):
        """Block until every job submitted so far is done (shutdown)."""
        with nogil:
            pthread_mutex_lock(&self.shared.lock)
            while self.shared.running or self.shared.head != NULL:
                pthread_cond_wait(&self.shared.idle, &self.shared.lock)
            pthread_mutex_unlock(&self.shared.lock)

    def close(self):
        """Finish what is queued and end the threads."""
        cdef int i
        cdef Job *job
        if self.closed:
            return
        self.closed = True
        with nogil:
            pthread_mutex_lock(&self.shared.lock)
            self.shared.stop = 1
            pthread_cond_broadcast(&self.shared.work)
            pthread_mutex_unlock(&self.shared.lock)
            for i in range(self.started):
                pthread_join(self.threads[i], NULL)
        while self.shared.done != NULL:
            job = self.shared.done
            self.shared.done = job.next
            free(job.parts)
            free(job)
        pthread_cond_destroy(&self.shared.work)
        pthread_cond_destroy(&self.shared.idle)
        pthread_mutex_destroy(&self.shared.lock)
        os.close(self.event)
