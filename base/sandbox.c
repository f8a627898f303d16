/* The seccomp filter is a deny-list: libav, SQLite and Sofia change what they
 * call with every release, and an allow-list that misses one call costs a
 * recording. What a role must never do is known better than all it does. */
#include "base/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"
#include "base/mem.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED true
#endif
#endif
#ifndef SANITIZED
#define SANITIZED false
#endif

#if defined(__x86_64__)
#define OUR_ARCH AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define OUR_ARCH AUDIT_ARCH_AARCH64
#endif

/* ---- seccomp ---- */

#define FILTER_MAX 256
#define X32_BIT 0x40000000u

struct filter {
	struct sock_filter insn[FILTER_MAX];
	unsigned short n;
};

static void emit(struct filter *f, uint16_t code, uint32_t k, uint8_t jt,
		 uint8_t jf)
{
	ASSERT(f->n < FILTER_MAX);
	f->insn[f->n++] = (struct sock_filter){ code, jt, jf, k };
}

static void emit_load(struct filter *f, uint32_t offset)
{
	emit(f, BPF_LD | BPF_W | BPF_ABS, offset, 0, 0);
}

static void emit_load_nr(struct filter *f)
{
	emit_load(f, offsetof(struct seccomp_data, nr));
}

/* The low half of an argument. */
static void emit_load_arg(struct filter *f, unsigned arg)
{
	uint32_t low = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? 0 : 4;

	emit_load(f, (uint32_t)offsetof(struct seccomp_data, args) + 8 * arg +
			     low);
}

static void emit_return(struct filter *f, uint32_t action)
{
	emit(f, BPF_RET | BPF_K, action, 0, 0);
}

/* The number is loaded: when it is nr, end with action. */
static void emit_deny(struct filter *f, long nr, uint32_t action)
{
	emit(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 1);
	emit_return(f, action);
}

#define REFUSE(e) (SECCOMP_RET_ERRNO | (e))

static const long killed[] = {
	SYS_process_vm_readv,
	SYS_process_vm_writev,
	SYS_mount,
	SYS_umount2,
	SYS_pivot_root,
	SYS_move_mount,
	SYS_open_tree,
	SYS_fsopen,
	SYS_fsconfig,
	SYS_fsmount,
	SYS_fspick,
	SYS_chroot,
	SYS_bpf,
	SYS_kexec_load,
	SYS_init_module,
	SYS_finit_module,
	SYS_delete_module,
	SYS_reboot,
	SYS_swapon,
	SYS_swapoff,
	SYS_setns,
	SYS_unshare,
	SYS_open_by_handle_at,
};

static const long refused[] = {
	SYS_keyctl,
	SYS_add_key,
	SYS_request_key,
	SYS_perf_event_open,
	SYS_userfaultfd,
	SYS_kcmp,
	SYS_io_uring_setup,
	SYS_io_uring_enter,
	SYS_io_uring_register,
	SYS_pidfd_getfd,
	SYS_acct,
	SYS_quotactl,
	SYS_settimeofday,
	SYS_clock_settime,
	SYS_adjtimex,
	SYS_clock_adjtime,
	SYS_sethostname,
	SYS_setdomainname,
	SYS_syslog,
	SYS_vhangup,
	SYS_personality,
	SYS_name_to_handle_at,
};

static void filter_lists(struct filter *f)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(killed); i++)
		emit_deny(f, killed[i], SECCOMP_RET_KILL_PROCESS);
	for (i = 0; i < ARRAY_SIZE(refused); i++)
		emit_deny(f, refused[i], REFUSE(EPERM));
	if (!SANITIZED)
		emit_deny(f, SYS_ptrace, SECCOMP_RET_KILL_PROCESS);
#ifdef SYS_iopl
	emit_deny(f, SYS_iopl, SECCOMP_RET_KILL_PROCESS);
	emit_deny(f, SYS_ioperm, SECCOMP_RET_KILL_PROCESS);
#endif
#ifdef SYS_kexec_file_load
	emit_deny(f, SYS_kexec_file_load, SECCOMP_RET_KILL_PROCESS);
#endif
}

/* Address families: only those a role has use for. */
static void filter_socket(struct filter *f, bool inet)
{
	static const uint32_t ip[] = { AF_INET, AF_INET6, AF_NETLINK };
	size_t i, n = inet ? ARRAY_SIZE(ip) : 0;

	emit(f, BPF_JMP | BPF_JEQ | BPF_K, SYS_socket, 0, (uint8_t)(4 + 2 * n));
	emit_load_arg(f, 0);
	emit(f, BPF_JMP | BPF_JEQ | BPF_K, AF_UNIX, 0, 1);
	emit_return(f, SECCOMP_RET_ALLOW);
	for (i = 0; i < n; i++) {
		emit(f, BPF_JMP | BPF_JEQ | BPF_K, ip[i], 0, 1);
		emit_return(f, SECCOMP_RET_ALLOW);
	}
	emit_return(f, REFUSE(EPERM));
}

