/* The interactive shell: lines are gathered until a statement is whole, then run. Ctrl-C drops what
 * was typed or cancels what runs, never the shell. */
#include "cli/cli.h"

#include <errno.h>
#include <histedit.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "core/arena.h"

#define HISTORY_LINES 2000

typedef struct Shell {
    WeirSession *session;
    EditLine *editor;
    History *history;
    char *history_path; /* NULL: none is kept */
    Buffer pending;     /* what was typed and not run yet */
    bool dropped;       /* Ctrl-C ended the line being edited */
} Shell;

static Shell *editor_shell(EditLine *editor)
{
    void *shell = NULL;
    el_get(editor, EL_CLIENTDATA, &shell);
    return shell;
}

static char *shell_prompt(EditLine *editor)
{
    static char first[] = "weir> ";
    static char more[] = "   -> ";
    return editor_shell(editor)->pending.length == 0 ? first : more;
}

/* ----------------------------------------------------------------- running */

static void report(WeirResult *result, double seconds)
{
    switch (weir_result_kind(result)) {
    case WEIR_RESULT_DONE:
        printf("[INFO] Execute statement succeeded. (%.2f seconds)\n", seconds);
        break;
    case WEIR_RESULT_JOB: {
        WeirJobStatus status;
        weir_result_status(result, &status);
        printf("[INFO] Job \"%s\" has started.\nJob ID: %s\n", status.name, status.id);
        break;
    }
    case WEIR_RESULT_HELP:
        print_shell_help();
        break;
    case WEIR_RESULT_CLEAR:
        fputs("\033[H\033[2J", stdout);
        break;
    default:
        break;
    }
    fflush(stdout);
}

