/* Every check runs in a child, since a sandbox is for good. */
#include "base/sandbox.h"

#include "tests/support/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

static char work[] = "/tmp/srs-sandbox-XXXXXX";

typedef int check_fn(void);

/* @return exit code of fn in a child, or minus the signal that ended it */
static int in_sandbox(const struct sandbox_profile *p, check_fn *fn,
		      struct sandbox_report *ret_report)
{
	struct sandbox_report rep = { 0 };
	int status, fds[2];
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int r = sandbox_enter(p, &rep);

		if (write(fds[1], &rep, sizeof(rep)) != sizeof(rep))
			_exit(98);
		_exit(r < 0 ? 99 : fn());
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(read(fds[0], &rep, sizeof(rep)), sizeof(rep));
	close(fds[0]);
	close(fds[1]);
	if (ret_report)
		*ret_report = rep;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* 0 when the call failed with want, else its errno or 100 for success. */
static int failed_with(int r, int want)
{
	if (r >= 0)
		return want ? 100 : 0;
	return errno == want ? 0 : errno;
}

static int nothing(void)
{
	return 0;
}

static int ip_socket_refused(void)
{
	return failed_with(socket(AF_INET, SOCK_DGRAM, 0), EPERM) ||
	       failed_with(socket(AF_INET6, SOCK_STREAM, 0), EPERM) ||
	       failed_with(socket(AF_NETLINK, SOCK_RAW, 0), EPERM) ||
	       failed_with(socket(AF_UNIX, SOCK_STREAM, 0), 0);
}

static int ip_socket_given(void)
{
	return failed_with(socket(AF_INET, SOCK_DGRAM, 0), 0) ||
	       failed_with(socket(AF_INET6, SOCK_STREAM, 0), 0) ||
	       failed_with(socket(AF_PACKET, SOCK_RAW, 0), EPERM);
}

static int fork_refused(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return failed_with(pid, EPERM);
}

static int others_unreachable(void)
{
	struct rlimit rl = { 0, 0 };

	return failed_with(kill(getppid(), 0), EPERM) ||
	       failed_with((int)syscall(SYS_tkill, getppid(), 0), EPERM) ||
	       failed_with((int)syscall(SYS_tgkill, getppid(), getppid(), 0),
			   EPERM) ||
	       failed_with((int)syscall(SYS_prlimit64, getppid(), RLIMIT_CPU,
					NULL, &rl),
			   EPERM) ||
	       failed_with(getrlimit(RLIMIT_CPU, &rl), 0) ||
	       failed_with(raise(0), 0);
}

static int abort_works(void)
{
	abort();
}

static int fork_given(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(7);
	return waitpid(pid, &status, 0) == pid && WEXITSTATUS(status) == 7 ? 0
									   : 1;
}

static void *thread_main(void *arg)
{
	return arg;
}

static int thread_given(void)
{
	pthread_t t;
	int r;

	r = pthread_create(&t, NULL, thread_main, NULL);
	return r ? r : pthread_join(t, NULL);
}

static int exec_refused(void)
{
	return failed_with(execl("/bin/true", "true", (char *)NULL), EPERM);
}

static int exec_given(void)
{
	return failed_with(execl("/bin/true", "true", (char *)NULL), 0);
}

static int trace(void)
{
	return ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0 ? 1 : 0;
}

static int mount_call(void)
{
	return (int)syscall(SYS_mount, NULL, NULL, NULL, 0, NULL);
}

static int keyctl_refused(void)
{
	return failed_with((int)syscall(SYS_keyctl, 0, 0), EPERM) ||
	       failed_with((int)syscall(SYS_io_uring_setup, 1, NULL), EPERM) ||
	       failed_with((int)syscall(SYS_perf_event_open, NULL, 0, 0, 0, 0),
			   EPERM);
}

static int write_exec_refused(void)
{
	void *p;

	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (p != MAP_FAILED || errno != EPERM)
		return 1;
	p = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
		 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	return p == MAP_FAILED;
}

static int open_in(const char *name, int flags)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", work, name);
	return open(path, flags | O_CLOEXEC, 0600);
}

static int only_listed_paths(void)
{
	if (failed_with(open("/proc/version", O_RDONLY),
			SANITIZED ? 0 : EACCES))
		return 1;
	if (failed_with(open("/var/lib", O_RDONLY), EACCES))
		return 2;
	if (failed_with(open_in("ro/x", O_WRONLY | O_CREAT), EACCES))
		return 3;
	if (failed_with(open_in("ro", O_RDONLY), 0))
		return 4;
	if (failed_with(open_in("rw/x", O_RDWR | O_CREAT | O_TRUNC), 0))
		return 5;
	if (failed_with(open("/dev/null", O_RDWR), 0))
		return 6;
	return failed_with(open("/etc/passwd", O_RDONLY), 0) ? 7 : 0;
}