/* Threads only. clone3 hides its flags behind a pointer: the C library falls
 * back to clone when the kernel says it has no such call. */
static void filter_fork(struct filter *f)
{
#ifdef SYS_fork
	emit_deny(f, SYS_fork, REFUSE(EPERM));
	emit_deny(f, SYS_vfork, REFUSE(EPERM));
#endif
	emit_deny(f, SYS_clone3, REFUSE(ENOSYS));
	emit(f, BPF_JMP | BPF_JEQ | BPF_K, SYS_clone, 0, 4);
	emit_load_arg(f, 0);
	emit(f, BPF_JMP | BPF_JSET | BPF_K, CLONE_THREAD, 0, 1);
	emit_return(f, SECCOMP_RET_ALLOW);
	emit_return(f, REFUSE(EPERM));
}

/* Who has no children signals nobody but itself: raise() and abort(), and
 * threads among each other. */
static void filter_signals(struct filter *f)
{
	static const long calls[] = { SYS_kill, SYS_tkill, SYS_rt_sigqueueinfo,
				      SYS_rt_tgsigqueueinfo,
				      SYS_pidfd_send_signal };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		emit_deny(f, calls[i], REFUSE(EPERM));
	emit(f, BPF_JMP | BPF_JEQ | BPF_K, SYS_tgkill, 0, 4);
	emit_load_arg(f, 0);
	emit(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)getpid(), 0, 1);
	emit_return(f, SECCOMP_RET_ALLOW);
	emit_return(f, REFUSE(EPERM));
}

/* Another process' limits: zero seconds of CPU time are a signal as well. */
static void filter_limits(struct filter *f)
{
	emit(f, BPF_JMP | BPF_JEQ | BPF_K, SYS_prlimit64, 0, 4);
	emit_load_arg(f, 0);
	emit(f, BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1);
	emit_return(f, SECCOMP_RET_ALLOW);
	emit_return(f, REFUSE(EPERM));
}

static void filter_exec(struct filter *f)
{
	emit_deny(f, SYS_execve, REFUSE(EPERM));
	emit_deny(f, SYS_execveat, REFUSE(EPERM));
}

/* Nothing may be writable and executable at once. */
static void filter_write_exec(struct filter *f, long nr)
{
	emit(f, BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)nr, 0, 5);
	emit_load_arg(f, 2);
	emit(f, BPF_ALU | BPF_AND | BPF_K, PROT_WRITE | PROT_EXEC, 0, 0);
	emit(f, BPF_JMP | BPF_JEQ | BPF_K, PROT_WRITE | PROT_EXEC, 0, 1);
	emit_return(f, REFUSE(EPERM));
	emit_return(f, SECCOMP_RET_ALLOW);
}

#ifdef OUR_ARCH
static bool enter_seccomp(const struct sandbox_profile *p)
{
	struct filter f = { .n = 0 };
	struct sock_fprog prog;

	emit_load(&f, offsetof(struct seccomp_data, arch));
	emit(&f, BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCH, 1, 0);
	emit_return(&f, SECCOMP_RET_KILL_PROCESS);
	emit_load_nr(&f);
#ifdef __x86_64__
	emit(&f, BPF_JMP | BPF_JGE | BPF_K, X32_BIT, 0, 1);
	emit_return(&f, SECCOMP_RET_KILL_PROCESS);
#endif
	filter_lists(&f);
	if (!p->fork && !SANITIZED)
		filter_fork(&f);
	if (!p->fork && !SANITIZED)
		filter_signals(&f);
	filter_limits(&f);
	if (!p->exec)
		filter_exec(&f);
	filter_socket(&f, p->inet);
	filter_write_exec(&f, SYS_mmap);
	filter_write_exec(&f, SYS_mprotect);
	emit_return(&f, SECCOMP_RET_ALLOW);
	prog = (struct sock_fprog){ f.n, f.insn };
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog) == 0;
}
#else
static bool enter_seccomp(const struct sandbox_profile *p)
{
	(void)p;
	return false; /* numbers of this architecture are not known here */
}
#endif

/* ---- Landlock ---- */

/* Newer than Debian 12's header. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ull << 14)
#endif
#ifndef LANDLOCK_ACCESS_FS_IOCTL_DEV
#define LANDLOCK_ACCESS_FS_IOCTL_DEV (1ull << 15)
#endif

#define RIGHTS_READ (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define RIGHTS_WRITE                                                           \
	(RIGHTS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE |                         \
	 LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |      \
	 LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |           \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_SYM |          \
	 LANDLOCK_ACCESS_FS_REFER | LANDLOCK_ACCESS_FS_TRUNCATE)
#define RIGHTS_OF_FILES                                                        \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_WRITE_FILE |          \
	 LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)

/* Everything this kernel can restrict below ABI 3 (truncate), ABI 5 (device
 * ioctl); ABI 2 is the least, without it no file moves between folders. */
