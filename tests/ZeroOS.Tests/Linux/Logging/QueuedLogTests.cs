using System.Diagnostics;
using System.Text;

using Xunit;

using ZeroOS.Linux;

namespace ZeroOS.Tests.Linux.Logging;

public sealed class QueuedLogTests
{
    [Fact]
    public async Task Nobody_who_logs_waits_for_a_console_that_stands_still_and_memory_is_bounded()
    {
        (FileDescriptor read, FileDescriptor write) = Pipe.Make();
        using FileDescriptor reading = read;
        QueuedLog log = new(new KernelLog(write, null));
        string rest = new('x', 800);
        // A pipe takes 64 KiB; nobody reads it, as nobody drains a serial line whose other end is held.
        Task logging = Task.Run(() =>
        {
            for (int i = 0; i < 20_000; i++)
            {
                log.Warn($"source={i} line {rest}");
                log.Error($"source={i} failed {rest}");
            }
        });
        await logging.WaitAsync(TimeSpan.FromSeconds(60));
        Assert.InRange(log.Waiting, 1, QueuedLog.MaxWaiting);

        Task<string> said = Task.Run(() => Drain(read));
        for (long began = Stopwatch.GetTimestamp(); log.Waiting > 0 && Stopwatch.GetElapsedTime(began) < TimeSpan.FromSeconds(60);)
            await Task.Yield();
        log.Dispose();
        write.Dispose();
        string text = await said;
        Assert.Contains("source=0 line", text, StringComparison.Ordinal);
        Assert.Contains("source=0 failed", text, StringComparison.Ordinal);
        Assert.InRange(text.Length, 0, 2 * QueuedLog.MaxWaiting * 1024);
    }

    [Fact]
    public void What_waits_is_written_before_the_end()
    {
        (FileDescriptor read, FileDescriptor write) = Pipe.Make();
        using FileDescriptor reading = read;
        using (QueuedLog log = new(new KernelLog(write, null)))
        {
            log.Info("event=one");
            log.Warn("event=two");
            log.Error("event=three");
        }
        write.Dispose();
        Assert.Equal("<6>zeroos: event=one\n<4>zeroos: event=two\n<3>zeroos: event=three\n", Drain(read));
    }

    private static string Drain(FileDescriptor pipe)
    {
        StringBuilder text = new();
        byte[] buffer = new byte[65536];
        for (int read; (read = pipe.Read(buffer)) > 0;)
            text.Append(Encoding.UTF8.GetString(buffer.AsSpan(0, read)));
        return text.ToString();
    }
}
