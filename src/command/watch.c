// SPDX-License-Identifier: GPL-2.0-only
/*
 * status --watch: draw the status again when the kernel sends an event about a PCI device or the
 * module, and at least every two seconds.
 *
 * A child reads and prints each frame. GPUs may go while they are read, and the module may be
 * unloaded. The child then ends with an error, as status does, and the next one reads again.
 */

#include "command.h"

#include <errno.h>
#include <linux/netlink.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PERIOD_MS	2000
#define PAUSE_MS	100	/* between two frames, however many events there are */
#define TRIES		3
#define KERNEL_EVENTS	1	/* the multicast group of the kernel; udev's own is 2 */

/**
 * struct watch - what the loop waits for
 * @signals: signalfd of those that end it, and of SIGWINCH
 * @events: socket of uevents; -1 if there is none, and then:
 * @no_events: why
 * @terminal: the output is one
 */
struct watch {
	int signals;
	int events;
	int no_events;
	bool terminal;
};

enum reason { REASON_FIRST, REASON_EVENT, REASON_TIME, REASON_SIZE, REASON_END };

static sigset_t watched_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGWINCH);

	return set;
}

/* Every user may receive uevents. In a container without such a socket, only time triggers. */
static void open_events(struct watch *watch)
{
	struct sockaddr_nl address = { .nl_family = AF_NETLINK, .nl_groups = KERNEL_EVENTS };

	watch->events = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK,
			       NETLINK_KOBJECT_UEVENT);
	if (watch->events >= 0 &&
	    !bind(watch->events, (struct sockaddr *)&address, sizeof(address)))
		return;
	watch->no_events = errno;
	if (watch->events >= 0)
		close(watch->events);
	watch->events = -1;
}

/* An event is "ACTION@DEVPATH" and variables, each ended by a null byte. */
static bool is_about_us(const char *event, size_t length)
{
	const char *end = event + length;

	if (strstr(event, "/module/" MODULE))
		return true;
	for (; event < end; event += strlen(event) + 1)
		if (!strcmp(event, "SUBSYSTEM=pci"))
			return true;

	return false;
}

/* Read all pending events. Return: true if one is about us, or some were lost. */
static bool take_events(const struct watch *watch)
{
	static char event[16384];
	bool found = false;
	ssize_t length;

	for (;;) {
		length = recv(watch->events, event, sizeof(event) - 1, 0);
		if (length < 0 && errno != ENOBUFS)
			return found;
		if (length >= 0)
			event[length] = '\0';
		found |= length < 0 || is_about_us(event, length);
	}
}

/* Read what a child prints, errors included, and its status. The caller frees the text. */
static char *read_frame(int *status)
{
	char buffer[4096];
	int pipes[2];
	size_t size;
	char *text;
	ssize_t n;
	pid_t pid;
	FILE *to;

	if (pipe(pipes))
		fail_errno("pipe");
	fflush(stdout);
	pid = fork();
	if (pid < 0)
		fail_errno("fork");
	if (!pid) {
		sigset_t set = watched_signals();

		sigprocmask(SIG_UNBLOCK, &set, NULL);
		dup2(pipes[1], STDOUT_FILENO);
		dup2(pipes[1], STDERR_FILENO);
		close(pipes[0]);
		close(pipes[1]);
		status_print();
		fflush(stdout);
		_exit(EXIT_DONE);
	}

	close(pipes[1]);
	to = open_memstream(&text, &size);
	if (!to)
		fail("no memory left");
	while ((n = read(pipes[0], buffer, sizeof(buffer))) > 0 || (n < 0 && errno == EINTR))
		if (n > 0)
			fwrite(buffer, 1, n, to);
	close(pipes[0]);
	if (fclose(to))
		fail("no memory left");
	while (waitpid(pid, status, 0) < 0 && errno == EINTR)
		;

	return text;
}

/* Retry: if a GPU went while it was read, the next round does not see it. */
static char *read_good_frame(void)
{
	int tries = TRIES, status;
	char *text;

	for (;;) {
		text = read_frame(&status);
		if (!status || !--tries)
			return text;
		free(text);
	}
}

