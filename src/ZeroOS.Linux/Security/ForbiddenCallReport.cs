using System.Buffers.Binary;
using System.Text;

namespace ZeroOS.Linux.Security;

/// <summary>
/// The handler of SIGSYS under <see cref="OnForbidden.Report"/>: writes one line with the number of the call to standard error and dies by SIGSYS. It is a few
/// machine instructions, because the calls most likely to be forgotten in a table are the runtime's own, made where no managed code can run.
/// </summary>
public static unsafe class ForbiddenCallReport
{
    private const int PageBytes = 4096, SIGSYS = 31, WordsLengthAt = 0x2d, MaxWords = 200;
    private const int PROT_READ = 1, PROT_WRITE = 2, PROT_EXEC = 4, MAP_PRIVATE = 2, MAP_ANONYMOUS = 0x20;
    private const nint SA_SIGINFO = 4, SignalRestorer = 0x04000000, KernelSetBytes = 8;

    // rsi is the siginfo_t, whose si_syscall is at 24. The words follow the code.
    private static ReadOnlySpan<byte> Code =>
    [
        0x48, 0x81, 0xec, 0x00, 0x01, 0x00, 0x00,       //    sub   $256, %rsp
        0x4c, 0x8d, 0x8c, 0x24, 0xff, 0x00, 0x00, 0x00, //    lea   255(%rsp), %r9
        0x41, 0xc6, 0x01, 0x0a,                         //    movb  $10, (%r9)             the end of the line
        0x8b, 0x46, 0x18,                               //    mov   24(%rsi), %eax
        0xb9, 0x0a, 0x00, 0x00, 0x00,                   //    mov   $10, %ecx
        0x31, 0xd2,                                     // 1: xor   %edx, %edx
        0xf7, 0xf1,                                     //    div   %ecx                   digits, the last one first
        0x80, 0xc2, 0x30,                               //    add   $48, %dl
        0x49, 0xff, 0xc9,                               //    dec   %r9
        0x41, 0x88, 0x11,                               //    mov   %dl, (%r9)
        0x85, 0xc0,                                     //    test  %eax, %eax
        0x75, 0xef,                                     //    jnz   1b
        0xb9, 0x00, 0x00, 0x00, 0x00,                   //    mov   $length, %ecx
        0x49, 0x29, 0xc9,                               //    sub   %rcx, %r9              the words before them: one write is one line
        0x4c, 0x89, 0xcf,                               //    mov   %r9, %rdi
        0x48, 0x8d, 0x35, 0x25, 0x00, 0x00, 0x00,       //    lea   words(%rip), %rsi
        0xf3, 0xa4,                                     //    rep movsb
        0xb8, 0x01, 0x00, 0x00, 0x00,                   //    mov   $1, %eax               write
        0xbf, 0x02, 0x00, 0x00, 0x00,                   //    mov   $2, %edi
        0x4c, 0x89, 0xce,                               //    mov   %r9, %rsi
        0x48, 0x8d, 0x94, 0x24, 0x00, 0x01, 0x00, 0x00, //    lea   256(%rsp), %rdx
        0x4c, 0x29, 0xca,                               //    sub   %r9, %rdx
        0x0f, 0x05,                                     //    syscall
        0xb8, 0xff, 0xff, 0xff, 0x3f,                   // 2: mov   $0x3fffffff, %eax      no such call: SIGSYS while it is blocked, which nothing survives
        0x0f, 0x05,                                     //    syscall
        0xeb, 0xf7,                                     //    jmp   2b
    ];

    /// <summary>
    /// The handler with its words, at most 200 bytes, which end up before the number: position-independent, entered as a signal handler with SA_SIGINFO.
    /// </summary>
    public static byte[] Assemble(string words)
    {
        byte[] text = Encoding.ASCII.GetBytes(words);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(text.Length, MaxWords, nameof(words));
        byte[] all = [.. Code, .. text];
        BinaryPrimitives.WriteInt32LittleEndian(all.AsSpan(WordsLengthAt), text.Length);
        return all;
    }

    /// <summary>
    /// Installs the handler for this process, whose line then begins with <paramref name="words"/>. Before the filter, which should not allow executable pages.
    /// </summary>
    /// <exception cref="LinuxException">What mmap(2), mprotect(2) or rt_sigaction(2) refused.</exception>
    public static void Install(string words)
    {
        nint page = Check(Libc.system_call((nint)SystemCall.mmap, 0, PageBytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), "mmap");
        // SAFETY: the page is ours and longer than the code; it is never written again after it becomes executable, and never unmapped.
        Assemble(words).CopyTo(new Span<byte>((byte*)page, PageBytes));
        Check(Libc.system_call((nint)SystemCall.mprotect, page, PageBytes, PROT_READ | PROT_EXEC, 0, 0, 0), "mprotect");
        // The kernel's struct sigaction on x86-64: handler, flags, restorer, mask. The handler never returns, so nothing is restored; x86-64 wants the word all
        // the same.
        nint* action = stackalloc nint[4] { page, SA_SIGINFO | SignalRestorer, page, 0 };
        Check(Libc.system_call((nint)SystemCall.rt_sigaction, SIGSYS, (nint)action, 0, KernelSetBytes, 0, 0), "rt_sigaction");
    }

    private static nint Check(nint result, string operation) => result >= 0 ? result : throw new LinuxException(Libc.LastError, operation, "SIGSYS");
}
