/* Preloaded, makes the processor one of Haswell's generation to a whole process: CPUID tells neither AVX-512 nor AMX nor
 * anything of AVX2 that came later. Libraries that choose their kernels by CPUID then choose those of AVX2, whatever
 * variables they know. Linux lets CPUID fault (arch_prctl, ARCH_SET_CPUID; threads and forks inherit it, exec ends it);
 * the handler runs the instruction, takes bits away and goes on behind it. See haswell.py.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define ARCH_SET_CPUID 0x1012
enum {
    EBX_AVX512 = 1 << 16 | 1 << 17 | 1 << 21 | 1 << 26 | 1 << 27 | 1 << 28 | 1 << 30 | 1u << 31,
    ECX_AVX512 = 1 << 1 | 1 << 6 | 1 << 11 | 1 << 12 | 1 << 14,
    ECX_WIDE_AES = 1 << 8 | 1 << 9 | 1 << 10,
    EDX_LATER = 1 << 2 | 1 << 3 | 1 << 8 | 1 << 22 | 1 << 23 | 1 << 24 | 1 << 25
};

static struct sigaction others; /* of the program: what is no CPUID goes there */

static void cpuid(greg_t *r) {
    unsigned leaf = (unsigned)r[REG_RAX], sub = (unsigned)r[REG_RCX], a, b, c, d;
    syscall(SYS_arch_prctl, ARCH_SET_CPUID, 1);
    __asm__ volatile("cpuid" : "=a"(a), "=b"(b), "=c"(c), "=d"(d) : "a"(leaf), "c"(sub));
    syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0);
    if (leaf == 7 && sub == 0) {
        a = 0;
        b &= ~EBX_AVX512;
        c &= ~(ECX_AVX512 | ECX_WIDE_AES);
        d &= ~EDX_LATER;
    } else if (leaf == 7 || leaf == 0x1d || leaf == 0x1e || leaf == 0x24) /* more of leaf 7, AMX's tiles, AVX10 */
        a = b = c = d = 0;
    r[REG_RAX] = a;
    r[REG_RBX] = b;
    r[REG_RCX] = c;
    r[REG_RDX] = d;
    r[REG_RIP] += 2;
}

static void handler(int number, siginfo_t *info, void *context) {
    greg_t *r = ((ucontext_t *)context)->uc_mcontext.gregs;
    const unsigned char *code = (const unsigned char *)r[REG_RIP];
    if (info->si_code == SI_KERNEL && code[0] == 0x0f && code[1] == 0xa2)
        cpuid(r);
    else if (others.sa_flags & SA_SIGINFO)
        others.sa_sigaction(number, info, context);
    else if (others.sa_handler != SIG_DFL && others.sa_handler != SIG_IGN)
        others.sa_handler(number);
    else {
        static const struct sigaction none = {.sa_handler = SIG_DFL};
        int (*set)(int, const struct sigaction *, struct sigaction *) = dlsym(RTLD_NEXT, "sigaction");
        set(SIGSEGV, &none, NULL); /* the instruction runs again, and ends the process */
    }
}

int sigaction(int number, const struct sigaction *new, struct sigaction *old) {
    int (*set)(int, const struct sigaction *, struct sigaction *) = dlsym(RTLD_NEXT, "sigaction");
    if (number != SIGSEGV) return set(number, new, old);
    if (old) *old = others;
    if (new) others = *new;
    return 0;
}

__attribute__((constructor)) static void begin(void) {
    struct sigaction mine = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | SA_NODEFER};
    int (*set)(int, const struct sigaction *, struct sigaction *) = dlsym(RTLD_NEXT, "sigaction");
    set(SIGSEGV, &mine, &others);
    if (syscall(SYS_arch_prctl, ARCH_SET_CPUID, 0)) {
        perror("CPUID does not fault on this processor or system");
        _exit(1);
    }
}