static void print_head(const struct watch *watch, enum reason reason)
{
	time_t now = time(NULL);
	char clock[16];

	strftime(clock, sizeof(clock), "%H:%M:%S", localtime(&now));
	printf("%s%s; drawn ", clock, reason == REASON_EVENT ? ", after an event" : "");
	if (watch->events >= 0)
		printf("at each event and every 2 s");
	else
		printf("every 2 s (no events: %s)", strerror(watch->no_events));
	printf(". Ctrl-C ends.%s\n", watch->terminal ? "\033[K" : "");
}

/* How many lines of a frame fit below its head, with one left for the cursor */
static int room(const struct watch *watch)
{
	struct winsize size;

	if (!watch->terminal || ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) || size.ws_row < 4)
		return INT_MAX;

	return size.ws_row - 2;
}

/* On a terminal each line replaces one of the frame before: nothing flickers. */
static void print_lines(const struct watch *watch, const char *text)
{
	const char *erase = watch->terminal ? "\033[K" : "";
	int left = room(watch), lines = 0;
	const char *at;
	size_t length;

	for (at = text; *at; at++)
		lines += *at == '\n';
	if (lines > left)
		left--;
	for (at = text; *at && left-- > 0; at += length + !!at[length]) {
		length = strcspn(at, "\n");
		printf("%.*s%s\n", (int)length, at, erase);
	}
	if (*at)
		printf("... and more, for which the terminal has too few lines%s\n", erase);
	fputs(watch->terminal ? "\033[J" : "\n", stdout);
}

static void draw(const struct watch *watch, enum reason reason)
{
	char *text = read_good_frame();

	if (watch->terminal)
		fputs(reason == REASON_FIRST ? "\033[H\033[2J" : "\033[H", stdout);
	print_head(watch, reason);
	print_lines(watch, text);
	free(text);
	if (fflush(stdout) || ferror(stdout))
		fail_errno("cannot write the output");
}

/* Return: REASON_END or REASON_SIZE if a signal says so within @ms; else REASON_TIME. */
static enum reason wait_for(const struct watch *watch, bool events, int ms)
{
	struct pollfd fds[] = {
		{ .fd = watch->signals, .events = POLLIN },
		{ .fd = events ? watch->events : -1, .events = POLLIN },
	};
	struct signalfd_siginfo signal;

	if (poll(fds, ARRAY_SIZE(fds), ms) < 0 && errno != EINTR)
		fail_errno("poll");
	if (fds[0].revents && read(watch->signals, &signal, sizeof(signal)) == sizeof(signal))
		return signal.ssi_signo == SIGWINCH ? REASON_SIZE : REASON_END;

	return fds[1].revents ? REASON_EVENT : REASON_TIME;
}

static long long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);

	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* Wait until the next frame is due. Events that are not about us do not put it off. */
static enum reason wait_for_next(const struct watch *watch)
{
	long long end = now_ms() + PERIOD_MS;
	enum reason reason = wait_for(watch, false, PAUSE_MS);
	long long left;

	while (reason == REASON_TIME && (left = end - now_ms()) > 0) {
		reason = wait_for(watch, true, left);
		if (reason == REASON_EVENT && !take_events(watch))
			reason = REASON_TIME;
	}

	return reason;
}

/**
 * watch_status() - draw the status until a signal ends it
 * @frames: or until it has drawn this many times; 0: no limit
 */
int watch_status(unsigned int frames)
{
	struct watch watch = { .terminal = isatty(STDOUT_FILENO) };
	enum reason reason = REASON_FIRST;
	sigset_t set = watched_signals();

	if (sigprocmask(SIG_BLOCK, &set, NULL))
		fail_errno("sigprocmask");
	watch.signals = signalfd(-1, &set, SFD_CLOEXEC);
	if (watch.signals < 0)
		fail_errno("signalfd");
	open_events(&watch);

	for (;;) {
		draw(&watch, reason);
		if (frames && !--frames)
			break;
		reason = wait_for_next(&watch);
		if (reason == REASON_END)
			break;
	}
	if (watch.events >= 0)
		close(watch.events);
	close(watch.signals);

	return EXIT_DONE;
}