/* Runs one statement of the pending text; false to leave the shell. */
static bool shell_execute(Shell *shell, size_t start, size_t end)
{
    struct timespec from, to;
    clock_gettime(CLOCK_MONOTONIC, &from);
    WeirResult *result;
    if (weir_execute(shell->session, shell->pending.data, shell->pending.length, start, end, NULL,
                     &result) != WEIR_OK) {
        print_error(shell->session);
        return true;
    }
    clock_gettime(CLOCK_MONOTONIC, &to);
    bool go_on = weir_result_kind(result) != WEIR_RESULT_QUIT;
    report(result, (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9);
    print_result(shell->session, result);
    weir_result_free(result);
    return go_on;
}

/* The words that need no semicolon when they stand alone, as people type them. */
static bool is_bare_command(const Buffer *text)
{
    static const char *const commands[] = {"quit", "exit", "help", "clear"};
    size_t length = text->length;
    while (length > 0 && (text->data[length - 1] == '\n' || text->data[length - 1] == ' '))
        length--;
    for (size_t i = 0; i < array_count(commands); i++) {
        if (strlen(commands[i]) == length && strncasecmp(commands[i], text->data, length) == 0)
            return true;
    }
    return false;
}

/* Runs every whole statement that was typed and keeps the rest. */
static bool shell_run_pending(Shell *shell)
{
    size_t offset = 0, start = 0, end = 0;
    buffer_text(&shell->pending);
    if (is_bare_command(&shell->pending)) {
        bool go_on = shell_execute(shell, 0, shell->pending.length);
        buffer_clear(&shell->pending);
        return go_on;
    }
    int found;
    while ((found = weir_next_statement(shell->pending.data, shell->pending.length, &offset, &start,
                                        &end)) == 1) {
        if (!shell_execute(shell, start, end))
            return false;
        buffer_text(&shell->pending);
    }
    if (found == 0) {
        buffer_clear(&shell->pending); /* only space and comments are left */
        return true;
    }
    memmove(shell->pending.data, shell->pending.data + offset, shell->pending.length - offset);
    shell->pending.length -= offset;
    return true;
}

/* ----------------------------------------------------------------- history */

/* Makes the folder and those above it; where that fails, so does saving. */
static void make_folders(char *path)
{
    for (char *c = path + 1; *c != '\0'; c++) {
        if (*c != '/')
            continue;
        *c = '\0';
        mkdir(path, 0700);
        *c = '/';
    }
    mkdir(path, 0700);
}

static char *history_path(void)
{
    const char *home = getenv("HOME");
    const char *state = getenv("XDG_STATE_HOME");
    Buffer path = {0};
    if (state != NULL && state[0] == '/')
        buffer_printf(&path, "%s", state);
    else if (home != NULL)
        buffer_printf(&path, "%s/.local/state", home);
    else
        return NULL;
    buffer_text(&path);
    make_folders(path.data);
    buffer_append_text(&path, "/weir_history");
    char *result = memory_strdup(buffer_text(&path));
    buffer_deinit(&path);
    return result;
}

static void history_open(Shell *shell)
{
    HistEvent event;
    shell->history = history_init();
    history(shell->history, &event, H_SETSIZE, HISTORY_LINES);
    history(shell->history, &event, H_SETUNIQUE, 1);
    shell->history_path = history_path();
    if (shell->history_path != NULL)
        history(shell->history, &event, H_LOAD, shell->history_path);
    el_set(shell->editor, EL_HIST, history, shell->history);
}

/* A statement with a password does not go into a file that outlives the session; its lines come one
 * by one, and the password may stand on the next. */
static bool history_allows(const Shell *shell, const char *line)
{
    Buffer text = {0};
    buffer_append(&text, shell->pending.data, shell->pending.length);
    buffer_append_text(&text, line);
    bool allowed = strcasestr(buffer_text(&text), "password") == NULL &&
                   strcasestr(buffer_text(&text), "secret") == NULL;
    buffer_deinit(&text);
    return allowed;
}

static void history_close(Shell *shell)
{
    HistEvent event;
    if (shell->history_path != NULL)
        history(shell->history, &event, H_SAVE, shell->history_path);
    memory_free(shell->history_path);
    history_end(shell->history);
}

/* -------------------------------------------------------------------- loop */

/* Ctrl-C in a line. While one is edited it is a key as any other: as a signal it could come after
 * the prompt stands there and before the terminal is read, and would be seen only with the next
 * key. */
static unsigned char drop_line(EditLine *editor, int key)
{
    (void)key;
    editor_shell(editor)->dropped = true;
    return CC_EOF;
}

/* Ctrl-Z, which is a key for the same reason: what the terminal would do. */
static unsigned char suspend_shell(EditLine *editor, int key)
{
    (void)key;
    el_set(editor, EL_PREP_TERM, 0);
    kill(0, SIGTSTP);
    el_set(editor, EL_PREP_TERM, 1);
    return CC_REDISPLAY;
}

static void bind_signals(EditLine *editor)
{
    el_set(editor, EL_SETTY, "-d", "-isig", NULL);
    el_set(editor, EL_ADDFN, "weir-drop", "Drops what was typed", drop_line);
    el_set(editor, EL_BIND, "^C", "weir-drop", NULL);
    el_set(editor, EL_ADDFN, "weir-suspend", "Stops the shell until it is told to go on",
           suspend_shell);
    el_set(editor, EL_BIND, "^Z", "weir-suspend", NULL);
}

/* A terminal: with editing and history. */
static void shell_loop(Shell *shell)
{
    bool go_on = true;
    while (go_on) {
        int length = 0;
        shell->dropped = false;
        /* Before the prompt stands there Ctrl-C is a key: none can come in between. */
        el_set(shell->editor, EL_PREP_TERM, 1);
        if (interrupt_seen())
            buffer_clear(&shell->pending);
        const char *line = el_gets(shell->editor, &length);
        /* A signal from elsewhere ends the wait as well. */
        if (interrupt_seen() && line == NULL)
            shell->dropped = true;
        if (shell->dropped) {
            buffer_clear(&shell->pending);
            fputs("\n", stdout);
            continue;
        }
        if (line == NULL || length <= 0) {
            if (length < 0 && errno == EINTR)
                continue;
            break;
        }
        HistEvent event;
        if (line[0] != '\n' && history_allows(shell, line))
            history(shell->history, &event, H_ENTER, line);
        buffer_append(&shell->pending, line, (size_t)length);
        go_on = shell_run_pending(shell);
        interrupt_seen();
    }
}

static void shell_edit(Shell *shell)
{
    shell->editor = el_init("weir", stdin, stdout, stderr);
    el_set(shell->editor, EL_CLIENTDATA, shell);
    el_set(shell->editor, EL_PROMPT, shell_prompt);
    el_set(shell->editor, EL_EDITOR, "emacs");
    el_set(shell->editor, EL_SIGNAL, 0);
    bind_signals(shell->editor);
    history_open(shell);
    el_source(shell->editor, NULL);
    shell_loop(shell);
    history_close(shell);
    el_end(shell->editor);
}

int shell_run(WeirSession *session)
{
    if (!isatty(STDIN_FILENO)) {
        /* A script on standard input is a file without a name. */
        interrupt_install(session, false);
        return run_file(session, "-", false) && wait_for_jobs(session, true) ? 0 : 1;
    }
    printf("weir %s: streaming SQL. HELP; for help, QUIT; to leave.\n", weir_version());
    interrupt_install(session, true);
    Shell shell = {.session = session};
    shell_edit(&shell);
    buffer_deinit(&shell.pending);
    return 0;
}
