using ZeroOS.Contracts.Guest;
using ZeroOS.Linux;

namespace ZeroOS.Guest.Output;

/// <summary>One pipe of the workload, or its terminal, read by its own thread into the ring until its last writer is gone. It stays open.</summary>
internal sealed class OutputCapture
{
    private readonly Thread _thread;

    internal OutputCapture(FileDescriptor output, OutputStream stream, OutputRing ring, Action changed)
    {
        _thread = new Thread(() => Run(output, stream, ring, changed), 128 * 1024) { Name = $"output {(int)stream}", IsBackground = true };
        _thread.Start();
    }

    /// <summary>Waits until everything written was read; false if it is still held open after <paramref name="timeout"/>.</summary>
    internal bool WaitForEnd(TimeSpan timeout) => _thread.Join(timeout);

    private static void Run(FileDescriptor output, OutputStream stream, OutputRing ring, Action changed)
    {
        byte[] buffer = new byte[64 * 1024];
        while (TryRead(output, buffer, out int n) && n > 0)
        {
            ring.Append(stream, buffer.AsSpan(0, n));
            changed();
        }
    }

    // A terminal that nobody has open any more says EIO.
    private static bool TryRead(FileDescriptor output, Span<byte> buffer, out int count)
    {
        Errno errno;
        while ((errno = output.TryRead(buffer, out count)) == Errno.EAGAIN)
            _ = Polling.IsReadable(output, Timeout.Infinite);
        return errno == Errno.None;
    }
}
