/* Ctrl-C and SIGTERM: the first asks the running statement to stop after a last checkpoint (in the
 * shell: cancels it), a second one cancels at once. */
#include "cli/cli.h"

#include <signal.h>
#include <unistd.h>

/* A signal handler can only reach what lies in static memory. */
static struct {
    WeirSession *volatile session;
    bool interactive;
    volatile sig_atomic_t count;
} target;

static void on_signal(int number)
{
    (void)number;
    target.count++;
    WeirSession *session = target.session;
    if (session != NULL)
        weir_interrupt(session, target.interactive || target.count > 1);
}

void interrupt_install(WeirSession *session, bool interactive)
{
    target.session = session;
    target.interactive = interactive;
    struct sigaction action = {.sa_handler = on_signal};
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    if (!interactive)
        sigaction(SIGTERM, &action, NULL);
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigaction(SIGPIPE, &ignore, NULL);
}

void interrupt_forget(void)
{
    target.session = NULL;
}

bool interrupt_pending(void)
{
    return target.count > 0;
}

/* Whether one came since the last call. */
bool interrupt_seen(void)
{
    bool seen = target.count > 0;
    target.count = 0;
    return seen;
}
