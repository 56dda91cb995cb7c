/* Moves what was committed from a file's write-ahead log into the file, beside the writer.
 *
 * SQLite does this within every thousandth page's commit, which then waits for the disk several
 * times: some tens of milliseconds in which no change shows. Here a thread with a connection of its
 * own does it. Under steady writing it never reaches the log's end, and the log only starts over
 * from there; so at LOG_PAGES_MAX pages the writer moves the small rest itself.
 *
 * Invariant: the log has at most LOG_PAGES_MAX pages and a commit's, unless somebody reads from an
 * old view of the file all the while. */
#include <pthread.h>

#include "connectors/sqlite/internal.h"

/* Pages that are worth a turn of the thread, and the most that the log may have. */
#define TURN_PAGES    1000
#define LOG_PAGES_MAX 16384

struct SqliteKeeper {
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    bool wanted;
    bool stopping;
    sqlite3 *database; /* the thread's */
    int asked_at;      /* pages in the log when the thread was last asked: the writer's */
};

static void *keeper_main(void *argument)
{
    SqliteKeeper *keeper = argument;
    pthread_mutex_lock(&keeper->lock);
    for (;;) {
        while (!keeper->wanted && !keeper->stopping)
            pthread_cond_wait(&keeper->changed, &keeper->lock);
        if (keeper->stopping)
            break;
        keeper->wanted = false;
        pthread_mutex_unlock(&keeper->lock);
        /* What it cannot do now stays in the log for the next turn, or for the writer. */
        sqlite3_wal_checkpoint_v2(keeper->database, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        pthread_mutex_lock(&keeper->lock);
    }
    pthread_mutex_unlock(&keeper->lock);
    return NULL;
}

/* After a commit of the writer, whose log has so many pages now. */
static int committed(void *argument, sqlite3 *database, const char *schema, int pages)
{
    SqliteKeeper *keeper = argument;
    if (pages < keeper->asked_at)
        keeper->asked_at = 0; /* the log has started over */
    if (pages >= LOG_PAGES_MAX) {
        sqlite3_wal_checkpoint_v2(database, schema, SQLITE_CHECKPOINT_PASSIVE, NULL, NULL);
        return SQLITE_OK;
    }
    if (pages - keeper->asked_at < TURN_PAGES)
        return SQLITE_OK;
    keeper->asked_at = pages;
    pthread_mutex_lock(&keeper->lock);
    keeper->wanted = true;
    pthread_cond_signal(&keeper->changed);
    pthread_mutex_unlock(&keeper->lock);
    return SQLITE_OK;
}

SqliteKeeper *sqlite_keeper_new(const SqliteTable *table)
{
    SqliteKeeper *keeper = memory_zalloc(sizeof(*keeper));
    pthread_mutex_init(&keeper->lock, NULL);
    pthread_cond_init(&keeper->changed, NULL);
    bool good = sqlite3_open_v2(table->path, &keeper->database,
                                SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_READWRITE, NULL) == SQLITE_OK;
    if (!good || pthread_create(&keeper->thread, NULL, keeper_main, keeper) != 0) {
        /* Then SQLite does it its own way. */
        sqlite3_close(keeper->database);
        memory_free(keeper);
        return NULL;
    }
    sqlite3_wal_hook(table->database, committed, keeper);
    return keeper;
}

void sqlite_keeper_free(SqliteKeeper *keeper, const SqliteTable *table)
{
    if (keeper == NULL)
        return;
    sqlite3_wal_hook(table->database, NULL, NULL);
    pthread_mutex_lock(&keeper->lock);
    keeper->stopping = true;
    pthread_cond_signal(&keeper->changed);
    pthread_mutex_unlock(&keeper->lock);
    pthread_join(keeper->thread, NULL);
    sqlite3_close(keeper->database);
    pthread_cond_destroy(&keeper->changed);
    pthread_mutex_destroy(&keeper->lock);
    memory_free(keeper);
}
