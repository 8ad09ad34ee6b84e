using ZeroOS.Contracts.Init;
using ZeroOS.Linux;

namespace ZeroOS.Init;

/// <summary>Starts and ends jailed processes; a fake in tests of the protocol.</summary>
internal interface IJailer
{
    /// <summary>Starts a program in its jail as <paramref name="uid"/> and returns its process id.</summary>
    /// <exception cref="LinuxException">What the kernel refused.</exception>
    int Start(InitMessage request, uint uid, IReadOnlyList<FileDescriptor> descriptors);

    /// <summary>Sends a signal.</summary>
    Errno Kill(int pid, int signal);

    /// <summary>The process has ended: takes its control group away.</summary>
    void Ended(string name);
}