static int renames_between_folders(void)
{
	char a[128], b[128];

	snprintf(a, sizeof(a), "%s/rw/one", work);
	snprintf(b, sizeof(b), "%s/rw/sub/one", work);
	if (open_in("rw/one", O_RDWR | O_CREAT) < 0)
		return 1;
	return rename(a, b) == 0 && unlink(b) == 0 ? 0 : 2;
}

static int limits_hold(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_max != 50)
		return 1;
	if (getrlimit(RLIMIT_CORE, &r) < 0 || r.rlim_max != 0)
		return 2;
	return 0;
}

static void sandbox_reports_what_holds(void **state)
{
	struct sandbox_profile p = { 0 };
	struct sandbox_report rep;

	(void)state;
	assert_int_equal(in_sandbox(&p, nothing, &rep), 0);
	assert_true(rep.no_new_privs);
	assert_true(rep.seccomp); /* Debian 12's kernel has both */
	if (!rep.landlock)
		print_message("this kernel has no Landlock\n");
}

static void sandbox_denies_what_the_profile_denies(void **state)
{
	struct sandbox_profile p = { 0 };

	(void)state;
	assert_int_equal(in_sandbox(&p, ip_socket_refused, NULL), 0);
	if (!SANITIZED)
		assert_int_equal(in_sandbox(&p, fork_refused, NULL), 0);
	if (!SANITIZED)
		assert_int_equal(in_sandbox(&p, others_unreachable, NULL), 0);
	if (!SANITIZED)
		assert_int_equal(in_sandbox(&p, abort_works, NULL), -SIGABRT);
	assert_int_equal(in_sandbox(&p, thread_given, NULL), 0);
	assert_int_equal(in_sandbox(&p, exec_refused, NULL), 0);
	assert_int_equal(in_sandbox(&p, keyctl_refused, NULL), 0);
	assert_int_equal(in_sandbox(&p, write_exec_refused, NULL), 0);
}

static void sandbox_allows_what_the_profile_allows(void **state)
{
	struct sandbox_profile p = {
		.inet = true, .fork = true, .exec = true, .read = { "/", NULL }
	};

	(void)state;
	assert_int_equal(in_sandbox(&p, ip_socket_given, NULL), 0);
	assert_int_equal(in_sandbox(&p, fork_given, NULL), 0);
	assert_int_equal(in_sandbox(&p, exec_given, NULL), 0);
}

static void sandbox_kills_at_dangerous_calls(void **state)
{
	struct sandbox_profile p = { .inet = true, .fork = true, .exec = true };

	(void)state;
	assert_int_equal(in_sandbox(&p, mount_call, NULL), -SIGSYS);
	if (!SANITIZED)
		assert_int_equal(in_sandbox(&p, trace, NULL), -SIGSYS);
}

static void sandbox_opens_only_listed_paths(void **state)
{
	char ro[64], rw[64];
	struct sandbox_profile p = { .read = { ro }, .write = { rw } };
	struct sandbox_report rep;

	(void)state;
	snprintf(ro, sizeof(ro), "%s/ro", work);
	snprintf(rw, sizeof(rw), "%s/rw", work);
	assert_int_equal(in_sandbox(&p, nothing, &rep), 0);
	if (!rep.landlock)
		skip();
	assert_int_equal(in_sandbox(&p, only_listed_paths, NULL), 0);
	assert_int_equal(in_sandbox(&p, renames_between_folders, NULL), 0);
}

static void sandbox_wants_its_write_folders(void **state)
{
	struct sandbox_profile p = { .write = { "/nowhere/at/all" } };
	struct sandbox_profile q = { .read = { "/nowhere/at/all" } };
	struct sandbox_report rep;

	(void)state;
	assert_int_equal(in_sandbox(&q, nothing, &rep), 0);
	if (!rep.landlock)
		skip();
	assert_int_equal(in_sandbox(&p, nothing, NULL), 99);
}

static void sandbox_sets_limits(void **state)
{
	struct sandbox_profile p = { .max_fds = 50, .no_core = true };

	(void)state;
	assert_int_equal(in_sandbox(&p, limits_hold, NULL), 0);
}

static int make_work(void **state)
{
	char path[64];

	(void)state;
	if (!mkdtemp(work))
		return -1;
	snprintf(path, sizeof(path), "%s/ro", work);
	if (mkdir(path, 0700) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/rw", work);
	if (mkdir(path, 0700) < 0)
		return -1;
	snprintf(path, sizeof(path), "%s/rw/sub", work);
	return mkdir(path, 0700);
}

static int remove_work(void **state)
{
	(void)state;
	return unit_remove_tree(work);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sandbox_reports_what_holds),
		cmocka_unit_test(sandbox_denies_what_the_profile_denies),
		cmocka_unit_test(sandbox_allows_what_the_profile_allows),
		cmocka_unit_test(sandbox_kills_at_dangerous_calls),
		cmocka_unit_test(sandbox_opens_only_listed_paths),
		cmocka_unit_test(sandbox_wants_its_write_folders),
		cmocka_unit_test(sandbox_sets_limits),
	};

	return cmocka_run_group_tests(tests, make_work, remove_work);
}