static uint64_t rights_of_abi(int abi)
{
	uint64_t all = (LANDLOCK_ACCESS_FS_REFER << 1) - 1;

	if (abi >= 3)
		all |= LANDLOCK_ACCESS_FS_TRUNCATE;
	if (abi >= 5)
		all |= LANDLOCK_ACCESS_FS_IOCTL_DEV;
	return all;
}

/* @return 0 or -errno; -ENOENT when path is not there */
static int allow_path(int ruleset, const char *path, uint64_t rights)
{
	struct landlock_path_beneath_attr a = { .allowed_access = rights };
	struct stat st;
	int r = 0;

	a.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (a.parent_fd < 0)
		return -errno;
	if (fstat(a.parent_fd, &st) < 0)
		r = -errno;
	else if (!S_ISDIR(st.st_mode))
		a.allowed_access &= RIGHTS_OF_FILES;
	if (r == 0 && syscall(SYS_landlock_add_rule, ruleset,
			      LANDLOCK_RULE_PATH_BENEATH, &a, 0) < 0)
		r = -errno;
	(void)close(a.parent_fd); /* O_PATH: nothing can fail */
	return r;
}

static int allow_always(int ruleset)
{
	static const char *const read_only[] = {
		"/usr/lib",	"/usr/lib64",	       "/lib", "/lib64", "/etc",
		"/dev/urandom", "/usr/share/zoneinfo",
	};
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(read_only); i++) {
		r = allow_path(ruleset, read_only[i], RIGHTS_READ);
		if (r < 0 && r != -ENOENT)
			return r;
	}
	if (SANITIZED)
		(void)allow_path(ruleset, "/proc", RIGHTS_READ); /* a help */
	r = allow_path(ruleset, "/dev/null",
		       RIGHTS_READ | LANDLOCK_ACCESS_FS_WRITE_FILE);
	return r == -ENOENT ? 0 : r;
}

static int allow_profile(int ruleset, const struct sandbox_profile *p,
			 uint64_t all)
{
	uint64_t exec = p->exec ? LANDLOCK_ACCESS_FS_EXECUTE : 0;
	size_t i;
	int r;

	for (i = 0; i < SANDBOX_PATHS_MAX && p->read[i]; i++) {
		r = allow_path(ruleset, p->read[i], RIGHTS_READ | exec);
		if (r < 0 && r != -ENOENT) /* not there: nothing to read */
			return r;
	}
	for (i = 0; i < SANDBOX_PATHS_MAX && p->write[i]; i++) {
		r = allow_path(ruleset, p->write[i], RIGHTS_WRITE & all);
		if (r < 0)
			return r;
	}
	return 0;
}

static int enter_landlock(const struct sandbox_profile *p, bool *ret_done)
{
	struct landlock_ruleset_attr a = { 0 };
	long abi;
	int ruleset, r;

	*ret_done = false;
	abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
		      LANDLOCK_CREATE_RULESET_VERSION);
	if (abi < 2)
		return 0;
	a.handled_access_fs = rights_of_abi((int)abi);
	ruleset = (int)syscall(SYS_landlock_create_ruleset, &a, sizeof(a), 0);
	if (ruleset < 0)
		return 0;
	r = allow_always(ruleset);
	if (r == 0)
		r = allow_profile(ruleset, p, a.handled_access_fs);
	if (r == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) == 0)
		*ret_done = true;
	(void)close(ruleset); /* the rules are in force already */
	return r;
}

/* ---- limits ---- */

static int enter_limits(const struct sandbox_profile *p)
{
	struct rlimit core = { 0, 0 };
	struct rlimit files;

	if (p->max_fds) {
		if (getrlimit(RLIMIT_NOFILE, &files) < 0)
			return -errno;
		if (files.rlim_max > p->max_fds)
			files.rlim_max = p->max_fds;
		files.rlim_cur = files.rlim_max;
		if (setrlimit(RLIMIT_NOFILE, &files) < 0)
			return -errno;
	}
	if (!p->no_core)
		return 0;
	if (setrlimit(RLIMIT_CORE, &core) < 0)
		return -errno;
	/* A core handler program is not bound by the limit. */
	if (!SANITIZED && prctl(PR_SET_DUMPABLE, 0) < 0)
		return -errno;
	return 0;
}

int sandbox_enter(const struct sandbox_profile *p,
		  struct sandbox_report *ret_report)
{
	struct sandbox_report done = { 0 };
	int r;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	done.no_new_privs = true;
	r = enter_limits(p);
	if (r < 0)
		return r;
	r = enter_landlock(p, &done.landlock);
	if (r < 0)
		return r;
	done.seccomp = enter_seccomp(p);
	*ret_report = done;
	return 0;
}
