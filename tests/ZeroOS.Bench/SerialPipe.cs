using System.Text;

using ZeroOS.Linux;

namespace ZeroOS.Bench;

/// <summary>A pipe that a guest's serial port writes to.</summary>
internal sealed class SerialPipe : IDisposable
{
    private readonly FileDescriptor _reader;

    /// <summary>Makes one.</summary>
    public SerialPipe() => (_reader, Writer) = Pipe.Make();

    /// <summary>The end the guest writes to.</summary>
    public FileDescriptor Writer { get; }

    /// <summary>The child has its copy; ours would keep the pipe open.</summary>
    public void CloseWriter() => Writer.Dispose();

    /// <summary>Reads until <paramref name="text"/> came by; otherwise says what came instead.</summary>
    public string ReadUntil(ReadOnlySpan<byte> text, int timeoutMs)
    {
        using Epoll epoll = new();
        epoll.Add(_reader, Readiness.Readable, 0);
        List<byte> all = [];
        byte[] buffer = new byte[4096];
        (ulong, Readiness)[] ready = new (ulong, Readiness)[1];
        long deadline = KernelClock.BootTimeNs + (timeoutMs * 1_000_000L);
        while (KernelClock.BootTimeNs < deadline)
        {
            if (epoll.Wait(ready, 1000) == 0)
                continue;
            int read = _reader.Read(buffer);
            if (read == 0)
                break;
            all.AddRange(buffer.AsSpan(0, read));
            if (all.ToArray().AsSpan().IndexOf(text) >= 0)
                return "";
        }
        return "no first line; it said: " + Encoding.ASCII.GetString(all.TakeLast(400).ToArray()).ReplaceLineEndings(" | ");
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _reader.Dispose();
        Writer.Dispose();
    }
}
