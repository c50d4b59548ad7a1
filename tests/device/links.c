// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who is wired to whom, and the account of it: when which link between GPUs was live, and when a
 * GPU with an uncut link could be reached by software.
 *
 * A link is dead as soon as either end has it disabled (hardware.md 1), and for as long as either
 * end is kept in reset. A GPU that comes out of reset has nothing disabled, so its links count as
 * live from then on, trained or not, unless the other end cuts them: modelled, not measured.
 */
#include "gv100.h"
#include "qemu/error-report.h"
#include "qemu/notify.h"
#include "system/system.h"

static void exit_with(Error *err)
{
    error_report_err(err);
    exit(EXIT_FAILURE);
}

/* "g1.0": the GPU g1 and its link 0 */
static bool parse_entry(GV100State *gpu, int link, const char *entry, Error **errp)
{
    g_auto(GStrv) part = g_strsplit(entry, ".", 2);
    GV100Link *end = &gpu->links[link];

    if (!strcmp(entry, "none") || !strcmp(entry, "cpu")) {
        return true;
    }
    if (!part[0] || !part[1] || strlen(part[1]) != 1 || part[1][0] < '0' ||
        part[1][0] >= '0' + GV100_LINKS) {
        error_setg(errp, "%s.%d: `%s' is neither none, cpu nor GPU.LINK", gv100_name(gpu), link,
                   entry);
        return false;
    }
    end->peer = gv100_find(part[0]);
    end->peer_link = part[1][0] - '0';
    if (!end->peer || end->peer == gpu) {
        error_setg(errp, "%s.%d is wired to %s, which is %s", gv100_name(gpu), link, entry,
                   end->peer ? "itself" : "no gv100");
        return false;
    }
    return true;
}

static void parse_wiring(GV100State *gpu)
{
    g_auto(GStrv) entries = g_strsplit(gpu->wiring ?: "none+none+none+none+none+none", "+", 0);
    Error *err = NULL;

    if (g_strv_length(entries) != GV100_LINKS) {
        error_setg(&err, "gv100 %s: links=%s has not %d entries", gv100_name(gpu), gpu->wiring,
                   GV100_LINKS);
        exit_with(err);
    }
    for (int i = 0; i < GV100_LINKS; i++) {
        if (!parse_entry(gpu, i, entries[i], &err)) {
            exit_with(err);
        }
    }
}

static void check_symmetry(GV100State *gpu, int link)
{
    const GV100Link *end = &gpu->links[link];
    const GV100Link *other;
    Error *err = NULL;

    if (!end->peer) {
        return;
    }
    other = &end->peer->links[end->peer_link];
    if (other->peer != gpu || other->peer_link != link) {
        error_setg(&err, "%s.%d is wired to %s.%d, but not the other way round",
                   gv100_name(gpu), link, gv100_name(end->peer), end->peer_link);
        exit_with(err);
    }
}

static bool end_disabled(GV100State *gpu, int link)
{
    return gpu->regs.link_disable & NV_LINK_DISABLE_BIT(link);
}

static bool end_dead(GV100State *gpu, int link)
{
    return end_disabled(gpu, link) || gv100_held(gpu);
}

static void link_update(GV100State *gpu, int link)
{
    GV100Link *end = &gpu->links[link];
    bool live;

    if (strcmp(gv100_name(gpu), gv100_name(end->peer)) > 0) {
        link_update(end->peer, end->peer_link);
        return;
    }
    live = !end_dead(gpu, link) && !end_dead(end->peer, end->peer_link);
    if (end->known && live == end->live) {
        return;
    }
    if (live) {
        end->since = log_now();
        end->times++;
    } else if (end->live) {
        end->total_ns += log_now() - end->since;
    }
    end->known = true;
    end->live = live;
    log_event("link", "%s.%d-%s.%d %s", gv100_name(gpu), link, gv100_name(end->peer),
              end->peer_link, live ? "live" : "dead");
}

void gv100_links_update(GV100State *gpu)
{
    for (int i = 0; i < GV100_LINKS; i++) {
        if (gpu->links[i].peer) {
            link_update(gpu, i);
        }
    }
}

static bool has_uncut_link(GV100State *gpu)
{
    for (int i = 0; i < GV100_LINKS; i++) {
        if (gpu->links[i].peer && !end_disabled(gpu, i)) {
            return true;
        }
    }
    return false;
}

void gv100_exposure_update(GV100State *gpu)
{
    bool exposed = has_uncut_link(gpu) && gv100_reachable(gpu);

    if (exposed == gpu->exposed) {
        return;
    }
    gpu->exposed = exposed;
    if (exposed) {
        gpu->exposed_since = log_now();
        gpu->exposed_times++;
    } else {
        gpu->exposed_ns += log_now() - gpu->exposed_since;
    }
    log_event(gv100_name(gpu), exposed ? "exposed" : "closed");
}

/* The totals include what is still going on. */
static void log_totals(Notifier *notifier, void *data)
{
    int64_t now = log_now();
    GV100State *gpu;

    (void)notifier;
    (void)data;
    QTAILQ_FOREACH(gpu, &gv100_list, next) {
        for (int i = 0; i < GV100_LINKS; i++) {
            GV100Link *end = &gpu->links[i];

            if (end->known) {
                log_event("link", "%s.%d-%s.%d total live_ns=%" PRId64 " times=%u",
                          gv100_name(gpu), i, gv100_name(end->peer), end->peer_link,
                          end->total_ns + (end->live ? now - end->since : 0), end->times);
            }
        }
        log_event(gv100_name(gpu), "total exposed_ns=%" PRId64 " times=%u",
                  gpu->exposed_ns + (gpu->exposed ? now - gpu->exposed_since : 0),
                  gpu->exposed_times);
    }
}

/* All devices exist now, and the power-on reset comes next. */
static void machine_done(Notifier *notifier, void *data)
{
    GV100State *gpu;

    (void)notifier;
    (void)data;
    QTAILQ_FOREACH(gpu, &gv100_list, next) {
        parse_wiring(gpu);
    }
    QTAILQ_FOREACH(gpu, &gv100_list, next) {
        for (int i = 0; i < GV100_LINKS; i++) {
            check_symmetry(gpu, i);
        }
        gv100_links_update(gpu);
    }
}

void gv100_links_init(void)
{
    static Notifier done = { .notify = machine_done };
    static Notifier leave = { .notify = log_totals };

    qemu_add_machine_init_done_notifier(&done);
    qemu_add_exit_notifier(&leave);
}
