/* Connectors: where changes come from and where they go.
 *
 * A connector is one file that exports one Connector and one line in connectors/meson.build. A
 * large one is a family of files with one public name (mysql_cdc.c, mysql/snapshot.c, …).
 *
 * Threads: the executor calls one source instance, and one sink instance, from one thread at a
 * time. Only source.wake may come from another thread.
 *
 * Exactly once: a source can say its position between two batches and start again from it. A sink
 * hands over at each barrier whatever is needed to finish the epoch (sink.prepare), and makes the
 * epoch visible when the checkpoint is durable (sink.commit); after a crash it is given the same
 * bytes again and finishes or finds that it had finished. */
#ifndef CONNECTORS_CONNECTOR_H
#define CONNECTORS_CONNECTOR_H

#include "core/batch.h"
#include "core/clock.h"
#include "core/datetime.h"
#include "core/error.h"
#include "core/option.h"

struct Format;
struct LookupClass;

/* A table as a connector sees it. */
typedef struct TableInfo {
    const char *name;
    const Schema *physical;      /* columns without computed and metadata ones */
    const uint32_t *primary_key; /* indexes into physical */
    uint32_t primary_key_count;
    const uint32_t *partition; /* PARTITIONED BY: indexes into physical */
    uint32_t partition_count;
    const Options *options;      /* "connector", "format", the rest */
    const struct Format *format; /* the one named by `format`, or NULL */
} TableInfo;

typedef struct MetadataColumn {
    const char *key;
    const Type *type;
    const char *doc;
} MetadataColumn;

/* ------------------------------------------------------------------ sources */

/* One scan of a table: which columns to give, in order. */
typedef struct ScanInfo {
    const TableInfo *table;
    const uint32_t *columns; /* indexes into table->physical */
    uint32_t column_count;
    const uint32_t *metadata; /* indexes into the connector's metadata, after the columns */
    uint32_t metadata_count;
    const Schema *schema; /* columns, then metadata: the schema of the batches */
    /* Of each column that is a ROW, the fields anyone reads, bit i for field i; a source may give
     * NULL for the others. NULL: all. */
    const uint64_t *fields;
} ScanInfo;

/* The fields anyone reads of a column of the batches; fields from the 64th on always are. */
static inline uint64_t scan_fields(const ScanInfo *scan, uint32_t column)
{
    return scan->fields == NULL ? UINT64_MAX : scan->fields[column];
}

/* Position of one split of a source (a file, a key range, a server's binlog). */
typedef struct SplitPosition {
    Str split;    /* what identifies it */
    Str position; /* the connector's own encoding */
} SplitPosition;

/* Event time of one split. */
typedef struct SplitTime {
    const char *name;     /* for people */
    int64_t watermark_us; /* what its rows have reached; INT64_MIN: none yet */
    bool ended;
} SplitTime;

/* Event time of a source's splits, where the table has a WATERMARK: a source that can read its
 * splits beside each other gives rows of the one that is furthest behind. The source fills `splits`
 * when it opens, says before it gives a batch whose it is, and notes ends; the runtime notes
 * watermarks. */
typedef struct SplitTimes {
    SplitTime *splits;
    uint32_t count;
    uint32_t current;
} SplitTimes;

typedef struct SourceContext {
    const ScanInfo *scans; /* several when the connector shares one reader among tables */
    uint32_t scan_count;
    const char *job;  /* pipeline.name */
    uint32_t subtask; /* this instance, and how many there are */
    uint32_t parallelism;
    /* All split positions of the epoch being restored, of all instances; none: a fresh start. Each
     * instance takes the splits that are its own. Borrowed during open. */
    const SplitPosition *restored;
    uint32_t restored_count;
    /* Readers of the same server that the job opens before this one: INSERTs that joined it later
     * read for themselves. */
    uint32_t readers_before;
    /* A place for what all instances of the source share in this run, NULL at first; they are
     * opened and closed one after the other. NULL: the instance is alone. */
    void **shared;
    bool is_restored;  /* an epoch is restored, even when it has no splits */
    SplitTimes *times; /* NULL: nobody looks at them */
    const Clock *clock;
    const TimeZone *zone;
    bool bounded_run;                           /* execution.runtime-mode = batch */
    void (*notice)(void *to, const char *text); /* a warning for people; NULL: none wanted */
    void *notice_to;
    /* Whether the job is to end: who waits in open before another try asks it. NULL: never. */
    bool (*interrupted)(void *to);
    void *interrupted_to;
} SourceContext;

typedef struct Source Source;

typedef enum SourceState {
    SOURCE_BATCH, /* *batch and *scan are set; the caller owns the batch */
    SOURCE_IDLE,  /* nothing arrived within the timeout */
    SOURCE_END,   /* nothing will come any more */
    SOURCE_FAILED /* the error is set */
} SourceState;

typedef struct SourceProgress {
    uint64_t rows;          /* given so far, since this start */
    uint64_t rows_expected; /* while bounded (a snapshot, a file); 0: not known */
    uint64_t rows_skipped;  /* malformed and ignored */
    bool snapshot;          /* reading what is there, not yet what changes */
    bool unsettled;         /* see SourceClass.settled */
    double seconds_behind;  /* of the last change; negative: not known */
    char position[256];     /* for people: "mysql-bin.000003:4711" */
    char slowest[128];      /* set by the runtime: the split that event time waits for */
} SourceProgress;

