/* The checkpoint store: one SQLite database per job that holds its plan, its retained epochs and
 * the chunks they are made of.
 *
 * A job's worker threads add chunks and blobs of the running epoch; a writer thread appends them,
 * part by part; checkpoint_commit waits for the writer, writes the manifest and makes the epoch
 * durable with the SQLite transaction of the last part. Until then nobody reads what belongs to it,
 * so a crash at any instruction leaves the newest durable epoch whole. Deltas are folded into a
 * base in the background when they outweigh it; epochs beyond the retained ones lose what only they
 * needed.
 *
 * Who reads keeps the writer from ending a part: a store that is open for looking holds up the next
 * epoch of a job that writes it, for CHECKPOINT_WAITS_MS at most.
 *
 * Threads: checkpoint_add_* from any thread; everything else from the job's coordinator. */
#ifndef STATE_CHECKPOINT_H
#define STATE_CHECKPOINT_H

#include "core/arena.h"
#include "state/state.h"

typedef struct CheckpointStore CheckpointStore;

typedef struct CheckpointConfig {
    const char *directory; /* execution.checkpointing.dir; made when missing */
    const char *job;       /* pipeline.name: names the file, made safe */
    uint32_t retained;     /* execution.checkpointing.num-retained, at least 1 */
    bool fresh;            /* --fresh: forget every epoch there is */
    bool read_only;        /* for looking: opens only what exists */
    uint64_t part_bytes;   /* of an epoch, written at once; 0: as many as suit a disk */
    uint32_t wait_ms;      /* how long the writer waits for readers; 0: a minute */
} CheckpointConfig;

typedef struct CheckpointInfo {
    uint64_t epoch; /* 0: none */
    int64_t completed_at_us;
    uint64_t bytes; /* added by this epoch */
    char job[256];
    uint32_t parallelism;
    uint32_t max_parallelism;
    const char *manifest; /* what checkpoint_commit was given; valid until the next call */
    bool declined;        /* of a commit that failed: see there */
} CheckpointInfo;

/* A store that another live process holds is refused with an error that names its process id. */
CheckpointStore *checkpoint_open(const CheckpointConfig *config, Error *error) MUST_CHECK;
/* A store by path of the file, or of a directory that holds exactly one:
 * execution.state-recovery.path. */
CheckpointStore *checkpoint_open_path(const char *path, Error *error) MUST_CHECK;
void checkpoint_close(CheckpointStore *store);
const char *checkpoint_path(const CheckpointStore *store);

/* The newest durable epoch (before = 0), or the newest one older than `before`; with epoch 0 when
 * there is none. */
bool checkpoint_newest(CheckpointStore *store, uint64_t before, CheckpointInfo *out,
                       Error *error) MUST_CHECK;

/* Forgets every epoch newer than `epoch`: what follows builds on that one. Needed before an epoch
 * is begun when the job was restored from one that is not the newest. */
bool checkpoint_rewind(CheckpointStore *store, uint64_t epoch, Error *error) MUST_CHECK;

/* With those above it. */
bool checkpoint_make_directories(const char *directory, Error *error) MUST_CHECK;

/* Writes the store as a savepoint: a file of its own in the directory that a
 * job can start from (checkpoint_open_path). `path` is where, in the arena. */
bool checkpoint_copy(CheckpointStore *store, const char *directory, Arena *arena, const char **path,
                     Error *error) MUST_CHECK;

/* Starts an epoch; numbers grow. At most one runs. What the writer cannot do is told by the commit.
 */
bool checkpoint_begin(CheckpointStore *store, uint64_t epoch, Error *error) MUST_CHECK;
/* Adds a keyed chunk of the operator `uid`; takes its buffer over, or copies the bytes. */
void checkpoint_add_chunk(CheckpointStore *store, const char *uid, const StateChunk *chunk);
/* Whether so much waits for the disk that adding more should wait, if it can. */
bool checkpoint_is_behind(CheckpointStore *store);
/* Adds bytes that belong to no key: a split's position, a sink's pending rows. (uid, kind, subtask,
 * name) is unique in an epoch. */
void checkpoint_add_blob(CheckpointStore *store, const char *uid, const char *kind,
                         uint32_t subtask, Str name, Str bytes);
/* Makes the epoch durable; says when and how many bytes it took. On failure the one before is whole
 * and this one is not there. It is `declined` if somebody else held the file or the disk was full:
 * its chunks go with the next epoch then, its blobs do not. Else (an I/O error, or more than fits
 * into memory) the next epoch's deltas do not fit any more: the caller ends or restarts the job. */
bool checkpoint_commit(CheckpointStore *store, CheckpointInfo *info, Error *error) MUST_CHECK;
/* Forgets what is not durable, of the running epoch and of declined ones: before the state the next
 * epoch builds on is restored. */
void checkpoint_abort(CheckpointStore *store);

/* Reads an epoch: chunks of one operator, in the order state_restore wants them, and its blobs. The
 * callback returns false to stop with the error it set. */
bool checkpoint_read_chunks(CheckpointStore *store, uint64_t epoch, const char *uid,
                            bool (*each)(void *to, const StateChunk *chunk, Error *error), void *to,
                            Error *error) MUST_CHECK;
bool checkpoint_read_blobs(CheckpointStore *store, uint64_t epoch, const char *uid,
                           const char *kind,
                           bool (*each)(void *to, uint32_t subtask, Str name, Str bytes,
                                        Error *error),
                           void *to, Error *error) MUST_CHECK;

#endif
