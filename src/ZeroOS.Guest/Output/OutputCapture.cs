using ZeroOS.Contracts.Guest;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Output;

/// <summary>One pipe of the workload, read by its own thread into the ring until its last writer is gone.</summary>
internal sealed class OutputCapture
{
    private readonly Thread _thread;

    internal OutputCapture(FileDescriptor pipe, OutputStream stream, OutputRing ring, Action changed)
    {
        _thread = new Thread(() => Run(pipe, stream, ring, changed), 128 * 1024) { Name = $"output {(int)stream}", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Waits until everything written was read; false if the pipe is still held open after <paramref name="timeout"/>.</summary>
    internal bool WaitForEnd(TimeSpan timeout) => _thread.Join(timeout);

    private static void Run(FileDescriptor pipe, OutputStream stream, OutputRing ring, Action changed)
    {
        byte[] buffer = new byte[64 * 1024];
        while (pipe.TryRead(buffer, out int n) == Errno.None && n > 0)
        {
            ring.Append(stream, buffer.AsSpan(0, n));
            changed();
        }
        pipe.Dispose();
    }
}