typedef struct SourceClass {
    Source *(*open)(const SourceContext *context, Error *error);
    /* The next batch. Blocks up to timeout_ms; 0: does not block. */
    SourceState (*next)(Source *source, int64_t timeout_ms, Batch **batch, uint32_t *scan,
                        Error *error);
    /* Position after the last batch given: calls `add` once per split. */
    bool (*position)(Source *source, void (*add)(void *to, Str split, Str position), void *to,
                     Error *error);
    void (*close)(Source *source);
    /* Optional: whether position may be asked now. While it may not, an epoch waits for the source
     * and next is called on. */
    bool (*settled)(Source *source);
    /* Optional. */
    void (*wake)(Source *source); /* makes a blocked next return IDLE soon */
    void (*acknowledge)(Source *source,
                        uint64_t epoch); /* the epoch with its position is durable */
    void (*progress)(Source *source, SourceProgress *out);
    bool is_short; /* its few rows are all there: an epoch waits until they have been read */
} SourceClass;

/* -------------------------------------------------------------------- sinks */

typedef struct SinkContext {
    const TableInfo *table;
    const Schema *schema; /* of the batches: the table's persisted columns */
    const char *job;
    const char *sink_id; /* stable identity of this sink in the job, for transaction records */
    uint32_t subtask;
    uint32_t parallelism;
    /* What prepare handed over for the restored epoch, of all instances that were; borrowed. An
     * instance takes what is its own: with parallelism changed, instance 0 finishes all. */
    const Str *restored;
    uint32_t restored_count;
    uint64_t restored_epoch; /* 0: fresh start */
    bool checkpointing;      /* false: no epoch will come, make rows visible at once and at close */
    const TimeZone *zone;
    /* Where print and the like write; NULL: the process's standard output or error. */
    bool (*write_text)(void *to, Str text, bool standard_error);
    void *write_to;
} SinkContext;

typedef struct Sink Sink;

typedef struct SinkClass {
    Sink *(*open)(const SinkContext *context, Error *error);
    /* Borrows the batch. */
    bool (*write)(Sink *sink, const Batch *batch, Error *error);
    /* Everything up to here that is not committed belongs to `epoch`, also what was prepared for
     * one before it that was declined: appends what finishing it needs after a crash. */
    bool (*prepare)(Sink *sink, uint64_t epoch, Buffer *pending, Error *error);
    /* The epoch is durable: make it visible. Called again after a restore; then must do nothing if
     * it was done before. */
    bool (*commit)(Sink *sink, uint64_t epoch, Error *error);
    /* Nothing more comes (bounded input ended or the job stopped cleanly): without checkpointing
     * everything becomes visible here. */
    bool (*finish)(Sink *sink, Error *error);
    void (*close)(Sink *sink); /* gives up what is neither committed nor prepared */
    /* Optional: nothing arrived for a while; without checkpointing, make rows visible now. */
    bool (*flush)(Sink *sink, Error *error);
} SinkClass;

/* --------------------------------------------------------------- connectors */

typedef struct Connector {
    const char *name;
    const char *doc;
    const OptionSpec *options;      /* without the format's; ends with a name of NULL */
    bool takes_format;              /* `format` names one of formats/ */
    bool takes_partitions;          /* PARTITIONED BY may be declared */
    const MetadataColumn *metadata; /* ends with a key of NULL; NULL: none */
    /* Checks what the option table cannot say; at CREATE TABLE, without I/O. May be NULL. */
    bool (*check)(const TableInfo *table, Error *error);

    const SourceClass *source; /* NULL: cannot be read */
    ChangeKinds (*source_kinds)(const TableInfo *table);
    bool (*is_bounded)(const TableInfo *table);
    /* Instances of one source that may run beside each other; 0: any number. */
    uint32_t source_parallelism;
    bool gives_watermarks; /* of its own: WATERMARK FOR … AS SOURCE_WATERMARK() */
    bool source_blocks;    /* waits for I/O: gets a thread of its own */
    /* Whether so many instances have about the same to read; may do I/O. NULL: they do not. */
    bool (*source_is_even)(const TableInfo *table, uint32_t parallelism);
    /* Scans with equal keys share one source instance ("mysql-cdc user@host:3306"); NULL: none. */
    const char *(*share_key)(const TableInfo *table, Arena *arena);

    /* How single keys are looked up (connectors/lookup.h); NULL: they cannot be. */
    const struct LookupClass *lookup;
    bool lookup_by_scan; /* lookups may read the whole table instead, through its source */

    const SinkClass *sink; /* NULL: cannot be written */
    ChangeKinds (*sink_kinds)(const TableInfo *table);
    uint32_t sink_parallelism; /* 0: any number */
    bool sink_keeps_last;      /* with a primary key nothing shows but the last row of each key */
} Connector;

/* The connector by name, or NULL with an error that names the nearest. */
const Connector *connector_find(const char *name, Error *error);
const Connector *connector_at(uint32_t index); /* NULL past the last */

#endif
