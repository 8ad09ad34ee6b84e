namespace ZeroOS.Linux;

/// <summary>
/// Signals as something to read (signalfd(2)). They must be blocked in every thread of the process, or one that has them open takes them: so
/// <see cref="Block"/> them before a program starts (the mask is inherited through exec), not inside it.
/// </summary>
public sealed unsafe class SignalFd : IDisposable
{
    private const int SFD_CLOEXEC = 0x80000, SFD_NONBLOCK = 0x800, InfoSize = 128;

    /// <summary>Interrupt: what Ctrl-Alt-Del sends to PID 1 (kernel.ctrl-alt-del=0).</summary>
    public const int SIGINT = 2;

    /// <summary>Kill, not to be caught.</summary>
    public const int SIGKILL = 9;

    /// <summary>Please end.</summary>
    public const int SIGTERM = 15;

    /// <summary>Power is failing.</summary>
    public const int SIGPWR = 30;

    /// <summary>Opens the signals for reading.</summary>
    public SignalFd(params ReadOnlySpan<int> signals)
    {
        sigset_t set = SetOf(signals);
        int fd = Libc.signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
        Descriptor = fd >= 0 ? new FileDescriptor(fd) : throw new LinuxException(Libc.LastError, "signalfd", "");
    }

    /// <summary>The descriptor, to poll.</summary>
    public FileDescriptor Descriptor { get; }

    /// <summary>Blocks the signals in the calling thread and in what it starts from now on.</summary>
    public static void Block(params ReadOnlySpan<int> signals)
    {
        sigset_t set = SetOf(signals);
        _ = Libc.pthread_sigmask(SIG_BLOCK, &set, null);
    }

    /// <summary>Takes one signal that came; 0 when there is none.</summary>
    public int Take()
    {
        byte* info = stackalloc byte[InfoSize];
        return Descriptor.TryRead(new Span<byte>(info, InfoSize), out int read) == Errno.None && read == InfoSize ? *(int*)info : 0;
    }

    /// <inheritdoc/>
    public void Dispose() => Descriptor.Dispose();

    private static sigset_t SetOf(ReadOnlySpan<int> signals)
    {
        sigset_t set = default;
        foreach (int signal in signals)
            _ = sigaddset(&set, signal);
        return set;
    }
}
