/* What the files of the checkpoint store share.
 *
 * Threads: `writing` belongs to the writer thread from checkpoint_writer_start to _stop, `reading`
 * to the coordinator; the queue is the only thing both touch, under its mutex. */
#ifndef STATE_CHECKPOINT_INTERNAL_H
#define STATE_CHECKPOINT_INTERNAL_H

#include <pthread.h>
#include <sqlite3.h>

#include "core/arena.h"
#include "core/buffer.h"
#include "state/checkpoint.h"

/* What a pair (operator table, key group) weighs; decides when it is folded. */
typedef struct FoldWeight {
    uint64_t base_bytes;
    uint64_t delta_bytes;
    uint64_t replaced_bytes; /* of both: what folding would save, about */
    uint32_t deltas;
    bool unfoldable; /* it is corrupt or too large; a restore will say which */
} FoldWeight;

typedef struct OperatorTable {
    int64_t id;
    char *uid;
    char *table;
    FoldWeight *groups;
    uint32_t group_count;
} OperatorTable;

typedef enum WriteKind {
    WRITE_BEGIN,
    WRITE_CHUNK,
    WRITE_BLOB,
    WRITE_COMMIT,
    WRITE_ABORT,
    WRITE_REWIND,
    WRITE_STOP
} WriteKind;

/* One request to the writer; what it points to lies behind it in the same allocation. */
typedef struct WriteRequest {
    struct WriteRequest *next;
    WriteKind kind;
    size_t bytes; /* counted against the queue's bound */
    uint64_t epoch;
    const char *uid;
    const char *name; /* table of a chunk, kind of a blob */
    uint32_t number;  /* key group or subtask */
    bool is_base;
    uint64_t replaced_bytes; /* of older chunks, by this one */
    Str key;                 /* name of a blob */
    Str data;
    Buffer owned;         /* where the data of a chunk is */
    bool unsealed;        /* its checksum is still to be entered */
    CheckpointInfo *info; /* COMMIT */
    Error *error;         /* COMMIT, REWIND: the asker waits for `done` */
    bool *done;
    bool *succeeded;
} WriteRequest;

typedef struct WriterStatements {
    sqlite3_stmt *insert_chunk;
    sqlite3_stmt *insert_blob;
    sqlite3_stmt *insert_epoch;
    sqlite3_stmt *insert_table;
    sqlite3_stmt *select_run; /* base and deltas of a key group */
} WriterStatements;

struct CheckpointStore {
    char *path;
    int lock_fd;
    bool read_only;
    uint32_t retained;
    sqlite3 *reading;
    Buffer manifest;

    /* The writer thread's. */
    sqlite3 *writing;
    WriterStatements statements;
    OperatorTable *tables;
    uint32_t table_count;
    uint64_t running_epoch; /* 0: none */
    uint64_t epoch_bytes;
    bool in_transaction;
    bool has_parts;     /* parts of the running epoch are committed, but not seen by anybody */
    bool has_leftovers; /* as are parts of one that was forgotten: to be removed before the next */
    bool is_stale;      /* tables and weights are not the database's: to be read before the next */
    WriteRequest *kept; /* what no committed part holds, oldest first */
    WriteRequest *last_kept;
    WriteRequest *unwritten; /* of these the first that is not in the open transaction either */
    size_t kept_bytes;
    uint64_t part_bytes;
    uint64_t part_bytes_max;
    uint32_t wait_ms;
    uint64_t newest_epoch;
    bool failed; /* writing did not succeed: what comes is only kept */
    bool lost;   /* nor is that: the running epoch cannot be committed, and none after it */
    Error failure;
    bool wants_purge;
    bool wants_fold;

    /* The coordinator's. */
    uint64_t begun_epoch;     /* 0: none */
    uint64_t committed_epoch; /* newest */

    pthread_t thread;
    bool has_thread;
    pthread_mutex_t mutex;
    pthread_cond_t arrived;  /* something is in the queue */
    pthread_cond_t finished; /* a request is done, or the queue has room */
    WriteRequest *first;
    WriteRequest *last;
    uint32_t waiting; /* requests in the queue whose asker waits */
    size_t queued_bytes;
};

/* How long a writer waits for readers to end, and they for it. */
#define CHECKPOINT_WAITS_MS 60000

/* ------------------------------------------------------------ checkpoint.c */

/* Words an SQLite failure: full disk, corruption, the rest; names the file. Returns false. */
bool checkpoint_sql_error(const CheckpointStore *store, sqlite3 *database, const char *doing,
                          Error *error);
bool checkpoint_exec(const CheckpointStore *store, sqlite3 *database, const char *sql,
                     const char *doing, Error *error) MUST_CHECK;

/* ----------------------------------------------------- checkpoint_writer.c */

bool checkpoint_writer_start(CheckpointStore *store, Error *error) MUST_CHECK;
void checkpoint_writer_stop(CheckpointStore *store);

/* ------------------------------------------------------- checkpoint_fold.c */

/* Reads what there is to fold from the database. */
bool checkpoint_weights_load(CheckpointStore *store, Error *error) MUST_CHECK;
void checkpoint_weights_free(CheckpointStore *store);
/* The operator's table, entered into the database when it is new; NULL with an error. */
OperatorTable *checkpoint_table(CheckpointStore *store, const char *uid, const char *name,
                                Error *error) MUST_CHECK;
void checkpoint_weight_add(OperatorTable *table, uint32_t key_group, bool is_base, uint64_t bytes,
                           uint64_t replaced_bytes);
/* What can be done while nothing is asked for: one step; false when there is nothing left. */
bool checkpoint_maintain(CheckpointStore *store);

#endif
